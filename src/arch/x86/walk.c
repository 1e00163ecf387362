// SPDX-License-Identifier: GPL-2.0
/*
 * Both sides are decoded in step.  Most instructions are equal byte for byte,
 * relocated fields aside.  Where the kernel's linker or assembler had a shorter
 * jump than the object, the two sides shift against each other, so every
 * branch is noted and checked at the end: its target must have been reached on
 * both sides at once.
 */
#include "arch/x86/walk.h"

#include "util/memory.h"

#include <string.h>

#define FILLING_MAX 64 /* NOPs in front of a site */

bool walk_differs(struct walk *k, const struct cursor *c, const char *why)
{
	k->w->pre_offset = c->atom == k->w->pre ? c->at : 0;
	k->w->run_offset = c->run;
	k->w->why = why;
	return false;
}

uint64_t walk_run_address(const struct walk *k, const struct cursor *c)
{
	return k->w->addr + c->run;
}

static void note(struct walk *k, uint64_t pre_target, uint64_t run_target, bool data)
{
	array_grow(k->branches, k->branch_count, k->branch_capacity);
	k->branches[k->branch_count++] = (struct branch){ pre_target, run_target, data };
}

static void note_branch(struct walk *k, uint64_t pre_target, uint64_t run_target)
{
	note(k, pre_target, run_target, false);
}

bool walk_refer(struct walk *k, const struct reloc *rel, uint64_t target)
{
	return k->w->ops->refer(k->w->arg, rel, target - rel->delta);
}

bool arch_walk_inside(struct arch_walk *w, uint64_t pre, uint64_t run)
{
	note_branch(w->state, pre, run);
	return true;
}

static bool decode(struct walk *k, const struct cursor *c, uint64_t run_end, struct step *s)
{
	const struct atom *a = c->atom;
	uint64_t start = a->start + c->at, end;
	size_t i;

	s->pre_bytes = atom_data(a) + c->at;
	s->run_bytes = k->w->text + c->run;
	if (!x86_decode(s->pre_bytes, atom_size(a) - c->at, &s->pre))
		return walk_differs(k, c, "the object's code cannot be decoded");
	if (c->run >= run_end || !x86_decode(s->run_bytes, run_end - c->run, &s->run))
		return walk_differs(k, c, "the running code cannot be decoded");
	end = start + s->pre.length;
	s->relocs = NULL;
	s->reloc_count = 0;
	for (i = 0; i < a->reloc_count; i++) {
		if (a->relocs[i].offset < start || a->relocs[i].offset >= end)
			continue;
		if (!s->relocs)
			s->relocs = &a->relocs[i];
		s->reloc_count++;
	}
	return true;
}

/*
 * The address relative to the program counter of something in the function
 * itself, which needs no relocation: the bytes differ where what is between is
 * shorter.
 */
static void take_own_address(struct walk *k, const struct cursor *c, const struct step *s, uint8_t *bytes)
{
	const ZydisDecodedInstruction *pre = &s->pre, *run = &s->run;

	if (s->reloc_count || c->atom != k->w->pre || !(pre->attributes & ZYDIS_ATTRIB_IS_RELATIVE) ||
	    pre->raw.imm[0].is_relative || pre->raw.disp.size != 32 || run->raw.disp.size != 32 ||
	    run->raw.disp.offset != pre->raw.disp.offset)
		return;
	memcpy(bytes + pre->raw.disp.offset, s->run_bytes + pre->raw.disp.offset, 4);
	note(k, c->at + pre->length + pre->raw.disp.value, c->run + run->length + run->raw.disp.value, true);
}

/* Byte for byte, but for the relocated fields, which are checked by what they refer to. */
static bool same_bytes(struct walk *k, const struct cursor *c, const struct step *s)
{
	uint64_t start = c->atom->start + c->at;
	uint8_t bytes[ZYDIS_MAX_INSTRUCTION_LENGTH];
	size_t i;

	if (s->pre.length != s->run.length)
		return false;
	memcpy(bytes, s->pre_bytes, s->pre.length);
	for (i = 0; i < s->reloc_count; i++) {
		uint64_t at = s->relocs[i].offset - start;
		unsigned int size = arch_reloc_size(s->relocs[i].type);

		if (at + size > s->pre.length)
			return false;
		memcpy(bytes + at, s->run_bytes + at, size);
	}
	take_own_address(k, c, s, bytes);
	if (bytes[0] == 0xf0 && s->run_bytes[0] == 0x3e && has_lock_site(k, c))
		bytes[0] = 0x3e;
	if (!write_constants(k, c, bytes, s->pre.length))
		return false;
	return !memcmp(bytes, s->run_bytes, s->pre.length);
}

