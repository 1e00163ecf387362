// SPDX-License-Identifier: GPL-2.0
#include "pack/minisign.h"
#include "pack/passphrase.h"
#include "util/file.h"
#include "util/memory.h"
#include "util/string.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#define UNTRUSTED "untrusted comment: "
#define TRUSTED	  "trusted comment: "

#define BASE64_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="

static const uint8_t alg_plain[2] = { 'E', 'd' };
static const uint8_t alg_prehashed[2] = { 'E', 'D' };
static const uint8_t alg_kdf_none[2] = { 0, 0 };
static const uint8_t alg_kdf_scrypt[2] = { 'S', 'c' };
static const uint8_t alg_checksum[2] = { 'B', '2' };

/* What base64 stands for in each file.  All are bytes, so there is no padding. */
struct public_blob {
	uint8_t alg[2];
	uint8_t id[8];
	uint8_t key[32];
};

struct signature_blob {
	uint8_t alg[2];
	uint8_t id[8];
	uint8_t signature[64];
};

struct secret_blob {
	uint8_t alg[2];
	uint8_t kdf_alg[2];
	uint8_t checksum_alg[2];
	uint8_t kdf_salt[32];
	uint8_t kdf_opslimit[8]; /* little-endian, as is the next */
	uint8_t kdf_memlimit[8];
	struct secret_body {
		uint8_t id[8];
		uint8_t key[64];
		uint8_t checksum[32]; /* BLAKE2b of alg, id and key; zero where not encrypted */
	} body; /* xored with scrypt's output where encrypted */
};

static uint64_t le64_load(const uint8_t in[8])
{
	uint64_t value = 0;

	for (int i = 7; i >= 0; i--)
		value = value << 8 | in[i];
	return value;
}

static void le64_store(uint64_t value, uint8_t out[8])
{
	for (int i = 0; i < 8; i++)
		out[i] = value >> 8 * i;
}

void minisign_id_format(const uint8_t id[8], char out[MINISIGN_ID_SIZE])
{
	snprintf(out, MINISIGN_ID_SIZE, "%016jX", (uintmax_t)le64_load(id));
}

/*
 * Takes the next line from *@text, its end and a carriage return before it cut
 * off.  NULL where there is none or it is too long.
 */
static char *next_line(const char **text, char line[MINISIGN_COMMENT_MAX])
{
	size_t len = strcspn(*text, "\n");

	if (!**text || len >= MINISIGN_COMMENT_MAX)
		return NULL;
	memcpy(line, *text, len);
	line[len] = '\0';
	if (len && line[len - 1] == '\r')
		line[len - 1] = '\0';
	*text += len + ((*text)[len] == '\n');
	return line;
}

/* Takes a line "PREFIXcomment" that is fit to be shown. */
static bool next_comment(const char **text, const char *prefix, char comment[MINISIGN_COMMENT_MAX])
{
	char *line = next_line(text, comment);
	size_t len = strlen(prefix);

	if (!line || strncmp(line, prefix, len) || !string_is_plain(line))
		return false;
	memmove(comment, line + len, strlen(line + len) + 1);
	return true;
}

/* Takes a line of base64 that stands for exactly @size bytes. */
static bool next_blob(const char **text, void *blob, size_t size)
{
	char buffer[MINISIGN_COMMENT_MAX];
	char *line = next_line(text, buffer);
	size_t got = 0;
	bool ok;

	/* libsodium 1.0.18 takes every byte above 127 for a "/". */
	ok = line && !line[strspn(line, BASE64_CHARS)] &&
	     !sodium_base642bin(blob, size, line, strlen(line), NULL, &got, NULL,
				sodium_base64_VARIANT_ORIGINAL) &&
	     got == size;
	sodium_memzero(buffer, sizeof(buffer));
	return ok;
}

/* The base64 of @size bytes, the caller's to free. */
static char *encode_blob(const void *blob, size_t size)
{
	size_t len = sodium_base64_ENCODED_LEN(size, sodium_base64_VARIANT_ORIGINAL);

	return sodium_bin2base64(xmalloc(len), len, blob, size, sodium_base64_VARIANT_ORIGINAL);
}

