// SPDX-License-Identifier: GPL-2.0
#include "live/snapshot.h"

#include "live/memory.h"
#include "util/file.h"
#include "util/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

static struct error *put(const char *folder, const char *name, const void *data, size_t size)
{
	_cleanup_free_ char *path = path_join(folder, name);

	return file_write(path, data, size, 0600);
}

static struct error *put_line(const char *folder, const char *name, const char *line)
{
	_cleanup_free_ char *text = xasprintf("%s\n", line);

	return put(folder, name, text, strlen(text));
}

static struct error *put_packed(const char *folder, const char *name, const void *data, size_t size)
{
	_cleanup_free_ void *packed = NULL;
	size_t packed_size;

	TRY(frame_pack(data, size, &packed, &packed_size));
	return put(folder, name, packed, packed_size);
}

/* Ends a text that open_memstream() collects, and stores it; takes @f and @text. */
static struct error *put_text(const char *folder, const char *name, FILE *f, char **text, const size_t *size)
{
	bool failed = ferror(f);
	struct error *err;

	failed |= fclose(f) != 0;
	err = failed ? system_error(ENOMEM, "%s cannot be collected", name) :
		       put_packed(folder, name, *text, *size);
	free(*text);
	return err;
}

static struct error *put_symbols(const struct live *live, const char *folder)
{
	const struct live_symbol *symbols, *s;
	size_t count, size;
	char *text;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return system_error(errno, "kallsyms cannot be collected");
	symbols = live_symbols(live, &count);
	for (s = symbols; s < symbols + count; s++)
		fprintf(f, "%016jx %c %s%s%s%s\n", (uintmax_t)s->addr, s->type, s->name,
			*s->module ? "\t[" : "", s->module, *s->module ? "]" : "");
	return put_text(folder, "kallsyms.zst", f, &text, &size);
}

static struct error *put_modules(const struct live *live, const char *folder)
{
	const struct live_module *modules, *m;
	size_t count, size;
	char *text;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return system_error(errno, "modules cannot be collected");
	modules = live_modules(live, &count);
	for (m = modules; m < modules + count; m++) {
		fprintf(f, "%s %ju ", m->name, (uintmax_t)m->size);
		if (m->refcount < 0)
			fprintf(f, "- - ");
		else
			fprintf(f, "%ld - ", m->refcount);
		fprintf(f, "%s 0x%016jx\n", m->state, (uintmax_t)m->base);
	}
	return put_text(folder, "modules.zst", f, &text, &size);
}

/* How many pieces [addr, end) is cut into. */
static size_t count_pieces(const struct range *r)
{
	return (r->end - 1) / MEMORY_PIECE_SIZE - r->addr / MEMORY_PIECE_SIZE + 1;
}

/* Compresses the memory in @ranges, piece by piece, into @f, and notes the pieces' sizes. */
static struct error *pack_pieces(struct live *live, const struct ranges *ranges, FILE *f, uint32_t *sizes)
{
	_cleanup_free_ uint8_t *buf = xmalloc(MEMORY_PIECE_SIZE);
	size_t i;

	for (i = 0; i < ranges->count; i++) {
		uint64_t at = ranges->list[i].addr, end = ranges->list[i].end, n;

		for (; at < end; at += n) {
			_cleanup_free_ void *packed = NULL;
			size_t size;

			n = MEMORY_PIECE_SIZE - at % MEMORY_PIECE_SIZE;
			if (n > end - at)
				n = end - at;
			TRY(live_read(live, at, buf, n));
			TRY(frame_pack(buf, n, &packed, &size));
			*sizes++ = size;
			fwrite(packed, size, 1, f);
		}
	}
	return NULL;
}

