/* SPDX-License-Identifier: GPL-2.0 */
/* SHA-256 (FIPS 180-4), and bytes written as lower-case hex digits. */
#ifndef KMEND_UTIL_SHA256_H
#define KMEND_UTIL_SHA256_H

#include "util/error.h"

#include <sodium.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHA256_SIZE 32				/* bytes */
#define SHA256_HEX_SIZE (2 * SHA256_SIZE + 1)	/* with the final NUL */

void sha256(const void *data, size_t size, uint8_t out[SHA256_SIZE]);

/* In parts: begin, any number of adds, end. */
struct sha256 {
	crypto_hash_sha256_state state;
};

void sha256_begin(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *data, size_t size);
void sha256_end(struct sha256 *s, uint8_t out[SHA256_SIZE]);

/* Of a file's content, however long.  Errors: system errors that name @path. */
struct error *sha256_file(const char *path, uint8_t out[SHA256_SIZE]) __must_use;

/* Writes @size bytes of @data as 2 * @size digits and a NUL to @out. */
void hex_encode(const void *data, size_t size, char *out);

/* Reads exactly 2 * @size digits, of either case, into @out; false where @hex is anything else. */
bool hex_decode(const char *hex, void *out, size_t size);

#endif
