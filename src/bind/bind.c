// SPDX-License-Identifier: GPL-2.0
#include "bind/bind.h"

#include "arch/arch.h"
#include "kmend/engine.h"
#include "object/tables.h"
#include "util/memory.h"

#include <string.h>

/* A module being bound: its image is written to through the sections' data. */
struct binding {
	const struct manifest_target *mt;	/* NULL for the engine */
	struct match *const *matches;
	struct live *live;
	uint64_t kernel_end;			/* vmlinux lies below, and modules above */
	struct object *ko;
	uint8_t *symbols;			/* the image's symbol table, the first as in object.c */
};

static struct error *does_not_fit(const struct binding *b, const char *what)
{
	return refuse("PACK-INVALID", "%s does not fit the manifest: %s", b->ko->name, what);
}

static struct error *open_image(struct binding *b, const void *ko, size_t size, const char *name)
{
	size_t i;

	TRY(object_parse(xmemdup(ko, size), size, name, &b->ko));
	for (i = 0; i < b->ko->section_count && !b->symbols; i++)
		if (b->ko->sections[i]->type == SHT_SYMTAB)
			b->symbols = b->ko->sections[i]->data;
	return NULL;
}

static void close_image(struct binding *b, struct bound *out)
{
	out->size = b->ko->image_size;
	out->image = xmemdup(b->ko->image, out->size);
}

static void set_absolute(struct binding *b, const struct symbol *s, uint64_t addr)
{
	uint8_t *at = b->symbols + s->index * sizeof(Elf64_Sym);
	Elf64_Sym sym;

	memcpy(&sym, at, sizeof(sym));
	sym.st_shndx = SHN_ABS;
	sym.st_value = addr;
	memcpy(at, &sym, sizeof(sym));
}

static const struct match *match_of(const struct binding *b, const char *object)
{
	size_t i;

	for (i = 0; i < b->mt->object_count; i++)
		if (!strcmp(b->mt->objects[i].name, object))
			return b->matches[i];
	return NULL;
}

static const struct manifest_symbol *symbol_of(const struct binding *b, const char *symbol)
{
	size_t i;

	for (i = 0; i < b->mt->symbol_count; i++)
		if (!strcmp(b->mt->symbols[i].symbol, symbol))
			return &b->mt->symbols[i];
	return NULL;
}

/* Lists of structures are read and written where they stand in the image. */
static bool is_list(const struct section *sec, size_t entry)
{
	return sec->data && sec->size % entry == 0 && (uintptr_t)sec->data % 8 == 0;
}

/* Notes that the update uses what is at @addr, where the engine looks for it. */
static struct error *note_use(const struct binding *b, uint64_t addr)
{
	const struct section *sec = object_section(b->ko, ".kmend.uses");
	uint64_t page = addr & -(uint64_t)KMEND_USES_PAGE, *uses;
	size_t i;

	if (addr < b->kernel_end)
		return NULL;
	if (!sec || !is_list(sec, sizeof(*uses)) || sec->size != KMEND_USES * sizeof(*uses))
		return does_not_fit(b, "it has no room for what it uses");
	uses = (uint64_t *)sec->data;
	for (i = 0; i < KMEND_USES && uses[i] && uses[i] != page; i++)
		;
	if (i == KMEND_USES)
		return refuse("TOO-MANY", "%s refers to too many pages of modules", b->ko->name);
	uses[i] = page;
	return NULL;
}

/*
 * What the target itself exports.  By the loader it would not be bound before
 * the target's init is over, and the target could then not be unloaded.  The
 * kernel's table of exports tells; kallsyms has a module's GPL exports in lower
 * case.  NULL where the name is not exported, or stands for several things.
 */
static const struct live_symbol *own_export(const struct binding *b, const char *name)
{
	_cleanup_free_ char *entry = xasprintf("__ksymtab_%s", name);
	const struct live_symbol *s;

	if (!strcmp(b->mt->name, "vmlinux") || !live_find(b->live, entry, b->mt->name, NULL))
		return NULL;
	s = live_find(b->live, name, b->mt->name, NULL);
	return s && !live_find(b->live, name, b->mt->name, s) ? s : NULL;
}

static struct error *bind_symbols(struct binding *b)
{
	size_t i;

