// SPDX-License-Identifier: GPL-2.0
#include "live/memory.h"
#include "live/parse.h"
#include "util/file.h"
#include "util/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <elf.h>
#include <fcntl.h>
#include <string.h>

#define BASE 0xffffffff81000000ull

static const char kallsyms[] =
	"0000000000000000 A fixed_percpu_data\n"
	"0000000000034000 A current_task\n"
	"ffffffff81000000 T _stext\n"
	"ffffffff81000000 T _text\n"
	"ffffffff81000010 t helper\n"
	"ffffffff81000040 T do_work\n"
	"ffffffff81000080 t helper\n"
	"ffffffff81012345 T _etext\n"
	"ffffffff82000000 D table\n"
	"ffffffffc0403000 t helper\t[beta]\n"
	"ffffffffc0402000 t beta_init\t[beta]\n"
	"ffffffff81000040 u do_work\t[beta]\n"	/* it is being loaded, and refers to this */
	"ffffffff81000040 U helper\t[beta]\n"
	"ffffffffc0201000 t alpha_init\t[alpha]\n"
	"ffffffffc0402000 t beta_alias\t[beta]\n"
	"ffffffff81000080 t odd\t[bpf]\n";

/* Parses a copy of @size bytes of @text with nothing but a NUL behind it. */
static struct error *parse(const char *text, size_t size, struct symbol_table *table, char **copy)
{
	*copy = xmalloc(size + 1);
	memcpy(*copy, text, size);
	(*copy)[size] = '\0';
	return symbol_table_parse(*copy, size, table);
}

static void assert_message(struct error *err, const char *part)
{
	assert_non_null(err);
	if (!strstr(err->message, part))
		fail_msg("\"%s\" is not in \"%s\"", part, err->message);
	error_free(err);
}

static void sorts_symbols(void **state)
{
	static const char *const names[] = {
		"fixed_percpu_data", "current_task", "_stext", "_text", "helper", "do_work",
		"helper", "odd", "_etext", "table", "alpha_init", "beta_init", "beta_alias",
		"helper",
	};
	struct symbol_table table;
	size_t i;
	char *text;

	assert_null(parse(kallsyms, strlen(kallsyms), &table, &text));
	assert_int_equal(table.count, ARRAY_SIZE(names));
	for (i = 0; i < ARRAY_SIZE(names); i++)
		assert_string_equal(table.symbols[i].name, names[i]);
	assert_true(table.symbols[5].addr == BASE + 0x40);
	assert_int_equal(table.symbols[5].type, 'T');
	assert_string_equal(table.symbols[5].module, "");
	assert_string_equal(table.symbols[10].module, "alpha");
	assert_false(symbol_table_hidden(&table));
	symbol_table_free(&table);
	free(text);
}

static void finds_all_of_a_name(void **state)
{
	static const uint64_t expected[] = { BASE + 0x10, BASE + 0x80, 0xffffffffc0403000 };
	const struct live_symbol *sym = NULL;
	struct symbol_table table;
	size_t i;
	char *text;

	assert_null(parse(kallsyms, strlen(kallsyms), &table, &text));
	for (i = 0; i < ARRAY_SIZE(expected); i++) {
		sym = symbol_table_find(&table, "helper", sym);
		assert_non_null(sym);
		assert_true(sym->addr == expected[i]);
	}
	assert_null(symbol_table_find(&table, "helper", sym));
	assert_null(symbol_table_find(&table, "helpe", NULL));
	assert_null(symbol_table_find(&table, "", NULL));
	symbol_table_free(&table);
	free(text);
}

