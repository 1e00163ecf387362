// SPDX-License-Identifier: GPL-2.0
#include "kernel.h"

#include "live/snapshot.h"
#include "match/match.h"

#include <sys/stat.h>

static struct kernel kernel;
static char *sections, *snapshot;

static int set_up(void **state)
{
	if (make_test_folder(state))
		return -1;
	sections = path_join(test_folder, "module");
	snapshot = path_join(test_folder, "snapshot");
	kernel_init(&kernel);
	assert_ok(make_dirs(sections));
	return 0;
}

static int tear_down(void **state)
{
	kernel_fini(&kernel);
	free(sections);
	free(snapshot);
	return remove_test_folder(state);
}

static const char source[] =
	"static int state; static const int table[4] = { 1, 2, 3, 4 }; int secret = 0x5ec2e700;\n"
	"noinline static int first(int x) { return table[x & 3] + state++; }\n"
	"int second(int x) { report(\"some string\", x); return first(x) + secret; }\n"
	"extern int one(int); int (*__SCK__call)(int) = one; extern int __SCT__call(int);\n"
	"int third(int x) { return __SCT__call(x) + 1; } int all(int x) { return one(x); }\n";

/* The kernel's data starts at KERNEL_DATA; the string and the table lie in front of @end. */
static void boot(void)
{
	struct object *obj = compile(source);

	kernel_add(&kernel, obj);
	object_free(obj);
	kernel_list(&kernel, "_text", KERNEL_BASE, 'T');
	kernel_list(&kernel, "__start_rodata", KERNEL_BASE + KERNEL_DATA, 'R');
	kernel_list(&kernel, "__end_rodata", KERNEL_BASE + kernel.data, 'R');
	kernel_boot(&kernel);
}

static struct match *prove(struct live *live)
{
	struct match *m;

	assert_ok(match_object(live, "vmlinux", compile(source), &m));
	return m;
}

static void put_section(const char *module, const char *name, uint64_t addr)
{
	_cleanup_free_ char *folder = xasprintf("%s/%s/sections", sections, module);
	_cleanup_free_ char *path = path_join(folder, name);
	_cleanup_free_ char *text = xasprintf("0x%016jx\n", (uintmax_t)addr);

	assert_ok(make_dirs(folder));
	assert_ok(file_write(path, text, strlen(text), 0600));
}

static void proves_as_the_kernel_does(void **state)
{
	struct match *m, *again;
	struct live *live;
	size_t i, k, count, counted;

	boot();
	m = prove(kernel.live);
	assert_ok(snapshot_write(kernel.live, sections, snapshot));
	assert_ok(live_open_at(snapshot, &live));
	assert_string_equal(live_release(live), live_release(kernel.live));
	assert_string_equal(live_version(live), live_version(kernel.live));
	live_symbols(kernel.live, &count);
	for (i = 0; i < count; i++) {
		const struct live_symbol *a = &live_symbols(kernel.live, &count)[i];
		const struct live_symbol *b = &live_symbols(live, &counted)[i];

		assert_string_equal(a->name, b->name);
		assert_true(a->addr == b->addr && a->type == b->type);
	}
	assert_int_equal(count, counted);
	again = prove(live);
	for (i = 0; i < m->function_count; i++) {
		assert_int_equal(m->functions[i].state, MATCH_PROVED);
		assert_int_equal(again->functions[i].state, MATCH_PROVED);
		assert_true(again->functions[i].addr == m->functions[i].addr);
	}
	for (i = 0, k = 0; i < m->pre->symbol_count; i++) {
		uint64_t a, b;

		if (!*m->pre->symbols[i]->name || !live_find(live, m->pre->symbols[i]->name, NULL, NULL))
			continue;
		assert_ok(match_address(m, m->pre->symbols[i]->name, &a));
		assert_ok(match_address(again, m->pre->symbols[i]->name, &b));
		assert_true(a == b && ++k);
	}
	assert_true(k > 5);
	match_free(m);
	match_free(again);
	live_close(live);
}