	for (i = 1; i < b->ko->symbol_count; i++) {
		const struct symbol *s = b->ko->symbols[i];
		const struct live_symbol *export;
		const struct manifest_symbol *ms;
		const struct match *m;
		uint64_t addr;

		if (!symbol_is_undefined(s))
			continue;
		ms = symbol_of(b, s->name);
		export = ms ? NULL : own_export(b, s->name);
		if (export)
			set_absolute(b, s, export->addr);
		if (!ms)
			continue;
		m = match_of(b, ms->object);
		if (!m)
			return does_not_fit(b, ms->object);
		TRY(match_address(m, ms->name, &addr));
		TRY(note_use(b, addr));
		set_absolute(b, s, addr);
	}
	return NULL;
}

/* The symbol that the relocation at @offset of @sec is bound to, or NULL. */
static const struct manifest_symbol *symbol_at(const struct binding *b, const struct section *sec,
					       uint64_t offset)
{
	size_t i;

	for (i = 0; i < sec->reloc_count; i++)
		if (sec->relocs[i].offset == offset)
			return symbol_of(b, sec->relocs[i].symbol->name);
	return NULL;
}

/* The proved function that the relocation at @offset of @sec is bound to. */
static struct error *function_at(const struct binding *b, const struct section *sec, uint64_t offset,
				 const struct match **m, const struct match_function **f)
{
	const struct manifest_symbol *ms = symbol_at(b, sec, offset);

	*m = ms ? match_of(b, ms->object) : NULL;
	*f = *m ? match_function(*m, ms->name) : NULL;
	if (!*f)
		return does_not_fit(b, "a function's old code is not named");
	return match_require(*m, *f);
}

/*
 * The function's symbol is its address to all others.  Where an earlier update
 * replaced it, the newest version, so far from there, gets the jump.
 */
static struct error *move_place(const struct binding *b, const struct section *sec, uint64_t offset,
				uint64_t distance)
{
	_cleanup_free_ char *name = xasprintf(".rela%s", sec->name);
	const struct section *relocs = object_section(b->ko, name);
	Elf64_Rela rela;
	uint64_t at;

	if (!distance)
		return NULL;
	for (at = 0; relocs && relocs->data && at + sizeof(rela) <= relocs->size; at += sizeof(rela)) {
		memcpy(&rela, relocs->data + at, sizeof(rela));
		if (rela.r_offset != offset)
			continue;
		rela.r_addend += distance;
		memcpy(relocs->data + at, &rela, sizeof(rela));
		return NULL;
	}
	return does_not_fit(b, "a function's old code is not named");
}

static bool replaces_functions(const struct manifest_target *mt)
{
	size_t i;

	for (i = 0; i < mt->function_count; i++)
		if (mt->functions[i].action == MANIFEST_REPLACE)
			return true;
	return false;
}

static struct error *fill_functions(struct binding *b)
{
	const struct section *sec = object_section(b->ko, ".kmend.functions");
	struct kmend_function *entry;
	uint64_t at;

	/* It is empty for a target of hooks or data, or that only gets what others need. */
	if ((!sec || !sec->size) && !replaces_functions(b->mt))
		return NULL;
	if (!sec || !is_list(sec, sizeof(*entry)))
		return does_not_fit(b, "it has no list of functions");
	for (at = 0; at < sec->size; at += sizeof(*entry)) {
		const struct match_function *f;
		const struct match *m;

		TRY(function_at(b, sec, at + offsetof(struct kmend_function, old_addr), &m, &f));
		if (f->blocked)
			return refuse("JUMP-BLOCKED", "%s in %s cannot be replaced: %s",
				      f->pre->symbol->name, b->mt->name, f->blocked);
		entry = (struct kmend_function *)(sec->data + at);
		entry->old_size = f->run_size;
		entry->jump_offset = f->jump_offset;
		TRY(live_read(b->live, f->addr + f->jump_offset, entry->expected,
			      sizeof(entry->expected)));
		TRY(move_place(b, sec, at + offsetof(struct kmend_function, old_addr), f->addr - f->entry));
	}
	return NULL;
}

static struct error *fill_ranges(struct binding *b)
{
	const struct section *sec = object_section(b->ko, ".kmend.ranges");
	struct kmend_range *entry;
	uint64_t at;

	if (!sec || !sec->data)
		return NULL;
	if (!is_list(sec, sizeof(*entry)))
		return does_not_fit(b, "its list of ranges is damaged");
	for (at = 0; at < sec->size; at += sizeof(*entry)) {
		const struct match_function *f;
		const struct match *m;

		TRY(function_at(b, sec, at + offsetof(struct kmend_range, addr), &m, &f));
		entry = (struct kmend_range *)(sec->data + at);
		entry->size = f->run_size;
		TRY(move_place(b, sec, at + offsetof(struct kmend_range, addr), f->addr - f->entry));
	}
	return NULL;
}