/* As many symbols as a kernel has, in an order that leaves much to sort. */
static void sorts_and_finds_many(void **state)
{
	enum { COUNT = 100000 };
	struct symbol_table table;
	char name[32], *text;
	uint32_t i;
	FILE *f;
	size_t size;

	f = open_memstream(&text, &size);
	for (i = 0; i < COUNT; i++)
		fprintf(f, "%016jx t f%u\n",
			(uintmax_t)(i < COUNT / 2 ? BASE + i : BASE + i * 7919ull % 1000000), i);
	assert_int_equal(fclose(f), 0);
	assert_null(symbol_table_parse(text, size, &table));
	assert_int_equal(table.count, COUNT);
	for (i = 1; i < COUNT; i++)
		assert_true(table.symbols[i - 1].addr <= table.symbols[i].addr);
	for (i = 0; i < COUNT; i += 997) {
		snprintf(name, sizeof(name), "f%u", i);
		assert_non_null(symbol_table_find(&table, name, NULL));
	}
	symbol_table_free(&table);
	free(text);
}

static void sees_hidden_symbols(void **state)
{
	static const char hidden[] = "0000000000000000 T _stext\n0000000000000000 t f\t[alpha]\n";
	struct symbol_table table;
	char *text;

	assert_null(parse(hidden, strlen(hidden), &table, &text));
	assert_true(symbol_table_hidden(&table));
	symbol_table_free(&table);
	free(text);
	assert_null(parse("", 0, &table, &text));
	assert_true(symbol_table_hidden(&table));
	assert_null(symbol_table_find(&table, "x", NULL));
	symbol_table_free(&table);
	free(text);
}

static void refuses_bad_symbols(void **state)
{
	static const char *const bad[] = {
		"\n", " ", "x", "12", "12 ", "12 T", "12 T ", "12 T\tf", "12 T \n", "T f\n",
		"12345678123456781 T f", "12 T f\t", "12 T f\t[", "12 T f\t[]", "12 T f\t[m",
		"12 T f\tm]", "12 T \t[m]", "12TTf", "-1 T f", "0x12 T f",
	};
	struct symbol_table table;
	size_t i;
	char *text;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_message(parse(bad[i], strlen(bad[i]), &table, &text), "line 1 ");
		symbol_table_free(&table);
		free(text);
	}
	assert_message(parse("12 T f\n13", 9, &table, &text), "line 2 ");
	symbol_table_free(&table);
	free(text);
	assert_message(parse("12 T f\0g\n", 9, &table, &text), "not a text");
	symbol_table_free(&table);
	free(text);
}

/* Every beginning of a good text is read or refused, nothing else. */
static void survives_cut_symbols(void **state)
{
	struct symbol_table table;
	size_t size;
	char *text;

	for (size = 0; size < strlen(kallsyms); size++) {
		error_free(parse(kallsyms, size, &table, &text));
		symbol_table_free(&table);
		free(text);
	}
}

static void reads_modules(void **state)
{
	char text[] = "beta 16384 0 - Live 0xffffffffc0402000 (OE)\n"
		      "alpha 983040 2 beta,gamma, Loading 0xffffffffc0200000\n"
		      "leaving 4096 -1 - Unloading 0xffffffffc0180000\n"
		      "fixed 4096 - - Live 0xffffffffc0100000";
	struct live_module *modules;
	size_t count;

	assert_null(modules_parse(text, strlen(text), &modules, &count));
	assert_int_equal(count, 4);
	assert_string_equal(modules[0].name, "beta");
	assert_true(modules[0].base == 0xffffffffc0402000);
	assert_int_equal(modules[0].size, 16384);
	assert_int_equal(modules[0].refcount, 0);
	assert_string_equal(modules[0].state, "Live");
	assert_int_equal(modules[1].refcount, 2);
	assert_string_equal(modules[1].state, "Loading");
	assert_int_equal(modules[2].refcount, -1);
	assert_string_equal(modules[2].state, "Unloading");
	assert_int_equal(modules[3].refcount, -1);
	free(modules);
}

