// SPDX-License-Identifier: GPL-2.0
#include "object/object.h"

#include "arch/arch.h"
#include "util/file.h"
#include "util/memory.h"
#include "util/string.h"

#include <gelf.h>
#include <libelf.h>
#include <string.h>

struct reader {
	struct object *obj;
	Elf *elf;
	const char *name;
};

static struct error *invalid(const struct reader *r, const char *what)
{
	return refuse("OBJECT-INVALID", "%s is not a usable object: %s", r->name, what);
}

static struct error *read_sections(struct reader *r)
{
	struct object *obj = r->obj;
	size_t count, shstrndx, i;

	if (elf_getshdrnum(r->elf, &count) || elf_getshdrstrndx(r->elf, &shstrndx))
		return invalid(r, "it has no section table");
	obj->sections = xcalloc(count, sizeof(*obj->sections));
	obj->section_count = count;
	for (i = 0; i < count; i++) {
		Elf_Scn *scn = elf_getscn(r->elf, i);
		struct section *sec = xcalloc(1, sizeof(*sec));
		Elf_Data *data;
		GElf_Shdr sh;

		obj->sections[i] = sec;
		sec->index = i;
		if (!scn || !gelf_getshdr(scn, &sh))
			return invalid(r, "a section header cannot be read");
		sec->name = i ? elf_strptr(r->elf, shstrndx, sh.sh_name) : "";
		if (!sec->name)
			return invalid(r, "a section has no name");
		sec->type = sh.sh_type;
		sec->flags = sh.sh_flags;
		sec->align = sh.sh_addralign;
		sec->entsize = sh.sh_entsize;
		sec->size = sh.sh_size;
		if (sh.sh_size > OBJECT_MAX_SIZE)
			return invalid(r, "a section is too large");
		if (section_is_text(sec) && sh.sh_type == SHT_NOBITS && sh.sh_size)
			return invalid(r, "a section of code has no content");
		sec->start = (struct symbol){ .name = "", .section = sec, .shndx = i,
					      .type = STT_SECTION };
		if (!i || sh.sh_type == SHT_NOBITS || !sh.sh_size)
			continue;
		data = elf_rawdata(scn, NULL);
		if (!data || !data->d_buf || data->d_size != sh.sh_size)
			return invalid(r, "a section lies outside the file");
		sec->data = data->d_buf;
	}
	return NULL;
}

static struct error *read_symbols(struct reader *r)
{
	struct object *obj = r->obj;
	Elf_Scn *scn = NULL;
	Elf_Data *data;
	GElf_Shdr sh;
	size_t i, count;

	while ((scn = elf_nextscn(r->elf, scn))) {
		if (gelf_getshdr(scn, &sh) && sh.sh_type == SHT_SYMTAB)
			break;
	}
	/* So it is where all of the source is left out by the configuration; not where the file was cut. */
	if (!scn)
		return obj->section_count > 1 ? NULL : invalid(r, "it has no symbol table");
	data = elf_getdata(scn, NULL);
	if (!data || sh.sh_entsize != sizeof(Elf64_Sym))
		return invalid(r, "its symbol table is damaged");
	count = data->d_size / sizeof(Elf64_Sym);
	obj->symbols = xcalloc(count, sizeof(*obj->symbols));
	obj->symbol_count = count;
	for (i = 0; i < count; i++) {
		struct symbol *sym = xcalloc(1, sizeof(*sym));
		GElf_Sym s;

		obj->symbols[i] = sym;
		sym->index = i;
		if (!gelf_getsym(data, i, &s))
			return invalid(r, "a symbol cannot be read");
		sym->name = elf_strptr(r->elf, sh.sh_link, s.st_name);
		if (!sym->name)
			return invalid(r, "a symbol's name lies outside the file");
		sym->shndx = s.st_shndx;
		sym->value = s.st_value;
		sym->size = s.st_size;
		sym->type = GELF_ST_TYPE(s.st_info);
		sym->bind = GELF_ST_BIND(s.st_info);
		sym->other = s.st_other;
		if (s.st_shndx == SHN_UNDEF || s.st_shndx >= SHN_LORESERVE) {
			if (s.st_shndx == SHN_XINDEX)
				return invalid(r, "it has more sections than this program reads");
			continue;
		}
		if (s.st_shndx >= obj->section_count)
			return invalid(r, "a symbol names a section that is not there");
		sym->section = obj->sections[s.st_shndx];
		if (s.st_value > sym->section->size || s.st_size > sym->section->size - s.st_value)
			return invalid(r, "a symbol lies outside its section");
	}
	return NULL;
}

