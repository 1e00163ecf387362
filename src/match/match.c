// SPDX-License-Identifier: GPL-2.0
#include "match/match.h"

#include "arch/walk.h"
#include "util/memory.h"

#include <string.h>

/* What is known of the address of an atom or a symbol. */
struct place {
	uint64_t addr;
	bool known;
	bool conflict;	/* two proved functions disagree */
	bool proved;	/* a function that was matched there itself */
};

/* What one candidate would make known, and by which relocation. */
struct finding {
	struct place *place;
	uint64_t addr;
	const struct reloc *rel;
};

struct trial {
	struct match *m;
	const struct match_function *function;
	unsigned int depth;
	struct finding *findings;
	size_t count, capacity;
	struct error *err;	/* the memory cannot be trusted: no outcome counts */
};

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

/* Bytes of a name without the numbers that the compiler put behind dots. */
static size_t stem_length(const char *name)
{
	size_t length = strlen(name), n;

	for (;;) {
		for (n = length; n && name[n - 1] >= '0' && name[n - 1] <= '9'; n--)
			;
		if (n == length || n < 2 || name[n - 1] != '.')
			return length;
		length = n - 1;
	}
}

/* Names that the compiler made have other numbers in the kernel, but are otherwise the same. */
static bool fits_stem(const struct trial *t, const struct atom *a, uint64_t addr)
{
	const char *name = a->symbol->name;
	const struct live_symbol *s, *end;
	size_t length = stem_length(name), count;

	if (!t->m->lists_data && !section_is_text(a->section))
		return true;
	s = live_symbols(t->m->live, &count);
	for (end = s + count, s = live_symbol_at(t->m->live, addr, NULL); s && s < end && s->addr <= addr; s++)
		if (s->addr == addr && live_symbol_in(s, t->m->target) &&
		    stem_length(s->name) == length && !memcmp(s->name, name, length))
			return true;
	return false;
}

/* CONFIG_KALLSYMS_ALL is not in every kernel. */
static bool lists_data(const struct live *live, const char *target)
{
	const struct live_symbol *s, *end;
	size_t count;

	s = live_symbols(live, &count);
	for (end = s + count; s < end; s++)
		if (strchr("dbr", s->type) && live_symbol_in(s, target))
			return true;
	return false;
}

/*
 * What the kernel lists a name for is at one of its addresses.  The compiler
 * may have given its own names, with a dot, other numbers there.
 */