static void refuses_bad_modules(void **state)
{
	static const char *const bad[] = {
		"\n", "m", "m 1", "m 1 0", "m 1 0 -", "m 1 0 - Live", "m 1 0 - Live 12",
		"m x 0 - Live 0x12", "m 1 x - Live 0x12", "m 1 0 - Live 0xg", "m 1 -2 - Live 0x1",
		"m 99999999999999999999 0 - Live 0x1", "m 1 0 - Live 0x11111111111111111",
	};
	struct live_module *modules;
	size_t count, i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_free_ char *text = xstrdup(bad[i]);

		assert_message(modules_parse(text, strlen(text), &modules, &count), "line 1 ");
		free(modules);
	}
}

/* A core file: a note, and two segments, the second behind a hole. */
struct core {
	Elf64_Ehdr header;
	Elf64_Phdr phdrs[3];
	unsigned char first[3 * MEMORY_PIECE_SIZE];
	unsigned char second[256];
};

#define FIRST  (BASE + 0x1000)
#define SECOND 0xffffffffc0000000ull

static struct core *new_core(void)
{
	struct core *core = xcalloc(1, sizeof(*core));
	size_t i;

	memcpy(core->header.e_ident, ELFMAG, SELFMAG);
	core->header.e_ident[EI_CLASS] = ELFCLASS64;
	core->header.e_ident[EI_DATA] = ELFDATA2LSB;
	core->header.e_type = ET_CORE;
	core->header.e_phoff = offsetof(struct core, phdrs);
	core->header.e_phentsize = sizeof(Elf64_Phdr);
	core->header.e_phnum = 3;
	core->phdrs[0].p_type = PT_NOTE;
	core->phdrs[1] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_vaddr = FIRST,
				       .p_offset = offsetof(struct core, first),
				       .p_filesz = sizeof(core->first) };
	core->phdrs[2] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_vaddr = SECOND,
				       .p_offset = offsetof(struct core, second),
				       .p_filesz = sizeof(core->second) };
	for (i = 0; i < sizeof(core->first); i++)
		core->first[i] = i * 31 + i / 251;
	memset(core->second, 0xcc, sizeof(core->second));
	return core;
}

static void reads_core_headers(void **state)
{
	_cleanup_free_ struct core *core = new_core();
	struct kcore_segment *segments;
	size_t count;

	assert_null(kcore_parse(core, offsetof(struct core, first), &segments, &count));
	assert_int_equal(count, 2);
	assert_true(segments[0].addr == FIRST);
	assert_int_equal(segments[0].size, sizeof(core->first));
	assert_int_equal(segments[1].offset, offsetof(struct core, second));
	free(segments);
}

static void refuses_bad_core_headers(void **state)
{
	_cleanup_free_ struct core *core = new_core();
	struct kcore_segment *segments;
	size_t size = offsetof(struct core, first), count;

	assert_message(kcore_parse(core, 63, &segments, &count), "shorter");
	assert_message(kcore_parse(core, size - 1, &segments, &count), "too short");
	core->header.e_phoff = UINT64_MAX - 8;
	assert_message(kcore_parse(core, size, &segments, &count), "too far");
	core->header.e_phoff = 64;
	core->header.e_phnum = 65535;
	assert_message(kcore_parse(core, size, &segments, &count), "too short");
	core->header.e_phentsize = 32;
	assert_message(kcore_parse(core, size, &segments, &count), "32 bytes");
	core->header.e_ident[EI_CLASS] = ELFCLASS32;
	assert_message(kcore_parse(core, size, &segments, &count), "64-bit");
	core->header.e_type = ET_EXEC;
	assert_message(kcore_parse(core, size, &segments, &count), "not an ELF core");
}

