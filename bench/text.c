// SPDX-License-Identifier: GPL-2.0
/*
 * Shows what was written to the running kernel's text, without any code of kmend's.
 *
 *   text save FILE    keeps the text of the kernel and of every loaded module
 *   text diff FILE    compares the running text with it, and prints a line for each difference:
 *                       jump ADDRESS NAMES     a jump into a module named kmend_...
 *                       label ADDRESS NAMES    a jump label that the kernel toggled
 *                       other ADDRESS NAMES    anything else
 *                     NAMES are the symbols at the start of the function, with commas between.
 *
 * Text is what lies between _stext and _etext, and the sections .text* of modules; a module that
 * was unloaded since is passed over.  A jump label (include/linux/jump_label.h) may hold a nop or a
 * jump to its target, nothing else.
 */
#include <dirent.h>
#include <elf.h>
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_RANGES 4096
#define MAX_SECTIONS 512

struct symbol {
	uint64_t addr;
	char name[256];
};

struct range {
	uint64_t addr;
	uint64_t size;
	char owner[64];		/* of the text: "" is the kernel; of a module: its name */
};

struct label {
	uint64_t code;
	uint64_t target;
};

static struct symbol *symbols;
static size_t symbol_count;
static struct range text[MAX_RANGES], modules[MAX_RANGES];
static size_t text_count, module_count;
static struct label *labels;
static size_t label_count;
static Elf64_Phdr *segments;
static size_t segment_count;
static int kcore;

static void *grow(void *array, size_t count, size_t size)
{
	/* Twice as long at each power of two. */
	if (count & (count - 1))
		return array;
	array = realloc(array, (count ? 2 * count : 1) * size);
	if (!array)
		err(1, "memory");
	return array;
}

static FILE *open_file(const char *path, const char *mode)
{
	FILE *f = fopen(path, mode);

	if (!f)
		err(1, "%s", path);
	return f;
}

static void close_file(FILE *f, const char *path)
{
	if (ferror(f) || fclose(f))
		err(1, "%s", path);
}

static void open_kcore(void)
{
	Elf64_Ehdr header;
	ssize_t size;

	kcore = open("/proc/kcore", O_RDONLY);
	if (kcore < 0 || pread(kcore, &header, sizeof(header), 0) != sizeof(header))
		err(1, "/proc/kcore");
	segment_count = header.e_phnum;
	size = segment_count * sizeof(*segments);
	segments = malloc(size);
	if (!segments || pread(kcore, segments, size, header.e_phoff) != size)
		err(1, "/proc/kcore");
}

static bool read_kernel(uint64_t addr, void *buf, size_t size)
{
	size_t i;

	for (i = 0; i < segment_count; i++) {
		const Elf64_Phdr *s = &segments[i];
		uint64_t at = addr - s->p_vaddr;

		if (s->p_type == PT_LOAD && addr >= s->p_vaddr && at < s->p_filesz &&
		    size <= s->p_filesz - at)
			return pread(kcore, buf, size, s->p_offset + at) == (ssize_t)size;
	}
	return false;
}

static int by_address(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

/* Code only, and the four names that tell where things are. */
static bool is_wanted(char type, const char *name)
{
	return strchr("tTwW", type) || !strcmp(name, "_etext") ||
	       !strcmp(name, "__start___jump_table") || !strcmp(name, "__stop___jump_table");
}

static void read_symbols(void)
{
	FILE *f = open_file("/proc/kallsyms", "r");
	struct symbol s;
	char type, line[512];

	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%" SCNx64 " %c %255s", &s.addr, &type, s.name) != 3 ||
		    !is_wanted(type, s.name))
			continue;
		symbols = grow(symbols, symbol_count, sizeof(*symbols));
		symbols[symbol_count++] = s;
	}
	close_file(f, "/proc/kallsyms");
	qsort(symbols, symbol_count, sizeof(*symbols), by_address);
}