static bool same_references(struct walk *k, const struct cursor *c, const struct step *s)
{
	uint64_t start = c->atom->start + c->at;
	size_t i;

	for (i = 0; i < s->reloc_count; i++) {
		const struct reloc *rel = &s->relocs[i];
		uint64_t at = rel->offset - start;

		if (!walk_refer(k, rel, arch_reloc_target(rel, s->run_bytes + at, walk_run_address(k, c) + at)))
			return walk_differs(k, c, "it refers to something else");
	}
	return true;
}

/* A jump or call relative to the program counter, of any length on either side. */
static bool same_branch(struct walk *k, const struct cursor *c, const struct step *s)
{
	int64_t pre_target, run_target;
	uint64_t target;

	if (s->pre.mnemonic != s->run.mnemonic || s->pre.raw.prefix_count != s->run.raw.prefix_count ||
	    memcmp(s->pre_bytes, s->run_bytes, s->pre.raw.prefix_count) || !x86_is_relative(&s->run, &run_target) ||
	    !x86_is_relative(&s->pre, &pre_target))
		return false;
	target = walk_run_address(k, c) + run_target;
	if (s->run_bytes[0] == 0xe8)
		target = walk_called(k, target);
	if (s->reloc_count == 1)
		return walk_refer(k, s->relocs, target);
	if (s->reloc_count || c->atom != k->w->pre)
		return false;
	note_branch(k, c->at + pre_target, target - k->w->addr);
	return true;
}

bool walk_instruction(struct walk *k, struct cursor *c, uint64_t run_end)
{
	int64_t target;
	struct step s;

	if (!decode(k, c, run_end, &s))
		return false;
	switch (form_thunk(k, c, &s)) {
	case FORM_EQUAL:
		return true;
	case FORM_DIFFERENT:
		return false;
	case FORM_NONE:
		break;
	}
	if (x86_is_relative(&s.pre, &target) && (s.reloc_count == 1 || c->atom == k->w->pre)) {
		if (!same_branch(k, c, &s))
			return walk_differs(k, c, "it branches elsewhere");
	} else if (!same_bytes(k, c, &s)) {
		return walk_differs(k, c, "the instruction is another one");
	} else if (!same_references(k, c, &s)) {
		return false;
	}
	c->at += s.pre.length;
	c->run += s.run.length;
	return true;
}

static bool is_filling(const uint8_t *text, uint64_t at, uint64_t end, unsigned int *length)
{
	ZydisDecodedInstruction insn;

	if (at >= end || !x86_decode(text + at, end - at, &insn) || !x86_is_nop(&insn, text + at))
		return false;
	*length = insn.length;
	return true;
}

/*
 * NOPs of more than ASM_NOP_MAX (8) bytes, for which the kernel writes a jump
 * over INT3 (arch/x86/kernel/alternative.c, add_nop(), of 6.12).
 */
static bool is_long_filling(const uint8_t *text, uint64_t at, uint64_t end, unsigned int *length)
{
	ZydisDecodedInstruction insn;
	uint64_t next;
	int64_t target;

	if (at >= end || (text[at] != 0xeb && text[at] != 0xe9) || !x86_decode(text + at, end - at, &insn) ||
	    !x86_is_relative(&insn, &target) || target <= 8 || (uint64_t)target > end - at)
		return false;
	for (next = at + insn.length; next < at + target; next++)
		if (text[next] != 0xcc)
			return false;
	*length = target;
	return true;
}

/* Behind a jump that became shorter three INT3 may stand (apply_relocation(), since 6.7). */
static void skip_traps(const struct walk *k, struct cursor *c, uint64_t jump, uint64_t run_end)
{
	static const uint8_t traps[] = { 0xcc, 0xcc, 0xcc };
	const uint8_t *text = k->w->text;

	if (text[jump] == 0xeb && c->run == jump + 2 && c->run + 3 <= run_end && !memcmp(text + c->run, traps, 3))
		c->run += 3;
}

