// SPDX-License-Identifier: GPL-2.0
#include "extract/module.h"

#include "arch/arch.h"
#include "build/source.h"
#include "build/tool.h"
#include "build/tree.h"
#include "util/file.h"
#include "util/log.h"
#include "util/memory.h"
#include "util/sha256.h"

#include <string.h>

#define MODULE_MAX (64ul << 20)		/* bytes of a module file */
#define SYMVERS_MAX (64ul << 20)

/*
 * Runs kbuild for the modules in @dir.  modpost can only warn about symbols
 * that the program binds later; debug information and absolute paths would
 * differ from place to place.
 */
static struct error *run_kbuild(const struct kit *kit, const char *dir, const char *include,
				const char *what)
{
	_cleanup_free_ char *m = xasprintf("M=%s", dir);
	_cleanup_free_ char *cc = xasprintf("CC=%s", kit->compiler);
	_cleanup_free_ char *inc = xasprintf("KMEND_INCLUDE=%s", include);
	_cleanup_free_ char *flags = xasprintf("KCFLAGS=-g0 -fmacro-prefix-map=%s/=", dir);
	/* BTF is made of debug information, which there is none of. */
	const char *argv[] = { "make", "-C", kit->headers, m, cc, inc, flags, "KBUILD_MODPOST_WARN=1",
			       "CONFIG_DEBUG_INFO_BTF_MODULES=", "modules", NULL };
	struct process_options opts = { .argv = argv, .env_add = build_environment,
					.merge_stderr = true };
	_cleanup_free_ char *output = NULL;
	size_t len;
	int status;

	TRY(tool_run(kit, &opts, &status, &output));
	if (!status)
		return NULL;
	len = strlen(output);
	return refuse("MODULE-FAILED", "building %s against %s failed:\n%s", what, kit->headers,
		      len > 3000 ? output + len - 3000 : output);
}

static struct error *engine_key(const struct kit *kit, char **key)
{
	_cleanup_free_ char *symvers = path_join(kit->headers, "Module.symvers");
	uint8_t digest[SHA256_SIZE], of_symvers[SHA256_SIZE];
	struct sha256 hash;

	TRY(sha256_file(symvers, of_symvers));
	sha256_begin(&hash);
	sha256_add(&hash, source_tar, source_tar_end - source_tar);
	sha256_add(&hash, of_symvers, sizeof(of_symvers));
	sha256_add(&hash, kit->release, strlen(kit->release) + 1);
	sha256_add(&hash, kit->compiler_text, strlen(kit->compiler_text) + 1);
	sha256_end(&hash, digest);
	*key = xmalloc(SHA256_HEX_SIZE);
	hex_encode(digest, SHA256_SIZE, *key);
	(*key)[24] = '\0';
	return NULL;
}

static struct error *copy_file(const char *from, const char *to)
{
	_cleanup_free_ void *data = NULL;
	size_t size;

	TRY(file_read(from, MODULE_MAX, &data, &size));
	return file_write(to, data, size, 0644);
}

/* Builds the engine into the cache folder @dir; kmend.ko is written last and completes it. */
static struct error *build_engine(const struct kit *kit, const char *dir)
{
	_cleanup_free_ char *work = NULL, *engine = NULL, *include = NULL;
	_cleanup_free_ char *built = NULL, *symvers = NULL, *ko = NULL, *kept_symvers = NULL;

	log_progress("building the engine for %s", kit->release);
	TRY(temp_dir_new(&work));
	TRY(source_unpack(work));
	engine = path_join(work, "engine");
	include = path_join(work, "include");
	TRY(run_kbuild(kit, engine, include, "the engine"));
	built = path_join(engine, "kmend.ko");
	symvers = path_join(engine, "Module.symvers");
	ko = path_join(dir, "kmend.ko");
	kept_symvers = path_join(dir, "Module.symvers");
	TRY(make_dirs(dir));
	TRY(copy_file(symvers, kept_symvers));
	TRY(copy_file(built, ko));
	return remove_tree(work);
}

struct error *engine_build(const struct kit *kit, void **ko, size_t *size, char **symvers)
{
	_cleanup_free_ char *cache = cache_dir();
	_cleanup_free_ char *key = NULL, *dir = NULL, *ko_path = NULL, *symvers_path = NULL;
	_cleanup_free_ void *text = NULL;
	size_t text_size;

