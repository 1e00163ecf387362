// SPDX-License-Identifier: GPL-2.0
#include "diff/diff.h"

#include "util/memory.h"
#include "util/string.h"

#include <string.h>

void change_note(struct change *c, char *note)
{
	c->notes = xreallocarray(c->notes, c->note_count + 1, sizeof(*c->notes));
	c->notes[c->note_count++] = note;
}

static enum section_class class_of(const struct change *c, const struct atom *a)
{
	return section_classify(a->section, c->module);
}

bool atom_is_debug_message(const struct atom *a)
{
	return !strcmp(a->section->name, "__dyndbg");
}

/* The struct ratelimit_state of printk_ratelimited() and its like (include/linux/printk.h, dev_printk.h). */
static bool is_message_limit(const struct atom *a)
{
	_cleanup_free_ char *base = a->symbol ? base_name(a->symbol->name) : NULL;

	return base && !strcmp(base, "_rs") && strcmp(base, a->symbol->name);
}

bool atom_starts_anew(const struct atom *a)
{
	return is_message_limit(a) || atom_is_debug_message(a) || !strncmp(a->section->name, ".data.once", 10) ||
	       !strncmp(a->section->name, ".data..once", 11);
}

/* The pointer to the format in a struct _ddebug (include/linux/dynamic_debug.h). */
#define DEBUG_FORMAT 3

static bool same_message(const struct change *c, const struct atom *a, const struct atom *b)
{
	return a->reloc_count > DEBUG_FORMAT && b->reloc_count == a->reloc_count &&
	       compare_targets(c, &a->relocs[DEBUG_FORMAT], &b->relocs[DEBUG_FORMAT], COMPARE_STRICT);
}

/*
 * What is left of a pr_debug() that says something else now is nothing that
 * could be kept: whether it is switched on was decided for another message.
 */
static void part_debug_messages(struct change *c)
{
	bool parted = false;
	size_t i;

	for (i = 0; i < c->post->atom_count; i++) {
		struct atom *b = &c->post->atoms[i];

		if (!atom_is_debug_message(b))
			continue;
		if (b->twin && !same_message(c, b->twin, b)) {
			b->twin->twin = NULL;
			b->twin = NULL;
			parted = true;
		} else if (!b->twin && correlate_doubt(c, b)) {
			parted = true;
		}
	}
	if (parted)
		change_note(c, xasprintf("debug messages of %s that differ or cannot be told apart are off until they are enabled (dynamic debug)",
					 c->post->name));
}

/* A function that is no longer __init is a new one: what it was is gone. */
static void part_from_init(struct change *c)
{
	size_t i;

	for (i = 0; i < c->post->atom_count; i++) {
		struct atom *b = &c->post->atoms[i];

		if (b->twin && class_of(c, b) == CLASS_TEXT && class_of(c, b->twin) == CLASS_INIT) {
			b->twin->twin = NULL;
			b->twin = NULL;
		}
	}
}

static void judge_atoms(struct change *c)
{
	size_t i;

	part_debug_messages(c);
	part_from_init(c);
	for (i = 0; i < c->post->atom_count; i++) {
		struct atom *b = &c->post->atoms[i];

		if (!b->twin)
			b->state = ATOM_NEW;
		else
			b->state = same_home(b->twin, b) && compare_atoms(c, b->twin, b, COMPARE_STRICT) ?
					   ATOM_SAME : ATOM_CHANGED;
		/* The names and the line in the running one say where the message came from before. */
		if (b->state == ATOM_CHANGED && atom_is_debug_message(b))
			b->state = ATOM_KEPT;
	}
}

/* A table of pointers to functions: objects point to it, and its address tells them apart. */
static bool holds_function_pointers(const struct atom *a)
{
	size_t i;

	for (i = 0; i < a->reloc_count; i++) {
		const struct reloc *r = &a->relocs[i];

		if (r->target ? section_is_text(r->target->section) : r->symbol->type == STT_FUNC)
			return true;
		/* An undefined symbol does not tell what it is. */
		if (!r->target)
			return true;
	}
	return false;
}

static struct error *refuse_data(const struct change *c, const struct atom *a, const char *why)
{
	_cleanup_free_ char *base = base_name(atom_name(a));
	_cleanup_free_ char *way = NULL;

