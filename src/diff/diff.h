/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Comparing the pre and the post object of one source file.
 *
 * correlate() finds for each atom of the post object the same thing in the
 * pre object (its twin), compare_atoms() tells whether the two are equal, and
 * diff_objects() makes the change set of them.
 */
#ifndef KMEND_DIFF_DIFF_H
#define KMEND_DIFF_DIFF_H

#include "object/tables.h"
#include "object/object.h"

/* What became of an atom of the post object (struct atom, state). */
enum atom_state {
	ATOM_SAME = 0,	/* it has a twin that is equal */
	ATOM_CHANGED,	/* it has a twin that differs */
	ATOM_NEW,	/* it has no twin */
};

/* What a section is to the comparison, by its name and flags. */
enum section_class {
	CLASS_IGNORED,	/* not in memory, or of no effect on running code */
	CLASS_TEXT,
	CLASS_RODATA,
	CLASS_DATA,	/* writable, its content lives */
	CLASS_TABLE,	/* one of arch_tables, handled with the code it speaks of */
	CLASS_INIT,	/* freed after boot, or never loaded */
	CLASS_EXPORT,	/* the lists of exported symbols */
	CLASS_OTHER,	/* has a meaning that kmend does not know */
};

struct change {
	struct object *pre, *post;
	struct tables *pre_tables, *post_tables;
	bool module;		/* the object belongs to a module: its .exit.text is loaded */
	struct atom **replaced;	/* functions of the post object whose running code must change, cold parts included */
	size_t replaced_count;
	char **notes;		/* sentences for the administrator, owned */
	size_t note_count;
};

enum section_class section_classify(const struct section *sec, bool module);

/*
 * Whether @post can go on being what @pre is in memory: not freed, not
 * read-only where it may be written now, not of one CPU each.
 */
bool same_home(const struct atom *pre, const struct atom *post);

/* Strings, constants and pieces of code without a name: equal where their content is. */
bool atom_is_content(const struct atom *a);

/*
 * Pairs the atoms of both objects (struct atom, twin, set in both).  Names that the
 * compiler numbers (foo.12, foo.part.0) are paired by who refers to them and
 * by content; where that leaves a doubt they stay without a twin.
 */
void correlate(struct change *c);

/*
 * The atom of the pre object that @post, which has no twin, may be: it has
 * none either, the same base name, and a function in common with it or one
 * that is gone.  NULL where there is none.
 */
const struct atom *correlate_doubt(const struct change *c, const struct atom *post);

/* @name without the numbers that the compiler or __COUNTER__ put into it; the caller's to free. */
char *base_name(const char *name);

/* How things are compared that have no twins yet. */
enum compare_mode {
	COMPARE_STRICT,		/* they are not the same */
	COMPARE_LOOSE,		/* they may be the same where base name and content are equal */
	COMPARE_SHALLOW,	/* where the base name is */
};

/* Whether two atoms have the same bytes, relocations and table entries. */
bool compare_atoms(const struct change *c, const struct atom *pre, const struct atom *post,
		   enum compare_mode mode);

/* Whether two relocations refer to the same thing; their places are not compared. */
bool compare_targets(const struct change *c, const struct reloc *pre, const struct reloc *post,
		     enum compare_mode mode);

/*
 * Fills in @c from @c->pre, @c->post and @c->module.  Nothing replaced and no
 * error means that the patch changes nothing in this object.
 * Errors: refusals DATA-CHANGED, STATIC-AMBIGUOUS, EXPORT-CHANGED,
 * SECTION-UNKNOWN that name the symbol and the object.
 */
struct error *diff_objects(struct change *c) __must_use;

/*
 * Whether @a of the post object is a new function or variable that is not
 * static: other objects of the update may be what needs it.
 */
bool change_is_new_global(const struct change *c, const struct atom *a);

/* Whether the pre object exports @name to modules. */
bool change_exports(const struct change *c, const char *name);

/* Frees what diff_objects() made; the objects are the caller's. */
void change_fini(struct change *c);

#endif