	TRY(engine_key(kit, &key));
	dir = xasprintf("%s/engines/%s", cache, key);
	ko_path = path_join(dir, "kmend.ko");
	symvers_path = path_join(dir, "Module.symvers");
	if (!file_exists(ko_path))
		TRY(build_engine(kit, dir));
	TRY(file_read(symvers_path, SYMVERS_MAX, &text, &text_size));
	TRY(file_read(ko_path, MODULE_MAX, ko, size));
	*symvers = take_ptr(text);
	return NULL;
}

/* The glue (engine/update.c) with its values, and the object under the name that kbuild copies it from. */
static struct error *write_source(const char *dir, const struct module_source *s, char **kbuild)
{
	_cleanup_free_ char *glue_path = xasprintf("%s/%s_glue.c", dir, s->name);
	_cleanup_free_ char *object_path = xasprintf("%s/%s_code.o_shipped", dir, s->name);
	/* modpost wants the command of every object, and kbuild keeps none for one that it copied. */
	_cleanup_free_ char *cmd_path = xasprintf("%s/.%s_code.o.cmd", dir, s->name);
	_cleanup_free_ char *cmd = xasprintf("cmd_%s_code.o := cat\n", s->name);
	_cleanup_free_ char *glue = xasprintf("#define KMEND_UPDATE_ID \"%s\"\n"
					      "#define KMEND_TARGET \"%s\"\n"
					      "#include \"update.c\"\n", s->id, s->target);
	char *longer;
	size_t i;

	for (i = 0; i < s->export_count; i++) {
		longer = xasprintf("%sextern char %s[];\nEXPORT_SYMBOL_GPL(%s);\n", glue, s->exports[i],
				   s->exports[i]);
		free(glue);
		glue = longer;
	}

	TRY(file_write(glue_path, glue, strlen(glue), 0644));
	TRY(file_write(object_path, s->object, s->object_size, 0644));
	TRY(file_write(cmd_path, cmd, strlen(cmd), 0644));
	longer = xasprintf("%sobj-m += %s.o\n%s-y := %s_glue.o %s_code.o\n", *kbuild, s->name, s->name,
			   s->name, s->name);
	free(*kbuild);
	*kbuild = longer;
	return NULL;
}

static struct error *check_complete(const struct module_source *s)
{
	struct object *ko;
	bool complete;

	TRY(object_parse(xmemdup(s->ko, s->ko_size), s->ko_size, s->name, &ko));
	complete = arch_module_is_complete(ko);
	object_free(ko);
	return complete ? NULL : refuse("MODULE-FAILED",
					"objtool could not work on the update module of %s: places in its code that the kernel has to rewrite are not listed",
					s->target);
}

struct error *modules_build(const struct kit *kit, const char *symvers, struct module_source *sources,
			    size_t count)
{
	_cleanup_free_ char *work = NULL, *dir = NULL, *include = NULL, *kbuild_path = NULL;
	_cleanup_free_ char *symvers_path = NULL, *kbuild = NULL;
	size_t i;

	log_progress("building the update module%s", count > 1 ? "s" : "");
	TRY(temp_dir_new(&work));
	TRY(source_unpack(work));
	dir = path_join(work, "update");
	include = path_join(work, "include");
	TRY(make_dirs(dir));
	symvers_path = path_join(work, "Module.symvers");
	TRY(file_write(symvers_path, symvers, strlen(symvers), 0644));
	kbuild = xasprintf("KBUILD_EXTRA_SYMBOLS := %s\nccflags-y := -I%s -I%s/engine\n", symvers_path,
			   include, work);
	for (i = 0; i < count; i++)
		TRY(write_source(dir, &sources[i], &kbuild));
	kbuild_path = path_join(dir, "Kbuild");
	TRY(file_write(kbuild_path, kbuild, strlen(kbuild), 0644));
	TRY(run_kbuild(kit, dir, include, "the update module"));
	for (i = 0; i < count; i++) {
		_cleanup_free_ char *ko = xasprintf("%s/%s.ko", dir, sources[i].name);

		TRY(file_read(ko, MODULE_MAX, &sources[i].ko, &sources[i].ko_size));
		TRY(check_complete(&sources[i]));
	}
	return remove_tree(work);
}
