// What Ferry needs of libcrypto, which librabbitmq links already: the first half of the SHA-256 of a buffer.
#include <openssl/evp.h>
#include <stdint.h>

// Two numbers, of whose bytes the first is the highest; hashed is 0 when libcrypto could not.
typedef struct {
    uint64_t first, second;
    int hashed;
} ferry_half_digest;

static inline ferry_half_digest ferry_half_of_hash(const EVP_MD *algorithm, const void *input, size_t count) {
    unsigned char full[EVP_MAX_MD_SIZE];
    ferry_half_digest half = {0, 0, EVP_Digest(input, count, full, 0, algorithm, 0)};
    for (int i = 0; half.hashed && i < 8; i++) {
        half.first = half.first << 8 | full[i];
        half.second = half.second << 8 | full[i + 8];
    }
    return half;
}
