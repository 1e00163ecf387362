// SPDX-License-Identifier: GPL-2.0
#include "arch/x86/x86.h"

#include <string.h>

bool x86_decode(const uint8_t *text, size_t size, ZydisDecodedInstruction *insn)
{
	static ZydisDecoder decoder;
	static bool ready;

	if (!ready) {
		ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
		ready = true;
	}
	return ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoder, NULL, text, size, insn));
}

/*
 * The forms of arch/x86/include/asm/nops.h and of the assembler, which are the
 * same; the processor knows many more.  Those of more than nine bytes have a
 * prefix CS and as many of operand size as it takes.
 */
bool x86_is_nop(const ZydisDecodedInstruction *insn, const uint8_t *text)
{
	static const uint8_t nops[][9] = {
		{ 0x90 },
		{ 0x66, 0x90 },
		{ 0x0f, 0x1f, 0x00 },
		{ 0x0f, 0x1f, 0x40, 0x00 },
		{ 0x0f, 0x1f, 0x44, 0x00, 0x00 },
		{ 0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00 },
		{ 0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00 },
		{ 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00 },
		{ 0x66, 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00 },
	};
	static const uint8_t with_cs[] = { 0x66, 0x2e, 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00 };
	unsigned int more;

	if (insn->mnemonic != ZYDIS_MNEMONIC_NOP)
		return false;
	if (insn->length <= sizeof(nops[0]))
		return !memcmp(text, nops[insn->length - 1], insn->length);
	for (more = insn->length - sizeof(with_cs); more; more--)
		if (*text++ != 0x66)
			return false;
	return !memcmp(text, with_cs, sizeof(with_cs));
}

bool x86_is_relative(const ZydisDecodedInstruction *insn, int64_t *target)
{
	if (!insn->raw.imm[0].is_relative)
		return false;
	*target = insn->length + insn->raw.imm[0].value.s;
	return true;
}

bool arch_is_padding(const uint8_t *text, size_t size)
{
	ZydisDecodedInstruction insn;
	size_t at = 0;

	if (!text)
		return false;
	while (at < size) {
		if (!x86_decode(text + at, size - at, &insn))
			return false;
		if (!x86_is_nop(&insn, text + at) && insn.mnemonic != ZYDIS_MNEMONIC_INT3)
			return false;
		at += insn.length;
	}
	return true;
}

bool arch_entry_jump(const uint8_t *text, uint64_t addr, uint64_t *target)
{
	static const uint8_t starts[][4] = { { 0xf3, 0x0f, 0x1e, 0xfa }, { 0x66, 0x0f, 0x1f, 0x00 } };
	static const uint8_t nop[] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };
	unsigned int at = 0;
	int32_t distance;

	/* ENDBR, or what it was overwritten with. */
	if (!memcmp(text, starts[0], 4) || !memcmp(text, starts[1], 4))
		at = 4;
	/* The ftrace site, off or on. */
	if (text[at] == 0xe8 || !memcmp(text + at, nop, sizeof(nop)))
		at += 5;
	if (text[at] != 0xe9)
		return false;
	memcpy(&distance, text + at + 1, sizeof(distance));
	*target = addr + at + 5 + distance;
	return true;
}
