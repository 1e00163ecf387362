// SPDX-License-Identifier: GPL-2.0
#include "cmd/cmd.h"
#include "pack/pack.h"
#include "util/memory.h"
#include "util/sandbox.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The pack's strings may go to a terminal as they are: see pack/manifest.h. */

static void print_declaration(const struct manifest_declaration *d)
{
	if (!strcmp(d->kind, "overwrite"))
		printf("  overwrites %s (%s)\n", d->name, d->object);
	else if (!strcmp(d->kind, "keep"))
		printf("  keeps the content of %s (%s)\n", d->name, d->object);
	else
		printf("  copes with the old layout of %s (%s)\n", d->name, d->object);
}

static void print_target(const struct manifest_target *t, const struct pack *p)
{
	const struct pack_file *file = pack_find(p, t->file);
	size_t i;

	printf("target %s: module %s, %zu bytes\n", t->name, t->module, file ? file->size : 0);
	for (i = 0; i < t->function_count; i++)
		printf("  %s %s (%s)\n",
		       t->functions[i].action == MANIFEST_REPLACE ? "replaces" : "adds",
		       t->functions[i].name, t->functions[i].object);
	for (i = 0; i < t->hook_count; i++)
		printf("  calls %s as %s (%s)\n", t->hooks[i].name, t->hooks[i].kind, t->hooks[i].object);
	for (i = 0; i < t->declaration_count; i++)
		print_declaration(&t->declarations[i]);
	for (i = 0; i < t->symbol_count; i++)
		printf("  refers to %s (%s)\n", t->symbols[i].name, t->symbols[i].object);
	for (i = 0; i < t->object_count; i++)
		printf("  proved by %s\n", t->objects[i].pre);
}

static void print_text(const struct pack *p, uintmax_t size)
{
	const struct manifest *m = p->manifest;
	size_t i;

	printf("update %s\n", m->id);
	if (*m->description)
		printf("description: %s\n", m->description);
	for (i = 0; i < m->cve_count; i++)
		printf("repairs: %s\n", m->cves[i]);
	printf("kernel: %s%s%s\n", m->release, *m->version ? " " : "", m->version);
	if (*m->expires)
		printf("to be applied until: %s\n", m->expires);
	if (m->channel)
		printf("channel: %s, serial %" PRIu64 "\n", m->channel, m->serial);
	printf("size: %ju bytes, %zu members\n", size, m->member_count);
	printf("signature: %s\n", p->signature ? "present (kmend verify checks it)" : "none");
	for (i = 0; i < m->onto_count; i++)
		printf("on top of: %s\n", m->onto[i]);
	if (m->stays_loaded)
		printf("its modules stay loaded after an undo\n");
	for (i = 0; i < m->note_count; i++)
		printf("note: %s\n", m->notes[i]);
	for (i = 0; i < m->target_count; i++)
		print_target(&m->targets[i], p);
}

/* The manifest as it is in the pack, and what it does not say. */
static struct error *print_json(const struct pack *p, uintmax_t size)
{
	json_t *manifest = json_loadb(p->manifest_json, p->manifest_size, 0, NULL);

	if (!manifest)
		return system_error(0, "the manifest is no JSON");
	cmd_print_json(json_pack("{s:I,s:b,s:o}", "size", (json_int_t)size, "signed",
				 p->signature != NULL, "manifest", manifest));
	return NULL;
}

static struct error *inspect(const struct pack *p)
{
	if (cmd_json)
		return print_json(p, p->archive_size);
	print_text(p, p->archive_size);
	return NULL;
}

struct error *cmd_inspect(int argc, char **argv)
{
	static const struct option options[] = { CMD_COMMON_OPTIONS };
	struct error *err;
	struct pack *p;
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, CMD_COMMON_SHORT, options, NULL)) != -1)
		TRY(cmd_common_option(c, argv));
	if (argc - optind != 1)
		return usage_error("inspect takes one pack");
	TRY(pack_open(argv[optind], &p));
	/* All that comes is to print it. */
	sandbox_enter();
	TRY(pack_understand(p, argv[optind]));
	err = inspect(p);
	pack_free(p);
	return err;
}
