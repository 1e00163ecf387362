// SPDX-License-Identifier: GPL-2.0
/* Changes of code that ran already, and what other code may expect of it now. */
#include "diff/diff.h"

#include "diff/debug.h"
#include "util/memory.h"

#include <dwarf.h>
#include <string.h>

/*
 * Structures with a function that the kernel calls once for all there is, when
 * they are registered (include/net/net_namespace.h): what exists was set up by
 * the old one.
 */
static const struct {
	const char *type, *member;
} setups[] = {
	{ "pernet_operations", "init" },
};

static void add_past(struct change *c, struct atom *a)
{
	size_t i;

	for (i = 0; i < c->past_count; i++)
		if (c->past[i] == a)
			return;
	c->past = xreallocarray(c->past, c->past_count + 1, sizeof(*c->past));
	c->past[c->past_count++] = a;
}

/* The changed function that the field at @offset of the variable @name points to. */
static void add_pointed(struct change *c, const char *name, uint64_t offset)
{
	const struct symbol *s = object_symbol(c->post, name);
	size_t i;

	for (i = 0; s && s->atom && i < s->atom->reloc_count; i++) {
		const struct reloc *r = &s->atom->relocs[i];

		if (r->offset != s->atom->start + offset || !r->target || r->target->state != ATOM_CHANGED)
			continue;
		add_past(c, r->target);
		change_note(c, xasprintf("%s in %s acts on what is set up from now on only", atom_name(r->target),
					 c->post->name));
	}
}

static void look_at(void *arg, Dwarf_Die *die)
{
	const char *name = dwarf_diename(die), *member;
	Dwarf_Die type, child;
	size_t i;

	if (dwarf_tag(die) != DW_TAG_variable || !name || !debug_type(die, &type) || !dwarf_diename(&type))
		return;
	for (i = 0; i < ARRAY_SIZE(setups); i++) {
		if (strcmp(dwarf_diename(&type), setups[i].type) || dwarf_child(&type, &child))
			continue;
		do {
			member = dwarf_diename(&child);
			if (member && !strcmp(member, setups[i].member))
				add_pointed(arg, name, debug_number(&child, DW_AT_data_member_location, 0));
		} while (!dwarf_siblingof(&child, &child));
	}
}

struct error *past_find(struct change *c, const char *post_debug)
{
	size_t i;

	for (i = 0; i < c->post->atom_count; i++) {
		struct atom *a = &c->post->atoms[i];

		if (a->symbol && a->state != ATOM_SAME && section_classify(a->section, c->module) == CLASS_INIT)
			add_past(c, a);
	}
	return c->replaced_count ? debug_each(post_debug, look_at, c) : NULL;
}
