// SPDX-License-Identifier: GPL-2.0
#include "cmd/cmd.h"

#include "build/compile.h"
#include "build/reach.h"
#include "build/symvers.h"
#include "cmd/onto.h"
#include "cmd/target.h"
#include "extract/module.h"
#include "kmend/engine.h"
#include "pack/pack.h"
#include "util/file.h"
#include "util/log.h"
#include "util/memory.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct create_options {
	struct kit_options kit;
	const char *key;
	const char *out;
	const char *expires;
	const char *channel;
	uint64_t serial;
	struct accepted accepted;
	char **onto;		/* packs that are applied before */
	size_t onto_count;
	char *const *patches;
	size_t patch_count;
	struct compile_options compile;
};

/* Everything that one create makes. */
struct create {
	const struct create_options *opts;
	struct kit *kit;
	struct patches *patches;
	struct onto onto;
	struct tree *tree;
	struct compilation objects;
	struct target_list targets;
	struct symvers *symvers;
	void *engine;
	size_t engine_size;
	char *engine_symvers;
	struct pack *pack;
};

static struct error *parse_jobs(const char *s, int *jobs)
{
	char *end;
	long n = strtol(s, &end, 10);

	if (*end || end == s || n < 1 || n > 1024)
		return usage_error("-j takes a number from 1 to 1024, not %s", s);
	*jobs = n;
	return NULL;
}

static void add_string(char ***list, size_t *count, char *s)
{
	*list = xreallocarray(*list, *count + 1, sizeof(**list));
	(*list)[(*count)++] = s;
}

static struct error *parse_others(const char *s, size_t *others)
{
	char *end;

	*others = REACH_ALL;
	if (!s)
		return NULL;
	*others = strtoul(s, &end, 10);
	if (*end || end == s || *s == '-' || !*others)
		return usage_error("--all-objects takes a number of source files, not %s", s);
	return NULL;
}

static struct error *parse_accept(char *s, struct accepted *accepted)
{
	if (!strncmp(s, "layout:", 7) && s[7])
		add_string(&accepted->layouts, &accepted->layout_count, s + 7);
	else if (!strncmp(s, "data:", 5) && s[5])
		add_string(&accepted->data, &accepted->data_count, s + 5);
	else if (!strncmp(s, "init:", 5) && s[5])
		add_string(&accepted->init, &accepted->init_count, s + 5);
	else
		return usage_error("--accept takes layout:TYPE, data:NAME or init:NAME, not %s", s);
	return NULL;
}

static struct error *parse_term(int c, const char *s, struct create_options *o)
{
	char *end;

	if (c == 'E' && !manifest_is_date(s))
		return usage_error("--expires takes a date such as 2027-12-31, not %s", s);
	if (c == 'N' && !manifest_is_channel(s))
		return usage_error("--channel takes a name of letters, digits, - and _, not %s", s);
	if (c == 'E')
		o->expires = s;
	if (c == 'N')
		o->channel = s;
	if (c != 's')
		return NULL;
	o->serial = strtoul(s, &end, 10);
	if (*end || *s < '1' || *s > '9' || o->serial > INT64_MAX)
		return usage_error("--serial takes a number from 1 on, not %s", s);
	return NULL;
}

static struct error *parse_options(int argc, char **argv, struct create_options *o)
{
	static const struct option options[] = {
		{ "kernel", required_argument, NULL, 'K' }, { "source", required_argument, NULL, 'S' },
		{ "config", required_argument, NULL, 'C' }, { "headers", required_argument, NULL, 'H' },
		{ "toolchain", required_argument, NULL, 'T' },
		{ "key", required_argument, NULL, 'k' },    { "output", required_argument, NULL, 'o' },
		{ "jobs", required_argument, NULL, 'j' },   { "accept", required_argument, NULL, 'A' },
		{ "expires", required_argument, NULL, 'E' }, { "channel", required_argument, NULL, 'N' },
		{ "serial", required_argument, NULL, 's' },
		{ "all-objects", optional_argument, NULL, 'O' }, { "onto", required_argument, NULL, 'P' },
		CMD_COMMON_OPTIONS
	};
	int c;

