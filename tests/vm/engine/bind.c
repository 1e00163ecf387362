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
 *	bind -u IN.ko OUT.ko USED SYMBOL	... that uses the first one
 *	bind -s IN.ko OUT.ko SYMBOL...	... with a size that has no room for the jump
 *	bind -p SYMBOL		prints the first 16 bytes at a symbol, or at an address
 *	bind -a SYMBOL		prints its address
 *	bind -r SYMBOL OFFSET	spins with their sum in a register
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

/* All of /proc/kallsyms, which slow kernels take seconds to write. */
static const char *all_symbols(void)
{
	static char *text;
	size_t room = 0, len = 0;
	ssize_t n = 1;
	int fd;

	if (text)
		return text;
	fd = open("/proc/kallsyms", O_RDONLY);
	while (fd >= 0 && n > 0) {
		if (room - len < 65536)
			text = realloc(text, room += 16 << 20);
		n = text ? read(fd, text + len, room - len - 1) : -1;
		len += n > 0 ? n : 0;
	}
	if (fd < 0 || n < 0)
		die("/proc/kallsyms");
	text[len] = '\0';
	close(fd);
	return text;
}

/* The line of the first symbol of this name from @text on, or NULL. */
static const char *find_symbol(const char *text, const char *wanted)
{
	size_t len = strlen(wanted);
	const char *name;

	for (name = strstr(text, wanted); name; name = strstr(name + 1, wanted)) {
		if (name > text && name[-1] == ' ' && (name[len] == '\n' || name[len] == '\t')) {
			while (name > text && name[-1] != '\n')
				name--;
			return name;
		}
	}
	return NULL;
}

static uint64_t symbol_address(const char *wanted)
{
	const char *line = find_symbol(all_symbols(), wanted);
	uint64_t addr = line ? strtoull(line, NULL, 16) : 0;

	errno = 0;
	if (!addr)
		die("%s: no such symbol", wanted);
	return addr;
}

/* Up to the next symbol. */
static uint32_t symbol_size(uint64_t start)
{
	uint64_t addr, next = UINT64_MAX;
	const char *line = all_symbols();

	for (; line && *line; line = strchr(line, '\n'), line += !!line) {
		addr = strtoull(line, NULL, 16);
		if (addr > start && addr < next)
			next = addr;
	}
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

static void fill_functions(const Elf_Data *data, uint64_t addr, char flaw)
{
	uint32_t size = symbol_size(addr);
	struct kmend_function *f;
	uint8_t text[32];

	read_kernel(addr, text, sizeof(text));
	for (f = data->d_buf; (char *)f < (char *)data->d_buf + data->d_size; f++) {
		f->jump_offset = jump_offset(text);
		f->old_size = flaw == 's' ? f->jump_offset + KMEND_JUMP_LEN - 1 : size;
		memcpy(f->expected, text + f->jump_offset, KMEND_JUMP_LEN);
		if (flaw == 'w')
			f->expected[4] ^= 1;
	}
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
	const char *text = all_symbols(), *modules = strchr(text, '['), *line;
	char export[520];

	snprintf(export, sizeof(export), "__ksymtab_%s", wanted);
	line = find_symbol(text, wanted);
	if (!line || (modules && line > modules))
		return false;
	line = find_symbol(text, export);
	return !line || (modules && line > modules);
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
		if (data && !(flaw == 'u' && symbols[1]))
			fill_functions(data, addr, flaw);
		/* What it uses comes before that. */
		data = section_data(elf, ".kmend.uses");
		if (data && flaw == 'u' && symbols[1])
			*(uint64_t *)data->d_buf = addr & -(uint64_t)KMEND_USES_PAGE;
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
	char *end;
	uint64_t addr = strtoull(symbol, &end, 16);
	uint8_t text[16];
	size_t i;

	read_kernel(*end ? symbol_address(symbol) : addr, text, sizeof(text));
	for (i = 0; i < sizeof(text); i++)
		printf("%02x%c", text[i], i + 1 < sizeof(text) ? ' ' : '\n');
	return 0;
}

static void spin_with(uint64_t value)
{
	for (;;)
		asm volatile("pause" : : "b"(value));
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
	if (argc == 3 && !strcmp(argv[1], "-a")) {
		printf("%" PRIx64 "\n", symbol_address(argv[2]));
		return 0;
	}
	if (argc == 3 && !strcmp(argv[1], "-e")) {
		puts(strcmp(argv[2], "0") ? strerrorname_np(atoi(argv[2])) : "done");
		return 0;
	}
	if (argc == 4 && !strcmp(argv[1], "-t"))
		return try_write(argv[2], argv[3]);
	if (argc == 4 && !strcmp(argv[1], "-r"))
		spin_with(symbol_address(argv[2]) + strtoul(argv[3], NULL, 0));
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
