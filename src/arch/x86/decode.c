// SPDX-License-Identifier: GPL-2.0
#include "arch/x86/x86.h"

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

bool x86_is_nop(const ZydisDecodedInstruction *insn, const uint8_t *text)
{
	/* f3 0f 1e fa is ENDBR64, which Zydis has as its own mnemonic. */
	return insn->mnemonic == ZYDIS_MNEMONIC_NOP;
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
