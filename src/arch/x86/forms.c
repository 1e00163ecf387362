// SPDX-License-Identifier: GPL-2.0
/*
 * What the kernel writes over its own code at boot and later, place by place.
 * A place counts as equal in one of the forms that can stand there, and where
 * the form has a target, the target is checked as well.
 */
#include "arch/x86/walk.h"
#include "util/string.h"

#include <stdio.h>
#include <string.h>

const struct table_entry *site_entries(const struct walk *k, const struct atom *atom, const char *name,
				       uint64_t at, size_t *count)
{
	const struct table_entry *first = NULL;
	size_t n, i;
	const struct table_entry *e = tables_of(k->w->tables, atom, &n);

	*count = 0;
	for (i = 0; i < n; i++) {
		if (e[i].relocs[0].delta != (int64_t)at || strcmp(e[i].table->section, name))
			continue;
		if (!first)
			first = &e[i];
		(*count)++;
	}
	return first;
}

bool has_lock_site(const struct walk *k, const struct cursor *c)
{
	size_t count;

	return site_entries(k, c->atom, ".smp_locks", c->at, &count) != NULL;
}

bool write_constants(const struct walk *k, const struct cursor *c, uint8_t *bytes, unsigned int size)
{
	size_t n, i;
	const struct table_entry *e = tables_of(k->w->tables, c->atom, &n);

	for (i = 0; i < n; i++) {
		uint64_t at = e[i].relocs[0].delta - c->at, addr;
		const char *variable;
		unsigned int width;

		if (e[i].table->kind != ARCH_TABLE_CONSTANT || at >= size)
			continue;
		variable = arch_constant(e[i].table, e[i].section, &width);
		addr = k->w->ops->lookup(k->w->arg, variable);
		if (at + width > size || !addr || !k->w->ops->read(k->w->arg, addr, bytes + at, width))
			return false;
	}
	return true;
}

/* Nothing but NOPs. */
static bool is_filled(const uint8_t *text, uint64_t at, uint64_t end)
{
	ZydisDecodedInstruction insn;

	for (; at < end; at += insn.length)
		if (!x86_decode(text + at, end - at, &insn) || !x86_is_nop(&insn, text + at))
			return false;
	return true;
}

/* RET, and INT3 to the end of what was there before. */
static bool is_return(const uint8_t *text, uint64_t at, uint64_t end)
{
	if (text[at] != 0xc3)
		return false;
	while (++at < end)
		if (text[at] != 0xcc)
			return false;
	return true;
}

/*
 * The address that the call or jump at offset @at of the running code goes to;
 * 0 for anything else, and for one with prefixes: the kernel writes none.
 */
static uint64_t branch_target(const struct walk *k, uint64_t at, uint64_t end, unsigned int *length)
{
	ZydisDecodedInstruction insn;
	int64_t target;

	if (at >= end || !x86_decode(k->w->text + at, end - at, &insn) ||
	    !x86_is_relative(&insn, &target))
		return 0;
	*length = insn.length;
	switch (k->w->text[at]) {
	case 0xe8: /* CALL rel32 */
	case 0xe9: /* JMP rel32 */
	case 0xeb: /* JMP rel8 */
		return k->w->addr + at + target;
	}
	return 0;
}

static enum form equal(struct cursor *c, uint64_t pre_length, uint64_t run_length)
{
	c->at += pre_length;
	c->run += run_length;
	return FORM_EQUAL;
}

static enum form different(struct walk *k, const struct cursor *c, const char *why)
{
	walk_differs(k, c, why);
	return FORM_DIFFERENT;
}

/*
 * A call through a table of functions, [c->at, c->at + length), that the kernel
 * made a direct call of what stands there, or nothing where that is @nothing.
 */
static enum form form_direct_call(struct walk *k, struct cursor *c, uint64_t length, const char *nothing)
{
	const struct reloc *slot = NULL;
	uint64_t end = c->run + length, target, base, held;
	unsigned int call;
	size_t i;

