// SPDX-License-Identifier: GPL-2.0
#include "cmd/cmd.h"
#include "cmd/prove.h"
#include "cmd/report.h"
#include "util/sandbox.h"

#include <stdio.h>

static void print_json(const struct proof *p, const struct error *err, double ms)
{
	const struct manifest *m = p->pack->manifest;
	json_t *objects = json_array(), *root;
	size_t i, k;

	for (i = 0; i < m->target_count; i++)
		for (k = 0; !p->targets[i].absent && k < m->targets[i].object_count; k++)
			json_array_append_new(objects, report_match_json(p->targets[i].matches[k]));
	root = json_pack("{s:s,s:b,s:f,s:o}", "id", m->id, "proved", !err, "milliseconds", ms, "objects",
			 objects);
	if (err && err->code)
		json_object_set_new(root, "refused", json_pack("{s:s,s:s}", "code", err->code, "message",
							       err->message));
	cmd_print_json(root);
}

static void print_text(const struct proof *p, const char *snapshot, const struct error *err, double ms)
{
	const struct manifest *m = p->pack->manifest;
	size_t i, k;

	for (i = 0; i < m->target_count; i++)
		for (k = 0; !p->targets[i].absent && k < m->targets[i].object_count; k++)
			report_match(p->targets[i].matches[k]);
	if (!err)
		printf("%s: proved against %s%s in %.0f ms\n", m->id, snapshot ? "the snapshot " : "the running kernel",
		       snapshot ? snapshot : "", ms);
}

static struct error *verify(const char *path, bool allow_unsigned, const char *snapshot, struct proof *p,
			    struct live **live)
{
	double start = clock_milliseconds(), ms;
	struct error *err;

	TRY(proof_open(path, allow_unsigned, snapshot, p));
	TRY(snapshot ? live_open_at(snapshot, live) : live_open(live));
	TRY(proof_require_onto(p, snapshot ? *live : NULL));
	/* Nothing is opened any more. */
	sandbox_enter();
	TRY(proof_match(p, *live));
	err = proof_bind(p, *live);
	if (!err)
		err = proof_require_loaded(p);
	ms = milliseconds_since(start);
	if (!cmd_json) {
		print_text(p, snapshot, err, ms);
		return err;
	}
	/* The report holds the refusal, so that there is one JSON value. */
	print_json(p, err, ms);
	if (err && err->kind == ERROR_REFUSED) {
		cmd_exit_status = ERROR_REFUSED;
		error_free(err);
		return NULL;
	}
	return err;
}

struct error *cmd_verify(int argc, char **argv)
{
	static const struct option options[] = { { "allow-unsigned", no_argument, NULL, 'u' },
						 { "snapshot", required_argument, NULL, 's' },
						 CMD_COMMON_OPTIONS };
	const char *snapshot = NULL;
	bool allow_unsigned = false;
	struct live *live = NULL;
	struct proof proof = { 0 };
	struct error *err;
	int c;

	while ((c = getopt_long(argc, argv, CMD_COMMON_SHORT, options, NULL)) != -1) {
		if (c == 'u')
			allow_unsigned = true;
		else if (c == 's')
			snapshot = optarg;
		else
			TRY(cmd_common_option(c, argv));
	}
	if (argc - optind != 1)
		return usage_error("verify takes one pack");
	err = verify(argv[optind], allow_unsigned, snapshot, &proof, &live);
	proof_fini(&proof);
	live_close(live);
	return err;
}
