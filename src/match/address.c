// SPDX-License-Identifier: GPL-2.0
/* What a match tells: addresses, and why there is none. */
#include "match/trial.h"

#include <stdio.h>
#include <string.h>

/* The module of an update that the function's first bytes jump to, or NULL. */
static const char *replaced_by(const struct match *m, const struct match_function *f)
{
	const struct live_symbol *s;
	uint8_t text[32];
	struct error *err;
	int32_t distance;
	size_t i;

	err = live_read(m->live, f->addr, text, sizeof(text));
	if (err) {
		error_free(err);
		return NULL;
	}
	for (i = 0; i + 5 <= sizeof(text) && i <= f->run_offset; i++) {
		if (text[i] != 0xe9)
			continue;
		memcpy(&distance, text + i + 1, sizeof(distance));
		s = live_symbol_at(m->live, f->addr + i + 5 + distance, NULL);
		if (s && !strncmp(s->module, "kmend_", 6))
			return s->module;
	}
	return NULL;
}

static struct error *refuse_different(const struct match *m, const struct match_function *f)
{
	const char *name = f->pre->symbol->name, *by = replaced_by(m, f);
	uint8_t run[8] = { 0 }, pre[8] = { 0 };
	char hex[2][3 * sizeof(run) + 1];
	uint64_t left = atom_size(f->pre) - f->pre_offset;
	struct error *err;
	size_t i;

	if (by)
		return refuse("FUNCTION-REPLACED", "%s is replaced already, by %s", name, by);
	err = live_read(m->live, f->addr + f->run_offset, run, sizeof(run));
	error_free(err);
	if (f->pre_offset < atom_size(f->pre))
		memcpy(pre, atom_data(f->pre) + f->pre_offset, left < sizeof(pre) ? left : sizeof(pre));
	for (i = 0; i < sizeof(run); i++) {
		sprintf(hex[0] + 3 * i, " %02x", pre[i]);
		sprintf(hex[1] + 3 * i, " %02x", run[i]);
	}
	return refuse("FUNCTION-DIFFERS",
		      "%s in %s is not the code that was compiled for %s: at %s+0x%llx %s: compiled%s, running (at +0x%llx)%s",
		      name, m->target, m->pre->name, name, (unsigned long long)f->pre_offset, f->why,
		      hex[0], (unsigned long long)f->run_offset, hex[1]);
}

struct error *match_require(const struct match *m, const struct match_function *f)
{
	const char *name = f->pre->symbol->name;

	switch (f->state) {
	case MATCH_PROVED:
		return NULL;
	case MATCH_ABSENT:
		return refuse("FUNCTION-ABSENT", "%s has no function %s (%s)", m->target, name, m->pre->name);
	case MATCH_AMBIGUOUS:
		return refuse("FUNCTION-AMBIGUOUS",
			      "%s has several functions %s that equal the one in %s", m->target, name,
			      m->pre->name);
	default:
		return refuse_different(m, f);
	}
}

static bool is_global_type(char type)
{
	return type >= 'A' && type <= 'Z';
}

/*
 * The only symbol of this name that it can be.  A name that is defined in the
 * object may be static, so no other may have it; one that is not is global,
 * and the linker allows one global symbol of a name.
 */
static const struct live_symbol *only_symbol(const struct match *m, const char *name, const char *in,
					     bool global)
{
	const struct live_symbol *s = NULL, *found = NULL;

	while ((s = live_find(m->live, name, in, s))) {
		if (global && !is_global_type(s->type))
			continue;
		if (found && found->addr != s->addr)
			return NULL;
		found = s;
	}
	return found;
}

/*
 * A symbol that the object does not define.  Of a module's symbols kallsyms
 * tells which are exported, not which are global (kernel/kallsyms.c, s_show()),
 * so a static one of the module could have the name of a global one outside.
 */
static const struct live_symbol *outer_symbol(const struct match *m, const char *name)
{
	const struct live_symbol *outside = only_symbol(m, name, "vmlinux", true);

	if (!strcmp(m->target, "vmlinux") || !live_find(m->live, name, m->target, NULL))
		return outside;
	return outside ? NULL : only_symbol(m, name, m->target, false);
}

static struct error *from_kallsyms(const struct match *m, const char *name, bool defined, uint64_t *addr)
{
	const struct live_symbol *s = defined ? only_symbol(m, name, m->target, false) : outer_symbol(m, name);

	if (!s)
		return refuse("SYMBOL-UNKNOWN",
			      "the address of %s (%s) cannot be told: no proved code refers to it, and %s has none or several of this name",
			      name, m->pre->name, m->target);
	*addr = s->addr;
	return NULL;
}

struct error *match_address(const struct match *m, const char *name, uint64_t *addr)
{
	const struct symbol *sym = object_symbol(m->pre, name);
	const struct match_function *f = match_function(m, name);
	const struct place *place;

	/* A weak function may be another one here, which is what is to be called then. */
	if (f && (f->state == MATCH_PROVED || sym->bind != STB_WEAK)) {
		TRY(match_require(m, f));
		*addr = f->addr;
		return NULL;
	}
	if (!sym)
		return from_kallsyms(m, name, false, addr);
	place = sym->atom ? &m->atoms[sym->atom->index] : &m->symbols[sym->index];
	if (place->conflict)
		return refuse("SYMBOL-CONFLICT", "proved code disagrees about the address of %s (%s)",
			      name, m->pre->name);
	if (!place->known)
		return from_kallsyms(m, name, sym->section != NULL, addr);
	*addr = place->addr;
	if (sym->atom)
		*addr += sym->value - sym->atom->start;
	return NULL;
}
