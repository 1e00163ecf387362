// SPDX-License-Identifier: GPL-2.0
/*
 * ktext save TARGET FILE: writes the text of vmlinux, or of a module, as it is in memory.
 * ktext differ A B: prints where two such files differ, and in which function.
 */
#include <elf.h>
#include <errno.h>
#include <error.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct range {
	uint64_t start, end;
};

static FILE *open_file(const char *path, const char *mode)
{
	FILE *f = fopen(path, mode);

	if (!f)
		error(1, errno, "%s", path);
	return f;
}

static struct range kernel_text(void)
{
	FILE *f = open_file("/proc/kallsyms", "r");
	struct range r = { 0 };
	char line[1024], name[512];
	uint64_t addr;

	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx %*c %511s", &addr, name) != 2)
			continue;
		if (!strcmp(name, "_stext"))
			r.start = addr;
		if (!strcmp(name, "_etext"))
			r.end = addr;
	}
	fclose(f);
	return r;
}

/* A module's code comes first, and fills its last page with zeroes. */
static struct range module_text(const char *module)
{
	struct range r = { 0 };
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/module/%s/sections/.text", module);
	f = open_file(path, "r");
	if (fscanf(f, "%lx", &r.start) != 1)
		error(1, 0, "%s holds no address", path);
	fclose(f);
	r.end = (r.start | 4095) + 1;
	return r;
}

static uint64_t file_offset(FILE *kcore, uint64_t addr)
{
	Elf64_Ehdr header;
	Elf64_Phdr p;
	int i;

	if (fread(&header, sizeof(header), 1, kcore) != 1)
		error(1, 0, "/proc/kcore has no header");
	for (i = 0; i < header.e_phnum; i++) {
		fseek(kcore, header.e_phoff + i * sizeof(p), SEEK_SET);
		if (fread(&p, sizeof(p), 1, kcore) != 1)
			break;
		if (p.p_type == PT_LOAD && p.p_vaddr <= addr && addr < p.p_vaddr + p.p_memsz)
			return p.p_offset + addr - p.p_vaddr;
	}
	error(1, 0, "/proc/kcore does not hold 0x%lx", addr);
	return 0;
}

static void save(const char *target, const char *path)
{
	struct range r = strcmp(target, "vmlinux") ? module_text(target) : kernel_text();
	FILE *kcore = open_file("/proc/kcore", "r"), *out = open_file(path, "w");
	size_t size = r.end - r.start;
	char *text = malloc(size);

	if (!r.start || r.end <= r.start || !text)
		error(1, 0, "the text is not known");
	fseek(kcore, file_offset(kcore, r.start), SEEK_SET);
	if (fread(text, 1, size, kcore) != size)
		error(1, errno, "/proc/kcore cannot be read");
	if (fwrite(&r.start, sizeof(r.start), 1, out) != 1 || fwrite(text, 1, size, out) != size || fclose(out))
		error(1, errno, "%s", path);
	free(text);
	fclose(kcore);
}

static void *load(const char *path, size_t *size)
{
	FILE *f = open_file(path, "r");
	char *data;

	fseek(f, 0, SEEK_END);
	*size = ftell(f);
	rewind(f);
	data = malloc(*size);
	if (*size < 8 || !data || fread(data, 1, *size, f) != *size)
		error(1, errno, "%s", path);
	fclose(f);
	return data;
}

static void print_place(uint64_t addr, uint8_t before, uint8_t now)
{
	FILE *f = open_file("/proc/kallsyms", "r");
	char line[1024], name[512], best[512] = "?";
	uint64_t a, at = 0;

	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%lx %*c %511s", &a, name) == 2 && a <= addr && a >= at) {
			at = a;
			strcpy(best, name);
		}
	fclose(f);
	printf("%s+0x%lx: %02x became %02x\n", best, addr - at, before, now);
}

static int differ(const char *before, const char *now)
{
	size_t size, size_now, i, shown = 0;
	uint8_t *a = load(before, &size), *b = load(now, &size_now);
	uint64_t start;

	if (size != size_now || memcmp(a, b, 8))
		error(1, 0, "they are of different places");
	memcpy(&start, a, 8);
	for (i = 8; i < size && shown < 20; i++)
		if (a[i] != b[i]) {
			print_place(start + i - 8, a[i], b[i]);
			shown++;
		}
	free(a);
	free(b);
	return shown > 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "save")) {
		save(argv[2], argv[3]);
		return 0;
	}
	if (argc == 4 && !strcmp(argv[1], "differ"))
		return differ(argv[2], argv[3]);
	error(2, 0, "usage: ktext save TARGET FILE | ktext differ A B");
}
