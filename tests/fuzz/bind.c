// SPDX-License-Identifier: GPL-2.0
/*
 * Update modules and engines of a hostile pack, bound with a proof whose memory and object are hostile, too.  Of an
 * input, the first two bytes tell how long the memory is, the next two how long the old object; these follow, then the
 * module.  The memory stands where the functions f and g run.
 *
 * Linked with --wrap=live_read, which gives that memory.
 */
#include "bind/bind.h"
#include "util/file.h"
#include "util/memory.h"

#include <stdio.h>
#include <string.h>

#define BASE 0xffffffff81000000ull
#define SIZE 0x10000u

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
struct error *__wrap_live_read(struct live *live, uint64_t addr, void *buf, size_t len);

static char old_f[] = "o:f", old_g[] = "o:g", old_state[] = "o:state", old_table[] = "o:table";
static char f[] = "f", g[] = "g", state[] = "state", table[] = "table", object_name[] = "fuzz.o";
static struct manifest_symbol symbols[] = {
	{ old_f, f, object_name }, { old_g, g, object_name }, { old_state, state, object_name },
	{ old_table, table, object_name },
};
static struct manifest_object object = { object_name, object_name };
static char target_name[] = "vmlinux", module_name[] = "kmend_x", module_file[] = "new/vmlinux.ko";
static const struct manifest_target target = {
	.name = target_name, .module = module_name, .file = module_file, .objects = &object, .object_count = 1,
	.symbols = symbols, .symbol_count = sizeof(symbols) / sizeof(*symbols),
};

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
	static const char *const names[] = { "f", "g", "external", "state", "table", "limit", "_end" };
	_cleanup_free_ char *folder = NULL, *sys = NULL;
	char list[1024];
	size_t i, n = 0;

	if (temp_dir_new(&folder))
		abort();
	sys = path_join(folder, "sys/kernel");
	if (make_dirs(sys))
		abort();
	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		n += sprintf(list + n, "%016llx T %s\n", BASE + 0x400 * i, names[i]);
	put(folder, "sys/kernel/osrelease", "6.1.0\n", 6);
	put(folder, "sys/kernel/version", "#1\n", 3);
	put(folder, "modules", "", 0);
	put(folder, "kallsyms", list, n);
	put(folder, "kcore", kcore, sizeof(kcore));
	if (live_open_at(folder, &live))
		abort();
	return 0;
}

/* What is bound is as long as what it was made of, and parses. */
static void look(struct error *err, struct bound *bound, size_t size)
{
	struct object *obj;

	if (!err) {
		if (bound->size != size)
			abort();
		err = object_parse(xmemdup(bound->image, size), size, "bound.ko", &obj);
		if (!err)
			object_free(obj);
	}
	error_free(err);
	bound_fini(bound);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bound bound = { 0 };
	struct object *pre;
	struct match *m;
	struct error *err;
	size_t length, pre_length;

	if (size < 4)
		return 0;
	length = data[0] | data[1] << 8;
	pre_length = data[2] | data[3] << 8;
	if (length + pre_length > size - 4)
		return 0;
	memset(memory, 0xcc, sizeof(memory));
	memcpy(memory, data + 4, length);
	data += 4 + length;
	size -= 4 + length + pre_length;
	err = object_parse(xmemdup(data, pre_length), pre_length, object_name, &pre);
	data += pre_length;
	if (!err)
		err = match_object(live, "vmlinux", pre, &m);
	if (!err) {
		look(bind_update(&target, data, size, &m, live, &bound), &bound, size);
		match_free(m);
	}
	error_free(err);
	look(bind_engine(data, size, live, &bound), &bound, size);
	return 0;
}
