// SPDX-License-Identifier: GPL-2.0
#include "match/trial.h"

#include "arch/walk.h"
#include "util/memory.h"

#include <string.h>

#define DEPTH_MAX 64 /* of tables that refer to tables */

static bool refer(void *arg, const struct reloc *rel, uint64_t addr);

static bool read_live(void *arg, uint64_t addr, void *buf, size_t size)
{
	struct trial *t = arg;
	struct error *err = live_read(t->m->live, addr, buf, size);
	bool read = !err;

	if (error_is(err, "SNAPSHOT-INVALID") && !t->err)
		t->err = take_ptr(err);
	error_free(err);
	return read;
}

/* Bytes of the string at @s with what ends it, at most @max. */
static uint64_t string_bytes(const struct section *sec, const uint8_t *s, uint64_t max)
{
	static const uint8_t zero[8];
	uint64_t width = sec->entsize && sec->entsize <= sizeof(zero) ? sec->entsize : 1, n;

	for (n = 0; width <= max - n; n += width)
		if (!memcmp(s + n, zero, width))
			return n + width;
	return max;
}

static size_t without_digits(const char *name, size_t length)
{
	while (length && name[length - 1] >= '0' && name[length - 1] <= '9')
		length--;
	return length;
}

/*
 * Bytes of a name without the numbers that the compiler put behind dots; @counted:
 * and without that of __COUNTER__ (__UNIQUE_ID(), include/linux/compiler.h).
 */
static size_t stem_length(const char *name, bool counted)
{
	size_t length = strlen(name), n;

	for (;;) {
		n = without_digits(name, length);
		if (n == length || n < 2 || name[n - 1] != '.')
			break;
		length = n - 1;
	}
	return counted && !strncmp(name, "__UNIQUE_ID_", 12) ? without_digits(name, length) : length;
}

/* What the relocations of data refer to. */
static bool same_pointers(struct trial *t, const struct atom *a, uint64_t addr)
{
	size_t i;

	for (i = 0; i < a->reloc_count; i++) {
		const struct reloc *rel = &a->relocs[i];
		uint64_t field = addr + rel->offset - a->start;
		unsigned int width = arch_reloc_size(rel->type);
		uint8_t held[8];

		if (!width || width > sizeof(held) || !read_live(t, field, held, width) ||
		    !refer(t, rel, arch_reloc_target(rel, held, field) - rel->delta))
			return false;
	}
	return true;
}

/*
 * Names that the compiler made have other numbers in the kernel, but are otherwise
 * the same.  What earlier updates changed may have counted otherwise, too: which
 * one it is is then told by what it refers to, as the text of a message.
 */
static bool fits_stem(struct trial *t, const struct atom *a, uint64_t addr)
{
	const char *name = a->symbol->name;
	const struct live_symbol *s, *end;
	bool counted = t->m->onto_count > 0;
	size_t length = stem_length(name, counted), count;

	if (!t->m->lists_data && !section_is_text(a->section))
		return true;
	s = live_symbols(t->m->live, &count);
	for (end = s + count, s = live_symbol_at(t->m->live, addr, NULL); s && s < end && s->addr <= addr; s++)
		if (s->addr == addr && is_ours(t->m, s) && stem_length(s->name, counted) == length &&
		    !memcmp(s->name, name, length))
			return length == stem_length(name, false) || same_pointers(t, a, addr);
	return false;
}

static bool is_global(const struct live_symbol *s)
{
	return s->type >= 'A' && s->type <= 'Z';
}

/* Whether vmlinux has a global symbol of the name: statics of other files do not count then. */
static bool has_global(const struct trial *t, const char *name)
{
	const struct live_symbol *s = NULL;

	while ((s = live_find(t->m->live, name, "vmlinux", s)))
		if (is_global(s))
			return true;
	return false;
}

