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

#include "build/names.h"
#include "object/tables.h"
#include "object/object.h"

/* What became of an atom of the post object (struct atom, state). */
enum atom_state {
	ATOM_SAME = 0,	/* it has a twin that is equal */
	ATOM_CHANGED,	/* it has a twin that differs */
	ATOM_NEW,	/* it has no twin */
	ATOM_OVERWRITTEN, /* its twin differs, and is given its content (KMEND_OVERWRITE) */
	ATOM_KEPT,	/* its twin differs, and stays as it is (KMEND_KEEP) */
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
	CLASS_DECLARED,	/* .kmend.*: what the patch says shall happen (kmend/hooks.h) */
	CLASS_OTHER,	/* has a meaning that kmend does not know */
};

/* What a patch says shall happen to data, and was heeded. */
struct declaration {
	enum declaration_kind { DECLARED_OVERWRITE, DECLARED_KEEP, DECLARED_LAYOUT } kind;
	char *name;		/* of the object, or the type; owned */
};

struct change {
	struct object *pre, *post;
	char *const *accepted_data; /* names of objects whose new content is for later boots only */
	size_t accepted_data_count;
	struct tables *pre_tables, *post_tables;
	bool module;		/* the object belongs to a module: its .exit.text is loaded */
	struct atom **replaced;	/* functions of the post object whose running code must change, cold parts included */
	size_t replaced_count;
	struct atom **past;	/* code that ran already and sets up what exists: past_find() */
	size_t past_count;
	struct atom *cpu_setup;	/* one of them that sets up each CPU as it starts, or NULL */
	struct names past_inlined; /* functions that are parts of boot or load code among it, and of nothing else */
	struct atom **overwritten;
	size_t overwritten_count;
	struct atom **hooks;	/* pointers to functions, in sections DECLARED_HOOKS"pre_apply" and so on */
	size_t hook_count;
	struct declaration *declarations;
	size_t declaration_count;
	char **notes;		/* sentences for the administrator, owned */
	size_t note_count;
};

#define DECLARED_HOOKS ".kmend.hooks."

enum section_class section_classify(const struct section *sec, bool module);
/* Whether @a is the struct _ddebug of a pr_debug() (include/linux/dynamic_debug.h). */
bool atom_is_debug_message(const struct atom *a);

/*
 * Whether @post can go on being what @pre is in memory: not freed, not
 * read-only where it may be written now, not of one CPU each.
 */
bool same_home(const struct atom *pre, const struct atom *post);

/* Whether it is write-protected in memory. */
bool atom_is_read_only(const struct atom *a);

/*
 * A flag that something was said already, the switch of a debug message, or a
 * limit of messages: where it starts anew, something is said once more.
 */
bool atom_starts_anew(const struct atom *a);

/*
 * An entry of a list of functions that the kernel has for modules as well: not
 * to be probed (NOKPROBE_SYMBOL()), or to fail on demand (ALLOW_ERROR_INJECTION()).
 */
bool section_lists_functions(const struct section *s);

/* Whether @a is such an entry for a function that is new. */
bool atom_lists_new(const struct atom *a);

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

/*
 * The variable of the pre object that @post, a new one, may be by another name:
 * it is gone, and a function that used it uses @post.  NULL where there is none.
 */
const struct atom *correlate_renamed(const struct change *c, const struct atom *post);

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
 * Whether the patch declares @name, or what @name is a numbered form of, in the
 * section ".kmend.KIND" of the post object; what the pre object has there was said before.
 */
bool is_declared(const struct change *c, const char *kind, const char *name);

/* Whether who makes the update said of @name, or what it is a numbered form of, that it may be as it is. */
bool data_is_accepted(const struct change *c, const char *name);

/*
 * Gives the changed data that the patch speaks of, or that is accepted, its
 * state: ATOM_KEPT or ATOM_OVERWRITTEN.
 * Errors: refusals DATA-CHANGED where the size differs, DECLARATION-INVALID.
 */
struct error *heed_declarations(struct change *c) __must_use;

/* Makes @a, which is declared so, one that is overwritten. Errors: as above. */
struct error *overwrite_atom(struct change *c, struct atom *a) __must_use;

/* Adds the types that @post declares with KMEND_LAYOUT, and @pre does not, to *@list; strings of @post. */
void declared_layouts(const struct object *pre, const struct object *post, char ***list, size_t *count);

/*
 * Fills in @c from @c->pre, @c->post, @c->module and what is accepted.  No
 * error and not change_acts() means that the patch changes nothing in this
 * object.
 * Errors: refusals DATA-CHANGED, DATA-MOVED, STATIC-AMBIGUOUS, EXPORT-CHANGED,
 * SECTION-UNKNOWN, DECLARATION-INVALID, those of check_code(), that name the symbol
 * and the object.
 */
struct error *diff_objects(struct change *c) __must_use;

/*
 * Whether @a of the post object is a new function or variable that is not
 * static: other objects of the update may be what needs it.
 */
bool change_is_new_global(const struct change *c, const struct atom *a);

/* Whether something that runs is changed, or something shall be called. */
bool change_acts(const struct change *c);

/* Whether there is that, or something new that other objects may need. */
bool change_matters(const struct change *c);

/*
 * That @a, text of the post object, can be replaced, if it shall be.
 * Errors: refusals ENTRY-CHANGED, CODE-BOUND, SYMBOL-NAMELESS.
 */
struct error *check_code(const struct change *c, const struct atom *a) __must_use;

/* Whether @f of the post object, though not marked as such, runs at boot or load only. */
bool runs_once(const struct change *c, const struct atom *f);

/* Adds a sentence for the administrator; takes @note. */
void change_note(struct change *c, char *note);

/*
 * Finds the changed code and data of the post object that had their effect
 * already: what runs at boot or load only, and what set up each network
 * namespace, CPU, or object of a cache.  @post_debug: path of the post object
 * with debug information.  Errors: system errors.
 */
struct error *past_find(struct change *c, const char *post_debug) __must_use;

/* Whether the pre object exports @name to modules. */
bool change_exports(const struct change *c, const char *name);

/* Frees what diff_objects() made; the objects are the caller's. */
void change_fini(struct change *c);

#endif