bool walk_filled(struct walk *k, struct cursor *c, uint64_t end, uint64_t run_end)
{
	unsigned int length;
	uint64_t before;

	for (;;) {
		before = c->at;
		while (is_filling(atom_data(c->atom), c->at, end, &length))
			c->at += length;
		/* A jump that is no filling is there on both sides. */
		while (is_filling(k->w->text, c->run, run_end, &length) ||
		       ((c->at > before || c->at >= end) && is_long_filling(k->w->text, c->run, run_end, &length)))
			c->run += length;
		if (c->at >= end)
			return c->run == run_end || walk_differs(k, c, "more code than expected");
		if (c->atom == k->w->pre) {
			enum form f = form_paravirt(k, c);

			if (f == FORM_DIFFERENT)
				return false;
			if (f == FORM_EQUAL)
				continue;
		}
		before = c->run;
		if (!walk_instruction(k, c, run_end))
			return false;
		skip_traps(k, c, before, run_end);
	}
}

/* Whether NOPs may stand here on one side only, or on both, which are no filling then. */
static bool is_site(const struct walk *k, const struct cursor *c)
{
	static const char *const names[] = { ".altinstructions", ".parainstructions", "__jump_table",
					     ".static_call_sites" };
	static const uint8_t endbr[] = { 0xf3, 0x0f, 0x1e, 0xfa };
	const struct atom *a = c->atom;
	size_t i, count;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (site_entries(k, a, names[i], c->at, &count))
			return true;
	/* Where objtool has not run, only the relocation tells a static call. */
	for (i = 0; i < a->reloc_count; i++)
		if (a->relocs[i].branch && a->relocs[i].offset == a->start + c->at + 1 &&
		    !strncmp(a->relocs[i].symbol->name, "__SCT__", 7))
			return true;
	return atom_size(a) - c->at >= sizeof(endbr) && !memcmp(atom_data(a) + c->at, endbr, sizeof(endbr));
}

/*
 * Filling between the parts of a function may differ where both sides are
 * shifted.  True where a site is behind the object's: then the running code's
 * is not skipped yet.
 */
static bool skip_filling(struct walk *k, struct cursor *c)
{
	uint64_t size = atom_size(c->atom);
	unsigned int length;

	if (c->at == c->run || is_site(k, c))
		return false;
	while (is_filling(atom_data(c->atom), c->at, size, &length)) {
		k->map[c->at] = c->run + 1;
		c->at += length;
		if (c->at < size && is_site(k, c))
			return true;
	}
	while (is_filling(k->w->text, c->run, k->w->size, &length))
		c->run += length;
	return false;
}

static bool step(struct walk *k, struct cursor *c)
{
	static enum form (*const forms[])(struct walk *, struct cursor *) = {
		form_alternative, form_paravirt, form_jump_label
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(forms); i++) {
		enum form f = forms[i](k, c);

		if (f != FORM_NONE)
			return f == FORM_EQUAL;
	}
	return walk_instruction(k, c, k->w->size);
}

/*
 * A site behind filling: where it is off, the two look alike, and what comes
 * last is the site.  Where that is wrong, what follows or a branch differs.
 */
static bool step_behind_filling(struct walk *k, struct cursor *c)
{
	uint64_t places[FILLING_MAX] = { c->run };
	size_t n = 1;
	unsigned int length;

	while (n < FILLING_MAX && is_filling(k->w->text, places[n - 1], k->w->size, &length)) {
		places[n] = places[n - 1] + length;
		n++;
	}
	while (n--) {
		size_t branches = k->branch_count, mark = k->w->ops->mark(k->w->arg);
		struct cursor try = { c->atom, c->at, places[n] };

		if (step(k, &try)) {
			k->map[c->at] = places[n] + 1;
			*c = try;
			return true;
		}
		k->branch_count = branches;
		k->w->ops->rewind(k->w->arg, mark);
	}
	return false;
}

/* Whether an instruction is elsewhere than in the object. */
static bool is_shifted(const uint32_t *map, uint64_t size)
{
	uint64_t at;

	for (at = 0; at <= size; at++)
		if (map[at] && map[at] - 1 != at)
			return true;
	return false;
}