static int reloc_order(const void *a, const void *b)
{
	const struct reloc *x = a, *y = b;

	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	return 0;
}

static void sort_relocs(struct section *sec)
{
	if (sec->reloc_count)
		qsort(sec->relocs, sec->reloc_count, sizeof(*sec->relocs), reloc_order);
}

static struct error *read_relocs_of(struct reader *r, Elf_Scn *scn, const GElf_Shdr *sh)
{
	struct object *obj = r->obj;
	Elf_Data *data = elf_getdata(scn, NULL);
	struct section *sec;
	size_t i, count, n = 0;

	if (sh->sh_info >= obj->section_count || !data || sh->sh_entsize != sizeof(Elf64_Rela))
		return invalid(r, "a relocation section is damaged");
	sec = obj->sections[sh->sh_info];
	if (sec->relocs)
		return invalid(r, "a section has two relocation sections");
	count = data->d_size / sizeof(Elf64_Rela);
	sec->relocs = xcalloc(count, sizeof(*sec->relocs));
	sec->reloc_capacity = count;
	for (i = 0; i < count; i++) {
		struct reloc *rel = &sec->relocs[n];
		GElf_Rela rela;
		unsigned int size;

		if (!gelf_getrela(data, i, &rela) || GELF_R_SYM(rela.r_info) >= obj->symbol_count)
			return invalid(r, "a relocation names a symbol that is not there");
		rel->offset = rela.r_offset;
		rel->type = GELF_R_TYPE(rela.r_info);
		rel->addend = rela.r_addend;
		rel->symbol = obj->symbols[GELF_R_SYM(rela.r_info)];
		size = arch_reloc_size(rel->type);
		if (rel->offset > sec->size || size > sec->size - rel->offset)
			return invalid(r, "a relocation lies outside its section");
		/* objtool leaves these where it took a jump out (add_special_section_alts()). */
		if (rel->type != R_X86_64_NONE)
			n++;
	}
	sec->reloc_count = n;
	sort_relocs(sec);
	return NULL;
}

static struct error *read_relocs(struct reader *r)
{
	Elf_Scn *scn = NULL;

	while ((scn = elf_nextscn(r->elf, scn))) {
		GElf_Shdr sh;

		if (!gelf_getshdr(scn, &sh))
			return invalid(r, "a section header cannot be read");
		if (sh.sh_type == SHT_REL)
			return invalid(r, "it has relocations without addends");
		if (sh.sh_type == SHT_RELA)
			TRY(read_relocs_of(r, scn, &sh));
	}
	return NULL;
}

/*
 * Symbols that begin an atom: functions, variables, and what assembly calls by
 * a name without saying what it is.  Labels inside assembly functions do not.
 */
static bool symbol_begins_atom(const struct symbol *s)
{
	if (!s->section || !(s->section->flags & SHF_ALLOC) || section_is_strings(s->section))
		return false;
	if (s->type == STT_NOTYPE && s->bind == STB_LOCAL)
		return !section_is_text(s->section) && s->name[0] && strncmp(s->name, ".L", 2);
	return s->type == STT_FUNC || s->type == STT_OBJECT || s->type == STT_GNU_IFUNC ||
	       s->type == STT_NOTYPE;
}

