// SPDX-License-Identifier: GPL-2.0
#include "live/parse.h"
#include "util/memory.h"

#include <elf.h>
#include <string.h>

static struct error *check_header(const Elf64_Ehdr *header)
{
	if (memcmp(header->e_ident, ELFMAG, SELFMAG) || header->e_type != ET_CORE)
		return system_error(0, "kcore: not an ELF core file");
	if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB)
		return system_error(0, "kcore: not a 64-bit little-endian file");
	if (header->e_phentsize != sizeof(Elf64_Phdr))
		return system_error(0, "kcore: program headers of %u bytes instead of %zu",
				    header->e_phentsize, sizeof(Elf64_Phdr));
	if (header->e_phoff > KCORE_HEADERS_MAX ||
	    header->e_phnum > (KCORE_HEADERS_MAX - header->e_phoff) / sizeof(Elf64_Phdr))
		return system_error(0, "kcore: %u program headers at %#jx are too many or too far",
				    header->e_phnum, (uintmax_t)header->e_phoff);
	return NULL;
}

struct error *kcore_headers_size(const void *data, size_t size, size_t *headers_size)
{
	Elf64_Ehdr header;

	if (size < sizeof(header))
		return system_error(0, "kcore: shorter than an ELF header");
	memcpy(&header, data, sizeof(header));
	TRY(check_header(&header));
	*headers_size = header.e_phoff + header.e_phnum * sizeof(Elf64_Phdr);
	return NULL;
}

static bool usable(const Elf64_Phdr *phdr)
{
	uint64_t end;

	return phdr->p_type == PT_LOAD && phdr->p_filesz &&
	       !__builtin_add_overflow(phdr->p_vaddr, phdr->p_filesz - 1, &end) &&
	       phdr->p_offset <= INT64_MAX && phdr->p_filesz <= INT64_MAX - phdr->p_offset;
}

struct error *kcore_parse(const void *data, size_t size, struct kcore_segment **segments,
			  size_t *count)
{
	Elf64_Ehdr header;
	Elf64_Phdr phdr;
	size_t headers_size, i;

	*segments = NULL;
	*count = 0;
	TRY(kcore_headers_size(data, size, &headers_size));
	if (headers_size > size)
		return system_error(0, "kcore: %zu bytes are too short for its program headers",
				    size);
	memcpy(&header, data, sizeof(header));
	*segments = xcalloc(header.e_phnum, sizeof(**segments));
	for (i = 0; i < header.e_phnum; i++) {
		memcpy(&phdr, (const char *)data + header.e_phoff + i * sizeof(phdr), sizeof(phdr));
		if (!usable(&phdr))
			continue;
		(*segments)[(*count)++] = (struct kcore_segment){
			.addr = phdr.p_vaddr,
			.size = phdr.p_filesz,
			.offset = phdr.p_offset,
		};
	}
	return NULL;
}