	if (!length || end > k->w->size || c->at + length > atom_size(c->atom))
		return FORM_NONE;
	for (i = 0; i < c->atom->reloc_count; i++) {
		const struct reloc *r = &c->atom->relocs[i];

		if (r->offset >= c->atom->start + c->at && r->offset < c->atom->start + c->at + length)
			slot = r;
	}
	base = slot ? k->w->ops->lookup(k->w->arg, slot->symbol->name) : 0;
	if (!base || !k->w->ops->read(k->w->arg, base + slot->delta, &held, sizeof(held)))
		return FORM_NONE;
	target = branch_target(k, c->run, end, &call);
	if (target && is_filled(k->w->text, c->run + call, end)) {
		if (k->w->text[c->run] == 0xe8 && (held == target || held == walk_called(k, target)))
			return equal(c, length, length);
		return different(k, c, "a paravirtual call goes elsewhere");
	}
	if (held && held == k->w->ops->lookup(k->w->arg, nothing) &&
	    is_filled(k->w->text, c->run, end))
		return equal(c, length, length);
	return FORM_NONE; /* the original, or an alternative for it */
}

/* paravirt_patch() (arch/x86/kernel/paravirt.c), until 6.8. */
enum form form_paravirt(struct walk *k, struct cursor *c)
{
	size_t count;
	const struct table_entry *e = site_entries(k, c->atom, ".parainstructions", c->at, &count);

	if (!e || e->size < 10)
		return FORM_NONE;
	/* struct paravirt_patch_site, len */
	return form_direct_call(k, c, e->section->data[e->offset + 9], "_paravirt_nop");
}

/* alt_replace_call() (arch/x86/kernel/alternative.c), since 6.8: the replacement is a call of BUG_func. */
static bool is_direct_call(const struct table_entry *e)
{
	const struct atom *to = e->relocs[1].target;

	return to && to->reloc_count && !strcmp(to->relocs[0].symbol->name, "BUG_func");
}

/*
 * apply_alternatives() (arch/x86/kernel/alternative.c): the original, or one of
 * the replacements, the rest filled up; jumps may have become shorter.
 */
enum form form_alternative(struct walk *k, struct cursor *c)
{
	size_t count, i;
	const struct table_entry *e = site_entries(k, c->atom, ".altinstructions", c->at, &count);
	uint64_t length = 0;

	for (i = 0; i < count; i++) {
		int original = arch_alternative_original(e[i].section->data + e[i].offset, e[i].size);

		if ((uint64_t)original > length)
			length = original;
	}
	if (!length)
		return FORM_NONE;
	if (c->at + length > atom_size(c->atom) || c->run + length > k->w->size)
		return different(k, c, "an alternative reaches beyond the function");
	for (i = 0; i < count; i++) {
		int original = arch_alternative_original(e[i].section->data + e[i].offset, e[i].size);
		enum form f = is_direct_call(&e[i]) ? form_direct_call(k, c, original, "nop_func") : FORM_NONE;

		if (f != FORM_NONE)
			return f;
	}
	for (i = 0; i <= count; i++) {
		size_t branches = k->branch_count, mark = k->w->ops->mark(k->w->arg);
		struct cursor try = *c;
		uint64_t end = c->at + length;

		if (i < count) {
			try.atom = e[i].relocs[1].target;
			try.at = e[i].relocs[1].delta;
			end = try.at + arch_alternative_length(e[i].section->data + e[i].offset,
							       e[i].size);
			if (!try.atom || !atom_data(try.atom) || try.at > end || end > atom_size(try.atom))
				continue;
		}
		if (walk_filled(k, &try, end, c->run + length))
			return equal(c, length, length);
		k->branch_count = branches;
		k->w->ops->rewind(k->w->arg, mark);
	}
	return different(k, c, "it is none of the alternatives that can stand there");
}

/* arch_jump_label_transform() (arch/x86/kernel/jump_label.c): a NOP or a jump of 2 or 5 bytes. */
enum form form_jump_label(struct walk *k, struct cursor *c)
{
	size_t count;
	const struct table_entry *e = site_entries(k, c->atom, "__jump_table", c->at, &count);
	ZydisDecodedInstruction pre, run;
	const uint8_t *text = k->w->text + c->run;
	uint64_t target;
	unsigned int length;