/* Whether the running object at @addr has the content of @a, where no address stands. */
static struct error *same_content(const struct binding *b, const struct atom *a, uint64_t addr, bool *same)
{
	_cleanup_free_ uint8_t *running = xmalloc(atom_size(a));
	_cleanup_free_ uint8_t *compiled = xmemdup(atom_data(a), atom_size(a));
	size_t i;

	TRY(live_read(b->live, addr, running, atom_size(a)));
	for (i = 0; i < a->reloc_count; i++) {
		uint64_t at = a->relocs[i].offset - a->start, left = atom_size(a) - at;
		uint64_t n = arch_reloc_size(a->relocs[i].type);

		memcpy(compiled + at, running + at, n < left ? n : left);
	}
	*same = !memcmp(running, compiled, atom_size(a));
	return NULL;
}

/* An object that shall be overwritten must be what it was compiled to, where nobody could write to it. */
static struct error *check_object(const struct binding *b, const struct manifest_symbol *ms,
				  const struct kmend_object *entry)
{
	const struct match *m = match_of(b, ms->object);
	const struct symbol *s = m ? object_symbol(m->pre, ms->name) : NULL;
	uint64_t addr;
	bool same;

	if (!s || !s->atom || s->value != s->atom->start || atom_size(s->atom) != entry->size)
		return does_not_fit(b, ms->name);
	TRY(match_address(m, ms->name, &addr));
	if (!entry->read_only || !atom_data(s->atom))
		return NULL;
	TRY(same_content(b, s->atom, addr, &same));
	if (same)
		return NULL;
	return refuse("DATA-DIFFERS",
		      "%s in %s, which is read-only, has not the content that was compiled for %s, so it is not overwritten",
		      ms->name, b->mt->name, ms->object);
}

static struct error *check_objects(const struct binding *b)
{
	const struct section *sec = object_section(b->ko, ".kmend.objects");
	const struct kmend_object *entry;
	const struct manifest_symbol *ms;
	uint64_t at;

	if (!sec || !sec->size)
		return NULL;
	if (!is_list(sec, sizeof(*entry)))
		return does_not_fit(b, "its list of objects is damaged");
	for (at = 0; at < sec->size; at += sizeof(*entry)) {
		entry = (const struct kmend_object *)(sec->data + at);
		ms = symbol_at(b, sec, at + offsetof(struct kmend_object, addr));
		if (!ms)
			return does_not_fit(b, "an object is not named");
		TRY(check_object(b, ms, entry));
	}
	return NULL;
}

/*
 * A global function of the update that the target has already, in another
 * file: the new one was to take its place, as one does that of a __weak one,
 * and all that calls the old one is linked to it.
 */
static struct error *check_added(const struct binding *b, const struct manifest_function *f)
{
	const struct match *m = match_of(b, f->object);
	const struct symbol *new = object_symbol(b->ko, f->name), *old = m ? object_symbol(m->pre, f->name) : NULL;
	const struct live_symbol *s = NULL;

	/* What was in the same file is static no more, or was for boot only, and is gone. */
	if (f->action != MANIFEST_ADD || !new || new->bind == STB_LOCAL || (old && old->section))
		return NULL;
	while ((s = live_find(b->live, f->name, b->mt->name, s)))
		if (s->type >= 'A' && s->type <= 'Z')
			return refuse("FUNCTION-OVERRIDES",
				      "the patch adds %s in %s, and %s has a function of that name, which what is not changed goes on calling",
				      f->name, f->object, b->mt->name);
	return NULL;
}

static struct error *check_all_added(const struct binding *b)
{
	size_t i;

	for (i = 0; i < b->mt->function_count; i++)
		TRY(check_added(b, &b->mt->functions[i]));
	return NULL;
}

static struct error *fill_target(struct binding *b)
{
	const struct section *sec = object_section(b->ko, ".kmend.target");
	const struct live_module *module;
	struct kmend_target *target;

	if (!sec || !is_list(sec, sizeof(*target)) || sec->size != sizeof(*target))
		return does_not_fit(b, "it does not name its target");
	target = (struct kmend_target *)sec->data;
	if (strncmp(target->name, b->mt->name, sizeof(target->name)))
		return does_not_fit(b, "it names another target");
	if (!strcmp(b->mt->name, "vmlinux"))
		return NULL;
	module = live_module(b->live, b->mt->name);
	if (!module)
		return refuse("MODULE-MISSING", "the module %s, which the update changes, is not loaded",
			      b->mt->name);
	target->base = module->base;
	return NULL;
}