/*
 * Whether a module can have been loaded with it, as one of vmlinux or of another
 * module.  Of a module's symbols kallsyms marks those alone that are exported to
 * all (kernel/module/kallsyms.c, is_exported()); the entries of the lists of all
 * exports are data, which not every kernel lists.
 */
static bool is_exported(const struct trial *t, const struct live_symbol *s)
{
	_cleanup_free_ char *entry = NULL;

	if (is_global(s) || !*s->module)
		return is_global(s);
	entry = xasprintf("__ksymtab_%s", s->name);
	return !t->m->lists_data || live_find(t->m->live, entry, s->module, NULL);
}

/*
 * What the linker of the target, or the loader, can have taken for a name that
 * the object does not define.  What was hidden is local in vmlinux.
 */
static bool fits_undefined(const struct trial *t, const struct reloc *rel, uint64_t addr)
{
	const char *name = rel->symbol->name;
	bool module = strcmp(t->m->target, "vmlinux"), global = !module && has_global(t, name);
	bool any = false, other = false;
	const struct live_symbol *s = NULL;

	while ((s = live_find(t->m->live, name, NULL, s))) {
		bool can_be = is_ours(t->m, s) ? !global || *s->module || is_global(s) : module && is_exported(t, s);

		if (can_be && s->addr == addr)
			return true;
		any |= can_be;
		other |= s->addr == addr;
	}
	if (any || other)
		return false;
	/* Nothing is called that has no name, but for what may not be there at all. */
	return !rel->branch || (rel->symbol->bind == STB_WEAK && !addr);
}

/*
 * Code without a name: nothing goes any more to what stands beside alternatives, and
 * what is in the function's own section is as far from it as there.
 */
static bool fits_nameless(const struct trial *t, const struct atom *a, uint64_t addr)
{
	const struct atom *pre = t->function->pre;

	if (!section_is_text(a->section))
		return true;
	if (!strncmp(a->section->name, ".altinstr", 9))
		return false;
	return a->section != pre->section || addr - t->function->addr == a->start - pre->start;
}

/*
 * What the kernel lists a name for is at one of its addresses.  The compiler
 * may have given its own names, with a dot, other numbers there.
 */
static bool fits_name(struct trial *t, const struct reloc *rel, uint64_t addr)
{
	const struct symbol *name = rel->target ? rel->target->symbol : rel->symbol;
	const char *module = rel->target && !t->m->onto_count ? t->m->target : NULL;
	const struct live_symbol *s = NULL;
	bool any = false;

	if (!name || !*name->name)
		return !rel->target || fits_nameless(t, rel->target, addr);
	if (symbol_is_undefined(name))
		return fits_undefined(t, rel, addr);
	if (rel->target && strchr(name->name, '.'))
		return fits_stem(t, rel->target, addr);
	while ((s = live_find(t->m->live, name->name, module, s))) {
		if (rel->target && !is_ours(t->m, s))
			continue;
		if (s->addr == addr)
			return true;
		any = true;
	}
	/* Of code every name is listed. */
	return !any && !(rel->target && section_is_text(rel->target->section));
}

/* Bytes [at, end) of data, without relocations, stand at @addr + at. */
static bool same_bytes(struct trial *t, const uint8_t *data, uint64_t at, uint64_t end, uint64_t addr)
{
	uint8_t buf[512];
	uint64_t part;

	for (; at < end; at += part) {
		part = end - at < sizeof(buf) ? end - at : sizeof(buf);
		if (!read_live(t, addr + at, buf, part) || memcmp(buf, data + at, part))
			return false;
	}
	return true;
}

/* Tables of functions and the like: what they refer to counts as what the code refers to. */
static bool same_table(struct trial *t, const struct atom *a, uint64_t addr)
{
	const uint8_t *data = atom_data(a);
	uint64_t at = 0, size = atom_size(a);
	size_t i;

	for (i = 0; i < a->reloc_count; i++) {
		const struct reloc *rel = &a->relocs[i];
		uint64_t field = rel->offset - a->start;
		unsigned int width = arch_reloc_size(rel->type);
		uint8_t held[8];

		if (!width || width > sizeof(held) || field < at || field + width > size ||
		    !same_bytes(t, data, at, field, addr) || !read_live(t, addr + field, held, width) ||
		    !refer(t, rel, arch_reloc_target(rel, held, addr + field) - rel->delta))
			return false;
		at = field + width;
	}
	return same_bytes(t, data, at, size, addr);
}

