// SPDX-License-Identifier: GPL-2.0
#include "live/live.h"
#include "live/memory.h"
#include "live/parse.h"
#include "live/snapshot.h"
#include "util/file.h"
#include "util/memory.h"

#include <string.h>

/* More text than any kernel writes into one of its files here. */
#define TEXT_MAX (1u << 30)

struct live {
	char *release;
	char *version;
	void *symbol_text;
	struct symbol_table symbols;
	void *module_text;
	struct live_module *modules;
	size_t module_count;
	struct memory memory;
};

/* Reads a file of one line, without its newline. */
static struct error *read_line(const char *folder, const char *name, char **line)
{
	_cleanup_free_ char *path = path_join(folder, name);
	_cleanup_free_ void *text = NULL;
	size_t size;

	TRY(file_read(path, TEXT_MAX, &text, &size));
	*line = xstrndup(text, strcspn(text, "\n"));
	return NULL;
}

/* Of a snapshot, what is wrong with its content is a refusal that names the file; takes @err. */
static struct error *in_snapshot(const char *path, struct error *err)
{
	struct error *refusal = err ? refuse("SNAPSHOT-INVALID", "%s: %s", path, err->message) : NULL;

	error_free(err);
	return refusal;
}

/* Reads one of the large texts: @name, or in a snapshot @name.zst.  *@path is the caller's to free. */
static struct error *read_text(const char *folder, const char *name, bool snapshot, char **path, void **text,
			       size_t *size)
{
	_cleanup_free_ void *packed = NULL;
	size_t packed_size;

	*path = xasprintf("%s/%s%s", folder, name, snapshot ? ".zst" : "");
	if (!snapshot)
		return file_read(*path, TEXT_MAX, text, size);
	TRY(file_read(*path, TEXT_MAX, &packed, &packed_size));
	return in_snapshot(*path, frame_unpack(packed, packed_size, TEXT_MAX, text, size));
}

static struct error *read_symbols(struct live *live, const char *folder, bool snapshot)
{
	_cleanup_free_ char *path = NULL;
	struct error *err;
	size_t size;

	TRY(read_text(folder, "kallsyms", snapshot, &path, &live->symbol_text, &size));
	err = symbol_table_parse(live->symbol_text, size, &live->symbols);
	if (err)
		return snapshot ? in_snapshot(path, err) : err;
	if (symbol_table_hidden(&live->symbols))
		return refuse("KALLSYMS-HIDDEN",
			      "the kernel hides the addresses of its symbols: run kmend as root "
			      "with CAP_SYSLOG, and `sysctl kernel.kptr_restrict=1` if it is 2");
	return NULL;
}

static struct error *read_modules(struct live *live, const char *folder, bool snapshot)
{
	_cleanup_free_ char *path = NULL;
	struct error *err;
	size_t size;

	TRY(read_text(folder, "modules", snapshot, &path, &live->module_text, &size));
	err = modules_parse(live->module_text, size, &live->modules, &live->module_count);
	return snapshot ? in_snapshot(path, err) : err;
}

static bool has(const char *folder, const char *name)
{
	_cleanup_free_ char *path = path_join(folder, name);

	return file_exists(path);
}

/* What a kernel without CONFIG_KALLSYMS or CONFIG_MODULES does not have. */
static struct error *read_kernel(struct live *live, const char *folder)
{
	_cleanup_free_ char *kcore = path_join(folder, "kcore");

	/* Opened before the long read of symbols, to refuse at once. */
	TRY(memory_open(kcore, &live->memory));
	if (has(folder, "modules"))
		TRY(read_modules(live, folder, false));
	if (!has(folder, "kallsyms"))
		return refuse("KALLSYMS-MISSING",
			      "%s/kallsyms does not exist: the kernel was built without CONFIG_KALLSYMS, so "
			      "its symbols are not known",
			      folder);
	return read_symbols(live, folder, false);
}

