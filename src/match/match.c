// SPDX-License-Identifier: GPL-2.0
#include "match/trial.h"

#include "util/memory.h"

#include <string.h>

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

/* What @f tells of places, which is proved. */
static void learn_all(struct match *m, const struct match_function *f)
{
	struct place *own = &m->atoms[f->pre->index];
	size_t i;

	for (i = 0; i < f->finding_count; i++)
		learn(f->findings[i].place, f->findings[i].addr);
	learn(own, f->addr);
	own->proved = true;
}

static void forget_function(struct match_function *f)
{
	free(f->findings);
	f->findings = NULL;
	f->finding_count = 0;
	free(f->map);
	f->map = NULL;
	f->guessed = false;
}

static void commit(struct trial *t, struct match_function *f)
{
	forget_function(f);
	f->state = MATCH_PROVED;
	f->map = take_ptr(t->map);
	f->guessed = t->guessed;
	f->findings = xmemdup(t->findings, t->count * sizeof(*t->findings));
	f->finding_count = t->count;
	learn_all(t->m, f);
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
		if (g == f || g->state != MATCH_PROVED || g->in_update ||
		    strcmp(text_part(g->pre->section), part))
			continue;
		first = g->entry < first ? g->entry : first;
		last = g->entry > last ? g->entry : last;
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

/* Whether @c may be @f under @choice. */
static bool can_be(const struct match *m, const struct match_function *f, const struct candidate *c,
		   enum choice choice)
{
	const struct place *own = &m->atoms[f->pre->index];

	switch (choice) {
	case CHOOSE_ONLY:
		return true;
	case CHOOSE_AGREEING:
		return !own->known || own->addr == c->code;
	case CHOOSE_BESIDE:
		return !c->in_update && is_beside(m, f, c->entry);
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

static bool try_candidate(struct trial *t, struct match_function *f, const struct candidate *c)
{
	f->entry = c->entry;
	f->in_update = c->in_update;
	return trial_try(t, f, c->code);
}

/* Tries every function of the name that @choice leaves. */
static void match_one(struct trial *t, struct match_function *f, enum choice choice)
{
	_cleanup_free_ struct candidate *list = NULL;
	const struct candidate *c, *choose = NULL;
	size_t called = find_candidates(t->m, f->pre->symbol->name, &list);
	size_t possible = 0, equal = 0, found = 0, i;

	for (i = 0; i < called; i++) {
		c = &list[i];
		if (!can_be(t->m, f, c, choice))
			continue;
		possible++;
		if (!try_candidate(t, f, c))
			continue;
		equal++;
		if (!speaks_for(t, f, choice))
			continue;
		found++;
		choose = c;
	}
	/* Where two lie beside, the one that is equal may be another object's, and that of this one changed. */
	if (choice == CHOOSE_BESIDE && possible != 1)
		found = 0;
	if (found == 1 && (called == 1 || choice != CHOOSE_ONLY)) {
		/* Again, so that @t and @f are those of this one. */
		if (try_candidate(t, f, choose))
			commit(t, f);
	} else if (equal || choice == CHOOSE_BESIDE) {
		f->state = MATCH_AMBIGUOUS;
	} else {
		f->state = called ? MATCH_DIFFERS : MATCH_ABSENT;
		/* Tried before, and maybe equal: what the last trial told is not why. */
		if (!possible) {
			f->why = "proved code refers to another place instead";
			f->pre_offset = 0;
			f->run_offset = 0;
		}
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
		if (m->functions[i].state != MATCH_AMBIGUOUS || m->functions[i].disproved)
			continue;
		match_one(t, &m->functions[i], choice);
		progress |= m->functions[i].state != MATCH_AMBIGUOUS;
	}
	return progress;
}

/* Whether of all functions called as @f the one that it was matched with lies beside the others, alone. */
static bool is_only_beside(const struct match *m, const struct match_function *f)
{
	const struct live_symbol *s = NULL;

	while ((s = live_find(m->live, f->pre->symbol->name, m->target, s)))
		if (strchr("tTwW", s->type) && is_beside(m, f, s->addr) != (s->addr == f->entry))
			return false;
	return true;
}

static void forget_places(struct place *p, size_t count, bool disputed)
{
	for (; count--; p++)
		*p = (struct place){ .disputed = p->disputed || (disputed && p->conflict) };
}

static void forget_all_places(struct match *m, bool disputed)
{
	forget_places(m->atoms, m->pre->atom_count, disputed);
	forget_places(m->symbols, m->pre->symbol_count, disputed);
	forget_places(m->sections, m->pre->section_count, disputed);
}

/* Of those that were taken for proved by lying together, what does so alone stays. */
static void drop_doubtful(struct match *m)
{
	_cleanup_free_ bool *doubtful = xcalloc(m->function_count, sizeof(*doubtful));
	struct match_function *f;

	for (f = m->functions; f < m->functions + m->function_count; f++)
		doubtful[f - m->functions] = f->state == MATCH_PROVED && !is_only_beside(m, f);
	for (f = m->functions; f < m->functions + m->function_count; f++) {
		if (!doubtful[f - m->functions])
			continue;
		f->state = MATCH_AMBIGUOUS;
		forget_function(f);
	}
	/* They taught nothing. */
	forget_all_places(m, false);
	for (f = m->functions; f < m->functions + m->function_count; f++)
		if (f->state == MATCH_PROVED)
			learn_all(m, f);
}

/* Functions whose names are there more than once. */
static void match_rest(struct trial *t)
{
	struct match *m = t->m;
	struct match_function *f;
	bool any = false;

	for (f = m->functions; f < m->functions + m->function_count; f++)
		any |= f->state == MATCH_PROVED;
	/* Where that are all of the object's, those with one equal must lie together. */
	if (!any)
		match_ambiguous(t, CHOOSE_EQUAL);
	do {
		while (match_ambiguous(t, CHOOSE_AGREEING))
			;
	} while (match_ambiguous(t, CHOOSE_BESIDE));
	if (!any)
		drop_doubtful(m);
}

/* Takes back that @f is proved. */
static void unprove(struct match *m, struct match_function *f, const struct reloc *rel, const char *why)
{
	const struct reloc *own = f->pre->relocs;

	m->atoms[f->pre->index].proved = false;
	f->disproved = true;
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

		if ((g->place->proved && g->place->addr != g->addr) ||
		    (conflicts && (g->place->conflict || g->place->disputed)))
			return g;
	}
	return NULL;
}

/* Takes back what has such a finding; whether anything has. */
static bool unprove_wrong(struct match *m, bool conflicts)
{
	const char *why = conflicts ? "other proved code disagrees about the address that it refers to" :
				      "it refers to something else";
	struct match_function *f, *end = m->functions + m->function_count;
	const struct finding *wrong;
	bool any = false;

	for (f = m->functions; f < end; f++) {
		wrong = f->state == MATCH_PROVED ? wrong_finding(f, conflicts) : NULL;
		if (wrong)
			unprove(m, f, wrong->rel, why);
		any |= wrong != NULL;
	}
	return any;
}

/* Back to the start, but for what was disproved; @disputed: and what was disagreed about. */
static void forget(struct match *m, bool disputed)
{
	struct match_function *f;

	forget_all_places(m, disputed);
	for (f = m->functions; f < m->functions + m->function_count; f++) {
		forget_function(f);
		if (!f->disproved)
			f->state = MATCH_ABSENT;
	}
}

/*
 * What refers into functions that were proved only afterwards, and may be
 * shifted against the object, is looked at again; whether something is not
 * proved after all.
 */
static bool match_guessed(struct trial *t)
{
	struct match *m = t->m;
	struct match_function *f;
	bool any = false;

	for (f = m->functions; f < m->functions + m->function_count; f++) {
		if (!f->guessed || f->disproved)
			continue;
		f->guessed = false;
		if (f->state == MATCH_DIFFERS) {
			match_one(t, f, CHOOSE_ONLY);
		} else if (f->state == MATCH_PROVED && !trial_try(t, f, f->addr)) {
			unprove(m, f, NULL, f->why);
			any = true;
		}
	}
	return any;
}

/*
 * Functions are looked at one after the other; at the end none may refer to
 * another place than where a later one was proved to be, and where two
 * disagree, neither is proved.  Addresses, doubts and choices that came of one
 * that is not proved after all would stay: so all begins again without it.
 */
static void match_all(struct trial *t)
{
	struct match *m = t->m;
	bool wrong;
	size_t i;

	for (;;) {
		for (i = 0; i < m->function_count; i++)
			if (!m->functions[i].disproved)
				match_one(t, &m->functions[i], CHOOSE_ONLY);
		wrong = match_guessed(t);
		match_rest(t);
		wrong |= match_guessed(t);
		if (wrong || unprove_wrong(m, false))
			forget(m, false);
		else if (unprove_wrong(m, true))
			forget(m, true);
		else
			return;
	}
}

struct error *match_object(struct live *live, const char *target, struct object *pre, struct match **out)
{
	return match_object_onto(live, target, pre, NULL, 0, out);
}

struct error *match_object_onto(struct live *live, const char *target, struct object *pre,
				char *const *onto, size_t onto_count, struct match **out)
{
	struct match *m = xcalloc(1, sizeof(*m));
	struct trial t = { .m = m };
	struct error *err;

	m->live = live;
	m->target = target;
	m->onto = onto;
	m->onto_count = onto_count;
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
	match_all(&t);
	free(t.findings);
	free(t.map);
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
		forget_function(&m->functions[i]);
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