	if (!e)
		return FORM_NONE;
	if (!x86_decode(atom_data(c->atom) + c->at, atom_size(c->atom) - c->at, &pre) ||
	    !x86_decode(text, k->w->size - c->run, &run))
		return different(k, c, "a jump label cannot be decoded");
	if (x86_is_nop(&run, text) && (run.length == 2 || run.length == 5))
		return equal(c, pre.length, run.length);
	target = branch_target(k, c->run, k->w->size, &length);
	if (target && text[0] != 0xe8 && walk_refer(k, &e->relocs[1], target))
		return equal(c, pre.length, run.length);
	return different(k, c, "a jump label is neither off nor on");
}

/*
 * What an ftrace site calls: one of vmlinux' own callers, a trampoline made for
 * one function, or one of BPF; the pages of these are listed as modules'.
 */
static bool is_tracer(const char *name, const char *module)
{
	if (!strcmp(module, "__builtin__ftrace"))
		return true;
	if (!strcmp(module, "bpf"))
		return starts_with(name, "bpf_trampoline_");
	return !*module && (!strcmp(name, "ftrace_caller") || !strcmp(name, "ftrace_regs_caller") ||
			    !strcmp(name, "__fentry__"));
}

/* ftrace_make_call() and ftrace_replace_code() (arch/x86/kernel/ftrace.c): the NOP or a call. */
static enum form form_ftrace(struct walk *k, struct cursor *c, const struct step *s)
{
	const char *name, *module = "";
	unsigned int length;
	uint64_t target;
	bool at_start = c->atom == k->w->pre && c->run <= 4;

	if (s->run.length != 5)
		return different(k, c, "the ftrace site is another instruction");
	if (at_start)
		k->w->jump_offset = c->run + 5;
	if (x86_is_nop(&s->run, s->run_bytes))
		return equal(c, 5, 5);
	target = s->run_bytes[0] == 0xe8 ? branch_target(k, c->run, k->w->size, &length) : 0;
	name = target ? k->w->ops->function_at(k->w->arg, target, &module) : NULL;
	if (name && is_tracer(name, module))
		return equal(c, 5, 5);
	return different(k, c, "the ftrace site calls something else");
}

/* Whether @target is the return thunk that the object names, or the one that this CPU needs. */
static bool is_return_thunk(const struct walk *k, uint64_t target)
{
	uint64_t variable = k->w->ops->lookup(k->w->arg, "x86_return_thunk"), held;

	return target == k->w->ops->lookup(k->w->arg, "__x86_return_thunk") ||
	       (variable && k->w->ops->read(k->w->arg, variable, &held, sizeof(held)) && target == held);
}

/* apply_returns(): RET and filling, or a jump to the return thunk. */
static enum form form_return(struct walk *k, struct cursor *c, const struct step *s)
{
	uint64_t end = c->run + s->pre.length, target;
	unsigned int length;

	if (end > k->w->size)
		return different(k, c, "a return is cut short");
	if (is_return(k->w->text, c->run, end))
		return equal(c, s->pre.length, s->pre.length);
	target = branch_target(k, c->run, end, &length);
	if (s->run.mnemonic == s->pre.mnemonic && target && is_return_thunk(k, target))
		return equal(c, s->pre.length, length);
	return different(k, c, "a return is neither RET nor a jump to a return thunk");
}

/* The number of the register that a thunk's name ends with, -1 for none. */
static int thunk_register(const char *name)
{
	static const char *const names[] = { "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
					     "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15" };
	const char *reg = strrchr(name, '_');
	int i;

	for (i = 0; reg && i < 16; i++)
		if (!strcmp(reg + 1, names[i]))
			return i;
	return -1;
}

/* A call or jump through the register, in the form of emit_indirect(). */
static bool is_register_branch(const uint8_t *text, uint64_t size, ZydisMnemonic mnemonic, int reg,
			       unsigned int *length)
{
	uint8_t form[] = { 0x41, 0xff, (mnemonic == ZYDIS_MNEMONIC_CALL ? 0xd0 : 0xe0) | (reg & 7) };
	unsigned int skip = reg < 8;

	*length = sizeof(form) - skip;
	return reg >= 0 && size >= *length && !memcmp(text, form + skip, *length);
}