static int symbol_order(const void *a, const void *b)
{
	const struct symbol *x = *(struct symbol *const *)a, *y = *(struct symbol *const *)b;

	if (x->section->index != y->section->index)
		return x->section->index < y->section->index ? -1 : 1;
	if (x->value != y->value)
		return x->value < y->value ? -1 : 1;
	if (x->size != y->size)
		return x->size > y->size ? -1 : 1;
	if (x->bind != y->bind)
		return x->bind == STB_GLOBAL || y->bind == STB_LOCAL ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static void add_atom(struct object *obj, struct section *sec, uint64_t start, uint64_t end,
		     struct symbol *sym)
{
	struct atom *a = &obj->atoms[obj->atom_count];

	a->index = obj->atom_count++;
	a->section = sec;
	a->start = start;
	a->end = end;
	a->symbol = sym;
}

static bool is_padding(const struct section *sec, uint64_t start, uint64_t end)
{
	uint64_t i;

	if (end - start >= 64)
		return false;
	for (i = 0; i < sec->reloc_count; i++)
		if (sec->relocs[i].offset >= start && sec->relocs[i].offset < end)
			return false;
	if (section_is_text(sec))
		return arch_is_padding(sec->data + start, end - start);
	for (i = start; sec->data && i < end; i++)
		if (sec->data[i])
			return false;
	return true;
}

/* Cuts one section at the symbols @syms[0..count), which are sorted. */
static void cut_section(struct object *obj, struct section *sec, struct symbol **syms, size_t count)
{
	uint64_t at = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		struct symbol *s = syms[i];
		uint64_t end = s->value + s->size;

		/* What assembly gives no size reaches up to the next symbol. */
		if (!s->size && (section_is_text(sec) || s->type == STT_NOTYPE))
			end = i + 1 < count ? syms[i + 1]->value : sec->size;
		if (s->value < at && i)
			continue; /* an alias, or a label inside the one before */
		if (s->value > at && !is_padding(sec, at, s->value))
			add_atom(obj, sec, at, s->value, NULL);
		add_atom(obj, sec, s->value, end, s);
		at = end;
		while (i + 1 < count && syms[i + 1]->value == s->value)
			i++;
	}
	/* What holds no symbol at all is content, though it be zeros: "" is. */
	if (sec->size > at && (!count || !is_padding(sec, at, sec->size)))
		add_atom(obj, sec, at, sec->size, NULL);
}

static void cut_atoms(struct object *obj)
{
	_cleanup_free_ struct symbol **syms = xcalloc(obj->symbol_count, sizeof(*syms));
	size_t i, n = 0, first = 0;

	for (i = 0; i < obj->symbol_count; i++)
		if (symbol_begins_atom(obj->symbols[i]))
			syms[n++] = obj->symbols[i];
	qsort(syms, n, sizeof(*syms), symbol_order);
	/* At most one atom for a symbol, one gap before each, and one at each section's end. */
	obj->atoms = xcalloc(2 * n + obj->section_count + 1, sizeof(*obj->atoms));
	for (i = 0; i < obj->section_count; i++) {
		struct section *sec = obj->sections[i];
		size_t last = first;

		while (last < n && syms[last]->section == sec)
			last++;
		if ((sec->flags & SHF_ALLOC) && sec->type != SHT_RELA)
			cut_section(obj, sec, syms + first, last - first);
		first = last;
	}
}

/* Lets every section know its atoms, which stand in the order of the sections. */
static void give_atoms_to_sections(struct object *obj)
{
	size_t i, at = 0;

	for (i = 0; i < obj->section_count; i++) {
		struct section *sec = obj->sections[i];
		size_t first = at, k;

		while (at < obj->atom_count && obj->atoms[at].section == sec)
			at++;
		free(sec->atoms);
		sec->atom_count = at - first;
		sec->atoms = xcalloc(sec->atom_count, sizeof(*sec->atoms));
		for (k = 0; k < sec->atom_count; k++)
			sec->atoms[k] = &obj->atoms[first + k];
	}
}

static struct error *find_biases(struct object *obj)
{
	size_t i;

	for (i = 0; i < obj->section_count; i++) {
		if (!section_is_text(obj->sections[i]))
			continue;
		if (obj->sections[i]->atom_count > 1) {
			arch_find_branches(obj->sections[i]);
			sort_relocs(obj->sections[i]);
		}
		TRY(arch_reloc_biases(obj, obj->sections[i]));
	}
	return NULL;
}

void section_add_reloc(struct section *sec, uint64_t offset, uint32_t type, int64_t addend)
{
	if (!sec->own_data)
		sec->data = sec->own_data = xmemdup(sec->data, sec->size);
	memset(sec->data + offset, 0, arch_reloc_size(type));
	array_grow(sec->relocs, sec->reloc_count, sec->reloc_capacity);
	sec->relocs[sec->reloc_count++] = (struct reloc){ .offset = offset, .type = type,
							  .symbol = &sec->start, .addend = addend };
}