	if (a->twin && atom_size(a) != atom_size(a->twin))
		way = xasprintf("as its size changes, give the new one another name, and register it in a hook where need be (kmend/hooks.h)");
	else
		way = xasprintf("KMEND_OVERWRITE(%s) or KMEND_KEEP(%s) in the patch (kmend/hooks.h) says which is meant, --accept data:%s that it stays",
				base, base, base);
	return refuse("DATA-CHANGED",
		      "the patch changes the content of %s (%s in %s), %s: its running content would have to be changed with it; %s",
		      atom_name(a), a->section->name, c->post->name, why, way);
}

/* What refers to read-only data that changed, and did not change itself. */
static struct error *spread_to(struct change *c, const struct atom *data, struct atom *a,
			       const struct reloc *rel, bool *marked)
{
	switch (class_of(c, a)) {
	case CLASS_IGNORED:
	case CLASS_DECLARED:
		return NULL;
	case CLASS_TEXT:
	case CLASS_RODATA:
		a->state = ATOM_CHANGED;
		break;
	case CLASS_INIT:
		/* What it read has no effect now; an address it may have handed on. */
		return rel->access ? NULL : refuse_data(c, data, "whose address code that ran at boot or load was given");
	case CLASS_DATA:
		if (atom_is_debug_message(a)) {
			a->state = ATOM_KEPT;
			return NULL;
		}
		if (a->twin && a->symbol && is_declared(c, "overwrite", atom_name(a))) {
			TRY(overwrite_atom(c, a));
			break;
		}
		/* fall through */
	default:
		return refuse_data(c, data, "which live data points to");
	}
	*marked = true;
	return NULL;
}

/*
 * Code that refers to read-only data that changed must refer to the new copy,
 * so it counts as changed too; and so does read-only data that refers to it.
 * *@marked is set where something was.
 */
static struct error *spread_from(struct change *c, const struct atom *data, bool *marked)
{
	size_t i, k;

	for (i = 0; i < c->post->atom_count; i++) {
		struct atom *a = &c->post->atoms[i];

		for (k = 0; a->state == ATOM_SAME && k < a->reloc_count; k++)
			if (a->relocs[k].target == data)
				TRY(spread_to(c, data, a, &a->relocs[k], marked));
	}
	return NULL;
}

static struct error *spread_data_changes(struct change *c)
{
	bool marked = true;
	size_t i;

	while (marked) {
		marked = false;
		for (i = 0; i < c->post->atom_count; i++) {
			struct atom *a = &c->post->atoms[i];

			if (a->state != ATOM_CHANGED || class_of(c, a) != CLASS_RODATA)
				continue;
			if (holds_function_pointers(a))
				return refuse_data(c, a, "a table of functions");
			if (a->symbol && a->symbol->bind != STB_LOCAL &&
			    class_of(c, a->twin) != CLASS_INIT)
				return refuse_data(c, a, "which code of other files can refer to");
			TRY(spread_from(c, a, &marked));
		}
	}
	return NULL;
}

static bool is_part_of(const char *name, const char *parent)
{
	size_t n = strlen(parent);

	return !strncmp(name, parent, n) && !strcmp(name + n, ".cold");
}

/* A function and its .cold part jump into each other's middle: they change together. */
static void join_cold_parts(struct change *c)
{
	size_t i, k;

	for (i = 0; i < c->post->atom_count; i++) {
		struct atom *cold = &c->post->atoms[i];
		const char *name = atom_name(cold);

		if (!atom_is_cold_part(cold))
			continue;
		for (k = 0; k < c->post->atom_count; k++) {
			struct atom *f = &c->post->atoms[k];

			if (!atom_is_function(f) || !is_part_of(name, atom_name(f)))
				continue;
			if (f->state == ATOM_CHANGED && cold->state == ATOM_SAME)
				cold->state = ATOM_CHANGED;
			if (cold->state != ATOM_SAME && f->state == ATOM_SAME)
				f->state = ATOM_CHANGED;
		}
	}
}

bool runs_once(const struct change *c, const struct atom *f)
{
	const struct symbol *init = c->module ? object_symbol(c->post, "init_module") : NULL;
	enum section_class class;
	bool called = false;
	size_t i, k;

	if (!atom_is_function(f) || class_of(c, f) != CLASS_TEXT)
		return false;
	if (init && init->atom == f)
		return true;
	for (i = 0; i < c->post->atom_count && f->symbol->bind == STB_LOCAL; i++) {
		const struct atom *a = &c->post->atoms[i];

		class = class_of(c, a);
		for (k = 0; k < a->reloc_count; k++) {
			if (a->relocs[k].target != f || a == f || class == CLASS_IGNORED || class == CLASS_TABLE)
				continue;
			if (!starts_with(a->section->name, ".initcall"))
				return false;
			called = true;
		}
	}
	return called;
}

