// SPDX-License-Identifier: GPL-2.0
/*
 * Updates on updates: a function that an earlier update replaced begins with a
 * jump to its newer version, in the module of that update.  Only the updates
 * that the object is made onto are followed; the jump of any other is a
 * difference.
 */
#include "match/trial.h"

#include "arch/arch.h"
#include "util/memory.h"

#include <string.h>

/* The names of an update's modules: this, its id, and from the second on "_" and a number. */
#define MODULE_PREFIX "kmend_"

/*
 * The place in the order of application of what the module is of: 0 for
 * everything but the updates of concern.
 */
static size_t rank_of(const struct match *m, const char *module)
{
	const char *id;
	size_t i, length;

	if (!m->onto_count || strncmp(module, MODULE_PREFIX, strlen(MODULE_PREFIX)))
		return 0;
	id = module + strlen(MODULE_PREFIX);
	for (i = m->onto_count; i--;) {
		length = strlen(m->onto[i]);
		if (!strncmp(id, m->onto[i], length) && (!id[length] || id[length] == '_'))
			return i + 1;
	}
	return 0;
}

bool is_of_update(const struct match *m, const struct live_symbol *s)
{
	return rank_of(m, s->module) > 0;
}

bool is_ours(const struct match *m, const struct live_symbol *s)
{
	return live_symbol_in(s, m->target) || is_of_update(m, s);
}

/*
 * Where the jump at the start of the function at @addr leads, 0 for none.  What
 * was compiled refers to what was there before it; so only the jump of an update
 * leads to the start of something newer.
 */
static uint64_t next_version(const struct match *m, uint64_t addr)
{
	const struct live_symbol *from = live_symbol_at(m->live, addr, NULL), *to;
	uint8_t text[ARCH_ENTRY_SIZE];
	uint64_t target, offset;
	struct error *err = live_read(m->live, addr, text, sizeof(text));
	bool read = !err;

	error_free(err);
	if (!read || !from || !arch_entry_jump(text, addr, &target))
		return 0;
	to = live_symbol_at(m->live, target, &offset);
	return to && !offset && rank_of(m, to->module) > rank_of(m, from->module) ? target : 0;
}

uint64_t newest_version(const struct match *m, uint64_t addr)
{
	uint64_t next;

	/* It ends: each is of a later update. */
	while (m->onto_count && (next = next_version(m, addr)))
		addr = next;
	return addr;
}

/* Whether @addr is a newer version of the function at @from. */
static bool is_version_of(const struct match *m, uint64_t addr, uint64_t from)
{
	while ((from = next_version(m, from)))
		if (from == addr)
			return true;
	return false;
}

/* What every update's module has of its own (engine/update.c); the loader knows the first two by these names. */
static bool is_of_frame(const char *name)
{
	static const char *const names[] = { "init_module", "cleanup_module", "update_init", "update_exit" };
	size_t i;

	/* The filling before a function (objtool, since 6.2) is called after it. */
	if (!strncmp(name, "__pfx_", 6))
		name += 6;
	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

/* Takes out those that are newer versions of others. */
static size_t drop_versions(const struct match *m, struct candidate *list, size_t count)
{
	_cleanup_free_ bool *version = xcalloc(count, sizeof(*version));
	size_t i, k, kept = 0;

	for (i = 0; i < count; i++)
		for (k = 0; k < count; k++)
			version[i] |= i != k && list[i].in_update && is_version_of(m, list[i].entry, list[k].entry);
	for (i = 0; i < count; i++)
		if (!version[i])
			list[kept++] = list[i];
	return kept;
}

size_t find_candidates(const struct match *m, const char *name, struct candidate **out)
{
	const char *module = m->onto_count ? NULL : m->target;
	const struct live_symbol *s = NULL;
	size_t count = 0, capacity = 0;

	*out = NULL;
	while ((s = live_find(m->live, name, module, s))) {
		if (!strchr("tTwW", s->type) || !is_ours(m, s) || (count && (*out)[count - 1].entry == s->addr))
			continue;
		if (is_of_update(m, s) && is_of_frame(name))
			continue;
		array_grow(*out, count, capacity);
		(*out)[count++] = (struct candidate){ s->addr, newest_version(m, s->addr), is_of_update(m, s) };
	}
	return m->onto_count ? drop_versions(m, *out, count) : count;
}