static bool fits_name(const struct trial *t, const struct reloc *rel, uint64_t addr)
{
	const struct symbol *name = rel->target ? rel->target->symbol : rel->symbol;
	const char *module = rel->target ? t->m->target : NULL;
	const struct live_symbol *s = NULL;
	bool any = false;

	if (!name || !*name->name)
		return true;
	if (rel->target && strchr(name->name, '.'))
		return fits_stem(t, rel->target, addr);
	while ((s = live_find(t->m->live, name->name, module, s))) {
		if (s->addr == addr)
			return true;
		any = true;
	}
	return !any;
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

/* Whether this trial has found out already that @place is at @addr. */
static bool is_found(const struct trial *t, const struct place *place, uint64_t addr)
{
	size_t i;

	for (i = t->count; i--;)
		if (t->findings[i].place == place && t->findings[i].addr == addr)
			return true;
	return false;
}

static void find_out(struct trial *t, struct place *place, uint64_t addr, const struct reloc *rel)
{
	if (is_found(t, place, addr))
		return;
	array_grow(t->findings, t->count, t->capacity);
	t->findings[t->count++] = (struct finding){ place, addr, rel };
}

static bool refer(void *arg, const struct reloc *rel, uint64_t addr)
{
	struct trial *t = arg;
	const struct section *sec = rel->target ? rel->target->section : NULL;
	struct place *place = rel->target ? &t->m->atoms[rel->target->index] :
					    &t->m->symbols[rel->symbol->index];

	if (!fits_name(t, rel, addr))
		return false;
	/* What was proved to be elsewhere cannot be here. */
	if (place->known && place->proved && place->addr != addr)
		return false;
	if (rel->target == t->function->pre && addr != t->function->addr)
		return false;
	if (!sec || !(sec->flags & SHF_MERGE)) {
		if (is_found(t, place, addr))
			return true;
		find_out(t, place, addr, rel);
	}
	/* Data that the source puts into one section stays together. */
	if (sec && sec->atom_count > 1 && !section_is_text(sec) && !(sec->flags & SHF_MERGE))
		find_out(t, &t->m->sections[sec->index], addr - rel->target->start, rel);
	return !sec || same_data(t, rel, addr);
}

static uint64_t lookup(void *arg, const char *name)
{
	struct trial *t = arg;
	const struct live_symbol *s = live_find(t->m->live, name, t->m->target, NULL);

	if (!s)
		s = live_find(t->m->live, name, "vmlinux", NULL);
	if (!s)
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
	((struct trial *)arg)->count = count;
}

static const struct arch_walk_ops ops = { refer, read_live, lookup, function_at, mark, rewind_to };

/* Compares the function @f with the code at @addr; what it refers to is left in @t. */
static bool try_candidate(struct trial *t, struct match_function *f, uint64_t addr)
{
	size_t size = atom_size(f->pre) + ARCH_WALK_SLACK;
	_cleanup_free_ uint8_t *text = xmalloc(size);
	struct arch_walk w = { .tables = t->m->tables, .pre = f->pre, .addr = addr, .text = text,
			       .size = size, .ops = &ops, .arg = t };
	bool same;

	t->count = 0;
	t->function = f;
	f->addr = addr;
	/* Behind the last function of all there may be nothing. */
	if (!read_live(t, addr, text, w.size) && !read_live(t, addr, text, w.size -= ARCH_WALK_SLACK)) {
		f->why = "the memory there cannot be read";
		return false;
	}
	w.limit = live_next_symbol_addr(t->m->live, addr) - addr;
	same = arch_walk(&w);
	f->run_size = w.run_size;
	f->jump_offset = w.jump_offset;
	f->blocked = w.blocked;
	f->why = w.why;
	f->pre_offset = w.pre_offset;
	f->run_offset = w.run_offset;
	return same;
}

static bool agrees(const struct trial *t)
{
	size_t i;

	for (i = 0; i < t->count; i++)
		if (t->findings[i].place->known && t->findings[i].place->addr != t->findings[i].addr)
			return false;
	return true;
}

static void learn(struct place *p, uint64_t addr)
{
	if (p->known && p->addr != addr)
		p->conflict = true;
	p->known = true;
	p->addr = addr;
}

static void commit(struct trial *t, struct match_function *f)
{
	struct place *own = &t->m->atoms[f->pre->index];
	size_t i;

	for (i = 0; i < t->count; i++)
		learn(t->findings[i].place, t->findings[i].addr);
	learn(own, f->addr);
	own->proved = true;
	f->state = MATCH_PROVED;
	f->findings = xmemdup(t->findings, t->count * sizeof(*t->findings));
	f->finding_count = t->count;
}

/*
 * What lets a function that equals one of the object count as it.  A function
 * of another object may have the same name and code, and that of this object
 * may have been changed: equal code alone says little where a name is there
 * more than once.
 */
enum choice {
	CHOOSE_ONLY,		/* there is only one of the name */
	CHOOSE_AGREEING,	/* the object's proved code refers to it, or both to something of the object's own */
	CHOOSE_BESIDE,		/* it lies together with the object's proved functions */
	CHOOSE_EQUAL,		/* only one is equal */
};

/* The part of the kernel's text that the linker puts the function's section into. */
static const char *text_part(const struct section *sec)
{
	static const char *const parts[] = { ".text.unlikely.", ".text.hot.", ".text.startup." };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(parts); i++)
		if (!strncmp(sec->name, parts[i], strlen(parts[i])))
			return parts[i];
	return strncmp(sec->name, ".text.", 6) ? sec->name : ".text";
}

