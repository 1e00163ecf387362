// SPDX-License-Identifier: GPL-2.0
#include "live/snapshot.h"

#include "arch/arch.h"
#include "live/memory.h"
#include "util/file.h"
#include "util/memory.h"
#include "util/string.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 4096u

/* Bytes of text where chance makes many that look like a branch. */
#define LARGE_TEXT (4u << 20)

/* More than any module has in one section. */
#define SECTION_MAX (64u << 20)

/* A section of a loaded module, from /sys/module/NAME/sections. */
struct loaded_section {
	uint64_t addr;
	bool stored;	/* text or read-only data */
};

struct loaded_sections {
	struct loaded_section *list;
	size_t count, capacity;
};

static void add(struct ranges *r, uint64_t addr, uint64_t end)
{
	if (end <= addr)
		return;
	array_grow(r->list, r->count, r->capacity);
	r->list[r->count++] = (struct range){ addr, end };
}

static struct error *add_between(struct ranges *r, const struct live *live, const char *from, const char *to)
{
	const struct live_symbol *start = live_find(live, from, "vmlinux", NULL);
	const struct live_symbol *end = live_find(live, to, "vmlinux", NULL);

	if (!start || !end)
		return system_error(0, "the kernel has no symbol %s", start ? to : from);
	add(r, start->addr, end->addr);
	return NULL;
}

/* The variable that a runtime constant (include/asm-generic/runtime-const.h) has its value of. */
static const char *runtime_constant(const char *name)
{
	static const char *const starts[] = { "__start_runtime_ptr_", "__start_runtime_shift_" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(starts); i++)
		if (starts_with(name, starts[i]))
			return name + strlen(starts[i]);
	return NULL;
}

/* What tells the targets of the calls and constants that the kernel wrote into its text. */
static void add_words(struct ranges *r, const struct live *live)
{
	const struct live_symbol *symbols, *s;
	size_t count;

	symbols = live_symbols(live, &count);
	for (s = symbols; s < symbols + count; s++) {
		const char *constant = runtime_constant(s->name);
		const struct live_symbol *variable = constant ? live_find(live, constant, "vmlinux", NULL) : NULL;

		if (starts_with(s->name, "__SCK__"))
			add(r, s->addr, s->addr + 8);
		if (!strcmp(s->name, "pv_ops"))
			add(r, s->addr, live_next_symbol_addr(live, s->addr));
		if (!strcmp(s->name, "smp_alt_modules"))
			add(r, s->addr, s->addr + 8);
		if (variable)
			add(r, variable->addr, variable->addr + 8);
	}
}

/* What a function can stand in or refer to as constant. */
static bool is_stored(const char *section)
{
	return strstr(section, "text") || starts_with(section, ".rodata");
}

/*
 * What a module has no more after its start (kernel/module): another may be
 * there by now.  The tables of symbols are copied, in part.
 */
static bool is_freed(const char *section)
{
	return starts_with(section, ".init") || !strcmp(section, ".symtab") || !strcmp(section, ".strtab");
}

static struct error *read_section(const char *folder, const char *name, struct loaded_sections *all)
{
	_cleanup_free_ char *path = path_join(folder, name);
	_cleanup_free_ void *text = NULL;
	uint64_t addr;
	size_t size;
	char *end;

	TRY(file_read(path, PAGE, &text, &size));
	errno = 0;
	addr = strtoull(text, &end, 16);
	if (errno || end == (char *)text || (*end && *end != '\n'))
		return system_error(0, "%s holds no address", path);
	array_grow(all->list, all->count, all->capacity);
	all->list[all->count++] = (struct loaded_section){ addr, is_stored(name) };
	return NULL;
}

static struct error *read_sections(const char *modules, const char *module, struct loaded_sections *all)
{
	_cleanup_free_ char *folder = xasprintf("%s/%s/sections", modules, module);
	struct error *err;
	size_t count, i;
	char **names;

	TRY(dir_list(folder, &names, &count));
	for (i = 0, err = NULL; i < count && !err; i++)
		if (!is_freed(names[i]))
			err = read_section(folder, names[i], all);
	names_free(names, count);
	return err;
}

