/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A list of updates that their makers withdraw: a text whose first line tells
 * what it is and each further one an id, and its minisign signature in a file
 * beside it, so that `minisign -Vm LIST` can check it.
 */
#ifndef KMEND_PACK_WITHDRAWAL_H
#define KMEND_PACK_WITHDRAWAL_H

#include "pack/trust.h"

/* Writes the list of @ids to @path, signed with the secret key in the file @key. */
struct error *withdrawal_write(const char *const *ids, size_t count, const char *path, const char *key)
	__must_use;

/*
 * Reads the list at @path, which a trusted key must have signed; *@ids is to be
 * given to names_free(), *@result to trust_result_fini().
 * Errors: the refusals of trust_check(), LIST-INVALID; system errors.
 */
struct error *withdrawal_read(const char *path, char ***ids, size_t *count, struct trust_result *result)
	__must_use;

#endif
