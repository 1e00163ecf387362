// SPDX-License-Identifier: GPL-2.0
/* What a match tells: addresses, and why there is none. */
#include "match/trial.h"

#include "util/memory.h"

#include <stdio.h>
#include <string.h>

/* Pages that the kernel lists as a module of this name hold what kprobes jump to (kernel/kprobes.c). */
#define KPROBE_PAGES "__builtin__kprobes"

/* Where a probe or a jump to other code stands at the place of the difference, who put it there; else NULL. */
static struct error *refuse_overwritten(const struct match *m, const struct match_function *f)
{
	const char *name = f->pre->symbol->name;
	uint64_t at = f->addr + f->run_offset;
	const struct live_symbol *to, *own = live_symbol_at(m->live, f->addr, NULL);
	uint8_t text[5] = { 0 };
	int32_t distance;

	error_free(live_read(m->live, at, text, sizeof(text)));
	if (text[0] == 0xcc)
		return refuse("FUNCTION-PROBED", "%s has a breakpoint at %s+0x%llx, of a kprobe or a debugger",
			      name, name, (unsigned long long)f->run_offset);
	if (text[0] != 0xe8 && text[0] != 0xe9)
		return NULL;
	memcpy(&distance, text + 1, sizeof(distance));
	to = live_symbol_at(m->live, at + sizeof(text) + distance, NULL);
	if (!to || !*to->module || live_symbol_in(to, m->target) || (own && !strcmp(to->module, own->module)))
		return NULL;
	if (!strcmp(to->module, KPROBE_PAGES))
		return refuse("FUNCTION-PROBED", "%s has a kprobe at %s+0x%llx", name, name,
			      (unsigned long long)f->run_offset);
	return refuse("FUNCTION-REPLACED", "%s is replaced already, by %s: at %s+0x%llx it goes to %s", name,
		      to->module, name, (unsigned long long)f->run_offset, to->name);
}

/* Where most of an object differs, it was not made of what runs. */
static struct error *refuse_object(const struct match *m)
{
	size_t i, differ = 0, proved = 0;

	for (i = 0; i < m->function_count; i++) {
		const struct match_function *f = &m->functions[i];

		differ += f->state == MATCH_DIFFERS && f->pre->symbol->bind != STB_WEAK;
		proved += f->state == MATCH_PROVED;
	}
	if (differ < 3 || differ < proved)
		return NULL;
	return refuse("SOURCE-DIFFERS",
		      "%zu of %zu functions of %s in %s are not the code that was compiled: the compiler, its flags, the configuration or the source was another one",
		      differ, differ + proved, m->pre->name, m->target);
}

static struct error *refuse_different(const struct match *m, const struct match_function *f)
{
	const char *name = f->pre->symbol->name;
	uint8_t run[8] = { 0 }, pre[8] = { 0 };
	char hex[2][3 * sizeof(run) + 1];
	uint64_t left = atom_size(f->pre) - f->pre_offset;
	struct error *err;
	bool unreadable;
	size_t i;

	TRY(refuse_overwritten(m, f));
	TRY(refuse_object(m));
	err = live_read(m->live, f->addr + f->run_offset, run, sizeof(run));
	unreadable = err != NULL;
	error_free(err);
	if (f->pre_offset < atom_size(f->pre))
		memcpy(pre, atom_data(f->pre) + f->pre_offset, left < sizeof(pre) ? left : sizeof(pre));
	for (i = 0; i < sizeof(run); i++) {
		sprintf(hex[0] + 3 * i, " %02x", pre[i]);
		sprintf(hex[1] + 3 * i, " %02x", run[i]);
	}
	return refuse("FUNCTION-DIFFERS",
		      "%s in %s is not the code that was compiled for %s: at %s+0x%llx %s: compiled%s, running (at +0x%llx)%s%s",
		      name, m->target, m->pre->name, name, (unsigned long long)f->pre_offset, f->why,
		      hex[0], (unsigned long long)f->run_offset, unreadable ? " unreadable" : hex[1],
		      f->pre->symbol->bind != STB_WEAK ? "" :
		      "; it is __weak: another object's function may stand in for it, which is to be changed then");
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
			      "%s has several functions %s, and nothing tells which of them is the one of %s", m->target, name,
			      m->pre->name);
	default:
		return refuse_different(m, f);
	}
}

static bool is_global_type(char type)
{
	return type >= 'A' && type <= 'Z';
}

/* The only symbol of this name in the target and the updates, or in the updates alone. */
static const struct live_symbol *only_own_symbol(const struct match *m, const char *name, bool new)
{
	const struct live_symbol *s = NULL, *found = NULL;

	while ((s = live_find(m->live, name, NULL, s))) {
		if (!(new ? is_of_update(m, s) : is_ours(m, s)))
			continue;
		if (found && found->addr != s->addr)
			return NULL;
		found = s;
	}
	return found;
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
 * What another module exports, such as the trampolines of static calls: the
 * loader takes no second export of a name, and the list of exports tells whose
 * it is.
 */
static const struct live_symbol *exported_symbol(const struct match *m, const char *name)
{
	_cleanup_free_ char *entry = xasprintf("__ksymtab_%s", name);
	const struct live_symbol *e = live_find(m->live, entry, NULL, NULL);

	if (!e || !*e->module || live_find(m->live, entry, NULL, e))
		return NULL;
	return only_symbol(m, name, e->module, false);
}

/*
 * A symbol that the object does not define.  Of a module's symbols kallsyms
 * tells which are exported, not which are global (kernel/kallsyms.c, s_show()),
 * so a static one of the module could have the name of a global one outside.
 */
static const struct live_symbol *outer_symbol(const struct match *m, const char *name)
{
	const struct live_symbol *outside = only_symbol(m, name, "vmlinux", true);

	if (strcmp(m->target, "vmlinux") && live_find(m->live, name, m->target, NULL))
		return outside ? NULL : only_symbol(m, name, m->target, false);
	/* What earlier updates replaced is where it was; else they may have brought it. */
	if (!outside && !live_find(m->live, name, "vmlinux", NULL))
		outside = only_own_symbol(m, name, true);
	if (!outside && strcmp(m->target, "vmlinux"))
		outside = exported_symbol(m, name);
	return outside;
}

static struct error *from_kallsyms(const struct match *m, const char *name, bool defined, uint64_t *addr)
{
	const struct live_symbol *s = defined ? only_own_symbol(m, name, false) : outer_symbol(m, name);

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
		*addr = f->entry;
		return NULL;
	}
	if (!sym)
		return from_kallsyms(m, name, false, addr);
	place = sym->atom ? &m->atoms[sym->atom->index] : &m->symbols[sym->index];
	if (place->disputed)
		return refuse("SYMBOL-CONFLICT", "proved code disagrees about the address of %s (%s)",
			      name, m->pre->name);
	if (!place->known)
		return from_kallsyms(m, name, sym->section != NULL, addr);
	*addr = place->addr;
	if (sym->atom)
		*addr += sym->value - sym->atom->start;
	return NULL;
}