static int compare_sections(const void *a, const void *b)
{
	const struct loaded_section *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

/*
 * Where the memory ends that a module's last section of a kind lies in: two
 * allocations have a page between them that is not mapped (kernel/module),
 * which kcore shows as zeros.
 */
static uint64_t allocation_end(struct live *live, uint64_t addr, uint64_t limit)
{
	static const uint8_t zeros[PAGE];
	uint8_t page[PAGE];
	uint64_t at;

	for (at = addr - addr % PAGE; at < limit; at += PAGE) {
		struct error *err = live_read(live, at, page, sizeof(page));
		bool read = !err;

		error_free(err);
		if (!read || !memcmp(page, zeros, sizeof(page)))
			break;
	}
	return at < limit ? at : limit;
}

/* A section ends where the next one begins, whoever's it is, at the latest. */
static struct error *add_modules(struct ranges *r, struct live *live, const char *folder)
{
	struct loaded_sections all = { 0 };
	const struct live_module *modules;
	struct error *err = NULL;
	size_t count, i, k;

	modules = live_modules(live, &count);
	for (i = 0; i < count && !err; i++)
		if (!strcmp(modules[i].state, "Live"))
			err = read_sections(folder, modules[i].name, &all);
	if (all.count)
		qsort(all.list, all.count, sizeof(*all.list), compare_sections);
	for (i = 0; i < all.count && !err; i++) {
		uint64_t limit = all.list[i].addr + SECTION_MAX;

		for (k = i + 1; k < all.count && all.list[k].addr == all.list[i].addr; k++)
			;
		if (k < all.count && all.list[k].addr < limit)
			limit = all.list[k].addr;
		if (all.list[i].stored)
			add(r, all.list[i].addr, allocation_end(live, all.list[i].addr, limit));
	}
	free(all.list);
	return err;
}

static int compare_ranges(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

static void sort_and_join(struct ranges *r)
{
	size_t i, n = 0;

	qsort(r->list, r->count, sizeof(*r->list), compare_ranges);
	for (i = 0; i < r->count; i++) {
		if (n && r->list[i].addr <= r->list[n - 1].end) {
			if (r->list[i].end > r->list[n - 1].end)
				r->list[n - 1].end = r->list[i].end;
		} else {
			r->list[n++] = r->list[i];
		}
	}
	r->count = n;
}

static bool is_inside(const struct ranges *r, uint64_t addr)
{
	size_t low = 0, high = r->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (r->list[middle].end <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low < r->count && r->list[low].addr <= addr;
}

/* Pages that branches in one range go to, outside of all; one for each branch. */
static struct error *find_pages(const struct ranges *r, struct live *live, const struct range *in,
				struct ranges *pages)
{
	_cleanup_free_ uint8_t *buf = xmalloc(MEMORY_PIECE_SIZE);
	uint64_t at, target, n, i;

	for (at = in->addr; at < in->end; at += n > 4 && at + n < in->end ? n - 4 : n) {
		n = in->end - at < MEMORY_PIECE_SIZE ? in->end - at : MEMORY_PIECE_SIZE;
		TRY(live_read(live, at, buf, n));
		for (i = 0; i + 5 <= n; i++)
			if (arch_thunk_target(buf + i, at + i, &target) && !is_inside(r, target))
				add(pages, target - target % PAGE, target - target % PAGE + PAGE);
	}
	return NULL;
}

/*
 * The pages of thunks that the kernel made for its indirect branches.  Only
 * branches tell of them, and in a large text many bytes look like one: there,
 * a page counts that several go to.
 */
static struct error *add_thunks(struct ranges *r, struct live *live, const struct range *in, struct ranges *found)
{
	size_t least = in->end - in->addr > LARGE_TEXT ? 3 : 1, i, k;
	_cleanup_(ranges_fini) struct ranges pages = { 0 };
	uint8_t page[64];

	TRY(find_pages(r, live, in, &pages));
	if (pages.count)
		qsort(pages.list, pages.count, sizeof(*pages.list), compare_ranges);
	for (i = 0; i < pages.count; i = k) {
		struct error *err;

		for (k = i; k < pages.count && pages.list[k].addr == pages.list[i].addr; k++)
			;
		if (k - i < least)
			continue;
		err = live_read(live, pages.list[i].addr, page, sizeof(page));
		if (!err && arch_is_thunk_page(page, sizeof(page)))
			add(found, pages.list[i].addr, pages.list[i].end);
		error_free(err);
	}
	return NULL;
}

static struct error *add_all_thunks(struct ranges *r, struct live *live)
{
	_cleanup_(ranges_fini) struct ranges found = { 0 };
	size_t i;

	for (i = 0; i < r->count; i++)
		TRY(add_thunks(r, live, &r->list[i], &found));
	for (i = 0; i < found.count; i++)
		add(r, found.list[i].addr, found.list[i].end);
	return NULL;
}

struct error *ranges_find(struct live *live, const char *modules, struct ranges *out)
{
	*out = (struct ranges){ 0 };
	TRY(add_between(out, live, "_text", "_etext"));
	TRY(add_between(out, live, "__start_rodata", "__end_rodata"));
	add_words(out, live);
	TRY(add_modules(out, live, modules));
	sort_and_join(out);
	TRY(add_all_thunks(out, live));
	sort_and_join(out);
	return NULL;
}

void ranges_fini(struct ranges *r)
{
	free(r->list);
	*r = (struct ranges){ 0 };
}
