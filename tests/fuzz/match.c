// SPDX-License-Identifier: GPL-2.0
/*
 * Objects of a hostile pack, matched with memory that holds anything.  Of an
 * input, the first two bytes tell how long the memory is that follows them; the
 * rest is the object.  The memory stands where the functions f and g run, and
 * above them newer versions, of two updates.  The object is matched as one that
 * was made onto them, and as one that was not.
 *
 * Linked with --wrap=live_read, which gives that memory.
 */
#include "match/match.h"
#include "util/file.h"
#include "util/memory.h"

#include <stdio.h>
#include <string.h>

#define BASE 0xffffffff81000000ull
#define SIZE 0x10000u

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
struct error *__wrap_live_read(struct live *live, uint64_t addr, void *buf, size_t len);

static const char *const names[] = {
	"f", "g", "g", "f.cold", "one", "two", "external", "state", "table", "__fentry__", "ftrace_caller",
	"__x86_return_thunk", "srso_return_thunk", "__x86_indirect_thunk_rax", "__x86_indirect_thunk_rcx",
	"pv_ops", "_paravirt_nop", "nop_func", "BUG_func", "__SCK__call", "__SCT__call", "__static_call_return0",
};

static const char *const versions[] = {
	"f\t[kmend_1111111111111111]", "new\t[kmend_1111111111111111]", "table\t[kmend_1111111111111111]",
	"f\t[kmend_2222222222222222]", "g\t[kmend_2222222222222222_1]",
};

static char *const ids[] = { "1111111111111111", "2222222222222222" };

static struct live *live;
static uint8_t memory[SIZE];

struct error *__wrap_live_read(struct live *from, uint64_t addr, void *buf, size_t len)
{
	if (addr < BASE || addr - BASE > SIZE || len > SIZE - (addr - BASE))
		return system_error(0, "no memory there");
	memcpy(buf, memory + (addr - BASE), len);
	return NULL;
}

static void put(const char *folder, const char *name, const void *data, size_t size)
{
	_cleanup_free_ char *path = path_join(folder, name);

	if (file_write(path, data, size, 0600))
		abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	/* An ELF core file without segments. */
	static const uint8_t kcore[64] = { 0x7f, 'E', 'L', 'F', 2, 1, 1, [16] = 4, [32] = 64, [54] = 56 };
	_cleanup_free_ char *folder = NULL, *sys = NULL;
	char symbols[4096];
	size_t i, n = 0;

	if (temp_dir_new(&folder))
		abort();
	sys = path_join(folder, "sys/kernel");
	if (make_dirs(sys))
		abort();
	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		n += sprintf(symbols + n, "%016llx %c %s\n", BASE + 0x400 * i, i < 16 ? 't' : 'T', names[i]);
	/* Near the others, where inputs reach them. */
	for (i = 0; i < sizeof(versions) / sizeof(*versions); i++)
		n += sprintf(symbols + n, "%016llx t %s\n", BASE + 0x80 + 0x40 * i, versions[i]);
	put(folder, "sys/kernel/osrelease", "6.1.0\n", 6);
	put(folder, "sys/kernel/version", "#1\n", 3);
	put(folder, "modules", "", 0);
	put(folder, "kallsyms", symbols, n);
	put(folder, "kcore", kcore, sizeof(kcore));
	if (live_open_at(folder, &live))
		abort();
	return 0;
}

static void look(const struct match *m)
{
	size_t i;

	for (i = 0; i < m->function_count; i++) {
		const struct match_function *f = &m->functions[i];

		error_free(match_require(m, f));
		if (f->state == MATCH_DIFFERS && !f->why)
			abort();
	}
	for (i = 1; i < m->pre->symbol_count; i++) {
		uint64_t addr;

		error_free(match_address(m, m->pre->symbols[i]->name, &addr));
	}
}

static void match(const uint8_t *data, size_t size, size_t onto)
{
	struct object *pre;
	struct match *m;
	struct error *err;

	err = object_parse(xmemdup(data, size), size, "fuzz.o", &pre);
	if (!err)
		err = match_object_onto(live, "vmlinux", pre, ids, onto, &m);
	if (!err) {
		look(m);
		match_free(m);
	}
	error_free(err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t length;

	if (size < 2)
		return 0;
	length = data[0] | data[1] << 8;
	if (length > size - 2 || length > SIZE)
		return 0;
	memset(memory, 0xcc, sizeof(memory));
	memcpy(memory, data + 2, length);
	data += 2 + length;
	size -= 2 + length;
	match(data, size, 0);
	match(data, size, 2);
	return 0;
}