struct error *minisign_generate(struct minisign_public *public, struct minisign_secret *secret)
{
	char id[MINISIGN_ID_SIZE];

	if (sodium_init() < 0)
		return system_error(0, "libsodium does not start");
	randombytes_buf(secret->id, sizeof(secret->id));
	crypto_sign_keypair(public->key, secret->key);
	memcpy(public->id, secret->id, sizeof(public->id));
	minisign_id_format(public->id, id);
	snprintf(public->comment, sizeof(public->comment), "minisign public key %s", id);
	return NULL;
}

struct error *minisign_public_read(const char *path, struct minisign_public *public)
{
	_cleanup_free_ char *text = NULL;
	struct public_blob blob;
	const char *rest;
	size_t size;

	TRY(file_read_plain(path, "KEY-INVALID", MINISIGN_TEXT_MAX, (void **)&text, &size));
	rest = text;
	if (strlen(text) != size || !next_comment(&rest, UNTRUSTED, public->comment) ||
	    !next_blob(&rest, &blob, sizeof(blob)) || *rest)
		return refuse("KEY-INVALID", "%s is not a minisign public key", path);
	if (memcmp(blob.alg, alg_plain, sizeof(blob.alg)))
		return refuse("KEY-INVALID", "%s has a key of an unknown algorithm", path);
	memcpy(public->id, blob.id, sizeof(public->id));
	memcpy(public->key, blob.key, sizeof(public->key));
	return NULL;
}

char *minisign_public_format(const struct minisign_public *public)
{
	_cleanup_free_ char *encoded = NULL;
	struct public_blob blob;

	memcpy(blob.alg, alg_plain, sizeof(blob.alg));
	memcpy(blob.id, public->id, sizeof(blob.id));
	memcpy(blob.key, public->key, sizeof(blob.key));
	encoded = encode_blob(&blob, sizeof(blob));
	return xasprintf(UNTRUSTED "%s\n%s\n", public->comment, encoded);
}

static void secret_checksum(const struct secret_blob *blob, uint8_t out[32])
{
	crypto_generichash_state state;

	crypto_generichash_init(&state, NULL, 0, 32);
	crypto_generichash_update(&state, blob->alg, sizeof(blob->alg));
	crypto_generichash_update(&state, blob->body.id, sizeof(blob->body.id));
	crypto_generichash_update(&state, blob->body.key, sizeof(blob->body.key));
	crypto_generichash_final(&state, out, 32);
}

/* Encrypts or decrypts; false where scrypt gets no memory. */
static bool secret_xor(struct secret_blob *blob, const char *passphrase)
{
	uint8_t stream[sizeof(blob->body)], *body = (uint8_t *)&blob->body;
	int err = crypto_pwhash_scryptsalsa208sha256(
		stream, sizeof(stream), passphrase, strlen(passphrase), blob->kdf_salt,
		le64_load(blob->kdf_opslimit), le64_load(blob->kdf_memlimit));

	for (size_t i = 0; !err && i < sizeof(stream); i++)
		body[i] ^= stream[i];
	sodium_memzero(stream, sizeof(stream));
	return !err;
}

static bool secret_blob_parse(const char *text, size_t size, struct secret_blob *blob)
{
	char comment[MINISIGN_COMMENT_MAX];

	return strlen(text) == size && next_comment(&text, UNTRUSTED, comment) &&
	       next_blob(&text, blob, sizeof(*blob)) && !*text &&
	       !memcmp(blob->alg, alg_plain, sizeof(blob->alg)) &&
	       !memcmp(blob->checksum_alg, alg_checksum, sizeof(blob->checksum_alg)) &&
	       (!memcmp(blob->kdf_alg, alg_kdf_none, sizeof(blob->kdf_alg)) ||
		!memcmp(blob->kdf_alg, alg_kdf_scrypt, sizeof(blob->kdf_alg)));
}

bool minisign_secret_is_encrypted(const char *text, size_t size)
{
	struct secret_blob blob;
	bool encrypted = secret_blob_parse(text, size, &blob) &&
			 !memcmp(blob.kdf_alg, alg_kdf_scrypt, sizeof(blob.kdf_alg));

	sodium_memzero(&blob, sizeof(blob));
	return encrypted;
}

