// SPDX-License-Identifier: GPL-2.0
#include "diff/layout.h"

#include "diff/debug.h"
#include "util/file.h"
#include "util/memory.h"

#include <dwarf.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* A member, an enumerator, or the size, as one line of text that can be compared. */
struct type {
	char *name;		/* "struct sock" */
	char **lines;
	size_t count, capacity;
};

struct types {
	struct type *list;	/* sorted by name */
	size_t count, capacity;
};

static void types_fini(struct types *t)
{
	size_t i, k;

	for (i = 0; i < t->count; i++) {
		for (k = 0; k < t->list[i].count; k++)
			free(t->list[i].lines[k]);
		free(t->list[i].lines);
		free(t->list[i].name);
	}
	free(t->list);
}

static const char *kind_of(Dwarf_Die *die)
{
	switch (dwarf_tag(die)) {
	case DW_TAG_structure_type:
		return "struct";
	case DW_TAG_union_type:
		return "union";
	case DW_TAG_enumeration_type:
		return "enum";
	default:
		return NULL;
	}
}

static char *array_text(Dwarf_Die *die, char *element)
{
	Dwarf_Die child;
	char *text = element;

	if (dwarf_child(die, &child))
		return text;
	do {
		uint64_t count = debug_number(&child, DW_AT_count, UINT64_MAX);
		char *longer;

		if (dwarf_tag(&child) != DW_TAG_subrange_type)
			continue;
		if (count == UINT64_MAX)
			count = debug_number(&child, DW_AT_upper_bound, UINT64_MAX) + 1;
		longer = xasprintf("%s[%llu]", text, (unsigned long long)count);
		free(text);
		text = longer;
	} while (!dwarf_siblingof(&child, &child));
	return text;
}

static char *type_text(Dwarf_Die *die);
static char *nameless_text(Dwarf_Die *type);

/* The bits mean the same to code that takes them for signed and code that does not. */
static char *number_text(Dwarf_Die *type)
{
	uint64_t encoding = debug_number(type, DW_AT_encoding, 0);

	if (encoding == DW_ATE_boolean || encoding == DW_ATE_float)
		return xstrdup(dwarf_diename(type));
	return xasprintf("number of %llu bytes", (unsigned long long)debug_number(type, DW_AT_byte_size, 0));
}

