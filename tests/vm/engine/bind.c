// SPDX-License-Identifier: GPL-2.0
/*
 * Stands in for the kmend program in tests of the engine alone.
 *
 *	bind IN.ko OUT.ko SYMBOL...
 *		makes these undefined symbols absolute, with this boot's
 *		addresses, and fills in kmend_functions[] and kmend_target;
 *		without any, those that are in vmlinux and not exported
 *	bind -w IN.ko OUT.ko SYMBOL...	... with wrong bytes to expect
 *	bind -b IN.ko OUT.ko SYMBOL...	... with a wrong base of the target
 *	bind -s IN.ko OUT.ko SYMBOL...	... with a size that has no room for the jump
 *	bind -p SYMBOL		prints the first 16 bytes at a symbol
 *	bind -t FILE TEXT	writes TEXT to FILE in one write, prints "done" or
 *				the name of the errno
 *	bind -e ERRNO		prints likewise
 */
#include <errno.h>
#include <error.h>
#include <fcntl.h>
#include <gelf.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <kmend/engine.h>

#define die(...) error(1, errno, __VA_ARGS__)

static uint64_t symbol_address(const char *wanted)
{
	FILE *f = fopen("/proc/kallsyms", "r");
	char line[1024], name[512], type;
	uint64_t addr;

	if (!f)
		die("/proc/kallsyms");
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%" SCNx64 " %c %511s", &addr, &type, name) == 3 &&
		    !strcmp(name, wanted) && addr) {
			fclose(f);
			return addr;
		}
	}
	errno = 0;
	die("%s: no such symbol", wanted);
	return 0;
}

/* Up to the next symbol. */
static uint32_t symbol_size(uint64_t start)
{
	FILE *f = fopen("/proc/kallsyms", "r");
	uint64_t addr, next = UINT64_MAX;
	char line[1024];

	if (!f)
		die("/proc/kallsyms");
	while (fgets(line, sizeof(line), f)) {
		addr = strtoull(line, NULL, 16);
		if (addr > start && addr < next)
			next = addr;
	}
	fclose(f);
	return next - start;
}

static void read_kernel(uint64_t addr, void *to, size_t size)
{
	int fd = open("/proc/kcore", O_RDONLY);
	Elf *elf;
	GElf_Phdr phdr;
	size_t i, count;

	elf_version(EV_CURRENT);
	elf = fd < 0 ? NULL : elf_begin(fd, ELF_C_READ, NULL);
	if (!elf || elf_getphdrnum(elf, &count))
		die("/proc/kcore");
	for (i = 0; i < count; i++) {
		if (gelf_getphdr(elf, i, &phdr) && phdr.p_type == PT_LOAD &&
		    addr >= phdr.p_vaddr && addr - phdr.p_vaddr < phdr.p_memsz &&
		    pread(fd, to, size, phdr.p_offset + (addr - phdr.p_vaddr)) == (ssize_t)size) {
			elf_end(elf);
			close(fd);
			return;
		}
	}
	die("/proc/kcore has nothing at %" PRIx64, addr);
}

static uint64_t module_base(const char *wanted)
{
	FILE *f = fopen("/proc/modules", "r");
	char line[1024], name[128];
	uint64_t addr;

	if (!strcmp(wanted, "vmlinux"))
		return 0;
	if (!f)
		die("/proc/modules");
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%127s %*s %*s %*s %*s %" SCNx64, name, &addr) == 2 &&
		    !strcmp(name, wanted)) {
			fclose(f);
			return addr;
		}
	}
	errno = 0;
	die("%s: no such module", wanted);
	return 0;
}

/* After ENDBR, or what the kernel made of it, and the ftrace call site. */
static uint32_t jump_offset(const uint8_t *text)
{
	static const uint8_t endbr[][4] = { { 0xf3, 0x0f, 0x1e, 0xfa }, { 0x66, 0x0f, 0x1f, 0 },
					    { 0xd6, 0x0f, 0x1f, 0x40 }, { 0x0f, 0x1f, 0x40, 0xd6 } };
	static const uint8_t nop[5] = { 0x0f, 0x1f, 0x44, 0, 0 };
	uint32_t offset = 0;
	size_t i;

	for (i = 0; i < sizeof(endbr) / sizeof(endbr[0]); i++) {
		if (!memcmp(text, endbr[i], 4))
			offset = 4;
	}
	if (!memcmp(text + offset, nop, 5) || text[offset] == 0xe8)
		offset += 5;
	return offset;
}

static void fill_function(struct kmend_function *f, uint64_t addr, char flaw)
{
	uint8_t text[32];

	read_kernel(addr, text, sizeof(text));
	f->jump_offset = jump_offset(text);
	f->old_size = flaw == 's' ? f->jump_offset + KMEND_JUMP_LEN - 1 : symbol_size(addr);
	memcpy(f->expected, text + f->jump_offset, KMEND_JUMP_LEN);
	if (flaw == 'w')
		f->expected[4] ^= 1;
}

static void fill_target(struct kmend_target *target, char flaw)
{
	target->base = module_base(target->name);
	if (flaw == 'b')
		target->base += 4096;
}

