/* Hashes as Ferry stores them: the first 16 bytes of SHA-256, by libcrypto. */
#ifndef DIGEST_H
#define DIGEST_H

#include <openssl/evp.h>

#include "database.h"

enum { DIGEST_BYTES = 16 };

typedef struct {
    unsigned char bytes[EVP_MAX_MD_SIZE];
} digest;

static inline digest digest_of(const char *bytes, size_t length) {
    /* Fetched once: EVP_sha256() looks the algorithm up at each call. */
    static EVP_MD *algorithm;
    static EVP_MD_CTX *context;
    if (!algorithm) {
        algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
        context = EVP_MD_CTX_new();
    }
    digest result;
    if (!algorithm || !context || !EVP_DigestInit_ex2(context, algorithm, NULL)
        || !EVP_DigestUpdate(context, bytes, length) || !EVP_DigestFinal_ex(context, result.bytes, NULL))
        fail("floor: SHA-256 failed");
    return result;
}

/* The digest lives until the statement is run. */
static inline void bind_digest(sqlite3_stmt *statement, int place, const digest *value) {
    expect(sqlite3_bind_blob(statement, place, value->bytes, DIGEST_BYTES, SQLITE_STATIC), SQLITE_OK);
}

#endif