static void leaves_out_bad_segments(void **state)
{
	_cleanup_free_ struct core *core = new_core();
	struct kcore_segment *segments;
	size_t count;

	core->phdrs[1].p_vaddr = UINT64_MAX - 10;
	core->phdrs[2].p_offset = INT64_MAX - 10;
	assert_null(kcore_parse(core, offsetof(struct core, first), &segments, &count));
	assert_int_equal(count, 0);
	free(segments);
	core->phdrs[1].p_vaddr = FIRST;
	core->phdrs[1].p_filesz = 0;
	core->phdrs[2].p_offset = 1ull << 63;
	assert_null(kcore_parse(core, offsetof(struct core, first), &segments, &count));
	assert_int_equal(count, 0);
	free(segments);
}

/* A folder as live_open_at() takes it; *@state is its path. */
static int set_up(void **state)
{
	_cleanup_free_ struct core *core = new_core();
	char *folder;

	if (temp_dir_new(&folder))
		return -1;
	*state = folder;
	return 0;
}

static int tear_down(void **state)
{
	error_free(remove_tree(*state));
	free(*state);
	return 0;
}

static void put(const char *folder, const char *name, const void *data, size_t size)
{
	_cleanup_free_ char *path = path_join(folder, name);

	assert_null(file_write(path, data, size, 0644));
}

static void put_all(const char *folder)
{
	static const char modules[] = "beta 16384 0 - Live 0xffffffffc0402000\n";
	_cleanup_free_ struct core *core = new_core();
	_cleanup_free_ char *sys = path_join(folder, "sys/kernel");

	assert_null(make_dirs(sys));
	put(folder, "sys/kernel/osrelease", "6.1.0-56-amd64\n", 15);
	put(folder, "sys/kernel/version", "#1 SMP Debian\n", 14);
	put(folder, "kallsyms", kallsyms, strlen(kallsyms));
	put(folder, "modules", modules, strlen(modules));
	put(folder, "kcore", core, sizeof(*core));
}

static void opens_a_folder(void **state)
{
	const struct live_symbol *sym;
	uint64_t offset, start, end;
	struct live *live;
	size_t count;

	put_all(*state);
	assert_null(live_open_at(*state, &live));
	assert_string_equal(live_release(live), "6.1.0-56-amd64");
	assert_string_equal(live_version(live), "#1 SMP Debian");
	assert_true(live_text_bounds(live, &start, &end));
	assert_true(start == BASE && end == BASE + 0x12345);

	sym = live_find(live, "helper", "beta", NULL);
	assert_non_null(sym);
	assert_true(sym->addr == 0xffffffffc0403000);
	assert_null(live_find(live, "helper", "beta", sym));
	sym = live_find(live, "helper", "vmlinux", NULL);
	sym = live_find(live, "helper", "vmlinux", sym);
	assert_true(sym->addr == BASE + 0x80);
	assert_null(live_find(live, "helper", "vmlinux", sym));
	assert_non_null(live_find(live, "helper", NULL, sym));

	sym = live_symbol_at(live, BASE + 0x9, &offset);
	assert_string_equal(sym->name, "_stext");
	assert_int_equal(offset, 9);
	sym = live_symbol_at(live, BASE + 0x40, &offset);
	assert_string_equal(sym->name, "do_work");
	assert_int_equal(offset, 0);
	assert_true(live_next_symbol_addr(live, BASE) == BASE + 0x10);
	assert_true(live_next_symbol_addr(live, BASE + 0x81) == BASE + 0x12345);
	assert_true(live_next_symbol_addr(live, 0xffffffffc0403000) == UINT64_MAX);

	assert_non_null(live_modules(live, &count));
	assert_int_equal(count, 1);
	assert_int_equal(live_module(live, "beta")->size, 16384);
	assert_null(live_module(live, "alpha"));
	live_close(live);
}