/* Nobody but its owner reads it, and it holds no memory that the proof does not need. */
static void keeps_secrets(void **state)
{
	static const char *const files[] = { "memory", "kallsyms.zst", "modules.zst", "sys/kernel/osrelease" };
	struct error *err;
	struct stat st;
	struct live *live;
	uint8_t buf[8];
	size_t i;

	boot();
	kernel_list(&kernel, "__end_rodata", kernel_address(&kernel, "__start_rodata"), 'R');
	assert_ok(snapshot_write(kernel.live, sections, snapshot));
	assert_int_equal(stat(snapshot, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_free_ char *path = path_join(snapshot, files[i]);

		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
	}
	assert_ok(live_open_at(snapshot, &live));
	assert_ok(live_read(live, KERNEL_BASE, buf, 8));
	assert_ok(live_read(live, kernel_address(&kernel, "__SCK__call"), buf, 8));
	err = live_read(live, KERNEL_BASE + kernel.data, buf, 1);
	assert_non_null(err);
	error_free(err);
	live_close(live);
	assert_refused(snapshot_write(kernel.live, sections, snapshot), "SNAPSHOT-EXISTS");
}

static void assert_range(const struct ranges *r, size_t i, uint64_t addr, uint64_t end)
{
	assert_true(i < r->count);
	if (r->list[i].addr != KERNEL_BASE + addr || r->list[i].end != KERNEL_BASE + end)
		fail_msg("range %zu is %#jx to %#jx", i, (uintmax_t)r->list[i].addr,
			 (uintmax_t)r->list[i].end);
}

/* A module with two pages of memory, and one between them that is not mapped. */
static void finds_what_to_keep(void **state)
{
	static const char modules[] = "mod 16384 0 - Live 0xffffffff8100d000\n";
	uint64_t text = KERNEL_BASE + 0xd000, data = KERNEL_BASE + 0xf000;
	struct ranges r;
	uint8_t page[4096];

	boot();
	memset(page, 0x90, sizeof(page));
	kernel_poke(&kernel, text, page, sizeof(page));
	kernel_poke(&kernel, data, page, sizeof(page));
	put_section("mod", ".text", text);
	put_section("mod", ".exit.text", text + 0x123);
	put_section("mod", ".data", data);
	put_section("mod", ".rodata.str1.1", data + 0x100);
	put_section("mod", ".bss", data + 0x180);
	put_section("mod", ".rodata", data + 0x200);
	put_section("mod", ".init.text", text + 0x700); /* long gone */
	put_section("mod", ".symtab", text + 0x600);
	put_section("mod", ".orc_unwind", text + 0x800);
	/* It does not count before it is in /proc/modules. */
	assert_ok(ranges_find(kernel.live, sections, &r));
	assert_int_equal(r.count, 1);
	ranges_fini(&r);
	put_file("modules", modules, strlen(modules));
	live_close(kernel.live);
	kernel.live = NULL;
	assert_ok(live_open_at(test_folder, &kernel.live));
	assert_ok(ranges_find(kernel.live, sections, &r));
	assert_int_equal(r.count, 4);
	assert_range(&r, 0, 0, kernel.data);
	assert_range(&r, 1, 0xd000, 0xd800);
	assert_range(&r, 2, 0xf100, 0xf180);
	assert_range(&r, 3, 0xf200, 0x10000);
	ranges_fini(&r);
	put_section("mod", ".text.last", text + 0x900);
	assert_ok(ranges_find(kernel.live, sections, &r));
	assert_int_equal(r.count, 5);
	assert_range(&r, 2, 0xd900, 0xe000);
	ranges_fini(&r);
}

static void *read_whole(const char *name, size_t *size)
{
	_cleanup_free_ char *path = path_join(snapshot, name);
	void *data;

	assert_ok(file_read(path, 1 << 24, &data, size));
	return data;
}

static void write_whole(const char *name, const void *data, size_t size)
{
	_cleanup_free_ char *path = path_join(snapshot, name);

	assert_ok(file_write(path, data, size, 0600));
}

/* Opens the snapshot and proves against it. */
static struct error *use_snapshot(void)
{
	struct error *err;
	struct live *live;
	struct match *m;

	err = live_open_at(snapshot, &live);
	if (err)
		return err;
	err = match_object(live, "vmlinux", compile(source), &m);
	if (!err)
		match_free(m);
	live_close(live);
	return err;
}

/* Any byte that is changed, and any beginning of a file, is told; but what is never read. */
static void tells_damage(void **state)
{
	static const char *const files[] = { "memory", "kallsyms.zst", "modules.zst" };
	size_t i, at, size, told = 0, tried = 0;

	boot();
	assert_ok(snapshot_write(kernel.live, sections, snapshot));
	assert_ok(use_snapshot());
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_free_ uint8_t *data = read_whole(files[i], &size);

		for (at = 0; at < size; at++) {
			struct error *err;

			data[at] ^= 0x41;
			write_whole(files[i], data, size);
			err = use_snapshot();
			tried++;
			told += err != NULL;
			if (err && !error_is(err, "SNAPSHOT-INVALID"))
				fail_msg("%s at %zu: %s", files[i], at, err->message);
			error_free(err);
			data[at] ^= 0x41;
		}
		for (at = 0; at < size; at += 1 + size / 50) {
			write_whole(files[i], data, at);
			assert_refused(use_snapshot(), "SNAPSHOT-INVALID");
		}
		write_whole(files[i], data, size);
	}
	assert_true(told > tried * 9 / 10);
	assert_ok(use_snapshot());
}

