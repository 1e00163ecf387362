// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's tables about x86 code.  An entry's size is not written here: it
 * is the section's size divided by the number of entries, which follows from
 * the number of relocations in each.
 */
#include "arch/arch.h"
#include "util/memory.h"

#include <string.h>

const struct arch_table arch_tables[] = {
	/* arch/x86/include/asm/alternative.h */
	{ ".altinstructions", ARCH_TABLE_ALTERNATIVE, 2, NULL },
	{ ".smp_locks", ARCH_TABLE_PLAIN, 1, NULL },
	/* arch/x86/include/asm/paravirt_types.h, until 6.8 */
	{ ".parainstructions", ARCH_TABLE_PLAIN, 1, NULL },
	/* arch/x86/include/asm/jump_label.h: code, target, key */
	{ "__jump_table", ARCH_TABLE_PLAIN, 3, NULL },
	/* arch/x86/include/asm/bug.h: place, file */
	{ "__bug_table", ARCH_TABLE_PLAIN, 2, NULL },
	/* arch/x86/include/asm/extable.h: place, fixup */
	{ "__ex_table", ARCH_TABLE_PLAIN, 2, NULL },
	/* arch/x86/include/asm/runtime-const.h, since 6.11: an immediate, or the count of a shift */
	{ "runtime_ptr_", ARCH_TABLE_CONSTANT, 1, NULL },
	{ "runtime_shift_", ARCH_TABLE_CONSTANT, 1, NULL },
	/* made by objtool: tools/objtool/check.c */
	{ ".static_call_sites", ARCH_TABLE_DERIVED, 2, NULL },
	{ ".retpoline_sites", ARCH_TABLE_DERIVED, 1, NULL },
	{ ".return_sites", ARCH_TABLE_DERIVED, 1, NULL },
	{ ".call_sites", ARCH_TABLE_DERIVED, 1, NULL },
	{ ".ibt_endbr_seal", ARCH_TABLE_DERIVED, 1, NULL },
	{ ".orc_unwind_ip", ARCH_TABLE_UNWIND, 1, ".orc_unwind" },
	/* made by the compiler for each function with an ftrace site */
	{ "__mcount_loc", ARCH_TABLE_DERIVED, 1, NULL },
	{ "__patchable_function_entries", ARCH_TABLE_DERIVED, 1, NULL },
	/* what the source tells objtool, which runs over the update where it runs late */
	{ ".discard.reachable", ARCH_TABLE_DERIVED, 1, NULL },
	{ ".discard.unreachable", ARCH_TABLE_DERIVED, 1, NULL },
	{ ".discard.retpoline_safe", ARCH_TABLE_DERIVED, 1, NULL },
	{ ".discard.noendbr", ARCH_TABLE_DERIVED, 1, NULL },
	{ ".discard.annotate_insn", ARCH_TABLE_DERIVED, 1, NULL },
	{ ".discard.intra_function_calls", ARCH_TABLE_DERIVED, 1, NULL },
	{ ".discard.ignore_alts", ARCH_TABLE_DERIVED, 1, NULL },
	{ ".discard.instr_begin", ARCH_TABLE_DERIVED, 1, NULL },
	{ ".discard.instr_end", ARCH_TABLE_DERIVED, 1, NULL },
};

const size_t arch_table_count = ARRAY_SIZE(arch_tables);

/* CONFIG_RETHUNK: a jump to the return thunk that no table lists is never rewritten (apply_returns()). */
bool arch_module_is_complete(const struct object *ko)
{
	size_t i, k, returns = 0, listed = 0;

	for (i = 0; i < ko->section_count; i++) {
		const struct section *s = ko->sections[i];

		if (!strcmp(s->name, ".return_sites"))
			listed += s->reloc_count;
		for (k = 0; section_is_text(s) && k < s->reloc_count; k++)
			returns += !strcmp(s->relocs[k].symbol->name, "__x86_return_thunk");
	}
	return listed >= returns;
}

/* __runtime_fixup_ptr() and __runtime_fixup_shift() (arch/x86/include/asm/runtime-const.h). */
const char *arch_constant(const struct arch_table *table, const struct section *sec, unsigned int *size)
{
	*size = strcmp(table->section, "runtime_shift_") ? 8 : 1;
	return sec->name + strlen(table->section);
}

/*
 * struct alt_instr: two s32, then cpuid and flags, then instrlen and
 * replacementlen as the last two bytes (before 5.11 a padlen behind them).
 */
int arch_alternative_length(const uint8_t *entry, size_t size)
{
	if (size == 12 || size == 14)
		return entry[size - 1];
	return size == 13 ? entry[11] : -1;
}

int arch_alternative_original(const uint8_t *entry, size_t size)
{
	if (size == 12 || size == 14)
		return entry[size - 2];
	return size == 13 ? entry[10] : -1;
}
