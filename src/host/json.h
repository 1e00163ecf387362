/* SPDX-License-Identifier: GPL-2.0 */
/* JSON: reading what this program wrote for itself, in files that are its own; strings of any origin. */
#ifndef KMEND_HOST_JSON_H
#define KMEND_HOST_JSON_H

#include "util/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Reads the file @path, of HOST_TEXT_MAX bytes at most.  *@json is the caller's,
 * NULL where there is no such file.  Errors: those of file_read_own(), and where
 * it is no JSON or says something twice.
 */
struct error *json_read(const char *path, json_t **json) __must_use;

/* That what was read of @path is not as it is written. */
struct error *json_unexpected(const char *path) __must_use;

/* The ids of updates in @array, which go to names_free() whatever is returned.  Errors: json_unexpected(). */
struct error *json_read_ids(const json_t *array, const char *path, char ***ids, size_t *count) __must_use;

/* @s as a string, with a question mark for each byte above 127 where it is no UTF-8: file names can be anything. */
json_t *json_text(const char *s);

/* Whether @id is one of @ids. */
bool id_is_among(const char *id, const char *const *ids, size_t count);

#endif