/*
 * Of a merged section, the linker kept each string or constant once: only this
 * one stands there.  Which one is told by the symbol; of the section's own
 * symbol, by where it points.
 */
static bool same_merged(struct trial *t, const struct reloc *rel, uint64_t addr)
{
	const struct atom *a = rel->target;
	const struct section *sec = a->section;
	const uint8_t *data = atom_data(a);
	uint64_t size = atom_size(a), at = rel->delta;

	if (rel->symbol->type != STT_SECTION)
		at = rel->symbol->value - a->start;
	if (at >= size)
		return false;
	if (section_is_strings(sec))
		return same_bytes(t, data, at, at + string_bytes(sec, data + at, size - at), addr);
	if (!sec->entsize)
		return same_bytes(t, data, 0, size, addr);
	at = at / sec->entsize * sec->entsize;
	return at + sec->entsize <= size && same_bytes(t, data, at, at + sec->entsize, addr);
}

/* Read-only data is part of the proof where the object knows its bytes. */
static bool same_data(struct trial *t, const struct reloc *rel, uint64_t addr)
{
	const struct atom *a = rel->target;
	bool same;

	if (!atom_data(a) || section_is_text(a->section) || strncmp(a->section->name, ".rodata", 7))
		return true;
	if (a->section->flags & SHF_MERGE)
		return !a->reloc_count && same_merged(t, rel, addr);
	if (t->depth == DEPTH_MAX)
		return false;
	t->depth++;
	same = same_table(t, a, addr);
	t->depth--;
	return same;
}

/* Notes that @place is at @addr; false where this trial found it elsewhere.  *@again: it was found there before. */
static bool find_out(struct trial *t, struct place *place, uint64_t addr, const struct reloc *rel, bool *again)
{
	*again = place->trial == t->serial;
	if (*again)
		return place->seen == addr;
	place->trial = t->serial;
	place->seen = addr;
	array_grow(t->findings, t->count, t->capacity);
	t->findings[t->count++] = (struct finding){ place, addr, rel };
	return true;
}

/* What goes with each update that refers to it (extract.c), so that there are several. */
static bool is_copied(const struct atom *a)
{
	if (strncmp(a->section->name, ".rodata", 7))
		return false;
	if (!a->symbol)
		return true;
	if (a->reloc_count || a->symbol->bind != STB_LOCAL)
		return false;
	return stem_length(a->symbol->name, false) < strlen(a->symbol->name);
}

static int compare_atom(const void *atom, const void *f)
{
	const struct atom *a = ((const struct match_function *)f)->pre;

	return (atom > (const void *)a) - (atom < (const void *)a);
}

/*
 * A place inside of another function, which may be shifted against the object:
 * then it must be where the object's is now.  *@addr: where the function begins,
 * if it is not.
 */
static bool lies_inside(struct trial *t, const struct reloc *rel, uint64_t *addr)
{
	const struct match *m = t->m;
	const struct match_function *f =
		bsearch(rel->target, m->functions, m->function_count, sizeof(*f), compare_atom);

	if (!f)
		return true;
	if (f->state != MATCH_PROVED) {
		t->guessed = true;
		return true;
	}
	if (!f->map)
		return true;
	if ((uint64_t)rel->delta > atom_size(f->pre) || f->map[rel->delta] != *addr + rel->delta - f->addr + 1)
		return false;
	*addr = f->addr;
	return true;
}