/* Tables with correct checksums that lie. */
static void refuses_bad_tables(void **state)
{
	static const struct snapshot_segment segments[][2] = {
		{ { 0x1000, 16 }, { 0x1008, 16 } },	/* overlap */
		{ { 0x2000, 16 }, { 0x1000, 16 } },	/* order */
		{ { 0x1000, 0 }, { 0x2000, 16 } },	/* empty */
		{ { 0x1000, 16 }, { UINT64_MAX - 8, 16 } },	/* around the end */
		{ { 0x1000, 16 }, { 0x10000, UINT64_MAX / 2 } },	/* more pieces than there are */
	};
	struct { struct snapshot_table head; struct snapshot_segment s[2]; uint32_t pieces[2]; } table;
	size_t i;

	boot();
	assert_ok(snapshot_write(kernel.live, sections, snapshot));
	for (i = 0; i <= ARRAY_SIZE(segments); i++) {
		_cleanup_free_ void *packed = NULL;
		_cleanup_free_ uint8_t *file = NULL;
		size_t size;
		uint32_t size32;

		memset(&table, 0, sizeof(table));
		table.head = (struct snapshot_table){ i < ARRAY_SIZE(segments) ? 2 : UINT32_MAX, 2 };
		if (i < ARRAY_SIZE(segments))
			memcpy(table.s, segments[i], sizeof(table.s));
		assert_ok(frame_pack(&table, sizeof(table), &packed, &size));
		size32 = size;
		file = xmalloc(12 + size);
		memcpy(file, SNAPSHOT_MAGIC, 8);
		memcpy(file + 8, &size32, 4);
		memcpy(file + 12, packed, size);
		write_whole("memory", file, 12 + size);
		assert_refused(use_snapshot(), "SNAPSHOT-INVALID");
	}
}

static void names_what_is_missing(void **state)
{
	struct error *err;

	boot();
	assert_ok(snapshot_write(kernel.live, sections, snapshot));
	error_free(remove_tree(snapshot));
	err = use_snapshot();
	assert_non_null(strstr(err->message, snapshot));
	error_free(err);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(proves_as_the_kernel_does), T(keeps_secrets), T(finds_what_to_keep), T(tells_damage),
		T(refuses_bad_tables), T(names_what_is_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