/*
 * Some processors want indirect branches in the upper half of a cache line: the
 * kernel makes a jump through the register for each, in pages that it allocates
 * and kallsyms does not list (its_allocate_thunk()).
 */
static bool is_made_thunk(const struct walk *k, uint64_t target, int reg)
{
	uint8_t code[4] = { 0 };
	unsigned int length;

	return reg >= 0 && (target + 1 + reg / 8) & 0x20 &&
	       k->w->ops->read(k->w->arg, target, code, reg < 8 ? 3 : 4) &&
	       is_register_branch(code, sizeof(code) - 1, ZYDIS_MNEMONIC_JMP, reg, &length) &&
	       code[length] == 0xcc;
}

/* The address of the thunk whose name begins with @kind, for the register that the name @thunk ends with. */
static uint64_t other_thunk(const struct walk *k, const char *kind, const char *thunk)
{
	char name[64];

	snprintf(name, sizeof(name), "%s%s", kind, strrchr(thunk, '_') + 1);
	return k->w->ops->lookup(k->w->arg, name);
}

/*
 * Whether @target, where a call or jump goes, is what the kernel has for
 * @thunk.  The first of each kind is where the symbol of their array is, too,
 * so addresses are compared.
 */
static bool is_indirect_thunk(const struct walk *k, uint64_t target, const char *thunk, bool call)
{
	/* Where the depth of calls is counted, calls and jumps have thunks of their own. */
	const char *counted = call ? "__x86_indirect_call_thunk_" : "__x86_indirect_jump_thunk_";
	const char *module;

	if (target == k->w->ops->lookup(k->w->arg, thunk))
		return true;
	if (!k->w->ops->function_at(k->w->arg, target, &module))
		return is_made_thunk(k, target, thunk_register(thunk));
	return !*module && (target == other_thunk(k, "__x86_indirect_its_thunk_", thunk) ||
			    target == other_thunk(k, counted, thunk));
}

/* apply_retpolines(): a thunk, or the call or jump through the register, behind an LFENCE maybe. */
static enum form form_indirect(struct walk *k, struct cursor *c, const struct step *s, const char *thunk)
{
	static const uint8_t lfence[] = { 0x0f, 0xae, 0xe8 };
	uint64_t at = c->run, end = c->run + s->pre.length, target;
	bool cs = s->pre_bytes[0] == 0x2e; /* -mindirect-branch-cs-prefix, which the kernel keeps */
	unsigned int length;

	if (end > k->w->size)
		return different(k, c, "an indirect call is cut short");
	if (s->run.mnemonic == s->pre.mnemonic && (!cs || s->run_bytes[0] == 0x2e) &&
	    (target = branch_target(k, at + cs, end, &length))) {
		if (cs + length == s->pre.length &&
		    is_indirect_thunk(k, target, thunk, s->pre.mnemonic == ZYDIS_MNEMONIC_CALL))
			return equal(c, s->pre.length, s->pre.length);
		return different(k, c, "an indirect call goes to another thunk");
	}
	if (end - at > sizeof(lfence) && !memcmp(k->w->text + at, lfence, sizeof(lfence)))
		at += sizeof(lfence);
	if (is_register_branch(k->w->text + at, end - at, s->pre.mnemonic, thunk_register(thunk), &length)) {
		at += length;
		/* Against speculation beyond the jump. */
		if (s->pre.mnemonic == ZYDIS_MNEMONIC_JMP && at < end && k->w->text[at] == 0xcc)
			at++;
		if (is_filled(k->w->text, at, end))
			return equal(c, s->pre.length, s->pre.length);
	}
	return different(k, c, "an indirect call is none of the forms that it can have");
}