/* Where @rel points in the section of its symbol. */
static int64_t reloc_place(const struct reloc *rel)
{
	/* An enemy's addend may leave the range: it wraps as the kernel's sums do. */
	return rel->symbol->value + (uint64_t)rel->addend + rel->bias;
}

/*
 * Text without a name (.altinstr_replacement, .altinstr_aux) holds pieces that
 * belong to different functions; each begins where something points to.
 */
static void split_nameless_text(struct object *obj)
{
	struct atom *old = obj->atoms;
	_cleanup_free_ uint8_t *cuts = NULL;
	size_t i, k, count = obj->atom_count, room = count;

	for (i = 0; i < obj->section_count; i++)
		room += obj->sections[i]->reloc_count;
	obj->atoms = xcalloc(room + 1, sizeof(*obj->atoms));
	obj->atom_count = 0;
	for (k = 0; k < count; k++) {
		struct section *sec = old[k].section, *from;
		uint64_t start = old[k].start, at;
		size_t j;

		if (old[k].symbol || !section_is_text(sec) || !sec->data) {
			add_atom(obj, sec, start, old[k].end, old[k].symbol);
			continue;
		}
		free(cuts);
		cuts = xcalloc(sec->size + 1, 1);
		for (i = 0; i < obj->section_count; i++) {
			from = obj->sections[i];
			for (j = 0; from != sec && j < from->reloc_count; j++) {
				int64_t place = reloc_place(&from->relocs[j]);

				/* The kernel's tables about the pieces do not begin one. */
				if (from->relocs[j].symbol->section == sec && place >= 0 &&
				    (uint64_t)place < sec->size &&
				    (section_is_text(from) || !strcmp(from->name, ".altinstructions")))
					cuts[place] = 1;
			}
		}
		for (at = start + 1; at < old[k].end; at++) {
			if (!cuts[at])
				continue;
			add_atom(obj, sec, start, at, NULL);
			start = at;
		}
		add_atom(obj, sec, start, old[k].end, NULL);
	}
	free(old);
}

struct atom *section_atom(const struct section *sec, uint64_t offset)
{
	size_t lo = 0, hi = sec->atom_count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (sec->atoms[mid]->start <= offset)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo)
		return NULL;
	/* The first of several at one place that are empty, else the last that begins before. */
	return sec->atoms[lo - 1];
}

struct atom *atom_before(const struct atom *a)
{
	struct atom *before = a->start ? section_atom(a->section, a->start - 1) : NULL;

	return before && before != a && before->end == a->start ? before : NULL;
}

static void give_relocs_to_atoms(struct object *obj)
{
	size_t i, k;

	for (i = 0; i < obj->section_count; i++) {
		struct section *sec = obj->sections[i];

		for (k = 0; k < sec->reloc_count; k++) {
			struct atom *a = section_atom(sec, sec->relocs[k].offset);

			if (!a || sec->relocs[k].offset >= a->end)
				continue;
			if (!a->relocs)
				a->relocs = &sec->relocs[k];
			a->reloc_count = &sec->relocs[k] - a->relocs + 1;
		}
	}
}

static void give_atoms_to_symbols(struct object *obj)
{
	size_t i;

	for (i = 0; i < obj->symbol_count; i++) {
		struct symbol *s = obj->symbols[i];

		if (s->section && s->section->atom_count && s->type != STT_SECTION)
			s->atom = section_atom(s->section, s->value);
	}
}

/*
 * What a reference to a section and an offset means.  The assembler leaves
 * global symbols as they are, so where one begins, the end of what is static
 * before it is meant: &array[N].
 */
static struct atom *atom_at(const struct section *to, uint64_t place)
{
	struct atom *a = section_atom(to, place), *before;

	if (!a || a->start != place || !(to->flags & SHF_WRITE) || section_is_text(to) || !a->symbol ||
	    a->symbol->bind == STB_LOCAL)
		return a;
	before = atom_before(a);
	return before && before->symbol && before->symbol->bind == STB_LOCAL ? before : a;
}