static bool check_branches(struct walk *k)
{
	uint64_t size = atom_size(k->w->pre);
	bool shifted = is_shifted(k->map, size);
	size_t i;

	for (i = 0; i < k->branch_count; i++) {
		const struct branch *b = &k->branches[i];
		struct cursor c = { k->w->pre, b->pre_target, b->run_target };

		if (b->data && !shifted && b->pre_target == b->run_target)
			continue;
		if (b->pre_target > size || !k->map[b->pre_target] || k->map[b->pre_target] - 1 != b->run_target)
			return walk_differs(k, &c, "a branch goes elsewhere");
	}
	return true;
}

static bool follow(struct walk *k)
{
	struct cursor c = { .atom = k->w->pre };
	uint64_t size = atom_size(k->w->pre);

	while (c.at < size) {
		if (skip_filling(k, &c)) {
			if (!step_behind_filling(k, &c))
				return false;
			continue;
		}
		if (c.at >= size)
			break;
		k->map[c.at] = c.run + 1;
		if (!step(k, &c))
			return false;
	}
	k->w->run_size = c.run;
	k->map[size] = c.run + 1;
	return check_branches(k);
}

/*
 * When a second CPU comes, the kernel writes a lock prefix wherever it once made
 * one 0x3e, and 0x3e is there then: in an instruction, or in our jump.  It keeps
 * no list of these places where it never can (alternatives_smp_module_add()).
 */
static bool locks_may_come(const struct arch_walk *w)
{
	uint64_t list = w->ops->lookup(w->arg, "smp_alt_modules"), first;

	return !list || !w->ops->read(w->arg, list, &first, sizeof(first)) || first != list;
}

/* Whether the kernel writes to the place of @e, which is at @at, whenever it likes; *@size: how many bytes. */
static bool is_rewritten(const struct arch_walk *w, const struct table_entry *e, uint64_t at, unsigned int *size)
{
	const char *section = e->table->section;

	*size = 5;
	if (!strcmp(section, "__jump_table") || !strcmp(section, ".static_call_sites"))
		return true;
	*size = 1;
	return !strcmp(section, ".smp_locks") && at < w->size && w->text[at] == 0x3e && locks_may_come(w);
}

/*
 * The jump goes behind the ftrace site, so that tracing goes on working.  What
 * is there must be the function's own, or the filling behind it, and nothing
 * that the kernel rewrites while it runs.
 */
static void find_room(struct walk *k)
{
	static const char rewritten[] = "the kernel rewrites the place of the jump while it runs";
	struct arch_walk *w = k->w;
	uint64_t end = w->run_size, jump = 5;
	size_t n, i;
	const struct table_entry *e = tables_of(w->tables, w->pre, &n);
	unsigned int length, bytes;

	while (end < w->jump_offset + jump && end < w->size &&
	       (w->text[end] == 0xcc || is_filling(w->text, end, w->size, &length)))
		end++;
	/* What the next function begins with is not filling, though its ftrace site may look so. */
	if (end > w->run_size && end > w->limit)
		end = w->limit > w->run_size ? w->limit : w->run_size;
	if (end < w->jump_offset + jump)
		w->blocked = "it is too short for a jump";
	for (i = 0; i < n; i++) {
		uint64_t at = e[i].relocs[0].delta;

		if (at < w->jump_offset + jump && is_rewritten(w, &e[i], at, &bytes) && at + bytes > w->jump_offset)
			w->blocked = rewritten;
	}
	/* Where objtool has not run, only the relocation tells a static call. */
	for (i = 0; i < w->pre->reloc_count; i++) {
		const struct reloc *r = &w->pre->relocs[i];
		uint64_t at = r->offset - w->pre->start;

		if (r->branch && !strncmp(r->symbol->name, "__SCT__", 7) &&
		    at < w->jump_offset + jump && at + 4 > w->jump_offset)
			w->blocked = rewritten;
	}
}

bool arch_walk(struct arch_walk *w)
{
	uint64_t size = atom_size(w->pre);
	_cleanup_free_ uint32_t *map = xcalloc(size + 1, sizeof(*map));
	struct walk k = { .w = w, .map = map };
	bool same;

	w->state = &k;
	w->map = NULL;
	w->jump_offset = 0;
	w->blocked = NULL;
	w->why = NULL;
	same = atom_data(w->pre) && follow(&k);
	if (same)
		find_room(&k);
	if (same && is_shifted(map, size))
		w->map = take_ptr(map);
	free(k.branches);
	w->state = NULL;
	return same;
}
