// SPDX-License-Identifier: GPL-2.0
#include "cmd/cmd.h"
#include "cmd/record.h"
#include "host/host.h"
#include "host/seen.h"
#include "pack/withdrawal.h"
#include "util/file.h"
#include "util/memory.h"

#include <stdio.h>
#include <string.h>

static struct error *make(char *const *ids, size_t count, const char *path, const char *key)
{
	size_t i;

	if (!path || !count)
		return usage_error("withdraw --key takes -o LIST, and the ids of the updates");
	for (i = 0; i < count; i++)
		if (!manifest_is_id(ids[i]))
			return usage_error("%s is not an update's id", ids[i]);
	TRY(withdrawal_write((const char *const *)ids, count, path, key));
	printf("%s, %s.minisig: %zu updates are withdrawn\n", path, path, count);
	return NULL;
}

/* Those of the withdrawn ones that run. */
static struct error *list_applied(char *const *ids, size_t count, json_t *applied)
{
	struct host_updates list;
	struct error *err;
	size_t i, k;

	err = host_updates_read(&list);
	for (i = 0; i < list.count && !err; i++)
		for (k = 0; k < count; k++)
			if (list.updates[i].applied && !strcmp(list.updates[i].id, ids[k]))
				json_array_append_new(applied, json_string(ids[k]));
	host_updates_free(&list);
	return err;
}

static void print(const char *key_id, size_t added, const json_t *applied)
{
	const json_t *id;
	size_t i;

	if (cmd_json) {
		cmd_print_json(json_pack("{s:s,s:I,s:O}", "signed_by", key_id, "added", (json_int_t)added, "applied",
					 applied));
		return;
	}
	printf("%zu more updates are withdrawn, says the key %s\n", added, key_id);
	json_array_foreach(applied, i, id)
		printf("%s is applied: `kmend undo %s` ends that\n", json_string_value(id), json_string_value(id));
}

static struct error *take_list(const char *path, char ***ids, size_t *count, struct trust_result *trust)
{
	json_t *applied = json_array();
	struct error *err;
	size_t added, i;

	err = withdrawal_read(path, ids, count, trust);
	if (!err)
		err = seen_withdraw(*ids, *count, &added);
	for (i = 0; i < *count && !err; i++)
		record_withdrawn((*ids)[i], trust->key_id);
	if (err)
		record_not_withdrawn(path, err);
	if (!err)
		err = list_applied(*ids, *count, applied);
	if (!err)
		print(trust->key_id, added, applied);
	json_decref(applied);
	return err;
}

static struct error *take(const char *path)
{
	struct trust_result trust = { 0 };
	_cleanup_close_ int lock = -1;
	struct error *err;
	char **ids = NULL;
	size_t count = 0;

	TRY(host_require_root("withdraw updates"));
	TRY(host_lock(&lock));
	err = take_list(path, &ids, &count, &trust);
	names_free(ids, count);
	trust_result_fini(&trust);
	return err;
}

struct error *cmd_withdraw(int argc, char **argv)
{
	static const struct option options[] = { { "key", required_argument, NULL, 'k' },
						 { "output", required_argument, NULL, 'o' },
						 CMD_COMMON_OPTIONS };
	const char *key = NULL, *out = NULL;
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, CMD_COMMON_SHORT "o:", options, NULL)) != -1) {
		if (c == 'k')
			key = optarg;
		else if (c == 'o')
			out = optarg;
		else
			TRY(cmd_common_option(c, argv));
	}
	if (key)
		return make(argv + optind, argc - optind, out, key);
	if (out || argc - optind != 1)
		return usage_error("withdraw takes one list, or makes one with --key and -o");
	return take(argv[optind]);
}