static uint64_t bind_symbol(Elf *elf, const char *wanted)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr shdr;
	GElf_Sym sym;
	Elf_Data *data;
	int i;

	while ((scn = elf_nextscn(elf, scn))) {
		if (!gelf_getshdr(scn, &shdr) || shdr.sh_type != SHT_SYMTAB)
			continue;
		data = elf_getdata(scn, NULL);
		for (i = 1; gelf_getsym(data, i, &sym); i++) {
			const char *name = elf_strptr(elf, shdr.sh_link, sym.st_name);

			if (sym.st_shndx != SHN_UNDEF || !name || strcmp(name, wanted))
				continue;
			sym.st_value = symbol_address(wanted);
			sym.st_shndx = SHN_ABS;
			gelf_update_sym(data, i, &sym);
			elf_flagdata(data, ELF_C_SET, ELF_F_DIRTY);
			return sym.st_value;
		}
	}
	errno = 0;
	die("%s is not undefined", wanted);
	return 0;
}

/* Does the kernel's own text have @wanted, and does it not export it? */
static bool is_hidden(const char *wanted)
{
	FILE *f = fopen("/proc/kallsyms", "r");
	char line[1024], name[512], type, export[520];
	bool found = false, exported = false;

	if (!f)
		die("/proc/kallsyms");
	snprintf(export, sizeof(export), "__ksymtab_%s", wanted);
	while (fgets(line, sizeof(line), f) && !strchr(line, '[')) {
		if (sscanf(line, "%*x %c %511s", &type, name) != 2)
			continue;
		found |= !strcmp(name, wanted);
		exported |= !strcmp(name, export);
	}
	fclose(f);
	return found && !exported;
}

static void bind_hidden(Elf *elf)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr shdr;
	GElf_Sym sym;
	Elf_Data *data;
	int i;

	while ((scn = elf_nextscn(elf, scn))) {
		if (!gelf_getshdr(scn, &shdr) || shdr.sh_type != SHT_SYMTAB)
			continue;
		data = elf_getdata(scn, NULL);
		for (i = 1; gelf_getsym(data, i, &sym); i++) {
			const char *name = elf_strptr(elf, shdr.sh_link, sym.st_name);

			if (sym.st_shndx == SHN_UNDEF && name && is_hidden(name))
				bind_symbol(elf, name);
		}
	}
}

static Elf_Data *section_data(Elf *elf, const char *wanted)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr shdr;
	size_t names;

	elf_getshdrstrndx(elf, &names);
	while ((scn = elf_nextscn(elf, scn))) {
		if (gelf_getshdr(scn, &shdr) &&
		    !strcmp(elf_strptr(elf, names, shdr.sh_name), wanted)) {
			elf_flagscn(scn, ELF_C_SET, ELF_F_DIRTY);
			return elf_getdata(scn, NULL);
		}
	}
	return NULL;
}

static void copy_file(const char *from, const char *to)
{
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	char buf[65536];
	ssize_t n;

	if (in < 0 || out < 0)
		die("%s to %s", from, to);
	while ((n = read(in, buf, sizeof(buf))) > 0) {
		if (write(out, buf, n) != n)
			die("%s", to);
	}
	close(in);
	close(out);
}

static void bind(const char *from, const char *to, char **symbols, char flaw)
{
	Elf_Data *data;
	Elf *elf;
	int fd;

	copy_file(from, to);
	fd = open(to, O_RDWR);
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_RDWR, NULL);
	if (fd < 0 || !elf)
		die("%s", to);
	elf_flagelf(elf, ELF_C_SET, ELF_F_LAYOUT);
	if (!*symbols)
		bind_hidden(elf);
	for (; *symbols; symbols++) {
		uint64_t addr = bind_symbol(elf, *symbols);

		/* An update's first symbol is the function that it replaces. */
		data = section_data(elf, ".kmend.functions");
		if (data)
			fill_function(data->d_buf, addr, flaw);
	}
	data = section_data(elf, ".kmend.target");
	if (data)
		fill_target(data->d_buf, flaw);
	if (elf_update(elf, ELF_C_WRITE) < 0)
		die("%s: %s", to, elf_errmsg(-1));
	elf_end(elf);
	close(fd);
}

static int print_text(const char *symbol)
{
	uint8_t text[16];
	size_t i;

	read_kernel(symbol_address(symbol), text, sizeof(text));
	for (i = 0; i < sizeof(text); i++)
		printf("%02x%c", text[i], i + 1 < sizeof(text) ? ' ' : '\n');
	return 0;
}

static int try_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0)
		die("%s", path);
	puts(write(fd, text, strlen(text)) < 0 ? strerrorname_np(errno) : "done");
	close(fd);
	return 0;
}

int main(int argc, char **argv)
{
	char flaw = 0;

	if (argc == 3 && !strcmp(argv[1], "-p"))
		return print_text(argv[2]);
	if (argc == 3 && !strcmp(argv[1], "-e")) {
		puts(strcmp(argv[2], "0") ? strerrorname_np(atoi(argv[2])) : "done");
		return 0;
	}
	if (argc == 4 && !strcmp(argv[1], "-t"))
		return try_write(argv[2], argv[3]);
	if (argc > 1 && argv[1][0] == '-') {
		flaw = argv[1][1];
		argc--;
		argv++;
	}
	if (argc < 3)
		error(2, 0, "usage: bind [-w | -b | -s] IN OUT [SYMBOL...]");
	bind(argv[1], argv[2], argv + 3, flaw);
	return 0;
}
