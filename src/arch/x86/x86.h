/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of this folder share. */
#ifndef KMEND_ARCH_X86_X86_H
#define KMEND_ARCH_X86_X86_H

#include "arch/arch.h"

#include <Zydis/Zydis.h>

/* Decodes one instruction in 64-bit mode; false where there is none. */
bool x86_decode(const uint8_t *text, size_t size, ZydisDecodedInstruction *insn);

/* A no-operation that assemblers and the kernel fill space with, of any length. */
bool x86_is_nop(const ZydisDecodedInstruction *insn, const uint8_t *text);

/*
 * A jump, call or conditional jump relative to the program counter: true, and
 * *@target its distance from the first byte of the instruction.
 */
bool x86_is_relative(const ZydisDecodedInstruction *insn, int64_t *target);

#endif
