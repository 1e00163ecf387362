// SPDX-License-Identifier: GPL-2.0
/* What the patch itself says shall happen to data: sections .kmend.* (kmend/hooks.h). */
#include "diff/diff.h"

#include "arch/arch.h"
#include "util/memory.h"

#include <string.h>

/* The next name in a section of names, each with its NUL; NULL after the last. */
static const char *next_name(const struct section *sec, const char *prev)
{
	const char *p = prev ? prev + strlen(prev) : (const char *)sec->data;
	const char *end = (const char *)sec->data + sec->size;

	/* The compiler may align them. */
	while (p && p < end && !*p)
		p++;
	return p && p < end && memchr(p, '\0', end - p) ? p : NULL;
}

static bool has_declaration(const struct object *object, const char *kind, const char *name)
{
	_cleanup_free_ char *section_name = xasprintf(".kmend.%s", kind);
	_cleanup_free_ char *base = base_name(name);
	const struct section *sec = object_section(object, section_name);
	const char *p = NULL;

	while (sec && (p = next_name(sec, p)))
		if (!strcmp(p, name) || !strcmp(p, base))
			return true;
	return false;
}

bool is_declared(const struct change *c, const char *kind, const char *name)
{
	return has_declaration(c->post, kind, name) && !has_declaration(c->pre, kind, name);
}

void declared_layouts(const struct object *pre, const struct object *post, char ***list, size_t *count)
{
	const struct section *sec = object_section(post, ".kmend.layout");
	const char *p = NULL;

	while (sec && (p = next_name(sec, p))) {
		if (has_declaration(pre, "layout", p))
			continue;
		*list = xreallocarray(*list, *count + 1, sizeof(**list));
		(*list)[(*count)++] = (char *)p;
	}
}

static void add_declaration(struct change *c, enum declaration_kind kind, const char *name)
{
	c->declarations = xreallocarray(c->declarations, c->declaration_count + 1,
					sizeof(*c->declarations));
	c->declarations[c->declaration_count++] = (struct declaration){ kind, xstrdup(name) };
}

static struct error *check_size(const struct change *c, const struct atom *a)
{
	if (atom_size(a) == atom_size(a->twin))
		return NULL;
	return refuse("DATA-CHANGED",
		      "the patch changes the size of %s in %s from %llu to %llu bytes: the running one can neither be overwritten nor kept for new code; give the new one another name",
		      atom_name(a), c->post->name, (unsigned long long)atom_size(a->twin),
		      (unsigned long long)atom_size(a));
}

static struct error *refuse_overwrite(const struct change *c, const struct atom *a, const char *why)
{
	return refuse("DECLARATION-INVALID", "%s in %s cannot be overwritten: %s", atom_name(a),
		      c->post->name, why);
}

struct error *overwrite_atom(struct change *c, struct atom *a)
{
	size_t i;

	TRY(check_size(c, a));
	if (!a->twin->symbol)
		return refuse_overwrite(c, a, "the running one has no name to find it by");
	if (!strncmp(a->section->name, ".data..percpu", 13))
		return refuse_overwrite(c, a, "each CPU has one");
	for (i = 0; i < a->reloc_count; i++)
		if (a->relocs[i].type != arch_reloc_address())
			return refuse_overwrite(c, a, "it refers to something by distance");
	a->state = ATOM_OVERWRITTEN;
	add_declaration(c, DECLARED_OVERWRITE, atom_name(a));
	return NULL;
}

bool data_is_accepted(const struct change *c, const char *name)
{
	_cleanup_free_ char *base = base_name(name);
	size_t i;

	for (i = 0; i < c->accepted_data_count; i++)
		if (!strcmp(c->accepted_data[i], name) || !strcmp(c->accepted_data[i], base))
			return true;
	return false;
}

static struct error *heed(struct change *c, struct atom *a)
{
	const char *name = atom_name(a);
	bool keep = is_declared(c, "keep", name) || data_is_accepted(c, name);
	bool overwrite = is_declared(c, "overwrite", name);

	if (keep && overwrite)
		return refuse("DECLARATION-INVALID", "%s in %s shall be kept and overwritten", name,
			      c->post->name);
	if (overwrite)
		return overwrite_atom(c, a);
	if (!keep)
		return NULL;
	TRY(check_size(c, a));
	a->state = ATOM_KEPT;
	add_declaration(c, DECLARED_KEEP, name);
	return NULL;
}

struct error *heed_declarations(struct change *c)
{
	_cleanup_free_ char **layouts = NULL;
	size_t i, count = 0;

	for (i = 0; i < c->post->atom_count; i++) {
		struct atom *a = &c->post->atoms[i];
		enum section_class class = section_classify(a->section, c->module);

		if (a->state == ATOM_CHANGED && a->symbol && same_home(a->twin, a) &&
		    (class == CLASS_DATA || class == CLASS_RODATA))
			TRY(heed(c, a));
	}
	declared_layouts(c->pre, c->post, &layouts, &count);
	for (i = 0; i < count; i++)
		add_declaration(c, DECLARED_LAYOUT, layouts[i]);
	return NULL;
}
