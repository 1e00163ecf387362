// SPDX-License-Identifier: GPL-2.0
#include "extract/output.h"

#include "util/file.h"
#include "util/memory.h"

#include <elf.h>
#include <stdbool.h>
#include <string.h>

struct out_reloc {
	uint64_t offset;
	uint32_t type;
	output_symbol symbol;
	int64_t addend;
};

struct out_section {
	char *name;
	uint32_t type;
	uint64_t flags, align, entsize, size;
	uint8_t *data;
	struct out_reloc *relocs;
	size_t reloc_count, reloc_capacity;
	output_symbol symbol;
	bool has_symbol;
	size_t order_by;	/* where SHF_LINK_ORDER: another section */
};

struct out_symbol {
	char *name;
	bool defined;
	size_t section;
	uint64_t value, size;
	uint8_t type, bind;
	output_symbol same_as;	/* after output_link(): the symbol to use instead */
	bool used;
	uint32_t index;		/* in the file */
};

struct output {
	struct out_section *sections;
	size_t section_count, section_capacity;
	struct out_symbol *symbols;
	size_t symbol_count, symbol_capacity;
};

struct output *output_new(void)
{
	return xcalloc(1, sizeof(struct output));
}

void output_free(struct output *out)
{
	size_t i;

	if (!out)
		return;
	for (i = 0; i < out->section_count; i++) {
		free(out->sections[i].name);
		free(out->sections[i].data);
		free(out->sections[i].relocs);
	}
	for (i = 0; i < out->symbol_count; i++)
		free(out->symbols[i].name);
	free(out->sections);
	free(out->symbols);
	free(out);
}

size_t output_section(struct output *out, const char *name, uint32_t type, uint64_t flags,
		      uint64_t align, uint64_t entsize, const void *data, uint64_t size)
{
	struct out_section *s;

	array_grow(out->sections, out->section_count, out->section_capacity);
	s = &out->sections[out->section_count];
	*s = (struct out_section){ .name = xstrdup(name), .type = type, .flags = flags,
				   .align = align, .entsize = entsize, .size = size };
	if (data)
		s->data = xmemdup(data, size);
	return out->section_count++;
}

uint64_t output_append(struct output *out, const char *name, uint64_t flags, uint64_t align,
		       uint64_t entsize, const void *data, uint64_t size, size_t *section)
{
	struct out_section *s;
	uint64_t at;
	size_t i;

	for (i = 0; i < out->section_count; i++)
		if (!strcmp(out->sections[i].name, name))
			break;
	*section = i;
	if (i == out->section_count) {
		output_section(out, name, SHT_PROGBITS, flags, align, entsize, data, size);
		return 0;
	}
	s = &out->sections[i];
	at = s->size;
	s->data = xreallocarray(s->data, at + size, 1);
	memcpy(s->data + at, data, size);
	s->size = at + size;
	return at;
}

void output_order(struct output *out, size_t section, size_t by)
{
	out->sections[section].flags |= SHF_LINK_ORDER;
	out->sections[section].order_by = by;
}

static output_symbol add_symbol(struct output *out, struct out_symbol symbol)
{
	array_grow(out->symbols, out->symbol_count, out->symbol_capacity);
	out->symbols[out->symbol_count] = symbol;
	out->symbols[out->symbol_count].same_as = out->symbol_count;
	return out->symbol_count++;
}

output_symbol output_section_symbol(struct output *out, size_t section)
{
	struct out_section *s = &out->sections[section];

	if (!s->has_symbol) {
		s->symbol = output_define(out, "", section, 0, 0, STT_SECTION, STB_LOCAL);
		s->has_symbol = true;
	}
	return s->symbol;
}

output_symbol output_define(struct output *out, const char *name, size_t section, uint64_t value,
			    uint64_t size, uint8_t type, uint8_t bind)
{
	return add_symbol(out, (struct out_symbol){ .name = xstrdup(name), .defined = true,
						    .section = section, .value = value,
						    .size = size, .type = type, .bind = bind,
						    .used = true });
}

output_symbol output_undefined(struct output *out, const char *name)
{
	size_t i;

	for (i = 0; i < out->symbol_count; i++)
		if (!out->symbols[i].defined && !strcmp(out->symbols[i].name, name))
			return i;
	return add_symbol(out, (struct out_symbol){ .name = xstrdup(name), .bind = STB_GLOBAL });
}