static struct error *read_snapshot(struct live *live, const char *folder)
{
	_cleanup_free_ char *memory = path_join(folder, "memory");

	TRY(memory_open_snapshot(memory, &live->memory));
	TRY(read_modules(live, folder, true));
	return read_symbols(live, folder, true);
}

struct error *live_identity(const char *folder, char **release, char **version)
{
	*release = *version = NULL;
	TRY(read_line(folder, "sys/kernel/osrelease", release));
	return read_line(folder, "sys/kernel/version", version);
}

static struct error *read_all(struct live *live, const char *folder)
{
	TRY(live_identity(folder, &live->release, &live->version));
	return (has(folder, "memory") ? read_snapshot : read_kernel)(live, folder);
}

struct error *live_open_at(const char *folder, struct live **out)
{
	struct live *live = xcalloc(1, sizeof(*live));
	struct error *err;

	live->memory.fd = -1;
	err = read_all(live, folder);
	if (err) {
		live_close(live);
		return err;
	}
	*out = live;
	return NULL;
}

struct error *live_open(struct live **out)
{
	if (geteuid())
		return refuse("NOT-ROOT", "only root may read the running kernel");
	return live_open_at("/proc", out);
}

void live_close(struct live *live)
{
	if (!live)
		return;
	memory_close(&live->memory);
	symbol_table_free(&live->symbols);
	free(live->symbol_text);
	free(live->modules);
	free(live->module_text);
	free(live->release);
	free(live->version);
	free(live);
}

const char *live_release(const struct live *live)
{
	return live->release;
}

const char *live_version(const struct live *live)
{
	return live->version;
}

const struct live_symbol *live_symbols(const struct live *live, size_t *count)
{
	*count = live->symbols.count;
	return live->symbols.symbols;
}

bool live_symbol_in(const struct live_symbol *sym, const char *module)
{
	return !strcmp(*sym->module ? sym->module : "vmlinux", module);
}

const struct live_symbol *live_find(const struct live *live, const char *name, const char *module,
				    const struct live_symbol *prev)
{
	do {
		prev = symbol_table_find(&live->symbols, name, prev);
	} while (prev && module && !live_symbol_in(prev, module));
	return prev;
}

/* How many symbols are at or below @addr. */
static size_t count_up_to(const struct live *live, uint64_t addr)
{
	size_t low = 0, high = live->symbols.count, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (live->symbols.symbols[middle].addr <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct live_symbol *live_symbol_at(const struct live *live, uint64_t addr, uint64_t *offset)
{
	const struct live_symbol *syms = live->symbols.symbols;
	size_t i = count_up_to(live, addr);

	if (!i)
		return NULL;
	for (i--; i && syms[i - 1].addr == syms[i].addr; i--)
		;
	if (offset)
		*offset = addr - syms[i].addr;
	return &syms[i];
}

uint64_t live_next_symbol_addr(const struct live *live, uint64_t addr)
{
	size_t i = count_up_to(live, addr);

	return i < live->symbols.count ? live->symbols.symbols[i].addr : UINT64_MAX;
}

bool live_text_bounds(const struct live *live, uint64_t *start, uint64_t *end)
{
	const struct live_symbol *stext = live_find(live, "_stext", "vmlinux", NULL);
	const struct live_symbol *etext = live_find(live, "_etext", "vmlinux", NULL);

	if (!stext || !etext)
		return false;
	*start = stext->addr;
	*end = etext->addr;
	return true;
}

const struct live_module *live_modules(const struct live *live, size_t *count)
{
	*count = live->module_count;
	return live->modules;
}

const struct live_module *live_module(const struct live *live, const char *name)
{
	size_t i;

	for (i = 0; i < live->module_count; i++)
		if (!strcmp(live->modules[i].name, name))
			return &live->modules[i];
	return NULL;
}

struct error *live_read(struct live *live, uint64_t addr, void *buf, size_t len)
{
	return memory_read(&live->memory, addr, buf, len);
}
