// SPDX-License-Identifier: GPL-2.0
#include "cmd/cmd.h"
#include "cmd/prove.h"
#include "util/memory.h"
#include "util/sandbox.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const state_names[] = {
	[MATCH_ABSENT] = "absent",
	[MATCH_DIFFERS] = "differs",
	[MATCH_AMBIGUOUS] = "ambiguous",
	[MATCH_PROVED] = "proved",
};

static json_t *function_json(const struct match_function *f)
{
	_cleanup_free_ char *addr = xasprintf("0x%" PRIx64, f->addr);
	json_t *j = json_pack("{s:s,s:s}", "name", f->pre->symbol->name, "state", state_names[f->state]);

	if (f->state == MATCH_PROVED || f->state == MATCH_DIFFERS)
		json_object_set_new(j, "address", json_string(addr));
	if (f->state == MATCH_DIFFERS) {
		json_object_set_new(j, "why", json_string(f->why));
		json_object_set_new(j, "compiled_offset", json_integer(f->pre_offset));
		json_object_set_new(j, "running_offset", json_integer(f->run_offset));
		json_object_set_new(j, "weak", json_boolean(f->pre->symbol->bind == STB_WEAK));
	}
	return j;
}

static void count_states(const struct match *m, size_t count[ARRAY_SIZE(state_names)])
{
	size_t i;

	for (i = 0; i < m->function_count; i++)
		count[m->functions[i].state]++;
}

static json_t *match_json(const struct match *m)
{
	size_t count[ARRAY_SIZE(state_names)] = { 0 }, i;
	json_t *functions = json_array(), *counts = json_object();

	count_states(m, count);
	for (i = 0; i < ARRAY_SIZE(state_names); i++)
		json_object_set_new(counts, state_names[i], json_integer(count[i]));
	for (i = 0; i < m->function_count; i++)
		json_array_append_new(functions, function_json(&m->functions[i]));
	return json_pack("{s:s,s:s,s:o,s:o}", "object", m->pre->name, "target", m->target, "count", counts,
			 "functions", functions);
}

static void print_json(const struct proof *p, const struct error *err, double ms)
{
	const struct manifest *m = p->pack->manifest;
	json_t *objects = json_array(), *root;
	size_t i, k;

	for (i = 0; i < m->target_count; i++)
		for (k = 0; !p->targets[i].absent && k < m->targets[i].object_count; k++)
			json_array_append_new(objects, match_json(p->targets[i].matches[k]));
	root = json_pack("{s:s,s:b,s:f,s:o}", "id", m->id, "proved", !err, "milliseconds", ms, "objects",
			 objects);
	if (err && err->code)
		json_object_set_new(root, "refused", json_pack("{s:s,s:s}", "code", err->code, "message",
							       err->message));
	cmd_print_json(root);
}

static void print_function(const struct match_function *f)
{
	const char *name = f->pre->symbol->name;

	if (f->state == MATCH_ABSENT)
		printf("  %s is not in the running kernel\n", name);
	else if (f->state == MATCH_AMBIGUOUS)
		printf("  %s: several running functions are called so, and nothing tells which is this one\n", name);
	else if (f->state == MATCH_DIFFERS && f->pre->symbol->bind == STB_WEAK)
		printf("  %s differs, as another object may have one that counts instead\n", name);
	else if (f->state == MATCH_DIFFERS)
		printf("  %s differs at +0x%" PRIx64 " (running +0x%" PRIx64 "): %s\n", name, f->pre_offset,
		       f->run_offset, f->why);
}

static void print_match(const struct match *m)
{
	size_t count[ARRAY_SIZE(state_names)] = { 0 }, i;

	count_states(m, count);
	printf("%s in %s: %zu functions proved, %zu not in the running kernel, %zu differ, %zu ambiguous\n",
	       m->pre->name, m->target, count[MATCH_PROVED], count[MATCH_ABSENT], count[MATCH_DIFFERS],
	       count[MATCH_AMBIGUOUS]);
	for (i = 0; i < m->function_count; i++)
		print_function(&m->functions[i]);
}

static void print_text(const struct proof *p, const char *snapshot, const struct error *err, double ms)
{
	const struct manifest *m = p->pack->manifest;
	size_t i, k;

	for (i = 0; i < m->target_count; i++)
		for (k = 0; !p->targets[i].absent && k < m->targets[i].object_count; k++)
			print_match(p->targets[i].matches[k]);
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