/* Whether all functions from @from to @to are called as some of the object, each as another one. */
static bool all_ours(const struct match *m, uint64_t from, uint64_t to)
{
	_cleanup_free_ uint64_t *seen = xcalloc(m->function_count, sizeof(*seen));
	const struct live_symbol *s, *end;
	size_t count;

	s = live_symbols(m->live, &count);
	for (end = s + count, s = live_symbol_at(m->live, from, NULL); s && s < end && s->addr <= to; s++) {
		const struct match_function *f;

		if (!strchr("tTwW", s->type))
			continue;
		/* The filling before a function (objtool, since 6.2) is called after it. */
		f = match_function(m, strncmp(s->name, "__pfx_", 6) ? s->name : s->name + 6);
		if (!f || !live_symbol_in(s, m->target))
			return false;
		if (!strcmp(f->pre->symbol->name, s->name)) {
			if (seen[f - m->functions] && seen[f - m->functions] != s->addr)
				return false;
			seen[f - m->functions] = s->addr;
		}
	}
	return true;
}

/*
 * The linker keeps the functions of an object together.  So a place counts
 * where no other object's function is between it and the proved ones; these
 * must be together themselves, as linkers can be told to sort functions.
 */
static bool is_beside(const struct match *m, const struct match_function *f, uint64_t addr)
{
	const char *part = text_part(f->pre->section);
	uint64_t first = UINT64_MAX, last = 0;
	const struct match_function *g;

	for (g = m->functions; g < m->functions + m->function_count; g++) {
		if (g == f || g->state != MATCH_PROVED || strcmp(text_part(g->pre->section), part))
			continue;
		first = g->addr < first ? g->addr : first;
		last = g->addr > last ? g->addr : last;
	}
	return first < last && all_ours(m, addr < first ? addr : first, addr > last ? addr : last);
}

/* Something known that no other object can refer to is among what was found. */
static bool refers_to_own(const struct trial *t)
{
	size_t i;

	for (i = 0; i < t->count; i++) {
		const struct atom *a = t->findings[i].rel->target;

		if (t->findings[i].place->known && a && a->symbol && a->symbol->bind == STB_LOCAL &&
		    t->findings[i].place == &t->m->atoms[a->index])
			return true;
	}
	return false;
}

/* Whether the place @addr of a function may be that of @f under @choice. */
static bool can_be(const struct match *m, const struct match_function *f, uint64_t addr, enum choice choice)
{
	const struct place *own = &m->atoms[f->pre->index];

	switch (choice) {
	case CHOOSE_ONLY:
		return true;
	case CHOOSE_AGREEING:
		return !own->known || own->addr == addr;
	case CHOOSE_BESIDE:
		return is_beside(m, f, addr);
	default:
		return true;
	}
}

/* Whether what was found about an equal one speaks for it. */
static bool speaks_for(const struct trial *t, const struct match_function *f, enum choice choice)
{
	if (choice == CHOOSE_AGREEING)
		return agrees(t) && (t->m->atoms[f->pre->index].known || refers_to_own(t));
	return choice != CHOOSE_BESIDE || agrees(t);
}

/* How many functions of the running target are called as @f. */
static size_t count_called(const struct match *m, const struct match_function *f)
{
	const struct live_symbol *s = NULL;
	uint64_t last = 0;
	size_t count = 0;

	while ((s = live_find(m->live, f->pre->symbol->name, m->target, s))) {
		if (!strchr("tTwW", s->type) || (count && s->addr == last))
			continue;
		last = s->addr;
		count++;
	}
	return count;
}