static void reads_memory(void **state)
{
	static const struct {
		uint64_t offset;
		size_t len;
	} reads[] = {
		{ 0, 1 }, { 0, 64 }, { 0xefff, 2 }, { 0xf000, 1 }, { 5, 2 * MEMORY_PIECE_SIZE },
		{ 0, 3 * MEMORY_PIECE_SIZE }, { 3 * MEMORY_PIECE_SIZE - 1, 1 }, { 7, 0 },
	};
	_cleanup_free_ struct core *core = new_core();
	_cleanup_free_ unsigned char *buf = xmalloc(sizeof(core->first));
	struct live *live;
	size_t i;

	put_all(*state);
	assert_null(live_open_at(*state, &live));
	for (i = 0; i < ARRAY_SIZE(reads); i++) {
		assert_null(live_read(live, FIRST + reads[i].offset, buf, reads[i].len));
		assert_memory_equal(buf, core->first + reads[i].offset, reads[i].len);
	}
	assert_null(live_read(live, SECOND, buf, 256));
	assert_memory_equal(buf, core->second, 256);
	/* Addresses that share a place in the cache. */
	assert_null(live_read(live, FIRST, buf, 16));
	assert_memory_equal(buf, core->first, 16);
	live_close(live);
}

static void refuses_reads_outside(void **state)
{
	unsigned char buf[512];
	struct live *live;

	put_all(*state);
	assert_null(live_open_at(*state, &live));
	assert_message(live_read(live, FIRST - 1, buf, 2), "segment");
	assert_message(live_read(live, FIRST + 3 * MEMORY_PIECE_SIZE - 1, buf, 2), "segment");
	assert_message(live_read(live, SECOND + 1, buf, 256), "segment");
	assert_message(live_read(live, UINT64_MAX, buf, 2), "segment");
	assert_message(live_read(live, 0, buf, 1), "segment");
	live_close(live);
}

/* A segment that the file does not hold to its end. */
static void refuses_a_short_core(void **state)
{
	_cleanup_free_ struct core *core = new_core();
	unsigned char buf[8];
	struct live *live;

	put_all(*state);
	put(*state, "kcore", core, offsetof(struct core, first) + 0x100);
	assert_null(live_open_at(*state, &live));
	assert_null(live_read(live, FIRST + 0xf8, buf, 8));
	assert_message(live_read(live, FIRST + 0xf9, buf, 8), "ends before");
	assert_null(live_read(live, FIRST + 0xf8, buf, 8));
	live_close(live);
}

static void assert_refused(const char *folder, const char *code)
{
	struct live *live = NULL;
	struct error *err = live_open_at(folder, &live);

	assert_true(error_is(err, code));
	error_free(err);
	assert_null(live);
}

static void names_what_stands_in_the_way(void **state)
{
	_cleanup_free_ char *symbols = path_join(*state, "kallsyms");
	_cleanup_free_ char *core = path_join(*state, "kcore");

	put_all(*state);
	put(*state, "kallsyms", "0000000000000000 T _stext\n", 26);
	assert_refused(*state, "KALLSYMS-HIDDEN");
	assert_null(remove_tree(symbols));
	assert_refused(*state, "KALLSYMS-MISSING");
	assert_null(remove_tree(core));
	assert_refused(*state, "KCORE-MISSING");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sorts_symbols),
		cmocka_unit_test(finds_all_of_a_name),
		cmocka_unit_test(sorts_and_finds_many),
		cmocka_unit_test(sees_hidden_symbols),
		cmocka_unit_test(refuses_bad_symbols),
		cmocka_unit_test(survives_cut_symbols),
		cmocka_unit_test(reads_modules),
		cmocka_unit_test(refuses_bad_modules),
		cmocka_unit_test(reads_core_headers),
		cmocka_unit_test(refuses_bad_core_headers),
		cmocka_unit_test(leaves_out_bad_segments),
		cmocka_unit_test_setup_teardown(opens_a_folder, set_up, tear_down),
		cmocka_unit_test_setup_teardown(reads_memory, set_up, tear_down),
		cmocka_unit_test_setup_teardown(refuses_reads_outside, set_up, tear_down),
		cmocka_unit_test_setup_teardown(refuses_a_short_core, set_up, tear_down),
		cmocka_unit_test_setup_teardown(names_what_stands_in_the_way, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
