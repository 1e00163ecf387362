/* SPDX-License-Identifier: GPL-2.0 */
/* The debug information of an object that is not linked. */
#ifndef KMEND_DIFF_DEBUG_H
#define KMEND_DIFF_DEBUG_H

#include "util/error.h"

#include <elfutils/libdw.h>
#include <stdint.h>

/*
 * Calls @fn with each type, variable and function at the outermost level of
 * the object at @path.
 * Errors: system errors, also where it has no debug information.
 */
struct error *debug_each(const char *path, void (*fn)(void *arg, Dwarf_Die *die), void *arg) __must_use;

/* The attribute @name of @die, a number; @missing where it has none. */
uint64_t debug_number(Dwarf_Die *die, unsigned int name, uint64_t missing);

/* What @die is of, as DW_AT_type tells; false for void. */
bool debug_type(Dwarf_Die *die, Dwarf_Die *type);

#endif
