// SPDX-License-Identifier: GPL-2.0
#include "pack/trust.h"
#include "util/file.h"
#include "util/memory.h"
#include "util/string.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define CONFIG_DIR  "/etc/kmend"
#define TRUSTED_DIR CONFIG_DIR "/trusted"

static const char *trusted_dir(void)
{
	const char *dir = secure_getenv("KMEND_TRUSTED");

	return dir && *dir ? dir : TRUSTED_DIR;
}

bool trust_is_machines(void)
{
	return !strcmp(trusted_dir(), TRUSTED_DIR);
}

struct error *trust_check_owner(const char *path)
{
	const char *why;
	struct stat st;

	if (stat(path, &st))
		return system_error(errno, "cannot look at %s", path);
	why = file_foreign(&st);
	return why ? refuse("KEY-INVALID", "%s %s", path, why) : NULL;
}

/* Who can write to the folder above the default one could put another in its place. */
static struct error *check_folders(const char *dir)
{
	if (trust_is_machines())
		TRY(trust_check_owner(CONFIG_DIR));
	return trust_check_owner(dir);
}

static bool is_key_file(const char *name)
{
	size_t len = strlen(name);

	return len > 4 && name[0] != '.' && !strcmp(name + len - 4, ".pub");
}

static struct error *read_keys(const char *dir, char **names, size_t name_count,
			       struct trusted_key *keys, size_t *count)
{
	for (size_t i = 0; i < name_count; i++) {
		struct trusted_key *key = &keys[*count];

		if (!is_key_file(names[i]))
			continue;
		key->file = path_join(dir, names[i]);
		++*count;
		TRY(trust_check_owner(key->file));
		TRY(minisign_public_read(key->file, &key->public));
	}
	return NULL;
}

struct error *trust_list(struct trusted_key **keys, size_t *count)
{
	const char *dir = trusted_dir();
	struct error *err;
	size_t name_count;
	char **names;

	*keys = NULL;
	*count = 0;
	if (access(dir, F_OK) && errno == ENOENT)
		return NULL;
	TRY(check_folders(dir));
	TRY(dir_list(dir, &names, &name_count));
	*keys = xcalloc(name_count, sizeof(**keys));
	err = read_keys(dir, names, name_count, *keys, count);
	names_free(names, name_count);
	if (err)
		trust_list_free(*keys, *count);
	return err;
}

void trust_list_free(struct trusted_key *keys, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(keys[i].file);
	free(keys);
}

static bool same_id(const uint8_t a[8], const uint8_t b[8])
{
	return !memcmp(a, b, 8);
}

/* Whether the key is there; a refusal where its id is there with another key. */
static struct error *find_key(const struct minisign_public *key, bool *found)
{
	struct trusted_key *keys;
	struct error *err = NULL;
	size_t count;

	*found = false;
	TRY(trust_list(&keys, &count));
	for (size_t i = 0; !err && i < count; i++) {
		if (!same_id(keys[i].public.id, key->id))
			continue;
		*found = !memcmp(keys[i].public.key, key->key, sizeof(key->key));
		if (!*found)
			err = refuse("KEY-EXISTS", "%s has another key with the same id",
				     keys[i].file);
	}
	trust_list_free(keys, count);
	return err;
}

struct error *trust_add(const char *path, struct minisign_public *key)
{
	_cleanup_free_ char *text = NULL, *name = NULL, *file = NULL;
	char id[MINISIGN_ID_SIZE];
	struct minisign_public own;
	bool found;

	TRY(minisign_public_read(path, &own));
	if (key)
		*key = own;
	TRY(find_key(&own, &found));
	if (found)
		return NULL;
	minisign_id_format(own.id, id);
	name = xasprintf("%s.pub", id);
	file = path_join(trusted_dir(), name);
	text = minisign_public_format(&own);
	TRY(make_dirs(trusted_dir()));
	TRY(dir_sync_above(trusted_dir()));
	return file_write(file, text, strlen(text), 0644);
}

struct error *trust_remove(const char *id)
{
	char key_id[MINISIGN_ID_SIZE];
	struct trusted_key *keys;
	struct error *err = NULL;
	bool found = false;
	size_t count;

	TRY(trust_list(&keys, &count));
	for (size_t i = 0; !err && i < count; i++) {
		minisign_id_format(keys[i].public.id, key_id);
		if (strcasecmp(key_id, id))
			continue;
		found = true;
		err = remove_tree(keys[i].file);
		/* A machine that loses its power must not trust it again. */
		if (!err)
			err = dir_sync_above(keys[i].file);
	}
	trust_list_free(keys, count);
	if (!err && !found) {
		_cleanup_free_ char *shown = string_escape(id);

		err = refuse("KEY-UNKNOWN", "no trusted key has the id %s", shown);
	}
	return err;
}

/* Several keys can share an id, which is only a number: one that fits is enough. */
static struct error *check_signature(const void *data, size_t size, const struct trusted_key *keys,
				     size_t count, const struct minisign_signature *signature,
				     struct trust_result *result)
{
	bool known = false;

	result->state = TRUST_UNKNOWN_KEY;
	minisign_id_format(signature->id, result->key_id);
	for (size_t i = 0; i < count; i++) {
		known = known || same_id(keys[i].public.id, signature->id);
		if (!minisign_verify(&keys[i].public, signature, data, size))
			continue;
		result->state = TRUST_SIGNED;
		result->comment = xstrdup(keys[i].public.comment);
		result->file = xstrdup(keys[i].file);
		return NULL;
	}
	if (known)
		return refuse("SIGNATURE-INVALID",
			      "the signature by the trusted key %s is not of these bytes",
			      result->key_id);
	return NULL;
}

static struct error *check_signed(const char *text, const void *data, size_t size,
				  struct trust_result *result)
{
	struct minisign_signature signature;
	struct trusted_key *keys;
	struct error *err;
	const char *wrong;
	size_t count;

	wrong = minisign_signature_parse(text, &signature);
	if (wrong)
		return refuse("SIGNATURE-INVALID", "the signature cannot be read: %s",
			      wrong);
	TRY(trust_list(&keys, &count));
	err = check_signature(data, size, keys, count, &signature, result);
	trust_list_free(keys, count);
	return err;
}

struct error *trust_check_signature(const char *signature, const void *data, size_t size,
				    bool allow_unsigned, struct trust_result *result)
{
	*result = (struct trust_result){ .state = TRUST_UNSIGNED };
	if (signature)
		TRY(check_signed(signature, data, size, result));
	if (allow_unsigned || result->state == TRUST_SIGNED)
		return NULL;
	if (result->state == TRUST_UNSIGNED)
		return refuse("SIGNATURE-MISSING", "it is not signed");
	return refuse("SIGNATURE-UNKNOWN-KEY",
		      "it is signed by the key %s, "
		      "which is not in %s",
		      result->key_id, trusted_dir());
}

struct error *trust_check(const struct pack *p, bool allow_unsigned, struct trust_result *result)
{
	return trust_check_signature(p->signature, p->manifest_json, p->manifest_size, allow_unsigned, result);
}

void trust_result_fini(struct trust_result *result)
{
	free(result->comment);
	free(result->file);
}
