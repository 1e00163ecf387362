// SPDX-License-Identifier: GPL-2.0
#include "pack/withdrawal.h"
#include "kmend/engine.h"
#include "util/file.h"
#include "util/memory.h"

#include <sodium.h>
#include <string.h>

/* A manifest starts with a brace: no signature of the one can be taken for one of the other. */
#define FIRST	"kmend withdraws:\n"
#define LINE	(KMEND_ID_LEN + 1)
#define LIST_MAX (1u << 20)

struct error *withdrawal_write(const char *const *ids, size_t count, const char *path, const char *key)
{
	_cleanup_free_ char *beside = xasprintf("%s.minisig", path), *text = NULL, *signature = NULL;
	struct minisign_secret secret;
	char *p;
	size_t i;

	text = xmalloc(sizeof(FIRST) + count * LINE);
	p = stpcpy(text, FIRST);
	for (i = 0; i < count; i++)
		p = stpcpy(stpcpy(p, ids[i]), "\n");
	TRY(minisign_secret_read(key, &secret));
	signature = minisign_sign(&secret, text, strlen(text), "kmend withdrawal list");
	sodium_memzero(&secret, sizeof(secret));
	TRY(file_write(path, text, strlen(text), 0644));
	return file_write(beside, signature, strlen(signature), 0644);
}

static struct error *parse(const char *path, const char *text, size_t size, char ***ids, size_t *count)
{
	const char *p = text + strlen(FIRST);
	size_t left = size - strlen(FIRST), i;

	*ids = NULL;
	*count = 0;
	if (size < strlen(FIRST) || memcmp(text, FIRST, strlen(FIRST)) || left % LINE)
		return refuse("LIST-INVALID", "%s is no withdrawal list", path);
	for (i = 0; i < left / LINE; i++)
		if (strspn(p + i * LINE, "0123456789abcdef") != KMEND_ID_LEN || p[i * LINE + KMEND_ID_LEN] != '\n')
			return refuse("LIST-INVALID", "%s: line %zu is no update's id", path, i + 2);
	*ids = xcalloc(left / LINE + 1, sizeof(**ids));
	for (i = 0; i < left / LINE; i++)
		(*ids)[(*count)++] = xstrndup(p + i * LINE, KMEND_ID_LEN);
	return NULL;
}

struct error *withdrawal_read(const char *path, char ***ids, size_t *count, struct trust_result *result)
{
	_cleanup_free_ char *beside = xasprintf("%s.minisig", path);
	_cleanup_free_ void *text = NULL, *signature = NULL;
	size_t size, signature_size;

	*result = (struct trust_result){ 0 };
	TRY(file_read_plain(path, "LIST-INVALID", LIST_MAX, &text, &size));
	if (file_exists(beside))
		TRY(file_read_plain(beside, "SIGNATURE-INVALID", MINISIGN_TEXT_MAX, &signature,
				    &signature_size));
	TRY(error_prefix(trust_check_signature(signature, text, size, false, result), "%s", path));
	return parse(path, text, size, ids, count);
}
