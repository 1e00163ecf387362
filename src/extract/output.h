/* SPDX-License-Identifier: GPL-2.0 */
/* An ELF object in the making. */
#ifndef KMEND_EXTRACT_OUTPUT_H
#define KMEND_EXTRACT_OUTPUT_H

#include "util/error.h"

#include <stddef.h>
#include <stdint.h>

struct output;

/* A place in the output's list of symbols. */
typedef size_t output_symbol;

struct output *output_new(void);
void output_free(struct output *out);

/*
 * Adds a section of @size bytes; @data is copied, NULL for SHT_NOBITS.
 * Returns its number.
 */
size_t output_section(struct output *out, const char *name, uint32_t type, uint64_t flags,
		      uint64_t align, uint64_t entsize, const void *data, uint64_t size);

/*
 * Appends @size bytes to the section @name, which is made where it is missing
 * with the other properties given.  Returns the offset; *@section its number.
 */
uint64_t output_append(struct output *out, const char *name, uint64_t flags, uint64_t align,
		       uint64_t entsize, const void *data, uint64_t size, size_t *section);

/* Orders @section by the place of @by in the linked file (SHF_LINK_ORDER). */
void output_order(struct output *out, size_t section, size_t by);

/* The symbol that stands for the start of a section. */
output_symbol output_section_symbol(struct output *out, size_t section);

/* Defines a symbol at @value in @section. @bind: STB_*, @type: STT_*. */
output_symbol output_define(struct output *out, const char *name, size_t section, uint64_t value,
			    uint64_t size, uint8_t type, uint8_t bind);

/* The undefined symbol of this name, one for each name. */
output_symbol output_undefined(struct output *out, const char *name);

void output_reloc(struct output *out, size_t section, uint64_t offset, uint32_t type,
		  output_symbol symbol, int64_t addend);

/*
 * Binds undefined symbols to global ones of the same name that are defined,
 * as a linker does.  Call once, before the functions below.
 */
void output_link(struct output *out);

/* Calls @fn with each name that is still undefined and referred to, in the order of their making. */
struct error *output_each_undefined(struct output *out, struct error *(*fn)(void *arg, const char *name),
				    void *arg) __must_use;

/* The object as bytes, the caller's to free. Errors: system errors. */
struct error *output_image(struct output *out, void **image, size_t *size) __must_use;

#endif
