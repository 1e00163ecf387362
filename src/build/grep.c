// SPDX-License-Identifier: GPL-2.0
#include "build/grep.h"

#include "util/file.h"
#include "util/memory.h"
#include "util/process.h"
#include "util/string.h"

#include <string.h>

/* Where the kernel's own code is; for what else it compiles see is_borrowed() in patch.c. */
static const char *const folders[] = { "arch/x86", "block", "certs", "crypto", "drivers", "fs",
				       "include", "init", "io_uring", "ipc", "kernel", "lib", "mm",
				       "net", "security", "sound", "virt" };

static void sort_out(char *output, struct names *headers, struct names *sources)
{
	char *line, *save = NULL;

	for (line = strtok_r(output, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		/* Generated from headers for assembly; make takes care of it. */
		if (strstr(line, "/asm-offsets"))
			continue;
		if (ends_with(line, ".h"))
			names_add(headers, line, strlen(line));
		else if (ends_with(line, ".c") || ends_with(line, ".S"))
			names_add(sources, line, strlen(line));
	}
}

struct error *grep_source(const struct tree *tree, const char *const *options, const char *patterns,
			  struct names *headers, struct names *sources)
{
	const char *argv[ARRAY_SIZE(folders) + 16] = { "grep", "-rlF", "--include=*.[chS]" };
	struct process_options opts = { .argv = argv, .dir = tree->source, .env_add = build_environment,
					.input = patterns, .input_size = strlen(patterns) };
	_cleanup_free_ char *output = NULL;
	size_t n = 3, i;
	int status;

	for (i = 0; options[i]; i++)
		argv[n++] = options[i];
	argv[n++] = "-f";
	argv[n++] = "-";
	for (i = 0; i < ARRAY_SIZE(folders); i++) {
		_cleanup_free_ char *path = path_join(tree->source, folders[i]);

		if (file_exists(path))
			argv[n++] = folders[i];
	}
	TRY(process_run(&opts, &status, &output, NULL));
	if (status > 1)
		return system_error(0, "grep failed in %s", tree->source);
	sort_out(output, headers, sources);
	return NULL;
}
