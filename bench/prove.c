// SPDX-License-Identifier: GPL-2.0
/*
 * Matches many objects with snapshots, for bench/proof.
 *
 *   prove FOLDER SNAPSHOT [MAP]    the objects in FOLDER, made by bench/objects, with one snapshot
 *
 * Prints a line for each function that is in the kernel and not proved, with where and how it
 * differs, and one with the sums.  MAP, of lines "ADDRESS TYPE NAME", is a System.map of vmlinux that lists every
 * symbol: each address that was inferred is then looked for in it, KASLR taken off.
 */
#include "live/live.h"
#include "match/match.h"
#include "util/file.h"
#include "util/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MAP_MAX (64u << 20)

struct sums {
	size_t objects, unloaded, functions, proved, absent, weak, differs, ambiguous;
	size_t addresses, conflicts, wrong;
};

/* The kernel's own list of symbols, at the addresses that it was linked for. */
struct map {
	struct symbol_entry {
		uint64_t addr;
		const char *name;
	} *list;
	size_t count, capacity;
	uint64_t offset;	/* of the running kernel */
	void *text;
};

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct symbol_entry *)a)->name, ((const struct symbol_entry *)b)->name);
}

static struct error *map_read(struct map *map, const char *path, const struct live *live)
{
	const struct live_symbol *text = live_find(live, "_text", "vmlinux", NULL);
	char *line, *save = NULL, *end;
	size_t size, i;

	TRY(file_read(path, MAP_MAX, &map->text, &size));
	for (line = strtok_r(map->text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		array_grow(map->list, map->count, map->capacity);
		map->list[map->count].addr = strtoull(line, &end, 16);
		if (strlen(end) > 3)
			map->list[map->count++].name = end + 3;
	}
	qsort(map->list, map->count, sizeof(*map->list), compare_names);
	for (i = 0; i < map->count; i++)
		if (text && !strcmp(map->list[i].name, "_text"))
			map->offset = text->addr - map->list[i].addr;
	return NULL;
}

/* Whether some symbol of the name is at the address. */
static bool map_has(const struct map *map, const char *name, uint64_t addr, bool *listed)
{
	struct symbol_entry key = { .name = name }, *e;

	e = bsearch(&key, map->list, map->count, sizeof(*map->list), compare_names);
	*listed = e != NULL;
	if (!e)
		return false;
	while (e > map->list && !strcmp(e[-1].name, name))
		e--;
	for (; e < map->list + map->count && !strcmp(e->name, name); e++)
		if (e->addr == addr || e->addr + map->offset == addr)
			return true;
	return false;
}

/* Every symbol that match_address() tells. */
static void check_addresses(const struct match *m, const struct map *map, struct sums *s)
{
	size_t i;

	for (i = 1; i < m->pre->symbol_count; i++) {
		const struct symbol *sym = m->pre->symbols[i];
		struct error *err;
		uint64_t addr;
		bool listed;

		if (!*sym->name || sym->type == STT_FILE || sym->type == STT_SECTION ||
		    object_symbol(m->pre, sym->name) != sym)
			continue;
		err = match_address(m, sym->name, &addr);
		if (!err) {
			bool right = map_has(map, sym->name, addr, &listed);

			s->addresses += listed;
			if (listed && !right && ++s->wrong)
				printf("wrong %s %s at %#" PRIx64 "\n", m->pre->name, sym->name, addr);
		} else if (error_is(err, "SYMBOL-CONFLICT") && ++s->conflicts) {
			printf("conflict %s %s\n", m->pre->name, sym->name);
		}
		error_free(err);
	}
}

static void print_function(const struct match *m, const struct match_function *f)
{
	const char *name = f->pre->symbol->name;

	if (f->state == MATCH_AMBIGUOUS)
		printf("ambiguous %s %s %s\n", m->target, m->pre->name, name);
	else
		printf("differs %s %s %s%s +0x%" PRIx64 " running +0x%" PRIx64 " at %#" PRIx64 ": %s\n",
		       m->target, m->pre->name, name, f->pre->symbol->bind == STB_WEAK ? " (weak)" : "",
		       f->pre_offset, f->run_offset, f->addr, f->why);
}

static void count(const struct match *m, struct sums *s)
{
	size_t i;

	for (i = 0; i < m->function_count; i++) {
		const struct match_function *f = &m->functions[i];
		bool weak = f->state == MATCH_DIFFERS && f->pre->symbol->bind == STB_WEAK;

		s->absent += f->state == MATCH_ABSENT;
		s->proved += f->state == MATCH_PROVED;
		s->differs += f->state == MATCH_DIFFERS && !weak;
		s->ambiguous += f->state == MATCH_AMBIGUOUS;
		/* Another object's function of the name is linked instead of a weak one. */
		s->weak += weak;
		s->functions += f->state != MATCH_ABSENT && !weak;
		if (f->state == MATCH_DIFFERS || f->state == MATCH_AMBIGUOUS)
			print_function(m, f);
	}
}

static struct error *prove_object(struct live *live, const char *folder, const char *target, const char *name,
				  const struct map *map, struct sums *s)
{
	_cleanup_free_ char *path = path_join(folder, name);
	struct object *pre;
	struct match *m;

	if (strcmp(target, "vmlinux") && !live_module(live, target)) {
		s->unloaded++;
		return NULL;
	}
	TRY(object_open(path, name, &pre));
	TRY(match_object(live, target, pre, &m));
	s->objects++;
	count(m, s);
	if (map->list)
		check_addresses(m, map, s);
	match_free(m);
	return NULL;
}

static struct error *prove_all(const char *folder, const char *snapshot, const char *map_path)
{
	_cleanup_free_ char *path = path_join(folder, "index");
	_cleanup_fclose_ FILE *index = fopen(path, "re");
	char target[64], name[256];
	struct error *err = NULL;
	struct sums s = { 0 };
	struct map map = { 0 };
	struct live *live;

	if (!index)
		return system_error(0, "%s cannot be opened", path);
	TRY(live_open_at(snapshot, &live));
	if (map_path)
		err = map_read(&map, map_path, live);
	while (!err && fscanf(index, "%63s %255s\n", target, name) == 2)
		err = prove_object(live, folder, target, name, &map, &s);
	printf("sums objects=%zu unloaded=%zu functions=%zu proved=%zu differs=%zu ambiguous=%zu absent=%zu weak=%zu",
	       s.objects, s.unloaded, s.functions, s.proved, s.differs, s.ambiguous, s.absent, s.weak);
	if (map_path)
		printf(" addresses=%zu wrong=%zu conflicts=%zu", s.addresses, s.wrong, s.conflicts);
	printf("\n");
	free(map.list);
	free(map.text);
	live_close(live);
	return err;
}

int main(int argc, char **argv)
{
	struct error *err;

	if (argc != 3 && argc != 4) {
		fprintf(stderr, "usage: prove FOLDER SNAPSHOT [MAP]\n");
		return 2;
	}
	err = prove_all(argv[1], argv[2], argv[3]);
	if (!err)
		return 0;
	fprintf(stderr, "prove: %s\n", err->message);
	error_free(err);
	return 1;
}