/*
 * The only symbol of this name: the only one at all, or the only global one,
 * which kallsyms shows in upper case.  NULL where there is none.
 */
static const struct live_symbol *only_symbol(const struct live *live, const char *name)
{
	const struct live_symbol *s = NULL, *global = NULL, *last = NULL;
	size_t count = 0;

	while ((s = live_find(live, name, "vmlinux", s))) {
		if (s->type >= 'A' && s->type <= 'Z')
			global = s;
		last = s;
		count++;
	}
	return count == 1 ? last : global;
}

/*
 * Writes the values of variables into the new code as the kernel did at boot
 * into its own; it does not do that for modules.
 */
static struct error *fill_constant(struct binding *b, const char *variable, unsigned int size,
				   const struct reloc *place)
{
	const struct live_symbol *s = only_symbol(b->live, variable);
	const struct atom *to = place->target;

	if (!s)
		return refuse("SYMBOL-UNKNOWN", "%s, whose value stands in the code of %s, cannot be found",
			      variable, b->mt->name);
	if (!to || !atom_data(to) || place->delta < 0 || (uint64_t)place->delta > atom_size(to) ||
	    size > atom_size(to) - place->delta)
		return does_not_fit(b, "a constant's place is not in its code");
	return live_read(b->live, s->addr, to->section->data + to->start + place->delta, size);
}

static struct error *fill_constants(struct binding *b)
{
	size_t i, k;

	for (i = 0; i < b->ko->section_count; i++) {
		const struct section *sec = b->ko->sections[i];
		const struct arch_table *table = section_table(sec);
		const char *variable;
		unsigned int size;

		if (!table || table->kind != ARCH_TABLE_CONSTANT)
			continue;
		variable = arch_constant(table, sec, &size);
		for (k = 0; k < sec->reloc_count; k++)
			TRY(fill_constant(b, variable, size, &sec->relocs[k]));
	}
	return NULL;
}

struct error *bind_update(const struct manifest_target *mt, const void *ko, size_t size,
			  struct match *const *matches, struct live *live, struct bound *out)
{
	struct binding b = { .mt = mt, .matches = matches, .live = live };
	const struct live_symbol *end = only_symbol(live, "_end");
	struct error *err;

	/* Where the kernel does not tell: as far as it may reach (Documentation/x86/x86_64/mm.rst). */
	b.kernel_end = end ? end->addr : 0xffffffffc0000000;
	TRY(open_image(&b, ko, size, mt->file));
	err = bind_symbols(&b);
	if (!err)
		err = fill_functions(&b);
	if (!err)
		err = fill_ranges(&b);
	if (!err)
		err = check_objects(&b);
	if (!err)
		err = check_all_added(&b);
	if (!err)
		err = fill_target(&b);
	if (!err)
		err = fill_constants(&b);
	if (!err)
		close_image(&b, out);
	object_free(b.ko);
	return err;
}

/*
 * struct modversion_info (include/linux/module.h): a CRC, and the name of a
 * symbol that modpost found exported.
 */
#define VERSION_SIZE 64
#define VERSION_NAME 8

static bool is_exported(const struct object *ko, const char *name)
{
	const struct section *sec = object_section(ko, "__versions");
	uint64_t at;

	for (at = 0; sec && sec->data && at + VERSION_SIZE <= sec->size; at += VERSION_SIZE)
		if (!strncmp((const char *)sec->data + at + VERSION_NAME, name, VERSION_SIZE - VERSION_NAME))
			return true;
	return false;
}

static struct error *bind_to_vmlinux(struct binding *b)
{
	size_t i;

	for (i = 1; i < b->ko->symbol_count; i++) {
		const struct symbol *s = b->ko->symbols[i];
		const struct live_symbol *live;

		if (!symbol_is_undefined(s) || is_exported(b->ko, s->name))
			continue;
		live = only_symbol(b->live, s->name);
		if (!live)
			return refuse("ENGINE-SYMBOL", "this kernel has no single %s, which the engine needs",
				      s->name);
		set_absolute(b, s, live->addr);
	}
	return NULL;
}

struct error *bind_engine(const void *ko, size_t size, struct live *live, struct bound *out)
{
	struct binding b = { .live = live };
	struct error *err;

	TRY(open_image(&b, ko, size, "engine/kmend.ko"));
	err = bind_to_vmlinux(&b);
	if (!err)
		close_image(&b, out);
	object_free(b.ko);
	return err;
}

void bound_fini(struct bound *b)
{
	free(b->image);
	*b = (struct bound){ 0 };
}
