// SPDX-License-Identifier: GPL-2.0
#include "arch/x86/x86.h"

#include <string.h>

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
	case R_X86_64_PC8:
		return 1;
	default:
		return 0;
	}
}

/* The module loader knows no PC8 (arch/x86/kernel/module.c). */
bool arch_reloc_is_far(uint32_t type)
{
	return type != R_X86_64_PC8;
}

uint32_t arch_reloc_address(void)
{
	return R_X86_64_64;
}

static bool is_pc_relative(uint32_t type)
{
	return type == R_X86_64_PC32 || type == R_X86_64_PLT32 || type == R_X86_64_PC8;
}

static bool has_reloc(const struct section *sec, size_t count, uint64_t start, uint64_t end)
{
	size_t lo = 0, hi = count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (sec->relocs[mid].offset < start)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < count && sec->relocs[lo].offset < end;
}

/* Where the instruction's field relative to the program counter stands, and how long it is. */
static bool relative_field(const ZydisDecodedInstruction *insn, unsigned int *offset, unsigned int *size,
			   int64_t *distance)
{
	if (insn->raw.imm[0].is_relative) {
		*offset = insn->raw.imm[0].offset;
		*size = insn->raw.imm[0].size / 8;
		*distance = insn->raw.imm[0].value.s;
		return true;
	}
	*offset = insn->raw.disp.offset;
	*size = insn->raw.disp.size / 8;
	*distance = insn->raw.disp.value;
	return insn->attributes & ZYDIS_ATTRIB_IS_RELATIVE && *size == 4;
}

void arch_find_branches(struct section *sec)
{
	size_t i, count = sec->reloc_count;

	for (i = 0; i < sec->atom_count; i++) {
		const struct atom *a = sec->atoms[i];
		ZydisDecodedInstruction insn;
		unsigned int offset, size;
		int64_t distance;
		uint64_t at, next;

		for (at = a->start; a->symbol && at < a->end; at = next) {
			uint64_t target;

			next = at + 1;
			if (!x86_decode(sec->data + at, a->end - at, &insn))
				continue;
			next = at + insn.length;
			if (!relative_field(&insn, &offset, &size, &distance))
				continue;
			target = next + distance;
			if ((target >= a->start && target < a->end) || target >= sec->size ||
			    (size != 4 && size != 1) || has_reloc(sec, count, at, next))
				continue;
			section_add_reloc(sec, at + offset, size == 4 ? R_X86_64_PC32 : R_X86_64_PC8,
					  target - (insn.length - offset));
		}
	}
}

/* Whether the instruction writes its immediate to memory that outlives the function's frame. */
static bool stores(const ZydisDecodedInstruction *insn)
{
	/* With rm 4 a SIB byte tells the base, and 4 is the stack pointer there. */
	bool on_stack = insn->raw.modrm.rm == 4 && insn->raw.sib.base == 4 && !insn->raw.rex.B;

	return insn->mnemonic == ZYDIS_MNEMONIC_MOV && insn->raw.imm[0].size &&
	       insn->attributes & ZYDIS_ATTRIB_HAS_MODRM && insn->raw.modrm.mod != 3 && !on_stack;
}

/* Sets the biases of the relocations from @rel on that lie in [start, end), instruction by instruction. */
static struct reloc *set_biases(struct section *sec, struct reloc *rel, uint64_t start, uint64_t end)
{
	struct reloc *last = rel ? sec->relocs + sec->reloc_count : NULL;
	uint64_t at = start;

	while (at < end && rel < last && rel->offset < end) {
		ZydisDecodedInstruction insn;
		uint64_t next = at + 1;
		int64_t distance;
		bool branch = false, access = false, stored = false;

		if (x86_decode(sec->data + at, end - at, &insn)) {
			next = at + insn.length;
			branch = x86_is_relative(&insn, &distance);
			access = insn.mnemonic != ZYDIS_MNEMONIC_LEA && insn.raw.disp.size;
			stored = stores(&insn);
		}
		for (; rel < last && rel->offset < next; rel++) {
			uint64_t size = arch_reloc_size(rel->type);

			if (rel->offset < at)
				continue;
			rel->branch = branch;
			rel->access = access && rel->offset == at + insn.raw.disp.offset;
			rel->stored = stored && rel->offset == at + insn.raw.imm[0].offset;
			if (is_pc_relative(rel->type))
				rel->bias = next - rel->offset > size ? next - rel->offset : size;
		}
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
		sec->relocs[i].bias = is_pc_relative(sec->relocs[i].type) ? arch_reloc_size(sec->relocs[i].type) : 0;
	}
	for (i = 0; i < sec->atom_count; i++)
		rel = set_biases(sec, rel, sec->atoms[i]->start, sec->atoms[i]->end);
	return NULL;
}

static uint64_t load(const uint8_t *p, unsigned int size)
{
	uint64_t value = 0;

	memcpy(&value, p, size);
	return value;
}

uint64_t arch_reloc_target(const struct reloc *rel, const uint8_t *field, uint64_t field_addr)
{
	unsigned int size = arch_reloc_size(rel->type);
	uint64_t value = load(field, size);

	switch (rel->type) {
	case R_X86_64_PC32:
	case R_X86_64_PLT32:
		return field_addr + (int32_t)value + rel->bias;
	case R_X86_64_PC8:
		return field_addr + (int8_t)value + rel->bias;
	case R_X86_64_PC64:
		return field_addr + value;
	case R_X86_64_32S:
		return (int32_t)value;
	default:
		return value;
	}
}