static struct error *check_init(struct change *c, const struct atom *a)
{
	if (a->state != ATOM_SAME && a->symbol)
		change_note(c, xasprintf("%s in %s (%s) has no effect now: it runs at boot or load only",
				      atom_name(a), c->post->name, a->section->name));
	return NULL;
}

/* What the entry @a of the lists of exported symbols exports, NULL where it is no such entry. */
static const char *exported_name(const struct atom *a)
{
	/* include/linux/export.h: the latter since 6.4 */
	static const char *const prefixes[] = { "__ksymtab_", "__export_symbol_" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (a->symbol && !strncmp(a->symbol->name, prefixes[i], strlen(prefixes[i])))
			return a->symbol->name + strlen(prefixes[i]);
	return NULL;
}

static struct error *check_export(struct change *c, const struct atom *a)
{
	const char *name = exported_name(a);

	if (a->state == ATOM_SAME || (atom_is_content(a) && !a->symbol))
		return NULL;
	if (a->state == ATOM_NEW && name)
		change_note(c, xasprintf("%s in %s is exported to the other modules of this update only", name,
				      c->post->name));
	if (a->state == ATOM_NEW)
		return NULL;
	return refuse("EXPORT-CHANGED", "the patch changes the exported symbols of %s: %s",
		      c->post->name, atom_name(a));
}

static struct error *check_data(const struct change *c, const struct atom *a)
{
	const struct atom *old;
	_cleanup_free_ char *base = NULL;

	if (a->state == ATOM_CHANGED && !same_home(a->twin, a))
		return refuse("DATA-CHANGED", "the patch moves %s in %s from %s to %s, and it lives where it is",
			      atom_name(a), c->post->name, a->twin->section->name, a->section->name);
	if (a->state == ATOM_CHANGED)
		return refuse_data(c, a, "which lives");
	if (a->state != ATOM_NEW || !a->symbol || !atom_size(a) || atom_starts_anew(a))
		return NULL;
	old = correlate_doubt(c, a);
	if (old)
		return refuse("STATIC-AMBIGUOUS",
			      "%s in %s may be new or what was %s, whose state would be lost",
			      atom_name(a), c->post->name, atom_name(old));
	old = data_is_accepted(c, atom_name(a)) ? NULL : correlate_renamed(c, a);
	base = base_name(atom_name(a));
	if (old)
		return refuse("DATA-MOVED",
			      "the patch has %s in place of %s in %s: what that holds would be lost (--accept data:%s says that nothing is)",
			      atom_name(a), atom_name(old), c->post->name, base);
	return NULL;
}

bool section_lists_functions(const struct section *s)
{
	return !strcmp(s->name, "_kprobe_blacklist") || !strcmp(s->name, "_error_injection_whitelist");
}

bool atom_lists_new(const struct atom *a)
{
	const struct atom *f = a->reloc_count == 1 && !a->relocs[0].delta ? a->relocs[0].target : NULL;

	return section_lists_functions(a->section) && a->state == ATOM_NEW && f && atom_is_function(f) &&
	       f->state == ATOM_NEW;
}

/* What a changed or new atom means, by its section. */
static struct error *check_atom(struct change *c, const struct atom *a)
{
	switch (class_of(c, a)) {
	case CLASS_TEXT:
		return a->state != ATOM_SAME && runs_once(c, a) ? check_init(c, a) : check_code(c, a);
	case CLASS_INIT:
		return check_init(c, a);
	case CLASS_EXPORT:
		return check_export(c, a);
	case CLASS_DATA:
		return check_data(c, a);
	case CLASS_OTHER:
		if (a->state == ATOM_SAME || atom_lists_new(a))
			return NULL;
		return refuse("SECTION-UNKNOWN",
			      "the patch changes %s in the section %s of %s, whose meaning to the running kernel is not known",
			      atom_name(a), a->section->name, c->post->name);
	default:
		return NULL;
	}
}

/* A removed export leaves an atom without a twin in the pre object only. */
static void note_removed_exports(struct change *c)
{
	size_t i;

	for (i = 0; i < c->pre->atom_count; i++) {
		const struct atom *a = &c->pre->atoms[i];

		if (!a->twin && section_classify(a->section, c->module) == CLASS_EXPORT && exported_name(a))
			change_note(c, xasprintf("%s in %s stays exported until the next boot", exported_name(a),
					      c->pre->name));
	}
}

/* Whether anything in the pre object but a call knows where @f is: a list, or who was told. */
static bool address_is_given(const struct change *c, const struct atom *f)
{
	enum section_class class;
	size_t i, k;

	for (i = 0; i < c->pre->atom_count; i++) {
		const struct atom *a = &c->pre->atoms[i];

		class = section_classify(a->section, c->module);
		if (class == CLASS_IGNORED || class == CLASS_TABLE || class == CLASS_EXPORT)
			continue;
		for (k = 0; k < a->reloc_count; k++)
			if (a->relocs[k].target == f && a != f && !a->relocs[k].branch)
				return true;
	}
	return false;
}

/* A timer, a work item or an object's operations may go on calling what the patch takes away. */
static void note_gone_functions(struct change *c)
{
	size_t i;

	for (i = 0; i < c->pre->atom_count; i++) {
		const struct atom *a = &c->pre->atoms[i];

		if (!a->twin && atom_is_function(a) && section_classify(a->section, c->module) == CLASS_TEXT &&
		    address_is_given(c, a))
			change_note(c, xasprintf("%s in %s is gone, but whatever was given its address goes on calling it as it was",
						 atom_name(a), c->pre->name));
	}
}

static void collect(struct atom ***list, size_t *count, struct atom *a)
{
	*list = xreallocarray(*list, *count + 1, sizeof(**list));
	(*list)[(*count)++] = a;
}

static void collect_all(struct change *c)
{
	size_t i;

	for (i = 0; i < c->post->atom_count; i++) {
		struct atom *a = &c->post->atoms[i];

		if (a->state == ATOM_CHANGED && atom_is_function(a) && class_of(c, a) == CLASS_TEXT && !runs_once(c, a))
			collect(&c->replaced, &c->replaced_count, a);
		else if (a->state == ATOM_OVERWRITTEN)
			collect(&c->overwritten, &c->overwritten_count, a);
		else if (!strncmp(a->section->name, DECLARED_HOOKS, strlen(DECLARED_HOOKS)) && !a->twin)
			collect(&c->hooks, &c->hook_count, a);
	}
}

struct error *diff_objects(struct change *c)
{
	size_t i;

	TRY(tables_read(c->pre, &c->pre_tables));
	TRY(tables_read(c->post, &c->post_tables));
	correlate(c);
	judge_atoms(c);
	TRY(heed_declarations(c));
	TRY(spread_data_changes(c));
	join_cold_parts(c);
	for (i = 0; i < c->post->atom_count; i++)
		TRY(check_atom(c, &c->post->atoms[i]));
	note_removed_exports(c);
	note_gone_functions(c);
	collect_all(c);
	return NULL;
}

bool change_acts(const struct change *c)
{
	return c->replaced_count || c->overwritten_count || c->hook_count;
}

bool change_matters(const struct change *c)
{
	size_t i;

	for (i = 0; i < c->post->atom_count; i++)
		if (change_is_new_global(c, &c->post->atoms[i]))
			return true;
	return c->replaced_count || c->overwritten_count || c->hook_count;
}

bool change_is_new_global(const struct change *c, const struct atom *a)
{
	enum section_class class = class_of(c, a);

	return a->state == ATOM_NEW && a->symbol && a->symbol->bind != STB_LOCAL &&
	       (class == CLASS_TEXT || class == CLASS_DATA || class == CLASS_RODATA);
}

bool change_exports(const struct change *c, const char *name)
{
	size_t i;

	for (i = 0; i < c->pre->atom_count; i++) {
		const char *exported = exported_name(&c->pre->atoms[i]);

		if (exported && !strcmp(exported, name))
			return true;
	}
	return false;
}

void change_fini(struct change *c)
{
	size_t i;

	tables_free(c->pre_tables);
	tables_free(c->post_tables);
	free(c->replaced);
	free(c->past);
	names_fini(&c->past_inlined);
	free(c->overwritten);
	free(c->hooks);
	for (i = 0; i < c->declaration_count; i++)
		free(c->declarations[i].name);
	free(c->declarations);
	for (i = 0; i < c->note_count; i++)
		free(c->notes[i]);
	free(c->notes);
}