static uint64_t address_of(const char *name)
{
	size_t i;

	for (i = 0; i < symbol_count; i++)
		if (!strcmp(symbols[i].name, name))
			return symbols[i].addr;
	errx(1, "the kernel has no symbol %s", name);
}

static void read_modules(void)
{
	FILE *f = open_file("/proc/modules", "r");
	struct range *m;
	char line[4096];

	while (fgets(line, sizeof(line), f)) {
		m = &modules[module_count];
		if (module_count == MAX_RANGES ||
		    sscanf(line, "%63s %" SCNu64 " %*s %*s %*s %" SCNx64, m->owner, &m->size,
			   &m->addr) != 3)
			errx(1, "/proc/modules: not understood: %s", line);
		module_count++;
	}
	close_file(f, "/proc/modules");
}

static uint64_t read_hex(const char *path)
{
	FILE *f = open_file(path, "r");
	uint64_t value;

	if (fscanf(f, "%" SCNx64, &value) != 1)
		errx(1, "%s: no number", path);
	fclose(f);
	return value;
}

static size_t read_sections(const char *module, struct symbol *sections)
{
	char dir[128], path[512];
	struct dirent *e;
	size_t count = 0;
	DIR *d;

	snprintf(dir, sizeof(dir), "/sys/module/%s/sections", module);
	d = opendir(dir);
	while (d && (e = readdir(d))) {
		/* The init sections are gone by now. */
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") ||
		    !strncmp(e->d_name, ".init", 5))
			continue;
		if (count == MAX_SECTIONS)
			errx(1, "%s: too many sections", dir);
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		snprintf(sections[count].name, sizeof(sections[count].name), "%s", e->d_name);
		sections[count++].addr = read_hex(path);
	}
	if (d)
		closedir(d);
	qsort(sections, count, sizeof(*sections), by_address);
	return count;
}

static void add_text(const char *owner, uint64_t addr, uint64_t end)
{
	if (text_count == MAX_RANGES || end <= addr)
		errx(1, "the text of '%s' is not understood", owner);
	text[text_count].addr = addr;
	text[text_count].size = end - addr;
	snprintf(text[text_count++].owner, sizeof(text->owner), "%s", owner);
}

static void add_labels(uint64_t start, uint64_t end)
{
	struct { int32_t code, target; int64_t key; } entry;

	for (; start + sizeof(entry) <= end; start += sizeof(entry)) {
		if (!read_kernel(start, &entry, sizeof(entry)))
			return;
		labels = grow(labels, label_count, sizeof(*labels));
		labels[label_count].code = start + entry.code;
		labels[label_count++].target = start + 4 + entry.target;
	}
}

/* A section ends at the latest where the next one starts; padding between them does not change. */
static void find_in_module(const struct range *m, bool want_text)
{
	static struct symbol sections[MAX_SECTIONS];
	size_t count = read_sections(m->owner, sections), i;

	for (i = 0; i < count; i++) {
		uint64_t end = i + 1 < count ? sections[i + 1].addr : m->addr + m->size;

		if (want_text && !strncmp(sections[i].name, ".text", 5) && end > sections[i].addr)
			add_text(m->owner, sections[i].addr, end);
		if (!want_text && !strcmp(sections[i].name, "__jump_table"))
			add_labels(sections[i].addr, end);
	}
}

static bool is_update(const char *module)
{
	return !strncmp(module, "kmend", 5);
}

static void save(const char *path)
{
	FILE *f = open_file(path, "w");
	unsigned char *buf;
	size_t i;

	add_text("", address_of("_stext"), address_of("_etext"));
	for (i = 0; i < module_count; i++)
		if (!is_update(modules[i].owner))
			find_in_module(&modules[i], true);
	for (i = 0; i < text_count; i++) {
		buf = malloc(text[i].size);
		if (!buf || !read_kernel(text[i].addr, buf, text[i].size))
			err(1, "the text of '%s' cannot be read", text[i].owner);
		fwrite(&text[i], sizeof(text[i]), 1, f);
		fwrite(buf, text[i].size, 1, f);
		free(buf);
	}
	close_file(f, path);
}

