// The one function of libcrypto that Ferry needs: SHA-256 of a buffer. librabbitmq links libcrypto already.
#include <openssl/sha.h>
