/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A made-up running kernel: objects are placed and relocated as a linker
 * would, and written with their symbols into a folder for live_open_at().
 */
#ifndef KMEND_TESTS_KERNEL_H
#define KMEND_TESTS_KERNEL_H

#include "compile.h"

#include "live/live.h"

#include <elf.h>
#include <fcntl.h>
#include <unistd.h>

#define KERNEL_BASE 0xffffffff81000000ull
#define KERNEL_SIZE 0x10000u
#define KERNEL_DATA 0x8000u	/* offset of what is no code */
#define KERNEL_OUTSIDE 0xc000u	/* offset of what objects refer to and do not define */
#define KERNEL_HEADERS 0x1000u

struct kernel {
	uint8_t image[KERNEL_SIZE];
	uint64_t text, data, outside;	/* offsets of what is free */
	char *kallsyms;
	const char *module;		/* that what is added is in, NULL for vmlinux */
	char *modules;			/* lines of /proc/modules */
	struct {
		char *name;
		uint64_t addr;
	} names[128];
	size_t name_count;
	struct live *live;
};

static inline void kernel_init(struct kernel *k)
{
	memset(k, 0, sizeof(*k));
	memset(k->image, 0xcc, KERNEL_DATA);
	k->text = 0x100;
	k->data = KERNEL_DATA;
	k->outside = KERNEL_OUTSIDE;
	k->kallsyms = xasprintf("%016llx T _stext\n%016llx T _etext\n", KERNEL_BASE,
				KERNEL_BASE + KERNEL_DATA);
}

static inline void kernel_fini(struct kernel *k)
{
	size_t i;

	for (i = 0; i < k->name_count; i++)
		free(k->names[i].name);
	free(k->kallsyms);
	free(k->modules);
	live_close(k->live);
}

/* A line of kallsyms. */
static inline void kernel_list(struct kernel *k, const char *name, uint64_t addr, char type)
{
	char *longer = xasprintf("%s%016llx %c %s\n", k->kallsyms, (unsigned long long)addr, type, name);

	free(k->kallsyms);
	k->kallsyms = longer;
}

/* The address of a symbol that no object defines; made up where it is new. */
static inline uint64_t kernel_symbol(struct kernel *k, const char *name)
{
	size_t i;

	for (i = 0; i < k->name_count; i++)
		if (!strcmp(k->names[i].name, name))
			return k->names[i].addr;
	assert_true(k->name_count < ARRAY_SIZE(k->names));
	k->names[k->name_count].name = xstrdup(name);
	k->names[k->name_count++].addr = KERNEL_BASE + k->outside;
	kernel_list(k, name, KERNEL_BASE + k->outside, 'T');
	k->outside += 0x40;
	return KERNEL_BASE + k->outside - 0x40;
}

static inline uint64_t place_section(struct kernel *k, const struct section *sec)
{
	uint64_t *at = section_is_text(sec) ? &k->text : &k->data, align = sec->align ? sec->align : 1;
	uint64_t start = (*at + align - 1) / align * align;

	/* Functions are aligned to 16 bytes, as the kernel's. */
	if (section_is_text(sec))
		start = (start + 15) / 16 * 16;
	assert_true(start + sec->size <= (section_is_text(sec) ? KERNEL_DATA : KERNEL_OUTSIDE));
	if (sec->data)
		memcpy(k->image + start, sec->data, sec->size);
	else
		memset(k->image + start, 0, sec->size);
	*at = start + sec->size;
	return KERNEL_BASE + start;
}

static inline void relocate(struct kernel *k, const struct section *sec, const uint64_t *places)
{
	size_t i;

	for (i = 0; i < sec->reloc_count; i++) {
		const struct reloc *r = &sec->relocs[i];
		uint64_t at = places[sec->index] + r->offset, value = r->addend;
		unsigned int size = 4;

		if (r->symbol->section)
			value += places[r->symbol->section->index] + r->symbol->value;
		else if (r->symbol->shndx == SHN_ABS)
			value += r->symbol->value;
		else
			value += kernel_symbol(k, r->symbol->name);
		if (r->type == R_X86_64_PC32 || r->type == R_X86_64_PLT32 || r->type == R_X86_64_PC64 ||
		    r->type == R_X86_64_PC8)
			value -= at;
		if (r->type == R_X86_64_64 || r->type == R_X86_64_PC64)
			size = 8;
		else if (r->type == R_X86_64_PC8)
			size = 1;
		memcpy(k->image + (at - KERNEL_BASE), &value, size);
	}
}

