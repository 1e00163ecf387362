// SPDX-License-Identifier: GPL-2.0
/*
 * Call depth tracking (arch/x86/kernel/callthunks.c, since 6.2; retbleed=stuff):
 * the kernel copies a template to the padding in front of a function, and turns
 * calls of the function into calls of the copy, which runs into it.
 */
#include "arch/x86/walk.h"

#include <string.h>

static void read_counting(struct walk *k, struct counting *n)
{
	uint64_t end = k->w->ops->lookup(k->w->arg, "skl_call_thunk_tail");

	n->known = true;
	n->addr = k->w->ops->lookup(k->w->arg, "skl_call_thunk_template");
	if (!n->addr || end <= n->addr || end - n->addr > sizeof(n->code) ||
	    !k->w->ops->read(k->w->arg, n->addr, n->code, end - n->addr))
		return;
	n->size = end - n->addr;
}

/*
 * The template is memory like any other: what is copied in front of functions
 * must do nothing but count (INCREMENT_CALL_DEPTH in asm/nospec-branch.h), for
 * statistics a second time.
 */
static bool is_count(const ZydisDecodedInstruction *insn, const uint8_t *code)
{
	/* An address alone, relative to the program counter or not. */
	bool direct = insn->raw.modrm.mod == 0 && insn->raw.disp.size == 32 &&
		      (insn->raw.modrm.rm == 5 || (insn->raw.modrm.rm == 4 && insn->raw.sib.base == 5 &&
						   insn->raw.sib.index == 4));

	if (!direct || !(insn->attributes & ZYDIS_ATTRIB_HAS_SEGMENT_GS))
		return false;
	return insn->mnemonic == ZYDIS_MNEMONIC_INC ||
	       (insn->mnemonic == ZYDIS_MNEMONIC_SAR && insn->raw.imm[0].size == 8 && code[insn->raw.imm[0].offset] == 5);
}

/* As __apply_relocation() (arch/x86/kernel/alternative.c) moves it to @to; false where it does anything else than to count. */
static bool move_counting(const struct counting *n, uint64_t to, uint8_t *code)
{
	ZydisDecodedInstruction insn;
	unsigned int at;

	memcpy(code, n->code, n->size);
	for (at = 0; at < n->size; at += insn.length) {
		uint32_t field;
		uint8_t *bytes;

		if (!x86_decode(code + at, n->size - at, &insn) || !is_count(&insn, code + at))
			return false;
		if (insn.raw.modrm.rm != 5)
			continue;
		bytes = code + at + insn.raw.disp.offset;
		memcpy(&field, bytes, sizeof(field));
		field += (uint32_t)(n->addr - to);
		memcpy(bytes, &field, sizeof(field));
	}
	return true;
}

uint64_t walk_called(struct walk *k, uint64_t target)
{
	struct counting *n = &k->counting;
	uint8_t wanted[sizeof(n->code)], code[sizeof(n->code)];
	const char *name, *module;

	if (!n->known)
		read_counting(k, n);
	if (!n->size)
		return target;
	/* A function may begin with such code itself; objtool names the padding in front of one after it. */
	name = k->w->ops->function_at(k->w->arg, target, &module);
	if ((name && strncmp(name, "__pfx_", 6)) || !move_counting(n, target, wanted) ||
	    !k->w->ops->read(k->w->arg, target, code, n->size) || memcmp(code, wanted, n->size))
		return target;
	return target + n->size;
}