/* Numbers whose unit, or order of bytes, is in the name. */
static bool has_meaning(const char *name)
{
	static const char *const names[] = { "ktime_t", "__be16", "__be32", "__be64" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

/* A typedef is what it stands for; where that has no name, or less of a meaning, its own serves. */
static char *typedef_text(Dwarf_Die *type)
{
	Dwarf_Die inner;

	if (has_meaning(dwarf_diename(type)) ||
	    (debug_type(type, &inner) && kind_of(&inner) && !dwarf_diename(&inner)))
		return xstrdup(dwarf_diename(type));
	return type_text(type);
}

/* What it points to matters where that is more than bytes, or a function. */
static char *pointer_text(Dwarf_Die *type)
{
	_cleanup_free_ char *to = type_text(type);
	Dwarf_Die target;

	if (!debug_type(type, &target) || dwarf_tag(&target) == DW_TAG_subroutine_type ||
	    !strcmp(to, "void") || !strcmp(to, "_Bool") || !strcmp(to, "number of 1 bytes"))
		return xstrdup("pointer");
	return xasprintf("pointer to %s", to);
}

/*
 * What the type of @die is, as far as the layout of who contains it goes: a
 * named type is its name, its own change is told for itself.
 */
static char *type_text(Dwarf_Die *die)
{
	const char *name, *kind;
	Dwarf_Die type;

	if (!debug_type(die, &type))
		return xstrdup("void");
	name = dwarf_diename(&type);
	kind = kind_of(&type);
	switch (dwarf_tag(&type)) {
	case DW_TAG_pointer_type:
		return pointer_text(&type);
	case DW_TAG_const_type:
	case DW_TAG_volatile_type:
	case DW_TAG_restrict_type:
	case DW_TAG_atomic_type:
		return type_text(&type);
	case DW_TAG_array_type:
		return array_text(&type, type_text(&type));
	case DW_TAG_base_type:
		return number_text(&type);
	case DW_TAG_typedef:
		return typedef_text(&type);
	default:
		if (name)
			return xasprintf("%s%s%s", kind ? kind : "", kind ? " " : "", name);
		return nameless_text(&type);
	}
}

static void add_line(struct type *t, char *line)
{
	array_grow(t->lines, t->count, t->capacity);
	t->lines[t->count++] = line;
}

/* In the words of DWARF 4 it counts from the other end, in both objects alike. */
static uint64_t bit_offset(Dwarf_Die *member)
{
	return debug_number(member, DW_AT_data_bit_offset, debug_number(member, DW_AT_bit_offset, 0));
}

static void add_members(struct type *t, Dwarf_Die *die, uint64_t base);

static void add_member(struct type *t, Dwarf_Die *die, uint64_t base)
{
	uint64_t offset = base + debug_number(die, DW_AT_data_member_location, 0);
	const char *name = dwarf_diename(die);
	_cleanup_free_ char *type = NULL;
	Dwarf_Die inner;

	/* The members of a nameless member are those of who contains it. */
	if (!name && debug_type(die, &inner) && kind_of(&inner)) {
		add_members(t, &inner, offset);
		return;
	}
	type = type_text(die);
	add_line(t, xasprintf("%s at %llu: %s, bits %llu at %llu", name ? name : "(nameless)",
			      (unsigned long long)offset, type,
			      (unsigned long long)debug_number(die, DW_AT_bit_size, 0),
			      (unsigned long long)bit_offset(die)));
}

static void add_members(struct type *t, Dwarf_Die *die, uint64_t base)
{
	Dwarf_Die child;

	if (dwarf_child(die, &child))
		return;
	do {
		if (dwarf_tag(&child) == DW_TAG_member)
			add_member(t, &child, base);
		else if (dwarf_tag(&child) == DW_TAG_enumerator)
			add_line(t, xasprintf("%s = %lld", dwarf_diename(&child),
					      (long long)debug_number(&child, DW_AT_const_value, 0)));
	} while (!dwarf_siblingof(&child, &child));
}

/* Nobody else tells of its members. */
static char *nameless_text(Dwarf_Die *type)
{
	char *text = xasprintf("nameless(%llu", (unsigned long long)debug_number(type, DW_AT_byte_size, 0));
	struct type inner = { 0 };
	size_t i;

	/* What enumerators are worth is told of each, whatever it is in. */
	if (dwarf_tag(type) != DW_TAG_enumeration_type)
		add_members(&inner, type, 0);
	for (i = 0; i <= inner.count; i++) {
		char *longer = i < inner.count ? xasprintf("%s; %s", text, inner.lines[i]) : xasprintf("%s)", text);

		free(text);
		text = longer;
	}
	names_free(inner.lines, inner.count);
	return text;
}

#define FUNCTION "function"

/* What callers of the function rely on. */
static void add_prototype(struct type *t, Dwarf_Die *die)
{
	_cleanup_free_ char *result = type_text(die);
	unsigned int i = 0;
	Dwarf_Die child;

	add_line(t, xasprintf("it returns %s", result));
	if (dwarf_child(die, &child))
		return;
	do {
		if (dwarf_tag(&child) == DW_TAG_formal_parameter) {
			_cleanup_free_ char *type = type_text(&child);

			add_line(t, xasprintf("parameter %u is %s", ++i, type));
		}
	} while (!dwarf_siblingof(&child, &child));
}

static void add_layout(struct type *t, Dwarf_Die *die)
{
	if (dwarf_tag(die) != DW_TAG_enumeration_type)
		add_line(t, xasprintf("size %llu",
				      (unsigned long long)debug_number(die, DW_AT_byte_size, 0)));
	add_members(t, die, 0);
}

#define ENUMERATOR "enumerator"

static struct type *new_type(struct types *types, const char *kind, const char *name)
{
	struct type *t;

	array_grow(types->list, types->count, types->capacity);
	t = &types->list[types->count++];
	*t = (struct type){ .name = xasprintf("%s %s", kind, name) };
	return t;
}

/* Numbers of bits, states and the like: each name is known by itself, as nothing tells which enumeration was which. */
static void add_enumerators(struct types *types, Dwarf_Die *die)
{
	Dwarf_Die child;

	if (dwarf_child(die, &child))
		return;
	do
		if (dwarf_tag(&child) == DW_TAG_enumerator)
			add_line(new_type(types, ENUMERATOR, dwarf_diename(&child)),
				 xasprintf("%lld", (long long)debug_number(&child, DW_AT_const_value, 0)));
	while (!dwarf_siblingof(&child, &child));
}

#define VARIABLE "variable"

/*
 * What a variable holds; where it was declared before, the declaration has its name, and
 * mostly its type.  @function: in which it is static, or NULL.
 */
static void add_variable(struct types *types, Dwarf_Die *die, const char *function)
{
	_cleanup_free_ char *full = NULL;
	Dwarf_Die declaration = *die, type;
	_cleanup_free_ char *text = NULL;
	Dwarf_Attribute attr;
	const char *name;

	if (dwarf_attr(die, DW_AT_declaration, &attr))
		return;
	if (dwarf_attr(die, DW_AT_specification, &attr) && !dwarf_formref_die(&attr, &declaration))
		return;
	name = dwarf_diename(&declaration);
	if (!name)
		return;
	text = type_text(debug_type(die, &type) ? die : &declaration);
	if (function)
		full = xasprintf("%s.%s", function, name);
	add_line(new_type(types, VARIABLE, full ? full : name), take_ptr(text));
}

/* It has an address: DWARF 5, 2.6.1.1.2. */
static bool is_static(Dwarf_Die *die)
{
	Dwarf_Attribute attr;
	Dwarf_Block block;

	return dwarf_attr(die, DW_AT_location, &attr) && !dwarf_formblock(&attr, &block) && block.length &&
	       block.data[0] == DW_OP_addr;
}

static void add_static_variables(struct types *types, Dwarf_Die *die, const char *function)
{
	Dwarf_Die child;

	if (dwarf_child(die, &child))
		return;
	do {
		if (dwarf_tag(&child) == DW_TAG_lexical_block)
			add_static_variables(types, &child, function);
		else if (dwarf_tag(&child) == DW_TAG_variable && is_static(&child))
			add_variable(types, &child, function);
	} while (!dwarf_siblingof(&child, &child));
}

static void add_type(void *arg, Dwarf_Die *die)
{
	struct types *types = arg;
	const char *kind = kind_of(die), *name = dwarf_diename(die);
	Dwarf_Die layout = *die;
	Dwarf_Attribute attr;
	struct type *t;

	if (dwarf_tag(die) == DW_TAG_variable)
		add_variable(types, die, NULL);
	if (dwarf_tag(die) == DW_TAG_subprogram && name)
		add_static_variables(types, die, name);
	if (dwarf_tag(die) == DW_TAG_subprogram && dwarf_attr(die, DW_AT_external, &attr))
		kind = FUNCTION;
	/* "typedef struct { ... } name" */
	if (dwarf_tag(die) == DW_TAG_typedef && debug_type(die, &layout) && !dwarf_diename(&layout))
		kind = kind_of(&layout);
	if (dwarf_tag(die) == DW_TAG_enumeration_type && !name)
		add_enumerators(types, die);
	if (!kind || !name || dwarf_attr(&layout, DW_AT_declaration, &attr))
		return;
	t = new_type(types, kind, name);
	if (!strcmp(kind, FUNCTION))
		add_prototype(t, die);
	else
		add_layout(t, &layout);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct type *)a)->name, ((const struct type *)b)->name);
}

