// SPDX-License-Identifier: GPL-2.0
#include "cmd/report.h"
#include "util/memory.h"

#include <inttypes.h>
#include <stdio.h>

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

json_t *report_match_json(const struct match *m)
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

void report_match(const struct match *m)
{
	size_t count[ARRAY_SIZE(state_names)] = { 0 }, i;

	count_states(m, count);
	printf("%s in %s: %zu functions proved, %zu not in the running kernel, %zu differ, %zu ambiguous\n",
	       m->pre->name, m->target, count[MATCH_PROVED], count[MATCH_ABSENT], count[MATCH_DIFFERS],
	       count[MATCH_AMBIGUOUS]);
	for (i = 0; i < m->function_count; i++)
		print_function(&m->functions[i]);
}