	o->compile.jobs = sysconf(_SC_NPROCESSORS_ONLN);
	while ((c = getopt_long(argc, argv, CMD_COMMON_SHORT "j:o:", options, NULL)) != -1) {
		switch (c) {
		case 'K':
			o->kit.kernel = optarg;
			break;
		case 'S':
			o->kit.source = optarg;
			break;
		case 'C':
			o->kit.config = optarg;
			break;
		case 'H':
			o->kit.headers = optarg;
			break;
		case 'T':
			o->kit.toolchain = optarg;
			break;
		case 'k':
			o->key = optarg;
			break;
		case 'o':
			o->out = optarg;
			break;
		case 'E':
		case 'N':
		case 's':
			TRY(parse_term(c, optarg, o));
			break;
		case 'A':
			TRY(parse_accept(optarg, &o->accepted));
			break;
		case 'P':
			add_string(&o->onto, &o->onto_count, optarg);
			break;
		case 'O':
			TRY(parse_others(optarg, &o->compile.others));
			break;
		case 'j':
			TRY(parse_jobs(optarg, &o->compile.jobs));
			break;
		default:
			TRY(cmd_common_option(c, argv));
		}
	}
	if (optind == argc)
		return usage_error("create takes the patches that make the update");
	if (!o->channel != !o->serial)
		return usage_error("--channel and --serial belong together");
	o->patches = argv + optind;
	o->patch_count = argc - optind;
	return NULL;
}

/* All "CVE-YEAR-NUMBER" in @text, each once. */
static void find_cves(struct manifest *m, const char *text)
{
	const char *p = text;

	while ((p = strstr(p, "CVE-"))) {
		size_t year = strspn(p + 4, "0123456789"), number = 0, i;
		_cleanup_free_ char *cve = NULL;

		if (year == 4 && p[8] == '-')
			number = strspn(p + 9, "0123456789");
		if (number < 4) {
			p += 4;
			continue;
		}
		cve = xstrndup(p, 9 + number);
		p += 9 + number;
		for (i = 0; i < m->cve_count && strcmp(m->cves[i], cve); i++)
			;
		if (i == m->cve_count)
			add_string(&m->cves, &m->cve_count, take_ptr(cve));
	}
}

/* The mail's subject without its "[PATCH]", or the file's name. */
static char *describe(const char *path, const char *text)
{
	const char *subject = !strncmp(text, "Subject: ", 9) ? text : strstr(text, "\nSubject: ");
	const char *name = strrchr(path, '/'), *end;
	size_t len;

	if (!subject) {
		name = name ? name + 1 : path;
		len = strlen(name);
		if (len > 6 && !strcmp(name + len - 6, ".patch"))
			len -= 6;
		return xstrndup(name, len);
	}
	subject = strchr(subject, ' ') + 1;
	end = strchr(subject, ']');
	len = strcspn(subject, "\r\n");
	if (*subject == '[' && end && end < subject + len && end[1] == ' ') {
		len -= end + 2 - subject;
		subject = end + 2;
	}
	return xstrndup(subject, len);
}

static char *describe_all(const struct patches *p)
{
	char *all = describe(p->paths[0], p->texts[0]);
	size_t i;

	for (i = 1; i < p->count; i++) {
		_cleanup_free_ char *one = describe(p->paths[i], p->texts[i]);
		char *longer = xasprintf("%s; %s", all, one);

		free(all);
		all = longer;
	}
	return all;
}

/* One more name in the patch folder of the pack: the file's own, made safe and unlike the others. */
static void pack_patches(struct create *c)
{
	size_t i, k;

	for (i = 0; i < c->patches->count; i++) {
		const char *slash = strrchr(c->patches->paths[i], '/');
		const char *base = slash ? slash + 1 : c->patches->paths[i];
		_cleanup_free_ char *name = xasprintf("patch/%02zu-%s", i + 1, base);

		for (k = 6; name[k]; k++)
			if (!isalnum((unsigned char)name[k]) && !strchr("-_.+", name[k]))
				name[k] = '_';
		pack_add(c->pack, name, c->patches->texts[i], c->patches->sizes[i]);
		find_cves(c->pack->manifest, c->patches->paths[i]);
		find_cves(c->pack->manifest, c->patches->texts[i]);
	}
}

/* What make and the compiler leave when they are killed goes with a folder of our own. */
static struct error *use_temp_dir(void)
{
	_cleanup_free_ char *dir = NULL;

	TRY(temp_dir_new(&dir));
	if (setenv("TMPDIR", dir, 1))
		return system_error(0, "out of memory");
	return NULL;
}