/* The tables about code stay where a made-up kernel has no use for them. */
static inline bool is_loaded(const struct section *sec)
{
	return sec->flags & SHF_ALLOC && strncmp(sec->name, ".altinstr", 9) &&
	       strcmp(sec->name, ".parainstructions") && strcmp(sec->name, ".smp_locks") &&
	       strcmp(sec->name, "__jump_table") && strncmp(sec->name, ".discard", 8) &&
	       strcmp(sec->name, ".static_call_sites") && strncmp(sec->name, "runtime_", 8);
}

/* Links @obj into the kernel. */
static inline void kernel_add(struct kernel *k, const struct object *obj)
{
	_cleanup_free_ uint64_t *places = xcalloc(obj->section_count, sizeof(*places));
	size_t i;

	for (i = 0; i < obj->section_count; i++)
		if (is_loaded(obj->sections[i]))
			places[i] = place_section(k, obj->sections[i]);
	for (i = 0; i < obj->section_count; i++)
		if (is_loaded(obj->sections[i]))
			relocate(k, obj->sections[i], places);
	for (i = 0; i < obj->symbol_count; i++) {
		const struct symbol *s = obj->symbols[i];
		char type = s->section && section_is_text(s->section) ? 't' : 'd';
		_cleanup_free_ char *name = k->module ? xasprintf("%s\t[%s]", s->name, k->module) : xstrdup(s->name);

		if (s->section && is_loaded(s->section) && s->name[0] && s->type != STT_SECTION &&
		    strncmp(s->name, ".L", 2))
			kernel_list(k, name, places[s->section->index] + s->value,
				    s->bind == STB_LOCAL ? type : type - 'a' + 'A');
	}
}

static inline void put_file(const char *name, const void *data, size_t size)
{
	_cleanup_free_ char *path = path_join(test_folder, name);
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_int_equal(write(fd, data, size), size);
}

/* Opens it; what is changed in the image later is written by kernel_poke(). */
static inline void kernel_boot(struct kernel *k)
{
	static uint8_t core[KERNEL_HEADERS + KERNEL_SIZE];
	_cleanup_free_ char *sys = path_join(test_folder, "sys/kernel");
	Elf64_Ehdr eh = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB },
			  .e_type = ET_CORE, .e_phoff = sizeof(eh), .e_phentsize = sizeof(Elf64_Phdr),
			  .e_phnum = 1 };
	Elf64_Phdr ph = { .p_type = PT_LOAD, .p_vaddr = KERNEL_BASE, .p_offset = KERNEL_HEADERS,
			  .p_filesz = KERNEL_SIZE };

	memcpy(core, &eh, sizeof(eh));
	memcpy(core + sizeof(eh), &ph, sizeof(ph));
	memcpy(core + KERNEL_HEADERS, k->image, KERNEL_SIZE);
	assert_ok(make_dirs(sys));
	put_file("sys/kernel/osrelease", "6.1.0\n", 6);
	put_file("sys/kernel/version", "#1\n", 3);
	put_file("modules", k->modules ? k->modules : "", k->modules ? strlen(k->modules) : 0);
	put_file("kallsyms", k->kallsyms, strlen(k->kallsyms));
	put_file("kcore", core, sizeof(core));
	live_close(k->live);
	k->live = NULL;
	assert_ok(live_open_at(test_folder, &k->live));
}

/* Writes running memory, and opens the kernel again: what was read before is remembered. */
static inline void kernel_poke(struct kernel *k, uint64_t addr, const void *bytes, size_t size)
{
	_cleanup_free_ char *path = path_join(test_folder, "kcore");
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	memcpy(k->image + (addr - KERNEL_BASE), bytes, size);
	assert_int_equal(pwrite(fd, bytes, size, KERNEL_HEADERS + addr - KERNEL_BASE), size);
	live_close(k->live);
	k->live = NULL;
	assert_ok(live_open_at(test_folder, &k->live));
}

static inline uint64_t kernel_address(const struct kernel *k, const char *name)
{
	const struct live_symbol *s = live_find(k->live, name, NULL, NULL);

	if (!s)
		fail_msg("the kernel has no %s", name);
	return s->addr;
}

static inline uint8_t *kernel_bytes(struct kernel *k, const char *name)
{
	return k->image + (kernel_address(k, name) - KERNEL_BASE);
}

#endif
