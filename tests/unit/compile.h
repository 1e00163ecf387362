/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Objects for tests, compiled as the kernel's are.  Include it in one file of
 * a test program, after the standard headers.
 */
#ifndef KMEND_TESTS_COMPILE_H
#define KMEND_TESTS_COMPILE_H

#include "object/object.h"
#include "util/error.h"
#include "util/file.h"
#include "util/memory.h"
#include "util/process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

/* What every snippet may use. */
#define PROLOGUE                                                                                   \
	"#define noinline __attribute__((noinline))\n"                                             \
	"#define __cold __attribute__((cold))\n"                                                   \
	"#define __section(s) __attribute__((section(s)))\n"                                       \
	"#define likely(x) __builtin_expect(!!(x), 1)\n"                                           \
	"#define unlikely(x) __builtin_expect(!!(x), 0)\n"                                         \
	"extern int external(int);\n"                                                              \
	"extern void report(const char *, int);\n"                                                 \
	"extern void fail(int) __cold;\n"                                                          \
	"#line 1\n"

/* What the macros of kmend/hooks.h make. */
#define DECLARE(kind, name)                                                                        \
	"static const char kmend_" kind "_" name "[] __attribute__((used)) __section(\".kmend." kind "\") = \"" name "\";\n"
#define HOOK(kind, fn)                                                                             \
	"static int (*const kmend_" kind "_" fn ")(void) __attribute__((used)) __section(\".kmend.hooks." kind "\") = (void *)" fn ";\n"

static char *test_folder;

/* What was compiled last is kept: some tests compare one object many times. */
static struct {
	char *source;
	void *data;
	size_t size;
} last_compiled;

/* Fails the test with the error's message; takes @err. */
static inline void assert_ok(struct error *err)
{
	if (err)
		fail_msg("%s: %s", err->code ? err->code : "error", err->message);
}

static inline void assert_refused(struct error *err, const char *code)
{
	if (!err)
		fail_msg("no refusal %s", code);
	if (!error_is(err, code))
		fail_msg("%s instead of %s: %s", err->code ? err->code : "error", code, err->message);
	error_free(err);
}

static inline int make_test_folder(void **state)
{
	return temp_dir_new(&test_folder) ? -1 : 0;
}

static inline int remove_test_folder(void **state)
{
	error_free(remove_tree(test_folder));
	free(test_folder);
	free(last_compiled.source);
	free(last_compiled.data);
	last_compiled.source = NULL;
	last_compiled.data = NULL;
	return 0;
}

/* Compiles (language "c") or assembles ("assembler") @source; the object's bytes are the caller's. */
static inline void *compile_bytes(const char *language, const char *source, size_t *size)
{
	_cleanup_free_ char *path = path_join(test_folder, "snippet.o");
	const char *argv[] = { "gcc", "-x", language, "-O2", "-ffunction-sections", "-fdata-sections",
			       "-mcmodel=kernel", "-fno-pie", "-fno-pic", "-mno-sse", "-mno-red-zone",
			       "-fcf-protection=none", "-fno-asynchronous-unwind-tables",
			       "-fno-common", "-fno-stack-protector", "-w", "-c", "-o", path, "-", NULL };
	struct process_options opts = { .argv = argv, .input = source, .input_size = strlen(source),
					.merge_stderr = true };
	_cleanup_free_ char *output = NULL;
	int status;
	void *data;

	assert_ok(process_run(&opts, &status, &output, NULL));
	if (status)
		fail_msg("gcc: %s", output);
	assert_ok(file_read(path, OBJECT_MAX_SIZE, &data, size));
	return data;
}

static inline struct object *compile_as(const char *name, const char *source)
{
	struct object *obj;

	if (!last_compiled.source || strcmp(last_compiled.source, source)) {
		_cleanup_free_ char *text = xasprintf("%s%s", PROLOGUE, source);

		free(last_compiled.source);
		free(last_compiled.data);
		last_compiled.source = NULL;
		last_compiled.data = NULL;
		last_compiled.data = compile_bytes("c", text, &last_compiled.size);
		last_compiled.source = xstrdup(source);
	}
	assert_ok(object_parse(xmemdup(last_compiled.data, last_compiled.size), last_compiled.size,
			       name, &obj));
	return obj;
}

static inline struct object *compile(const char *source)
{
	return compile_as("dir/file.o", source);
}

/* The atom that the symbol @name stands for; it must be there. */
static inline struct atom *atom_called(const struct object *obj, const char *name)
{
	struct symbol *s = object_symbol(obj, name);

	if (!s || !s->atom)
		fail_msg("%s has no atom %s", obj->name, name);
	return s->atom;
}

/* The path, the caller's to free, of an object with debug information. */
static inline char *compile_debug_as(const char *format, const char *name, const char *source)
{
	char *path = path_join(test_folder, name);
	const char *argv[] = { "gcc", "-x", "c", format, "-O2", "-c", "-o", path, "-", NULL };
	struct process_options opts = { .argv = argv, .input = source, .input_size = strlen(source) };
	int status;

	assert_ok(process_run(&opts, &status, NULL, NULL));
	assert_int_equal(status, 0);
	return path;
}

static inline char *compile_debug(const char *name, const char *source)
{
	return compile_debug_as("-g", name, source);
}

#endif
