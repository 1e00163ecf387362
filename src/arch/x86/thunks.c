// SPDX-License-Identifier: GPL-2.0
/* Pages of thunks that the kernel makes for indirect branches while it runs. */
#include "arch/arch.h"

#include <string.h>

/* Where modules are, and pages allocated as they are (Documentation/x86/x86_64/mm.rst). */
#define MODULES_START 0xffffffffc0000000ull
#define MODULES_END   0xffffffffff000000ull

bool arch_thunk_target(const uint8_t *text, uint64_t addr, uint64_t *target)
{
	int32_t distance;

	if (text[0] != 0xe8 && text[0] != 0xe9)
		return false;
	memcpy(&distance, text + 1, sizeof(distance));
	*target = addr + 5 + distance;
	return *target >= MODULES_START && *target < MODULES_END;
}

/* its_allocate_thunk() (arch/x86/kernel/alternative.c) leaves the first half of a cache line free. */
bool arch_is_thunk_page(const uint8_t *page, size_t size)
{
	size_t i;

	for (i = 0; i < 32 && i < size; i++)
		if (page[i] != 0xcc)
			return false;
	return size > 34 && (page[32] == 0xff || page[32] == 0x41);
}