/* Whether a 5-byte jump at @addr, of which @code is a copy, leads into an update. */
static bool is_jump_to_update(const unsigned char *code, uint64_t addr)
{
	uint64_t target;
	int32_t distance;
	size_t i;

	memcpy(&distance, code + 1, 4);
	target = addr + 5 + distance;
	for (i = 0; code[0] == 0xe9 && i < module_count; i++)
		if (is_update(modules[i].owner) && target - modules[i].addr < modules[i].size)
			return true;
	return false;
}

static bool is_label_form(const unsigned char *code, const struct label *l)
{
	int64_t distance = l->target - l->code;
	int32_t near = distance - 5;

	return !memcmp(code, "\x0f\x1f\x44\x00\x00", 5) || !memcmp(code, "\x66\x90", 2) ||
	       (code[0] == 0xe9 && !memcmp(code + 1, &near, 4)) ||
	       (code[0] == 0xeb && (int8_t)code[1] == distance - 2);
}

static void print_difference(const char *kind, uint64_t addr)
{
	size_t low = 0, high = symbol_count, i;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (symbols[middle].addr <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	printf("%s %" PRIx64 " ", kind, addr);
	for (i = low; i-- && symbols[i].addr == symbols[low - 1].addr;)
		printf("%s,", symbols[i].name);
	putchar('\n');
}

/* Prints the difference found at offset @at and returns the offset behind it. */
static size_t difference(const struct range *r, const unsigned char *now, size_t at)
{
	size_t i, start;

	for (start = at; start + 4 >= at; start--) {
		if (start + 5 <= r->size && is_jump_to_update(now + start, r->addr + start)) {
			print_difference("jump", r->addr + start);
			return start + 5;
		}
		if (!start)
			break;
	}
	for (i = 0; i < label_count; i++) {
		start = labels[i].code - r->addr;
		if (start <= at && at - start < 5 && start + 5 <= r->size &&
		    is_label_form(now + start, &labels[i])) {
			print_difference("label", r->addr + start);
			return start + (now[start] == 0x66 || now[start] == 0xeb ? 2 : 5);
		}
	}
	print_difference("other", r->addr + at);
	return at + 1;
}

static bool still_loaded(const struct range *r)
{
	size_t i;

	for (i = 0; i < module_count; i++)
		if (!strcmp(modules[i].owner, r->owner))
			return r->addr - modules[i].addr < modules[i].size;
	return !r->owner[0];
}

static void diff(const char *path)
{
	FILE *f = open_file(path, "r");
	unsigned char *was, *now;
	struct range r;
	size_t i;

	add_labels(address_of("__start___jump_table"), address_of("__stop___jump_table"));
	for (i = 0; i < module_count; i++)
		find_in_module(&modules[i], false);
	while (fread(&r, sizeof(r), 1, f) == 1) {
		was = malloc(r.size);
		now = malloc(r.size);
		if (!was || !now || fread(was, r.size, 1, f) != 1)
			err(1, "%s", path);
		if (still_loaded(&r) && !read_kernel(r.addr, now, r.size))
			err(1, "the text of '%s' cannot be read", r.owner);
		for (i = 0; still_loaded(&r) && i < r.size;)
			i = was[i] == now[i] ? i + 1 : difference(&r, now, i);
		free(was);
		free(now);
	}
	close_file(f, path);
}

int main(int argc, char **argv)
{
	if (argc != 3 || (strcmp(argv[1], "save") && strcmp(argv[1], "diff")))
		errx(2, "usage: text save|diff FILE");
	open_kcore();
	read_symbols();
	read_modules();
	if (!strcmp(argv[1], "save"))
		save(argv[2]);
	else
		diff(argv[2]);
	return fflush(stdout) || ferror(stdout);
}