static bool refer(void *arg, const struct reloc *rel, uint64_t addr)
{
	struct trial *t = arg;
	const struct section *sec = rel->target ? rel->target->section : NULL;
	bool versions = t->m->onto_count > 0;
	struct place *place = rel->target ? &t->m->atoms[rel->target->index] :
					    &t->m->symbols[rel->symbol->index];
	bool again;

	if (rel->target == t->function->pre) {
		if (versions && !rel->delta)
			addr = newest_version(t->m, addr);
		return arch_walk_inside(t->walk, rel->delta, addr + rel->delta - t->function->addr);
	}
	if (sec && section_is_text(sec) && rel->delta && !lies_inside(t, rel, &addr))
		return false;
	if (!fits_name(t, rel, addr))
		return false;
	/* Some code knows where a function began, other code its newest version. */
	if (versions && sec && section_is_text(sec))
		addr = newest_version(t->m, addr);
	/* What was proved to be elsewhere cannot be here. */
	if (place->known && place->proved && place->addr != addr)
		return false;
	if (sec && (sec->flags & SHF_MERGE || (versions && is_copied(rel->target))))
		return same_data(t, rel, addr);
	if (!find_out(t, place, addr, rel, &again))
		return false;
	if (again || !sec)
		return true;
	/* Data that the source puts into one section stays together, but for what an update adds to it. */
	if (sec->atom_count > 1 && !section_is_text(sec) && !versions &&
	    !find_out(t, &t->m->sections[sec->index], addr - rel->target->start, rel, &again))
		return false;
	return same_data(t, rel, addr);
}

/* Static calls are of whoever has them; all else that is asked for is vmlinux', and modules may have others of the name. */
static uint64_t lookup(void *arg, const char *name)
{
	struct trial *t = arg;
	const struct live_symbol *s = NULL;
	bool anybodys = !strncmp(name, "__SCK__", 7);

	if (anybodys)
		s = live_find(t->m->live, name, t->m->target, NULL);
	if (!s)
		s = live_find(t->m->live, name, "vmlinux", NULL);
	if (!s && anybodys)
		s = live_find(t->m->live, name, NULL, NULL);
	return s ? s->addr : 0;
}

static const char *function_at(void *arg, uint64_t addr, const char **module)
{
	struct trial *t = arg;
	uint64_t offset;
	const struct live_symbol *s = live_symbol_at(t->m->live, addr, &offset);

	*module = s ? s->module : "";
	return s && !offset ? s->name : NULL;
}

static size_t mark(void *arg)
{
	return ((struct trial *)arg)->count;
}

static void rewind_to(void *arg, size_t count)
{
	struct trial *t = arg;

	t->count = count;
	t->serial++;
}

static const struct arch_walk_ops ops = { refer, read_live, lookup, function_at, mark, rewind_to };

bool trial_try(struct trial *t, struct match_function *f, uint64_t addr)
{
	size_t size = atom_size(f->pre) + ARCH_WALK_SLACK;
	_cleanup_free_ uint8_t *text = xmalloc(size);
	struct arch_walk w = { .tables = t->m->tables, .pre = f->pre, .addr = addr, .text = text,
			       .size = size, .ops = &ops, .arg = t };
	bool same;

	t->count = 0;
	t->serial++;
	t->function = f;
	t->guessed = false;
	t->walk = &w;
	free(t->map);
	t->map = NULL;
	f->addr = addr;
	/* Behind the last function of all there may be nothing. */
	if (!read_live(t, addr, text, w.size) && !read_live(t, addr, text, w.size -= ARCH_WALK_SLACK)) {
		f->why = "the memory there cannot be read";
		return false;
	}
	w.limit = live_next_symbol_addr(t->m->live, addr) - addr;
	same = arch_walk(&w);
	t->map = w.map;
	t->walk = NULL;
	f->guessed |= t->guessed;
	f->run_size = w.run_size;
	f->jump_offset = w.jump_offset;
	f->blocked = w.blocked;
	f->why = w.why;
	f->pre_offset = w.pre_offset;
	f->run_offset = w.run_offset;
	return same;
}
