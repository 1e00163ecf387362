// SPDX-License-Identifier: GPL-2.0
#include "arch/x86/x86.h"

unsigned int arch_reloc_size(uint32_t type)
{
	switch (type) {
	case R_X86_64_64:
	case R_X86_64_PC64:
		return 8;
	case R_X86_64_PC32:
	case R_X86_64_PLT32:
	case R_X86_64_32:
	case R_X86_64_32S:
		return 4;
	default:
		return 0;
	}
}

/* The assembler marks every call and jump with PLT32, and nothing else. */
bool arch_reloc_is_branch(uint32_t type)
{
	return type == R_X86_64_PLT32;
}

uint32_t arch_reloc_address(void)
{
	return R_X86_64_64;
}

static bool is_pc_relative(uint32_t type)
{
	return type == R_X86_64_PC32 || type == R_X86_64_PLT32;
}

/* Sets the biases of the relocations from @rel on that lie in [start, end), instruction by instruction. */
static struct reloc *set_biases(struct section *sec, struct reloc *rel, uint64_t start, uint64_t end)
{
	struct reloc *last = sec->relocs + sec->reloc_count;
	uint64_t at = start;

	while (at < end && rel < last && rel->offset < end) {
		ZydisDecodedInstruction insn;
		uint64_t next = at + 1;

		if (x86_decode(sec->data + at, end - at, &insn))
			next = at + insn.length;
		for (; rel < last && rel->offset < next; rel++)
			if (rel->offset >= at && is_pc_relative(rel->type))
				rel->bias = next - rel->offset > 4 ? next - rel->offset : 4;
		at = next;
	}
	return rel;
}

struct error *arch_reloc_biases(struct object *obj, struct section *sec)
{
	struct reloc *rel = sec->relocs;
	size_t i;

	if (!sec->data)
		return NULL;
	for (i = 0; i < sec->reloc_count; i++) {
		if (!arch_reloc_size(sec->relocs[i].type))
			return refuse("RELOCATION-UNKNOWN", "%s: %s+0x%llx has a relocation of type %u",
				      obj->name, sec->name,
				      (unsigned long long)sec->relocs[i].offset, sec->relocs[i].type);
		sec->relocs[i].bias = is_pc_relative(sec->relocs[i].type) ? 4 : 0;
	}
	for (i = 0; i < sec->atom_count; i++)
		rel = set_biases(sec, rel, sec->atoms[i]->start, sec->atoms[i]->end);
	return NULL;
}