static struct error *make_table(const struct ranges *ranges, const uint32_t *sizes, size_t pieces,
				void **packed, size_t *packed_size)
{
	struct snapshot_table head = { ranges->count, pieces };
	size_t segments = ranges->count * sizeof(struct snapshot_segment), i;
	size_t size = sizeof(head) + segments + pieces * sizeof(*sizes);
	_cleanup_free_ uint8_t *table = xmalloc(size);

	memcpy(table, &head, sizeof(head));
	for (i = 0; i < ranges->count; i++) {
		const struct range *r = &ranges->list[i];
		struct snapshot_segment s = { r->addr, r->end - r->addr };

		memcpy(table + sizeof(head) + i * sizeof(s), &s, sizeof(s));
	}
	memcpy(table + sizeof(head) + segments, sizes, pieces * sizeof(*sizes));
	return frame_pack(table, size, packed, packed_size);
}

static struct error *write_memory(struct live *live, const struct ranges *ranges, const char *folder)
{
	_cleanup_free_ uint32_t *sizes = NULL;
	_cleanup_free_ char *data = NULL, *whole = NULL;
	_cleanup_free_ void *table = NULL;
	size_t pieces = 0, i, data_size, table_size;
	uint32_t stored_size;
	struct error *err;
	FILE *f;

	for (i = 0; i < ranges->count; i++)
		pieces += count_pieces(&ranges->list[i]);
	sizes = xcalloc(pieces, sizeof(*sizes));
	f = open_memstream(&data, &data_size);
	if (!f)
		return system_error(errno, "memory cannot be collected");
	err = pack_pieces(live, ranges, f, sizes);
	if ((ferror(f) | fclose(f)) && !err)
		err = system_error(ENOMEM, "memory cannot be collected");
	if (!err)
		err = make_table(ranges, sizes, pieces, &table, &table_size);
	if (err)
		return err;
	stored_size = table_size;
	whole = xmalloc(SNAPSHOT_MAGIC_SIZE + sizeof(stored_size) + table_size + data_size);
	memcpy(whole, SNAPSHOT_MAGIC, SNAPSHOT_MAGIC_SIZE);
	memcpy(whole + SNAPSHOT_MAGIC_SIZE, &stored_size, sizeof(stored_size));
	i = SNAPSHOT_MAGIC_SIZE + sizeof(stored_size);
	memcpy(whole + i, table, table_size);
	memcpy(whole + i + table_size, data, data_size);
	return put(folder, "memory", whole, i + table_size + data_size);
}

static struct error *write_files(struct live *live, const char *modules, const char *folder)
{
	_cleanup_free_ char *sys = path_join(folder, "sys"), *kernel = path_join(sys, "kernel");
	struct ranges ranges;
	struct error *err;

	if (mkdir(sys, 0700) || mkdir(kernel, 0700))
		return system_error(errno, "cannot create %s", kernel);
	TRY(put_line(kernel, "osrelease", live_release(live)));
	TRY(put_line(kernel, "version", live_version(live)));
	TRY(put_symbols(live, folder));
	TRY(put_modules(live, folder));
	err = ranges_find(live, modules, &ranges);
	if (!err)
		err = write_memory(live, &ranges, folder);
	ranges_fini(&ranges);
	return err;
}

struct error *snapshot_write(struct live *live, const char *modules, const char *folder)
{
	_cleanup_free_ char *aside = NULL;
	size_t length = strlen(folder);
	struct error *err;
	uint64_t random;

	while (length > 1 && folder[length - 1] == '/')
		length--;
	if (file_exists(folder))
		return refuse("SNAPSHOT-EXISTS", "%s exists and is not overwritten", folder);
	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return system_error(errno, "no random number");
	aside = xasprintf("%.*s.kmend-%016jx", (int)length, folder, (uintmax_t)random);
	if (mkdir(aside, 0700))
		return system_error(errno, "cannot create %s", aside);
	err = write_files(live, modules, aside);
	if (!err && rename(aside, folder))
		err = system_error(errno, "cannot rename %s to %s", aside, folder);
	if (err)
		error_free(remove_tree(aside));
	return err;
}