void output_reloc(struct output *out, size_t section, uint64_t offset, uint32_t type,
		  output_symbol symbol, int64_t addend)
{
	struct out_section *s = &out->sections[section];

	array_grow(s->relocs, s->reloc_count, s->reloc_capacity);
	s->relocs[s->reloc_count++] = (struct out_reloc){ offset, type, symbol, addend };
}

void output_link(struct output *out)
{
	size_t i, k;

	for (i = 0; i < out->symbol_count; i++) {
		if (out->symbols[i].defined)
			continue;
		for (k = 0; k < out->symbol_count; k++)
			if (out->symbols[k].defined && out->symbols[k].bind != STB_LOCAL &&
			    !strcmp(out->symbols[k].name, out->symbols[i].name))
				out->symbols[i].same_as = k;
	}
	for (i = 0; i < out->section_count; i++)
		for (k = 0; k < out->sections[i].reloc_count; k++)
			out->symbols[out->symbols[out->sections[i].relocs[k].symbol].same_as].used = true;
}

struct error *output_each_undefined(struct output *out, struct error *(*fn)(void *arg, const char *name),
				    void *arg)
{
	size_t i;

	for (i = 0; i < out->symbol_count; i++)
		if (!out->symbols[i].defined && out->symbols[i].used)
			TRY(fn(arg, out->symbols[i].name));
	return NULL;
}

/* The file is: header, contents of all sections, section headers. */
struct writer {
	FILE *f;
	Elf64_Shdr *headers;
	size_t count;		/* sections in the file so far */
	char *names;		/* .shstrtab */
	size_t names_size;
	FILE *names_file;
};

static void write_section(struct writer *w, const char *name, Elf64_Shdr header, const void *data)
{
	static const char zeros[64];
	uint64_t align = header.sh_addralign > 1 ? header.sh_addralign : 1;
	uint64_t at = ftell(w->f);

	if (align > sizeof(zeros))
		align = sizeof(zeros); /* of the place in the file only */
	fwrite(zeros, 1, (align - at % align) % align, w->f);
	header.sh_name = ftell(w->names_file);
	fwrite(name, 1, strlen(name) + 1, w->names_file);
	header.sh_offset = ftell(w->f);
	if (header.sh_type != SHT_NOBITS && header.sh_size)
		fwrite(data, 1, header.sh_size, w->f);
	w->headers[w->count++] = header;
}

/* Local symbols come first (ELF specification, sh_info of SHT_SYMTAB). */
static void write_symbols(struct output *out, struct writer *w, size_t strtab_index)
{
	_cleanup_free_ Elf64_Sym *table = xcalloc(out->symbol_count + 1, sizeof(*table));
	_cleanup_free_ char *names = NULL;
	size_t i, n = 1, first_global = 1, names_size;
	FILE *f = open_memstream(&names, &names_size);
	Elf64_Shdr symtab = { .sh_type = SHT_SYMTAB, .sh_addralign = 8,
			      .sh_entsize = sizeof(Elf64_Sym), .sh_link = strtab_index };
	Elf64_Shdr strtab = { .sh_type = SHT_STRTAB, .sh_addralign = 1 };

	if (!f)
		abort();
	fputc('\0', f);
	for (int global = 0; global < 2; global++) {
		if (global)
			first_global = n;
		for (i = 0; i < out->symbol_count; i++) {
			struct out_symbol *s = &out->symbols[i];

			if (!s->used || (s->bind != STB_LOCAL) != global)
				continue;
			s->index = n;
			table[n].st_name = *s->name ? ftell(f) : 0;
			if (*s->name)
				fwrite(s->name, 1, strlen(s->name) + 1, f);
			table[n].st_info = ELF64_ST_INFO(s->bind, s->type);
			table[n].st_shndx = s->defined ? s->section + 1 : SHN_UNDEF;
			table[n].st_value = s->value;
			table[n].st_size = s->size;
			n++;
		}
	}
	if (fclose(f))
		abort();
	symtab.sh_info = first_global;
	symtab.sh_size = n * sizeof(*table);
	strtab.sh_size = names_size;
	write_section(w, ".symtab", symtab, table);
	write_section(w, ".strtab", strtab, names);
}