/* Whether a static call stands there in a form without an address; @held: what its key holds. */
static bool is_static_call_off(const struct walk *k, const struct cursor *c, const struct step *s, uint64_t held)
{
	static const uint8_t return0[][5] = { { 0x66, 0x66, 0x48, 0x31, 0xc0 },
					      { 0x2e, 0x2e, 0x2e, 0x31, 0xc0 } };
	const uint8_t *text = k->w->text + c->run;

	if (s->pre.mnemonic == ZYDIS_MNEMONIC_JMP)
		return !held && is_return(k->w->text, c->run, c->run + 5);
	if (!held)
		return s->run.length == 5 && x86_is_nop(&s->run, text);
	return held == k->w->ops->lookup(k->w->arg, "__static_call_return0") &&
	       (!memcmp(text, return0[0], 5) || !memcmp(text, return0[1], 5));
}

/*
 * __static_call_transform() (arch/x86/kernel/static_call.c): a call or jump of
 * what the key holds.  Where that is nothing, a call is a NOP, and a jump a
 * return; a call of what returns 0 does that itself.
 */
static enum form form_static_call(struct walk *k, struct cursor *c, const struct step *s, const char *tramp)
{
	char key[256];
	uint64_t address, held, target, end = c->run + 5;
	unsigned int length;
	const char *name, *module;

	snprintf(key, sizeof(key), "__SCK__%s", tramp + strlen("__SCT__"));
	address = k->w->ops->lookup(k->w->arg, key);
	if (end > k->w->size || !address ||
	    !k->w->ops->read(k->w->arg, address, &held, sizeof(held)))
		return different(k, c, "a static call's key cannot be read");
	target = s->run.mnemonic == s->pre.mnemonic ? branch_target(k, c->run, end, &length) : 0;
	if (target && length == 5) {
		name = k->w->ops->function_at(k->w->arg, target, &module);
		/* A module may have something of the name, too. */
		if (target == held || (name && !strcmp(name, tramp) && walk_refer(k, s->relocs, target)) ||
		    (held && s->pre.mnemonic == ZYDIS_MNEMONIC_CALL && walk_called(k, target) == held) ||
		    (!held && s->pre.mnemonic == ZYDIS_MNEMONIC_JMP && is_return_thunk(k, target)))
			return equal(c, 5, 5);
		return different(k, c, "a static call goes elsewhere");
	}
	if (is_static_call_off(k, c, s, held))
		return equal(c, 5, 5);
	return different(k, c, "a static call is none of the forms that it can have");
}

/* What only the relocation's target, or the instruction itself, tells to be rewritten. */
enum form form_thunk(struct walk *k, struct cursor *c, const struct step *s)
{
	static const uint8_t endbr[] = { 0xf3, 0x0f, 0x1e, 0xfa };
	static const uint8_t poison[] = { 0x66, 0x0f, 0x1f, 0x00 };	/* gen_endbr_poison() */
	const struct symbol *to = s->reloc_count == 1 ? s->relocs->symbol : NULL;
	const char *name = to ? to->name : "";

	/* ENDBR where nothing jumps to is overwritten (apply_seal_endbr()). */
	if (s->pre.length == 4 && !memcmp(s->pre_bytes, endbr, 4)) {
		if (s->run.length == 4 && (!memcmp(s->run_bytes, endbr, 4) || !memcmp(s->run_bytes, poison, 4))) {
			if (c->atom == k->w->pre && !c->run)
				k->w->jump_offset = 4;
			return equal(c, 4, 4);
		}
		return different(k, c, "ENDBR is another instruction");
	}
	/* alternative.c itself compares addresses with these. */
	if (s->pre.mnemonic != ZYDIS_MNEMONIC_CALL && s->pre.mnemonic != ZYDIS_MNEMONIC_JMP)
		return FORM_NONE;
	if (!strcmp(name, "__fentry__") && s->pre.mnemonic == ZYDIS_MNEMONIC_CALL)
		return form_ftrace(k, c, s);
	if (!strcmp(name, "__x86_return_thunk") && s->pre.mnemonic == ZYDIS_MNEMONIC_JMP)
		return form_return(k, c, s);
	if (starts_with(name, "__x86_indirect_thunk_"))
		return form_indirect(k, c, s, name);
	if (starts_with(name, "__SCT__"))
		return form_static_call(k, c, s, name);
	return FORM_NONE;
}
