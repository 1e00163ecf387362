/* SPDX-License-Identifier: GPL-2.0 */
/* What create makes of the compiled objects: the changes, grouped by what they are linked into. */
#ifndef KMEND_CMD_TARGET_H
#define KMEND_CMD_TARGET_H

#include "build/compile.h"
#include "build/symvers.h"
#include "extract/extract.h"
#include "pack/pack.h"

struct target {
	const char *name;		/* "vmlinux" or a module's name */
	struct change *changes;		/* of its objects that changed */
	const struct compiled **objects;
	size_t count;
	struct extraction *extraction;
	void *image;			/* what was extracted */
	size_t image_size;
	const char **exports;		/* what is new in it and other targets refer to; in the objects */
	size_t export_count;
	size_t level;			/* it is loaded after those below it */
};

/* A global function, or a variable, that @from has no longer. */
struct lost {
	const struct object *from;
	const struct atom *atom;
	char *name;			/* without the numbers of the compiler; owned */
};

struct target_list {
	struct target *targets;		/* in the order of loading, vmlinux first, then by name */
	size_t count;
	char **notes;
	size_t note_count;
	char *past;			/* what the patches change and ran already, or NULL */
	char *cpu_setup;		/* likewise, what set up each CPU */
	bool hooked;			/* they say what shall be done when they are applied */
	struct lost *lost;		/* what their objects no longer have */
	size_t lost_count;
};

/* What the author takes the responsibility for (--accept). */
struct accepted {
	char **layouts;			/* names of types */
	size_t layout_count;
	char **data;			/* names of objects whose running content stays */
	size_t data_count;
	char **init;			/* names of code that ran, which no other code relies on */
	size_t init_count;
};

/*
 * Compares and extracts.  Errors: the refusals of diff_objects() and
 * extract_change() and layout_compare(); FILE-DELETED, FUNCTION-MOVED, DATA-MOVED;
 * NOTHING-CHANGED where the patch changes no running code.
 */
struct error *targets_extract(const struct compilation *c, const struct accepted *accepted,
			      struct target_list *list) __must_use;
void targets_fini(struct target_list *list);

/* Builds the update modules and fills in the pack's files and manifest, the id among it. */
struct error *targets_pack(struct target_list *list, const struct kit *kit,
			   const struct symvers *symvers, const char *engine_symvers,
			   struct pack *pack) __must_use;

#endif