static struct error *secret_decrypt(struct secret_blob *blob, const char *name,
				    const char *passphrase)
{
	uint8_t checksum[32];

	if (!passphrase)
		return refuse("KEY-PASSPHRASE", "the key in %s needs its passphrase", name);
	if (!secret_xor(blob, passphrase))
		return system_error(ENOMEM, "cannot decrypt the key in %s", name);
	secret_checksum(blob, checksum);
	if (sodium_memcmp(checksum, blob->body.checksum, sizeof(checksum)))
		return refuse("KEY-PASSPHRASE", "wrong passphrase for the key in %s", name);
	return NULL;
}

/* Whether the key's two halves, the seed and the public key, belong together. */
static bool secret_is_whole(const uint8_t key[64])
{
	uint8_t public[32], secret[64];
	bool whole;

	crypto_sign_seed_keypair(public, secret, key);
	whole = !sodium_memcmp(secret, key, sizeof(secret));
	sodium_memzero(secret, sizeof(secret));
	return whole;
}

static struct error *secret_blob_open(struct secret_blob *blob, const char *name,
				      const char *passphrase, struct minisign_secret *secret)
{
	if (!memcmp(blob->kdf_alg, alg_kdf_scrypt, sizeof(blob->kdf_alg)))
		TRY(secret_decrypt(blob, name, passphrase));
	if (!secret_is_whole(blob->body.key))
		return refuse("KEY-INVALID", "the key in %s is damaged", name);
	memcpy(secret->id, blob->body.id, sizeof(secret->id));
	memcpy(secret->key, blob->body.key, sizeof(secret->key));
	return NULL;
}

struct error *minisign_secret_parse(const char *text, size_t size, const char *name,
				    const char *passphrase, struct minisign_secret *secret)
{
	struct secret_blob blob;
	struct error *err;

	if (sodium_init() < 0)
		return system_error(0, "libsodium does not start");
	if (secret_blob_parse(text, size, &blob))
		err = secret_blob_open(&blob, name, passphrase, secret);
	else
		err = refuse("KEY-INVALID", "%s is not a minisign secret key", name);
	sodium_memzero(&blob, sizeof(blob));
	return err;
}

struct error *minisign_secret_read(const char *path, struct minisign_secret *secret)
{
	_cleanup_free_ char *text = NULL, *prompt = NULL;
	char passphrase[PASSPHRASE_SIZE];
	struct error *err = NULL;
	bool encrypted;
	size_t size;

	TRY(file_read(path, MINISIGN_TEXT_MAX, (void **)&text, &size));
	encrypted = minisign_secret_is_encrypted(text, size);
	if (encrypted) {
		prompt = xasprintf("Passphrase of %s: ", path);
		err = passphrase_ask(prompt, passphrase);
	}
	if (!err)
		err = minisign_secret_parse(text, size, path, encrypted ? passphrase : NULL,
					    secret);
	sodium_memzero(passphrase, sizeof(passphrase));
	sodium_memzero(text, size);
	return err;
}

/* Less memory than asked for makes a weaker key file, which is what minisign does too. */
static bool secret_encrypt(struct secret_blob *blob, const char *passphrase)
{
	size_t memlimit = crypto_pwhash_scryptsalsa208sha256_MEMLIMIT_SENSITIVE;
	uint64_t opslimit = crypto_pwhash_scryptsalsa208sha256_OPSLIMIT_SENSITIVE;

	memcpy(blob->kdf_alg, alg_kdf_scrypt, sizeof(blob->kdf_alg));
	randombytes_buf(blob->kdf_salt, sizeof(blob->kdf_salt));
	secret_checksum(blob, blob->body.checksum);
	while (memlimit >= crypto_pwhash_scryptsalsa208sha256_MEMLIMIT_MIN) {
		le64_store(opslimit, blob->kdf_opslimit);
		le64_store(memlimit, blob->kdf_memlimit);
		if (secret_xor(blob, passphrase))
			return true;
		opslimit /= 2;
		memlimit /= 2;
	}
	return false;
}

