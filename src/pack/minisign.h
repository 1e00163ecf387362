/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Keys and signatures in the format of minisign, so that anyone can make and
 * check them with a tool that is not ours.  The format is described at
 * https://jedisct1.github.io/minisign/#signature-format and in the two sections after it.
 */
#ifndef KMEND_PACK_MINISIGN_H
#define KMEND_PACK_MINISIGN_H

#include "util/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MINISIGN_COMMENT_MAX 8192	/* bytes with the NUL; minisign's own limit */
#define MINISIGN_TEXT_MAX 16384		/* bytes of a key's or a signature's file */
#define MINISIGN_ID_SIZE 17		/* digits of a key id, and a NUL */

struct minisign_public {
	uint8_t id[8];
	uint8_t key[32];	/* Ed25519 */
	char comment[MINISIGN_COMMENT_MAX]; /* of the file's first line: nobody vouches for it */
};

struct minisign_secret {
	uint8_t id[8];
	uint8_t key[64];	/* Ed25519, seed and public key; wipe it with sodium_memzero() */
};

struct minisign_signature {
	bool prehashed;		/* of the BLAKE2b-512 of the data ("ED"), not of the data ("Ed") */
	uint8_t id[8];		/* of the key */
	uint8_t signature[64];
	uint8_t global[64];	/* signature of the signature with the trusted comment */
	char trusted_comment[MINISIGN_COMMENT_MAX];
};

/* The key id as minisign writes it: 16 upper-case digits of the little-endian number. */
void minisign_id_format(const uint8_t id[8], char out[MINISIGN_ID_SIZE]);

/* A new key pair, from the system's random numbers. */
struct error *minisign_generate(struct minisign_public *public, struct minisign_secret *secret)
	__must_use;

/*
 * Reads a public key.  Errors: a refusal KEY-INVALID that names @path; system
 * errors where the file cannot be read.
 */
struct error *minisign_public_read(const char *path, struct minisign_public *public) __must_use;

/* The public key's file, NUL-terminated, the caller's to free. */
char *minisign_public_format(const struct minisign_public *public);

/*
 * Reads a secret key and, where it is encrypted, asks for its passphrase.
 * Errors: as of minisign_public_read(), a refusal KEY-PASSPHRASE where it does
 * not fit, a system error where there is no terminal to ask.
 */
struct error *minisign_secret_read(const char *path, struct minisign_secret *secret) __must_use;

/* The same from @size bytes at @text: @name stands for the path; @passphrase may be NULL. */
struct error *minisign_secret_parse(const char *text, size_t size, const char *name,
				    const char *passphrase, struct minisign_secret *secret)
	__must_use;

/* Whether the secret key at @text is one that minisign_secret_parse() needs a passphrase for. */
bool minisign_secret_is_encrypted(const char *text, size_t size);

/*
 * The secret key's file, NUL-terminated, the caller's to wipe and free:
 * encrypted with @passphrase, which takes seconds and up to 1 GiB of memory,
 * or as it is (NULL).
 */
struct error *minisign_secret_format(const struct minisign_secret *secret, const char *passphrase,
				     char **text) __must_use;

/*
 * Signs @size bytes of @data, prehashed.  @comment is the trusted comment, one
 * line of less than MINISIGN_COMMENT_MAX bytes.  The result depends on nothing
 * but these.  Returns the signature's file, NUL-terminated, the caller's to free.
 */
char *minisign_sign(const struct minisign_secret *secret, const void *data, size_t size,
		    const char *comment);

/* Reads a signature's file, NUL-terminated.  Returns NULL or what is wrong with it. */
const char *minisign_signature_parse(const char *text, struct minisign_signature *signature);

/* Whether @signature, its trusted comment included, is one of @data with this key. */
bool minisign_verify(const struct minisign_public *public,
		     const struct minisign_signature *signature, const void *data, size_t size);

#endif