/* Tries every function of the name that @choice leaves. */
static void match_one(struct trial *t, struct match_function *f, enum choice choice)
{
	size_t called = count_called(t->m, f), equal = 0, found = 0;
	const struct live_symbol *s = NULL;
	uint64_t found_addr = 0, last = 0;
	bool any = false;

	while ((s = live_find(t->m->live, f->pre->symbol->name, t->m->target, s))) {
		if (!strchr("tTwW", s->type) || (any && s->addr == last))
			continue;
		any = true;
		last = s->addr;
		if (!can_be(t->m, f, s->addr, choice) || !try_candidate(t, f, s->addr))
			continue;
		equal++;
		if (!speaks_for(t, f, choice))
			continue;
		found++;
		found_addr = s->addr;
	}
	if (found == 1 && (called == 1 || choice != CHOOSE_ONLY)) {
		/* Again, so that @t and @f are those of this one. */
		if (try_candidate(t, f, found_addr))
			commit(t, f);
	} else if (equal || choice == CHOOSE_BESIDE) {
		f->state = MATCH_AMBIGUOUS;
	} else {
		f->state = any ? MATCH_DIFFERS : MATCH_ABSENT;
	}
}

/*
 * Code that is freed (vmlinux' exit code goes with its init code), copied
 * elsewhere, or a trampoline that static_call_update() rewrites whole.
 */
static bool is_gone(const struct match *m, const struct section *s)
{
	return !strncmp(s->name, ".init.", 6) || !strncmp(s->name, ".altinstr", 9) ||
	       !strncmp(s->name, ".discard", 8) || !strcmp(s->name, ".static_call.text") ||
	       (!strncmp(s->name, ".exit.", 6) && !strcmp(m->target, "vmlinux"));
}

/* By name; those of one name as they stand in the object. */
static int compare_functions(const void *a, const void *b)
{
	const struct match_function *x = *(const struct match_function *const *)a;
	const struct match_function *y = *(const struct match_function *const *)b;
	int order = strcmp(x->pre->symbol->name, y->pre->symbol->name);

	return order ? order : (x > y) - (x < y);
}

static void list_functions(struct match *m)
{
	size_t i;

	m->functions = xcalloc(m->pre->atom_count, sizeof(*m->functions));
	for (i = 0; i < m->pre->atom_count; i++) {
		const struct atom *a = &m->pre->atoms[i];

		if (atom_is_function(a) && atom_data(a) && !is_gone(m, a->section))
			m->functions[m->function_count++].pre = a;
	}
	m->by_name = xcalloc(m->function_count, sizeof(*m->by_name));
	for (i = 0; i < m->function_count; i++)
		m->by_name[i] = &m->functions[i];
	qsort(m->by_name, m->function_count, sizeof(*m->by_name), compare_functions);
}

/* What is known by now may tell those apart that looked alike; whether it did. */
static bool match_ambiguous(struct trial *t, enum choice choice)
{
	struct match *m = t->m;
	bool progress = false;
	size_t i;

	for (i = 0; i < m->function_count; i++) {
		if (m->functions[i].state != MATCH_AMBIGUOUS)
			continue;
		match_one(t, &m->functions[i], choice);
		progress |= m->functions[i].state != MATCH_AMBIGUOUS;
	}
	return progress;
}

/* Functions whose names are there more than once. */
static void match_rest(struct trial *t)
{
	struct match *m = t->m;
	struct match_function *f;
	bool any = false, together = true;

	for (f = m->functions; f < m->functions + m->function_count; f++)
		any |= f->state == MATCH_PROVED;
	/* Where that are all of the object's, those with one equal must lie together. */
	if (!any)
		match_ambiguous(t, CHOOSE_EQUAL);
	do {
		while (match_ambiguous(t, CHOOSE_AGREEING))
			;
	} while (match_ambiguous(t, CHOOSE_BESIDE));
	if (any)
		return;
	for (f = m->functions; f < m->functions + m->function_count; f++)
		together &= f->state != MATCH_PROVED || is_beside(m, f, f->addr);
	for (f = m->functions; !together && f < m->functions + m->function_count; f++)
		if (f->state == MATCH_PROVED) {
			m->atoms[f->pre->index].proved = false;
			f->state = MATCH_AMBIGUOUS;
		}
}

