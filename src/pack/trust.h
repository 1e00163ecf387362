/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whose packs may be applied: the minisign public keys *.pub in
 * /etc/kmend/trusted.  $KMEND_TRUSTED names another folder, but not for a
 * program that runs with more rights than its caller.
 */
#ifndef KMEND_PACK_TRUST_H
#define KMEND_PACK_TRUST_H

#include "pack/minisign.h"
#include "pack/pack.h"

struct trusted_key {
	struct minisign_public public;
	char *file;	/* its path; owned */
};

/*
 * That nobody but root and this user could have written the file or folder @path, which is a key, or holds some: one
 * that others can put there is trusted by them, not by us.
 * Errors: a refusal KEY-INVALID; system errors.
 */
struct error *trust_check_owner(const char *path) __must_use;

/*
 * The trusted keys, sorted by their files' names, to be given to
 * trust_list_free(); none where the folder does not exist.
 * Errors: a refusal KEY-INVALID for a file that is no key or that others than
 * root and this user could have written; system errors.
 */
struct error *trust_list(struct trusted_key **keys, size_t *count) __must_use;
void trust_list_free(struct trusted_key *keys, size_t count);

/* Whether they are those that the machine trusts, and no other folder's. */
bool trust_is_machines(void);

/*
 * Trusts the public key in the file @path: stores it as KEYID.pub.  *@key,
 * unless @key is NULL, is the key.  It is no error that it is trusted already;
 * another key with its id is a refusal KEY-EXISTS.
 */
struct error *trust_add(const char *path, struct minisign_public *key) __must_use;

/*
 * Trusts the key with the id @id (hex digits, as minisign writes it) no more.
 * Errors: a refusal KEY-UNKNOWN where it was not trusted; system errors.
 */
struct error *trust_remove(const char *id) __must_use;

/* What trust_check() found. */
enum trust_state {
	TRUST_SIGNED,		/* by a trusted key */
	TRUST_UNKNOWN_KEY,	/* signed, by a key that is not trusted: worth nothing */
	TRUST_UNSIGNED,
};

struct trust_result {
	enum trust_state state;
	char key_id[MINISIGN_ID_SIZE];	/* of the signature; empty where unsigned */
	char *comment;	/* that of the trusted key's file; NULL unless TRUST_SIGNED; owned */
	char *file;	/* the trusted key's file; NULL unless TRUST_SIGNED; owned */
};

/*
 * Judges the signature of @p.  Errors: SIGNATURE-MISSING and
 * SIGNATURE-UNKNOWN-KEY, which @allow_unsigned lets pass; SIGNATURE-INVALID,
 * which nothing lets pass; those of trust_list().  None names the pack: the
 * caller puts its path before them.
 * On success *@result is to be given to trust_result_fini().
 */
struct error *trust_check(const struct pack *p, bool allow_unsigned, struct trust_result *result)
	__must_use;

/* The same of @size bytes of @data, of any kind; @signature NULL: it has none. */
struct error *trust_check_signature(const char *signature, const void *data, size_t size,
				    bool allow_unsigned, struct trust_result *result) __must_use;
void trust_result_fini(struct trust_result *result);

#endif