static void write_relocs(struct output *out, struct writer *w, size_t section, size_t symtab_index)
{
	const struct out_section *s = &out->sections[section];
	_cleanup_free_ Elf64_Rela *table = xcalloc(s->reloc_count, sizeof(*table));
	_cleanup_free_ char *name = xasprintf(".rela%s", s->name);
	Elf64_Shdr header = { .sh_type = SHT_RELA, .sh_flags = SHF_INFO_LINK, .sh_addralign = 8,
			      .sh_entsize = sizeof(*table), .sh_link = symtab_index,
			      .sh_info = section + 1, .sh_size = s->reloc_count * sizeof(*table) };
	size_t i;

	for (i = 0; i < s->reloc_count; i++) {
		const struct out_reloc *r = &s->relocs[i];
		uint32_t symbol = out->symbols[out->symbols[r->symbol].same_as].index;

		table[i].r_offset = r->offset;
		table[i].r_info = ELF64_R_INFO((uint64_t)symbol, r->type);
		table[i].r_addend = r->addend;
	}
	write_section(w, name, header, table);
}

/* Returns the file's header, which goes to its beginning once the file is whole. */
static Elf64_Ehdr write_all(struct output *out, struct writer *w)
{
	static const char stack_note[] = ".note.GNU-stack";
	Elf64_Ehdr eh = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
				       EV_CURRENT },
			  .e_type = ET_REL, .e_machine = EM_X86_64, .e_version = EV_CURRENT,
			  .e_ehsize = sizeof(eh), .e_shentsize = sizeof(Elf64_Shdr) };
	size_t symtab = out->section_count + 1, i;
	Elf64_Shdr names = { .sh_type = SHT_STRTAB, .sh_addralign = 1 };

	fwrite(&eh, 1, sizeof(eh), w->f);
	w->count = 1;
	fputc('\0', w->names_file);
	for (i = 0; i < out->section_count; i++) {
		const struct out_section *s = &out->sections[i];
		Elf64_Shdr header = { .sh_type = s->type, .sh_flags = s->flags, .sh_size = s->size,
				      .sh_addralign = s->align, .sh_entsize = s->entsize };

		if (s->flags & SHF_LINK_ORDER)
			header.sh_link = s->order_by + 1;

		write_section(w, s->name, header, s->data);
	}
	write_symbols(out, w, symtab + 1);
	for (i = 0; i < out->section_count; i++)
		if (out->sections[i].reloc_count)
			write_relocs(out, w, i, symtab);
	write_section(w, stack_note, (Elf64_Shdr){ .sh_type = SHT_PROGBITS, .sh_addralign = 1 }, NULL);
	names.sh_name = ftell(w->names_file);
	fwrite(".shstrtab", 1, 10, w->names_file);
	fflush(w->names_file);
	names.sh_size = w->names_size;
	names.sh_offset = ftell(w->f);
	fwrite(w->names, 1, w->names_size, w->f);
	w->headers[w->count++] = names;
	while (ftell(w->f) % 8)
		fputc('\0', w->f);
	eh.e_shoff = ftell(w->f);
	eh.e_shnum = w->count;
	eh.e_shstrndx = w->count - 1;
	fwrite(w->headers, sizeof(*w->headers), w->count, w->f);
	return eh;
}

struct error *output_image(struct output *out, void **image, size_t *size)
{
	struct writer w = { 0 };
	char *data = NULL;
	Elf64_Ehdr header;
	bool failed;

	w.f = open_memstream(&data, size);
	w.names_file = open_memstream(&w.names, &w.names_size);
	w.headers = xcalloc(2 * out->section_count + 8, sizeof(*w.headers));
	if (w.f && w.names_file)
		header = write_all(out, &w);
	failed = !w.f || !w.names_file || ferror(w.f) || ferror(w.names_file);
	if (w.f && fclose(w.f))
		failed = true;
	if (w.names_file)
		fclose(w.names_file);
	free(w.names);
	free(w.headers);
	if (failed) {
		free(data);
		return system_error(0, "the update's object cannot be put together");
	}
	memcpy(data, &header, sizeof(header));
	*image = data;
	return NULL;
}