/* Takes back that @f is proved. */
static void unprove(struct match *m, struct match_function *f, const struct reloc *rel, const char *why)
{
	const struct reloc *own = f->pre->relocs;

	m->atoms[f->pre->index].proved = false;
	f->state = MATCH_DIFFERS;
	f->why = why;
	/* A relocation in a table that the function refers to has no place in the function. */
	f->pre_offset = rel >= own && rel < own + f->pre->reloc_count ? rel->offset - f->pre->start : 0;
	f->run_offset = f->pre_offset;
}

/* The finding of @f that is not so; @conflicts: or that others see otherwise. */
static const struct finding *wrong_finding(const struct match_function *f, bool conflicts)
{
	size_t i;

	for (i = 0; i < f->finding_count; i++) {
		const struct finding *g = &f->findings[i];

		if ((g->place->proved && g->place->addr != g->addr) || (conflicts && g->place->conflict))
			return g;
	}
	return NULL;
}

/*
 * Functions are looked at one after the other; at the end none may refer to
 * another place than where a later one was proved to be, and where two
 * disagree, neither is proved.
 */
static void check_findings(struct match *m)
{
	struct match_function *f, *end = m->functions + m->function_count;
	const struct finding *wrong;
	bool changed;

	do {
		changed = false;
		for (f = m->functions; f < end; f++) {
			wrong = f->state == MATCH_PROVED ? wrong_finding(f, false) : NULL;
			if (wrong)
				unprove(m, f, wrong->rel, "it refers to something else");
			changed |= wrong != NULL;
		}
	} while (changed);
	for (f = m->functions; f < end; f++) {
		wrong = f->state == MATCH_PROVED ? wrong_finding(f, true) : NULL;
		if (wrong)
			unprove(m, f, wrong->rel, "other proved code disagrees about the address that it refers to");
	}
}

struct error *match_object(struct live *live, const char *target, struct object *pre, struct match **out)
{
	struct match *m = xcalloc(1, sizeof(*m));
	struct trial t = { .m = m };
	struct error *err;
	size_t i;

	m->live = live;
	m->target = target;
	m->pre = pre;
	m->lists_data = lists_data(live, target);
	err = tables_read(pre, &m->tables);
	if (err) {
		match_free(m);
		return err;
	}
	m->atoms = xcalloc(pre->atom_count, sizeof(*m->atoms));
	m->symbols = xcalloc(pre->symbol_count, sizeof(*m->symbols));
	m->sections = xcalloc(pre->section_count, sizeof(*m->sections));
	list_functions(m);
	for (i = 0; i < m->function_count; i++)
		match_one(&t, &m->functions[i], CHOOSE_ONLY);
	match_rest(&t);
	check_findings(m);
	free(t.findings);
	if (t.err) {
		match_free(m);
		return t.err;
	}
	*out = m;
	return NULL;
}

void match_free(struct match *m)
{
	size_t i;

	if (!m)
		return;
	object_free(m->pre);
	tables_free(m->tables);
	for (i = 0; i < m->function_count; i++)
		free(m->functions[i].findings);
	free(m->functions);
	free(m->by_name);
	free(m->atoms);
	free(m->symbols);
	free(m->sections);
	free(m);
}

static int compare_name(const void *name, const void *f)
{
	return strcmp(name, (*(const struct match_function *const *)f)->pre->symbol->name);
}

const struct match_function *match_function(const struct match *m, const char *name)
{
	struct match_function *const *f;

	f = bsearch(name, m->by_name, m->function_count, sizeof(*m->by_name), compare_name);
	return f ? *f : NULL;
}

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