static struct error *read_types(const char *path, struct types *types)
{
	TRY(debug_each(path, add_type, types));
	if (types->count)
		qsort(types->list, types->count, sizeof(*types->list), by_name);
	return NULL;
}

static bool is_accepted(const char *name, char *const *accepted, size_t count)
{
	const char *bare = strchr(name, ' ') + 1;
	size_t i;

	for (i = 0; i < count; i++)
		if (!strcmp(accepted[i], bare) || !strcmp(accepted[i], name))
			return true;
	return false;
}

/* New enumerators do not disturb the old ones. */
static bool has_line(const struct type *t, const char *line)
{
	size_t i;

	for (i = 0; i < t->count; i++)
		if (!strcmp(t->lines[i], line))
			return true;
	return false;
}

/* The first line of @pre that @post has not, or the other way round; NULL where they are the same. */
static const char *difference(const struct type *pre, const struct type *post)
{
	bool is_enum = !strncmp(pre->name, "enum ", 5);
	size_t i;

	for (i = 0; i < pre->count; i++)
		if (!has_line(post, pre->lines[i]))
			return pre->lines[i];
	for (i = 0; !is_enum && i < post->count; i++)
		if (!has_line(pre, post->lines[i]))
			return post->lines[i];
	return NULL;
}

static bool is_function(const struct type *t)
{
	return !strncmp(t->name, FUNCTION " ", strlen(FUNCTION " "));
}

