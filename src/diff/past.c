// SPDX-License-Identifier: GPL-2.0
/* Changes of code that ran already, and what other code may expect of it now. */
#include "diff/diff.h"

#include "diff/debug.h"
#include "util/memory.h"
#include "util/string.h"

#include <dwarf.h>
#include <string.h>

/*
 * Structures with a function that the kernel calls once for all there is, when
 * they are registered, or when a CPU starts (include/net/net_namespace.h,
 * arch/x86/kernel/cpu/cpu.h): what exists was set up by the old one.
 */
static const struct {
	const char *type, *member;
	bool of_cpus;
} setups[] = {
	{ "pernet_operations", "init", false },
	{ "cpu_dev", "c_early_init", true },
	{ "cpu_dev", "c_bsp_init", true },
	{ "cpu_dev", "c_init", true },
};

/*
 * Functions that are handed another one, as an argument, which sets up what
 * exists at once or did so when it was made: CPUs, objects of a cache
 * (include/linux/cpuhotplug.h, include/linux/slab.h).
 */
static const char *const takers[] = {
	"__cpuhp_setup_state", "__cpuhp_setup_state_cpuslocked", "kmem_cache_create", "kmem_cache_create_usercopy",
	"__kmem_cache_create_args",
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

static void add_setup(struct change *c, struct atom *f, bool of_cpus)
{
	add_past(c, f);
	if (of_cpus)
		c->cpu_setup = f;
	change_note(c, xasprintf("%s in %s acts on what is set up from now on only", atom_name(f), c->post->name));
}

/* The changed function that the field at @offset of the variable @name points to. */
static void add_pointed(struct change *c, const char *name, uint64_t offset, bool of_cpus)
{
	const struct symbol *s = object_symbol(c->post, name);
	size_t i;

	for (i = 0; s && s->atom && i < s->atom->reloc_count; i++) {
		const struct reloc *r = &s->atom->relocs[i];

		if (r->offset != s->atom->start + offset || !r->target || r->target->state != ATOM_CHANGED)
			continue;
		add_setup(c, r->target, of_cpus);
	}
}

static void look_at(void *arg, Dwarf_Die *die)
{
	const char *name = dwarf_diename(die), *member;
	Dwarf_Die type, child;
	size_t i;

	if (dwarf_tag(die) != DW_TAG_variable || !name || !debug_type(die, &type))
		return;
	if (dwarf_tag(&type) == DW_TAG_const_type && !debug_type(&type, &type))
		return;
	if (!dwarf_diename(&type))
		return;
	for (i = 0; i < ARRAY_SIZE(setups); i++) {
		if (strcmp(dwarf_diename(&type), setups[i].type) || dwarf_child(&type, &child))
			continue;
		do {
			member = dwarf_diename(&child);
			if (member && !strcmp(member, setups[i].member))
				add_pointed(arg, name, debug_number(&child, DW_AT_data_member_location, 0),
					    setups[i].of_cpus);
		} while (!dwarf_siblingof(&child, &child));
	}
}

/* Who has which function inlined. */
struct inlined {
	const struct change *c;
	struct names past, other;	/* in changed code that ran already; in other code, or by itself */
};

static const char *inlined_name(Dwarf_Die *die)
{
	Dwarf_Attribute attr;

	return dwarf_formstring(dwarf_attr_integrate(die, DW_AT_name, &attr));
}

static void add_inlined(struct names *to, Dwarf_Die *die)
{
	Dwarf_Die child;

	if (dwarf_child(die, &child))
		return;
	do {
		const char *name = dwarf_tag(&child) == DW_TAG_inlined_subroutine ? inlined_name(&child) : NULL;

		if (name)
			names_add(to, name, strlen(name));
		if (dwarf_tag(&child) == DW_TAG_inlined_subroutine || dwarf_tag(&child) == DW_TAG_lexical_block)
			add_inlined(to, &child);
	} while (!dwarf_siblingof(&child, &child));
}

static void look_at_function(void *arg, Dwarf_Die *die)
{
	struct inlined *in = arg;
	const char *name = dwarf_tag(die) == DW_TAG_subprogram ? inlined_name(die) : NULL;
	const struct symbol *s = name ? object_symbol(in->c->post, name) : NULL;

	/* What is only inlined has a description, and no code. */
	if (!name || !(dwarf_hasattr(die, DW_AT_low_pc) || dwarf_hasattr(die, DW_AT_ranges)))
		return;
	if (!s || !s->atom || section_classify(s->atom->section, in->c->module) != CLASS_INIT) {
		names_add(&in->other, name, strlen(name));
		add_inlined(&in->other, die);
	} else if (s->atom->state != ATOM_SAME) {
		add_inlined(&in->past, die);
	}
}

/* The functions that are nothing but parts of code that ran: the compiler makes one of several __init functions. */
static struct error *find_inlined(struct change *c, const char *post_debug)
{
	struct inlined in = { .c = c };
	struct error *err = debug_each(post_debug, look_at_function, &in);
	size_t i;

	for (i = 0; i < in.past.count && !err; i++)
		if (!names_has(&in.other, in.past.list[i], strlen(in.past.list[i])))
			names_add(&c->past_inlined, in.past.list[i], strlen(in.past.list[i]));
	names_fini(&in.past);
	names_fini(&in.other);
	return err;
}

static bool is_taker(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(takers); i++)
		if (!strcmp(name, takers[i]))
			return true;
	return false;
}

static void find_taken(struct change *c, const struct atom *a)
{
	size_t i;

	for (i = 0; section_is_text(a->section) && i < a->reloc_count; i++) {
		const struct reloc *r = &a->relocs[i];
		const char *taker;

		if (!r->target || r->target->state != ATOM_CHANGED || r->branch || !atom_is_function(r->target))
			continue;
		taker = atom_next_call(a, r);
		if (taker && is_taker(taker))
			add_setup(c, r->target, starts_with(taker, "__cpuhp"));
	}
}

struct error *past_find(struct change *c, const char *post_debug)
{
	size_t i;

	for (i = 0; i < c->post->atom_count; i++) {
		struct atom *a = &c->post->atoms[i];

		if (a->symbol && a->state != ATOM_SAME &&
		    (section_classify(a->section, c->module) == CLASS_INIT || runs_once(c, a)))
			add_past(c, a);
	}
	if (!c->replaced_count)
		return NULL;
	for (i = 0; i < c->post->atom_count; i++)
		find_taken(c, &c->post->atoms[i]);
	if (c->past_count)
		TRY(find_inlined(c, post_debug));
	return debug_each(post_debug, look_at, c);
}