static struct error *make_update(struct create *c)
{
	const struct create_options *o = c->opts;
	_cleanup_free_ char *symvers = NULL;
	struct manifest *m;

	TRY(use_temp_dir());
	TRY(patches_read(o->patches, o->patch_count, &c->patches));
	TRY(kit_open(&o->kit, &c->kit));
	symvers = path_join(c->kit->headers, "Module.symvers");
	TRY(symvers_open(symvers, &c->symvers));
	TRY(onto_read(o->onto, o->onto_count, c->kit->release, &c->onto));
	TRY(tree_open(c->kit, &c->tree));
	if (c->onto.base)
		TRY(tree_use_base(c->tree, c->onto.base));
	TRY(compile_patches(c->tree, c->patches, &o->compile, &c->objects));
	tree_close(take_ptr(c->tree));
	log_progress("comparing");
	TRY(targets_extract(&c->objects, &o->accepted, &c->targets));
	TRY(engine_build(c->kit, &c->engine, &c->engine_size, &c->engine_symvers));

	c->pack = pack_new();
	m = c->pack->manifest;
	m->description = describe_all(c->patches);
	m->release = xstrdup(c->kit->release);
	m->version = xstrdup(c->kit->version);
	if (o->expires)
		memcpy(m->expires, o->expires, sizeof(m->expires));
	m->channel = xstrdup(o->channel ?: "");
	m->serial = o->serial;
	m->onto = take_ptr(c->onto.ids);
	m->onto_count = c->onto.count;
	c->onto.count = 0;
	pack_patches(c);
	pack_add(c->pack, "engine/kmend.ko", c->engine, c->engine_size);
	TRY(targets_pack(&c->targets, c->kit, c->symvers, c->engine_symvers, c->pack));
	return NULL;
}

static void print_result(const struct create *c, const char *out)
{
	const struct manifest *m = c->pack->manifest;
	size_t i, k;

	if (cmd_json) {
		cmd_print_json(json_pack("{s:s,s:s,s:s}", "id", m->id, "file", out, "description",
					 m->description));
		return;
	}
	for (i = 0; i < m->target_count; i++)
		for (k = 0; k < m->targets[i].function_count; k++)
			printf("%s %s (%s, %s)\n",
			       m->targets[i].functions[k].action == MANIFEST_REPLACE ? "replaces" : "adds",
			       m->targets[i].functions[k].name, m->targets[i].functions[k].object,
			       m->targets[i].name);
	for (i = 0; i < m->target_count; i++)
		for (k = 0; k < m->targets[i].hook_count; k++)
			printf("calls %s as %s (%s, %s)\n", m->targets[i].hooks[k].name,
			       m->targets[i].hooks[k].kind, m->targets[i].hooks[k].object,
			       m->targets[i].name);
	for (i = 0; i < m->target_count; i++)
		for (k = 0; k < m->targets[i].declaration_count; k++)
			printf("declared: %s %s (%s, %s)\n", m->targets[i].declarations[k].kind,
			       m->targets[i].declarations[k].name, m->targets[i].declarations[k].object,
			       m->targets[i].name);
	for (i = 0; i < m->onto_count; i++)
		printf("on top of %s\n", m->onto[i]);
	for (i = 0; i < m->note_count; i++)
		printf("note: %s\n", m->notes[i]);
	printf("%s\n", out);
}

static void create_fini(struct create *c)
{
	patches_free(c->patches);
	tree_close(c->tree);
	onto_fini(&c->onto);
	targets_fini(&c->targets);
	compilation_fini(&c->objects);
	symvers_free(c->symvers);
	kit_free(c->kit);
	free(c->engine);
	free(c->engine_symvers);
	pack_free(c->pack);
}

struct error *cmd_create(int argc, char **argv)
{
	struct create_options opts = { 0 };
	struct create c = { .opts = &opts };
	_cleanup_free_ char *out = NULL;
	struct error *err;

	err = parse_options(argc, argv, &opts);
	if (!err)
		err = make_update(&c);
	if (!err) {
		out = opts.out ? xstrdup(opts.out) : xasprintf("%s.kmend", c.pack->manifest->id);
		log_progress("writing %s", out);
		err = pack_write(c.pack, out, opts.key);
	}
	log_progress_end();
	if (!err)
		print_result(&c, out);
	create_fini(&c);
	free(opts.accepted.layouts);
	free(opts.accepted.data);
	free(opts.accepted.init);
	free(opts.onto);
	return err;
}
