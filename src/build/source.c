// SPDX-License-Identifier: GPL-2.0
#include "build/source.h"

#include "util/process.h"

__asm__(".section .rodata\n"
	".global source_tar, source_tar_end\n"
	"source_tar: .incbin \"" SOURCE_TAR "\"\n"
	"source_tar_end:\n"
	".byte 0\n"
	".previous\n");

struct error *source_unpack(const char *dir)
{
	const char *argv[] = { "tar", "-x", "-C", dir, NULL };
	struct process_options opts = { .argv = argv, .input = source_tar,
					.input_size = source_tar_end - source_tar };
	int status;

	TRY(process_run(&opts, &status, NULL, NULL));
	return status ? system_error(0, "unpacking the engine's source failed") : NULL;
}