/* Works out what every relocation points to; see struct reloc. */
static void resolve_targets(struct object *obj)
{
	size_t i, k;

	for (i = 0; i < obj->section_count; i++) {
		struct section *sec = obj->sections[i];

		for (k = 0; k < sec->reloc_count; k++) {
			struct reloc *rel = &sec->relocs[k];
			struct section *to = rel->symbol->section;
			int64_t place = reloc_place(rel);

			rel->delta = (uint64_t)rel->addend + rel->bias;
			if (!to || !to->atom_count)
				continue;
			if (rel->symbol->type != STT_SECTION)
				rel->target = rel->symbol->atom;
			else if (place >= 0 && (uint64_t)place <= to->size)
				rel->target = atom_at(to, place);
			if (!rel->target)
				rel->target = to->atoms[0];
			rel->delta = (uint64_t)place - rel->target->start;
		}
	}
}

static struct error *make_atoms(struct object *obj)
{
	cut_atoms(obj);
	give_atoms_to_sections(obj);
	TRY(find_biases(obj));
	split_nameless_text(obj);
	give_atoms_to_sections(obj);
	give_relocs_to_atoms(obj);
	give_atoms_to_symbols(obj);
	resolve_targets(obj);
	return NULL;
}

struct error *object_parse(void *image, size_t size, const char *name, struct object **out)
{
	struct object *obj = xcalloc(1, sizeof(*obj));
	struct reader r = { .obj = obj };
	struct error *err = NULL;
	GElf_Ehdr eh;

	obj->name = xstrdup(name);
	obj->image = image;
	obj->image_size = size;
	r.name = obj->name;
	elf_version(EV_CURRENT);
	r.elf = elf_memory(image, size);
	if (!r.elf || elf_kind(r.elf) != ELF_K_ELF || !gelf_getehdr(r.elf, &eh))
		err = invalid(&r, "it is no ELF file");
	else if (eh.e_type != ET_REL || eh.e_ident[EI_CLASS] != ELFCLASS64 ||
		 eh.e_ident[EI_DATA] != ELFDATA2LSB || eh.e_machine != EM_X86_64)
		err = invalid(&r, "it is no relocatable object for x86-64");
	if (!err)
		err = read_sections(&r);
	if (!err)
		err = read_symbols(&r);
	if (!err)
		err = read_relocs(&r);
	if (!err)
		err = make_atoms(obj);
	obj->elf = r.elf;
	if (err) {
		object_free(obj);
		return err;
	}
	*out = obj;
	return NULL;
}

struct error *object_open(const char *path, const char *name, struct object **obj)
{
	void *data;
	size_t size;

	TRY(file_read(path, OBJECT_MAX_SIZE, &data, &size));
	return object_parse(data, size, name, obj);
}

void object_free(struct object *obj)
{
	size_t i;

	if (!obj)
		return;
	for (i = 0; i < obj->section_count; i++) {
		if (!obj->sections[i])
			continue;
		free(obj->sections[i]->relocs);
		free(obj->sections[i]->atoms);
		free(obj->sections[i]->own_data);
		free(obj->sections[i]);
	}
	for (i = 0; i < obj->symbol_count; i++)
		free(obj->symbols[i]);
	free(obj->sections);
	free(obj->symbols);
	free(obj->atoms);
	elf_end(obj->elf);
	free(obj->image);
	free(obj->name);
	free(obj);
}

struct section *object_section(const struct object *obj, const char *name)
{
	size_t i;

	for (i = 0; i < obj->section_count; i++)
		if (!strcmp(obj->sections[i]->name, name))
			return obj->sections[i];
	return NULL;
}

struct symbol *object_symbol(const struct object *obj, const char *name)
{
	size_t i;

	for (i = 0; i < obj->symbol_count; i++)
		if (obj->symbols[i]->type != STT_SECTION && !strcmp(obj->symbols[i]->name, name))
			return obj->symbols[i];
	return NULL;
}

const char *atom_name(const struct atom *a)
{
	return a->symbol ? a->symbol->name : a->section->name;
}

bool atom_is_function(const struct atom *a)
{
	return a->symbol && section_is_text(a->section);
}

const char *atom_next_call(const struct atom *from, const struct reloc *rel)
{
	for (rel++; rel < from->relocs + from->reloc_count; rel++) {
		const char *name = rel->target ? atom_name(rel->target) : rel->symbol->name;

		if (rel->branch && rel->target != from && !ends_with(name, ".cold"))
			return name;
	}
	return NULL;
}

bool atom_is_cold_part(const struct atom *a)
{
	return atom_is_function(a) && ends_with(a->symbol->name, ".cold");
}
