// SPDX-License-Identifier: GPL-2.0
/*
 * Changes single bytes in the text of proved functions of a snapshot, and looks whether the proof
 * sees it.
 *
 *   mutate FOLDER SNAPSHOT TRIES SEED    with the objects that bench/objects put into FOLDER
 *
 * Half of the places are anywhere in a function, half in what the kernel rewrites.  Each change that the
 * proof takes is printed, and counted as legal where the byte is a prefix LOCK that .smp_locks
 * speaks of and the prefix DS in its place, or the other way round (arch/x86/kernel/alternative.c).
 * The last line has the sums.
 *
 * Linked with --wrap=live_read: the bytes are changed on their way to the proof.
 */
#include "live/live.h"
#include "match/match.h"
#include "util/file.h"
#include "util/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LOCK 0xf0
#define DS   0x3e

struct error *__real_live_read(struct live *live, uint64_t addr, void *buf, size_t len);
struct error *__wrap_live_read(struct live *live, uint64_t addr, void *buf, size_t len);

static struct {
	uint64_t addr;		/* 0: none */
	uint8_t byte;
} change;

struct entry {
	char target[64];
	char name[256];
};

static size_t tried, refused, legal, accepted;

struct error *__wrap_live_read(struct live *live, uint64_t addr, void *buf, size_t len)
{
	struct error *err = __real_live_read(live, addr, buf, len);

	if (!err && change.addr >= addr && change.addr - addr < len)
		((uint8_t *)buf)[change.addr - addr] = change.byte;
	return err;
}

static struct error *match_entry(struct live *live, const char *folder, const struct entry *e, struct match **m)
{
	_cleanup_free_ char *path = path_join(folder, e->name);
	struct object *pre;

	TRY(object_open(path, e->name, &pre));
	return match_object(live, e->target, pre, m);
}

static bool is_lock_site(const struct match *m, const struct match_function *f, uint64_t offset)
{
	const struct table_entry *e;
	size_t n, i;

	e = tables_of(m->tables, f->pre, &n);
	for (i = 0; i < n; i++)
		if (!strcmp(e[i].table->section, ".smp_locks") && (uint64_t)e[i].relocs[0].delta == offset)
			return true;
	return false;
}

/* An offset in the function where one of its tables or relocations is, give or take a few bytes. */
static uint64_t near_site(const struct match *m, const struct match_function *f)
{
	const struct table_entry *e;
	size_t n, i;
	uint64_t at;

	e = tables_of(m->tables, f->pre, &n);
	if (!(n + f->pre->reloc_count))
		return random() % f->run_size;
	i = random() % (n + f->pre->reloc_count);
	at = i < n ? (uint64_t)e[i].relocs[0].delta : f->pre->relocs[i - n].offset - f->pre->start;
	at += random() % 9;
	return at && at - 1 < f->run_size ? at - 1 : (uint64_t)random() % f->run_size;
}

static struct error *try_change(struct live *live, const char *folder, const struct entry *e, const struct match *m,
				const struct match_function *f)
{
	uint64_t offset = random() % 2 ? near_site(m, f) : (uint64_t)random() % f->run_size;
	const struct match_function *g;
	struct match *again;
	bool taken, lock;
	uint8_t old;

	change.addr = 0;
	TRY(live_read(live, f->addr + offset, &old, 1));
	change.addr = f->addr + offset;
	change.byte = old ^ (1 + random() % 255);
	/* Once in a while what is most likely to be taken. */
	if (is_lock_site(m, f, offset) && (old == LOCK || old == DS) && random() % 2)
		change.byte = old == LOCK ? DS : LOCK;
	TRY(match_entry(live, folder, e, &again));
	g = match_function(again, f->pre->symbol->name);
	taken = g && g->state == MATCH_PROVED;
	lock = taken && g->addr == f->addr && is_lock_site(m, f, offset) && old + change.byte == LOCK + DS;
	tried++;
	refused += !taken;
	legal += lock;
	accepted += taken && !lock;
	if (taken)
		printf("%s %s %s+0x%" PRIx64 " at %#" PRIx64 ": %02x for %02x, proved at %#" PRIx64 "\n",
		       lock ? "legal" : "accepted", e->name, f->pre->symbol->name, offset, change.addr,
		       change.byte, old, g->addr);
	match_free(again);
	change.addr = 0;
	return NULL;
}

static struct error *mutate_object(struct live *live, const char *folder, const struct entry *e, size_t tries)
{
	struct match *m;
	size_t i;

	TRY(match_entry(live, folder, e, &m));
	for (i = 0; i < tries && m->function_count; i++) {
		const struct match_function *f = &m->functions[random() % m->function_count];
		struct error *err;

		if (f->state != MATCH_PROVED || !f->run_size)
			continue;
		err = try_change(live, folder, e, m, f);
		if (err) {
			match_free(m);
			return err;
		}
	}
	match_free(m);
	return NULL;
}

static struct error *mutate(const char *folder, const char *snapshot, size_t tries)
{
	_cleanup_free_ char *path = path_join(folder, "index");
	_cleanup_fclose_ FILE *index = fopen(path, "re");
	_cleanup_free_ struct entry *list = NULL;
	size_t count = 0, capacity = 0;
	struct error *err = NULL;
	struct live *live;
	struct entry e;

	if (!index)
		return system_error(0, "%s cannot be opened", path);
	TRY(live_open_at(snapshot, &live));
	while (fscanf(index, "%63s %255s\n", e.target, e.name) == 2) {
		if (strcmp(e.target, "vmlinux") && !live_module(live, e.target))
			continue;
		array_grow(list, count, capacity);
		list[count++] = e;
	}
	while (!err && count && tried < tries)
		err = mutate_object(live, folder, &list[random() % count], 25);
	live_close(live);
	return err;
}

int main(int argc, char **argv)
{
	struct error *err;

	if (argc != 5) {
		fprintf(stderr, "usage: mutate FOLDER SNAPSHOT TRIES SEED\n");
		return 2;
	}
	srandom(atol(argv[4]));
	err = mutate(argv[1], argv[2], atol(argv[3]));
	printf("mutate: tried=%zu refused=%zu legal=%zu accepted=%zu\n", tried, refused, legal, accepted);
	if (!err)
		return accepted != 0;
	fprintf(stderr, "mutate: %s\n", err->message);
	error_free(err);
	return 3;
}