static bool is_variable(const struct type *t)
{
	return !strncmp(t->name, VARIABLE " ", strlen(VARIABLE " "));
}

static bool atom_lives_on(const struct change *c, const struct atom *a)
{
	return a->twin && section_classify(a->section, c->module) == CLASS_DATA;
}

/*
 * Whether new code uses the variable @name as it is, with what the old code left in it.
 * "FUNCTION.NAME" is NAME with a number.
 */
static bool lives_on(const struct change *c, const char *name)
{
	const char *own = strchr(name, '.');
	const struct symbol *s = own ? NULL : object_symbol(c->post, name);
	size_t i;

	for (i = 0; own && i < c->post->atom_count; i++) {
		const struct atom *a = &c->post->atoms[i];
		_cleanup_free_ char *base = a->symbol ? base_name(a->symbol->name) : NULL;

		if (base && !strcmp(base, own + 1) && strcmp(base, a->symbol->name) && atom_lives_on(c, a))
			return true;
	}
	return s && s->atom && atom_lives_on(c, s->atom);
}

static struct error *refuse_type(const struct change *c, const struct type *t, const struct type *post,
				 const char *line)
{
	const char *bare = strchr(t->name, ' ') + 1;

	if (is_variable(t) && !lives_on(c, bare))
		return NULL;
	if (is_variable(t))
		return refuse("LAYOUT-CHANGED",
			      "the patch makes %s in %s another thing (%s, and now %s): what it holds was made as the old one (--accept layout:%s says that this was thought of)",
			      bare, c->post->name, line, post->lines[0], bare);
	/* In this kernel's own code all that call it are changed with it. */
	if (is_function(t) && !change_exports(c, bare))
		return NULL;
	if (is_function(t))
		return refuse("EXPORT-CHANGED",
			      "the patch changes how %s in %s is called (%s), and modules from elsewhere may call it (--accept layout:%s takes the responsibility)",
			      bare, c->post->name, line, bare);
	if (!strncmp(t->name, ENUMERATOR " ", strlen(ENUMERATOR " ")))
		return refuse("LAYOUT-CHANGED",
			      "the patch changes the value of %s from %s to %s, which %s uses: what lives may hold the old one (KMEND_LAYOUT(%s) in the patch, or --accept layout:%s, says that this was thought of)",
			      bare, line, post->lines[0], c->post->name, bare, bare);
	return refuse("LAYOUT-CHANGED",
		      "the patch changes the layout of %s, which %s uses (%s): what lives was made with the old one (KMEND_LAYOUT(%s) in the patch, or --accept layout:%s, says that this was thought of)",
		      t->name, c->post->name, line, t->name, bare);
}

static struct error *compare(const struct types *pre, const struct types *post, const struct change *c,
			     char *const *accepted, size_t accepted_count)
{
	size_t i;

	for (i = 0; i < pre->count; i++) {
		const struct type *a = &pre->list[i];
		const struct type *b = bsearch(a, post->list, post->count, sizeof(*b), by_name);
		const char *line = b ? difference(a, b) : NULL;

		if (line && !is_accepted(a->name, accepted, accepted_count))
			TRY(refuse_type(c, a, b, line));
	}
	return NULL;
}

struct error *layout_compare(const struct change *c, const char *pre, const char *post,
			     char *const *accepted, size_t accepted_count)
{
	struct types before = { 0 }, after = { 0 };
	struct error *err;

	err = read_types(pre, &before);
	if (!err)
		err = read_types(post, &after);
	if (!err)
		err = compare(&before, &after, c, accepted, accepted_count);
	types_fini(&before);
	types_fini(&after);
	return err;
}