struct error *minisign_secret_format(const struct minisign_secret *secret, const char *passphrase,
				     char **text)
{
	struct secret_blob blob = { 0 };
	_cleanup_free_ char *encoded = NULL;

	memcpy(blob.alg, alg_plain, sizeof(blob.alg));
	memcpy(blob.checksum_alg, alg_checksum, sizeof(blob.checksum_alg));
	memcpy(blob.body.id, secret->id, sizeof(blob.body.id));
	memcpy(blob.body.key, secret->key, sizeof(blob.body.key));
	if (passphrase && !secret_encrypt(&blob, passphrase)) {
		sodium_memzero(&blob, sizeof(blob));
		return system_error(ENOMEM, "cannot encrypt the key");
	}
	encoded = encode_blob(&blob, sizeof(blob));
	*text = xasprintf(UNTRUSTED "minisign %ssecret key\n%s\n", passphrase ? "encrypted " : "",
			  encoded);
	sodium_memzero(encoded, strlen(encoded));
	sodium_memzero(&blob, sizeof(blob));
	return NULL;
}

/* What the global signature signs; the caller's to free. */
static uint8_t *global_data(const uint8_t signature[64], const char *comment, size_t *size)
{
	size_t len = strlen(comment);
	uint8_t *data = xmalloc(64 + len);

	memcpy(data, signature, 64);
	memcpy(data + 64, comment, len);
	*size = 64 + len;
	return data;
}

char *minisign_sign(const struct minisign_secret *secret, const void *data, size_t size,
		    const char *comment)
{
	_cleanup_free_ char *first = NULL, *second = NULL;
	_cleanup_free_ uint8_t *global = NULL;
	struct signature_blob blob;
	uint8_t hash[64], global_signature[64];
	size_t global_size;

	crypto_generichash(hash, sizeof(hash), data, size, NULL, 0);
	memcpy(blob.alg, alg_prehashed, sizeof(blob.alg));
	memcpy(blob.id, secret->id, sizeof(blob.id));
	crypto_sign_detached(blob.signature, NULL, hash, sizeof(hash), secret->key);
	global = global_data(blob.signature, comment, &global_size);
	crypto_sign_detached(global_signature, NULL, global, global_size, secret->key);

	first = encode_blob(&blob, sizeof(blob));
	second = encode_blob(global_signature, sizeof(global_signature));
	return xasprintf(UNTRUSTED "signature from kmend\n%s\n" TRUSTED "%s\n%s\n", first, comment,
			 second);
}

const char *minisign_signature_parse(const char *text, struct minisign_signature *signature)
{
	char comment[MINISIGN_COMMENT_MAX];
	struct signature_blob blob;

	if (!next_comment(&text, UNTRUSTED, comment))
		return "the first line is not an untrusted comment";
	if (!next_blob(&text, &blob, sizeof(blob)))
		return "the second line is not a signature";
	if (!next_comment(&text, TRUSTED, signature->trusted_comment))
		return "the third line is not a trusted comment";
	if (!next_blob(&text, signature->global, sizeof(signature->global)) || *text)
		return "the last line is not a signature";
	signature->prehashed = !memcmp(blob.alg, alg_prehashed, sizeof(blob.alg));
	if (!signature->prehashed && memcmp(blob.alg, alg_plain, sizeof(blob.alg)))
		return "it is of an unknown algorithm";
	memcpy(signature->id, blob.id, sizeof(signature->id));
	memcpy(signature->signature, blob.signature, sizeof(signature->signature));
	return NULL;
}

bool minisign_verify(const struct minisign_public *public,
		     const struct minisign_signature *signature, const void *data, size_t size)
{
	_cleanup_free_ uint8_t *global = NULL;
	size_t global_size;
	uint8_t hash[64];

	if (memcmp(public->id, signature->id, sizeof(public->id)))
		return false;
	if (signature->prehashed) {
		crypto_generichash(hash, sizeof(hash), data, size, NULL, 0);
		data = hash;
		size = sizeof(hash);
	}
	if (crypto_sign_verify_detached(signature->signature, data, size, public->key))
		return false;
	global = global_data(signature->signature, signature->trusted_comment, &global_size);
	return !crypto_sign_verify_detached(signature->global, global, global_size, public->key);
}
