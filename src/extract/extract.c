// SPDX-License-Identifier: GPL-2.0
#include "extract/extract.h"

#include "arch/arch.h"
#include "kmend/engine.h"
#include "util/memory.h"
#include "util/string.h"

#include <ctype.h>
#include <string.h>

#define FUNCTIONS_SECTION ".kmend.functions"
#define RANGES_SECTION ".kmend.ranges"
#define OBJECTS_SECTION ".kmend.objects"
#define HOOKS_SECTION ".kmend.hooks"
#define CONTENT_SECTION ".kmend.content"
#define STRINGS_SECTION ".kmend.strings"

/* Bytes before a function that belong to it (CONFIG_FUNCTION_PADDING_BYTES). */
#define PREFIX_MAX 16

/* Where an atom of the post object went. */
struct place {
	bool kept;
	size_t section;		/* in the output */
	uint64_t lead;		/* bytes of its section before it */
	output_symbol symbol;	/* what its relocations are given */
};

struct extractor {
	struct extraction *x;
	const struct change *c;
	struct place *places;		/* by the atoms' index */
	struct atom **queue;
	size_t queued, done;
};

/* What a reference from kept code to something else becomes. */
enum reference {
	REFERENCE_KEPT,		/* the new thing, which goes with the update */
	REFERENCE_LIVE,		/* the running one, found by the proof */
	REFERENCE_GLOBAL,	/* a symbol that is defined elsewhere */
};

struct extraction *extraction_new(void)
{
	struct extraction *x = xcalloc(1, sizeof(*x));

	x->out = output_new();
	return x;
}

void extraction_free(struct extraction *x)
{
	size_t i;

	if (!x)
		return;
	for (i = 0; i < x->function_count; i++)
		free(x->functions[i].name);
	free(x->functions);
	for (i = 0; i < x->hook_count; i++)
		free(x->hooks[i].name);
	free(x->hooks);
	output_free(x->out);
	free(x);
}

static void keep(struct extractor *e, struct atom *a)
{
	if (e->places[a->index].kept)
		return;
	e->places[a->index].kept = true;
	e->queue[e->queued++] = a;
}

/*
 * Read-only data that the compiler made or numbered and that refers to nothing
 * is nobody's address: a copy is as good as the original.
 */
static bool is_anonymous_constant(const struct atom *a)
{
	_cleanup_free_ char *base = NULL;

	if (!a->symbol || a->reloc_count || a->symbol->bind != STB_LOCAL)
		return false;
	base = base_name(a->symbol->name);
	return strcmp(base, a->symbol->name) != 0;
}

static struct error *refuse_reference(const struct extractor *e, const char *code,
				      const struct atom *from, const struct atom *to, const char *why)
{
	return refuse(code, "%s in %s refers to %s (%s), %s", atom_name(from), e->c->post->name,
		      atom_name(to), to->section->name, why);
}

/* Small things are no arrays that somebody walks through to their end. */
#define NUMBER_SIZE 8

/*
 * The object before the one that @rel points to, where its end can be meant as
 * well and will lie elsewhere: &array[N] is the same as what is behind the
 * array where the assembler wrote it as a place in the section of both.  A
 * debug message is in no array of the source.
 */
static const struct atom *other_meaning(const struct reloc *rel)
{
	const struct atom *to = rel->target, *before;

	if (rel->symbol->type != STT_SECTION || rel->delta || rel->access || section_is_text(to->section) ||
	    !(to->section->flags & SHF_WRITE) || atom_is_debug_message(to))
		return NULL;
	before = atom_before(to);
	if (!before || !before->symbol || before->symbol->bind != STB_LOCAL || atom_size(before) <= NUMBER_SIZE)
		return NULL;
	return to->twin && before->twin && atom_before(to->twin) == before->twin ? NULL : before;
}

/* What @rel of the kept atom @from becomes. @in_table: it stands in a table's entry. */
static struct error *judge_reference(const struct extractor *e, const struct atom *from,
				     const struct reloc *rel, bool in_table, enum reference *kind)
{
	const struct atom *to = rel->target, *before;
	enum section_class class;

	*kind = REFERENCE_GLOBAL;
	if (!arch_reloc_is_far(rel->type))
		return refuse("BRANCH-SHORT",
			      "%s in %s jumps to %s with an instruction that reaches 127 bytes only",
			      atom_name(from), e->c->post->name, to ? atom_name(to) : rel->symbol->name);
	if (!to && rel->symbol->section)
		return refuse("SYMBOL-NAMELESS", "%s in %s refers to nothing in %s", atom_name(from),
			      e->c->post->name, rel->symbol->section->name);
	if (!to)
		return NULL;
	class = section_classify(to->section, e->c->module);
	*kind = REFERENCE_KEPT;
	if (atom_is_content(to))
		return NULL;
	if (class == CLASS_INIT)
		return refuse_reference(e, "INIT-REFERENCE", from, to, "which is gone after boot");
	before = in_table ? NULL : other_meaning(rel);
	if (before)
		return refuse("STATIC-AMBIGUOUS",
			      "%s in %s refers to %s or to the end of %s, and they part: %s must not be behind it in %s",
			      atom_name(from), e->c->post->name, atom_name(to), atom_name(before), atom_name(to),
			      to->section->name);
	if (to->state == ATOM_NEW) {
		if (class == CLASS_OTHER || class == CLASS_TABLE || class == CLASS_EXPORT)
			return refuse_reference(e, "SECTION-UNKNOWN", from, to,
						"in a section whose meaning is not known");
		return NULL;
	}
	if (to->state == ATOM_CHANGED && class == CLASS_TEXT) {
		/*
		 * An address that is kept somewhere must outlive an undo, so it is the old
		 * one; calls, and what points into the middle of the code, are the new.
		 */
		if (!in_table && !rel->delta && !rel->branch)
			*kind = REFERENCE_LIVE;
		return NULL;
	}
	if (to->state == ATOM_CHANGED)
		return NULL;
	if (class == CLASS_RODATA && to->state == ATOM_SAME && is_anonymous_constant(to))
		return NULL;
	if (!to->twin || !to->twin->symbol)
		return refuse_reference(e, "SYMBOL-NAMELESS", from, to,
					"which has no name to find it by");
	*kind = REFERENCE_LIVE;
	return NULL;
}

/*
 * Whether a function of this name may keep a string that it is given, as those do
 * that register or make something (request_irq(), rdma_create_id()), and what is called
 * by a pointer. Others print it, compare it or copy it.
 */
static bool keeps_strings(const char *name)
{
	static const char *const words[] = { "register", "request", "create", "alloc", "_add", "__x86_indirect_thunk" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (strstr(name, words[i]))
			return true;
	return false;
}

/*
 * Whether the address of what the update brings can be kept by somebody who outlives
 * an undo.  Of constants, functions that are given one mostly read it alone.
 */
static bool may_escape(const struct atom *from, const struct reloc *rel, bool in_table)
{
	const struct atom *to = rel->target;
	bool text = section_is_text(to->section);

	if (in_table || rel->branch || rel->access)
		return false;
	if (rel->stored && (!text || to->state == ATOM_NEW))
		return true;
	if (!text && section_is_text(from->section)) {
		const char *callee = atom_next_call(from, rel);

		if (callee && keeps_strings(callee))
			return true;
	}
	if (!to->symbol || (to->state != ATOM_NEW && (to->state != ATOM_CHANGED || text)))
		return false;
	return text || to->section->flags & SHF_WRITE || to->reloc_count;
}

static struct error *follow(struct extractor *e, const struct atom *from, const struct reloc *relocs,
			    size_t count, bool in_table)
{
	enum reference kind;
	size_t i;

	for (i = 0; i < count; i++) {
		TRY(judge_reference(e, from, &relocs[i], in_table, &kind));
		if (kind != REFERENCE_KEPT)
			continue;
		keep(e, relocs[i].target);
		if (may_escape(from, &relocs[i], in_table))
			e->x->escapes = true;
	}
	return NULL;
}

/* The function that a pointer in a section of hooks holds: it must be the patch's own. */
static struct error *hook_function(const struct extractor *e, const struct atom *hook, struct atom **f)
{
	*f = hook->reloc_count == 1 && !hook->relocs[0].delta ? hook->relocs[0].target : NULL;
	if (*f && atom_is_function(*f) && (*f)->state == ATOM_NEW &&
	    section_classify((*f)->section, e->c->module) == CLASS_TEXT)
		return NULL;
	return refuse("DECLARATION-INVALID", "the hook %s in %s is no function that the patch adds and that stays",
		      *f ? atom_name(*f) : atom_name(hook), e->c->post->name);
}

static struct error *find_hooks(struct extractor *e)
{
	struct atom *f;
	size_t i;

	for (i = 0; i < e->c->hook_count; i++) {
		TRY(hook_function(e, e->c->hooks[i], &f));
		keep(e, f);
	}
	return NULL;
}

/* What the new content of running objects refers to may go anywhere from there. */
static struct error *find_content(struct extractor *e)
{
	size_t i, before = e->queued;

	for (i = 0; i < e->c->overwritten_count; i++) {
		const struct atom *a = e->c->overwritten[i];

		TRY(follow(e, a, a->relocs, a->reloc_count, false));
	}
	if (e->queued > before)
		e->x->escapes = true;
	return NULL;
}

#define PER_CPU ".data..percpu"
#define PER_CPU_ALIGN 4096	/* of what the module loader allocates (mm/percpu.c, pcpu_alloc()) */

static bool is_per_cpu(const struct section *s)
{
	return !strncmp(s->name, PER_CPU, strlen(PER_CPU));
}

/* New data has to be where the module loader can put it as the kernel's own is put at boot. */
static struct error *check_home(const struct extractor *e, const struct atom *a)
{
	/* Shared with a hypervisor; taken off the end of the kernel while it boots. */
	static const char *const boot[] = { ".data..decrypted", ".bss..decrypted", PER_CPU "..decrypted",
					    ".bss..brk" };
	size_t i;

	if (a->state != ATOM_NEW)
		return NULL;
	for (i = 0; i < ARRAY_SIZE(boot); i++)
		if (!strncmp(a->section->name, boot[i], strlen(boot[i])))
			return refuse("SECTION-UNKNOWN",
				      "the patch adds %s to the section %s of %s, which the kernel sets up at boot only",
				      atom_name(a), a->section->name, e->c->post->name);
	if (is_per_cpu(a->section) && a->section->align > PER_CPU_ALIGN)
		return refuse("SECTION-UNKNOWN",
			      "the patch adds %s to %s, of which each CPU has one, and wants it aligned to more than the %d bytes that modules get",
			      atom_name(a), e->c->post->name, PER_CPU_ALIGN);
	return NULL;
}

/* Finds all that the replaced functions need, with the entries of tables about it. */
static struct error *find_kept(struct extractor *e)
{
	size_t i, n;

	TRY(find_content(e));
	TRY(find_hooks(e));
	for (i = 0; i < e->c->replaced_count; i++)
		keep(e, e->c->replaced[i]);
	for (i = 0; i < e->c->post->atom_count; i++)
		if (change_is_new_global(e->c, &e->c->post->atoms[i]))
			keep(e, &e->c->post->atoms[i]);
	for (; e->done < e->queued; e->done++) {
		const struct atom *a = e->queue[e->done];
		const struct table_entry *entries = tables_of(e->c->post_tables, a, &n);

		TRY(check_home(e, a));
		TRY(follow(e, a, a->relocs, a->reloc_count, false));
		for (i = 0; i < n; i++)
			TRY(follow(e, a, entries[i].relocs + 1, entries[i].table->relocs - 1, true));
	}
	return NULL;
}

/* The module loader reads these lists, and forgets what it read when the module goes: nothing escapes by them. */
static void keep_lists(struct extractor *e)
{
	size_t i;

	for (i = 0; i < e->c->post->atom_count; i++) {
		const struct atom *a = &e->c->post->atoms[i];

		if (atom_lists_new(a) && e->places[a->relocs[0].target->index].kept)
			e->places[i].kept = true;
	}
}

/*
 * Whether the relocation of @s is a pointer to a function as any object may hold
 * one, or the section is one of lists of functions as a whole: these mean the
 * function that runs, whose jump leads to the new one.
 */
static bool is_function_pointer(const struct section *s, const struct reloc *rel)
{
	/* include/linux/pci.h; static_call_types.h, trampolines, which no patch changes */
	static const char *const lists[] = { ".pci_fixup", ".static_call_tramp_key" };
	const struct atom *holder = section_atom(s, rel->offset);
	size_t i;

	if (rel->delta)
		return false;
	if (section_lists_functions(s) || (holder && holder->symbol && rel->type == arch_reloc_address()))
		return true;
	for (i = 0; i < ARRAY_SIZE(lists); i++)
		if (!strncmp(s->name, lists[i], strlen(lists[i])))
			return true;
	return false;
}

/*
 * A section that is not known and points into kept code, or to its first
 * instruction, lists places that the kernel does something with, as runtime_ptr_*
 * of linux 6.12: without that the new code would be wrong.
 */
static struct error *check_unknown_tables(const struct extractor *e)
{
	const struct object *post = e->c->post;
	size_t i, k;

	for (i = 0; i < post->section_count; i++) {
		const struct section *s = post->sections[i];

		if (section_classify(s, e->c->module) != CLASS_OTHER)
			continue;
		for (k = 0; k < s->reloc_count; k++) {
			const struct atom *to = s->relocs[k].target;

			if (to && !is_function_pointer(s, &s->relocs[k]) && section_is_text(to->section) &&
			    e->places[to->index].kept)
				return refuse("SECTION-UNKNOWN",
					      "the section %s in %s speaks of places in %s, and what it means is not known",
					      s->name, post->name, atom_name(to));
		}
	}
	return NULL;
}

/* The filling before a function is its prefix where the kernel gives functions one. */
static uint64_t lead_of(const struct atom *a)
{
	const struct section *s = a->section;
	uint64_t before = 0;
	size_t i;

	if (!atom_is_function(a))
		return 0;
	for (i = 0; i < s->atom_count && s->atoms[i] != a; i++)
		before = s->atoms[i]->end;
	return a->start - before < PREFIX_MAX ? a->start - before : PREFIX_MAX;
}

static void place_atom(struct extractor *e, const struct atom *a)
{
	struct place *p = &e->places[a->index];
	const struct section *s = a->section;
	uint64_t lead = lead_of(a), align = s->align ? s->align : 1;
	const uint8_t *data = atom_data(a);
	/* The loader gives each CPU its own of the section of exactly this name. */
	const char *name = is_per_cpu(s) ? PER_CPU : s->name;
	bool global = a->symbol && a->state == ATOM_NEW && a->symbol->bind != STB_LOCAL;

	while ((a->start - lead) % align)
		align /= 2;
	p->lead = lead;
	p->section = output_section(e->x->out, name, s->type, s->flags & ~(uint64_t)SHF_GROUP,
				    align, s->entsize, data ? data - lead : NULL, atom_size(a) + lead);
	if (a->symbol)
		p->symbol = output_define(e->x->out, a->symbol->name, p->section, lead, atom_size(a),
					  a->symbol->type, global ? STB_GLOBAL : STB_LOCAL);
	else
		p->symbol = output_section_symbol(e->x->out, p->section);
}

/* "kernel/fork.o:foo", the running thing that the pre object calls foo. */
static char *live_name(const struct change *c, const char *name)
{
	return xasprintf("%s%c%s", c->pre->name, EXTRACT_SEPARATOR, name);
}

static output_symbol live_symbol(struct extractor *e, const struct atom *twin)
{
	_cleanup_free_ char *name = live_name(e->c, twin->symbol->name);

	return output_undefined(e->x->out, name);
}

/*
 * Where objtool has not run over the object, it makes static calls of those in
 * the update, and the module loader takes only those whose trampoline is
 * exported (kernel/static_call_inline.c, static_call_add_module()).  Under
 * another name they are calls of the trampoline, which leads to the same.
 */
static bool is_late_static_call(const struct extractor *e, const char *name)
{
	return !strncmp(name, "__SCT__", 7) && !object_section(e->c->post, ".static_call_sites");
}

static output_symbol global_symbol(struct extractor *e, const struct symbol *s)
{
	_cleanup_free_ char *name = NULL;

	/* What a module calls __this_module is itself, not the update. */
	if (strcmp(s->name, "__this_module") && !is_late_static_call(e, s->name))
		return output_undefined(e->x->out, s->name);
	name = live_name(e->c, s->name);
	return output_undefined(e->x->out, name);
}

/* Gives the output the relocation @rel, which stands at @offset of its @section. */
static struct error *emit_reloc(struct extractor *e, const struct atom *from, const struct reloc *rel,
				bool in_table, size_t section, uint64_t offset)
{
	int64_t addend = rel->delta - rel->bias;
	enum reference kind;
	output_symbol symbol;

	TRY(judge_reference(e, from, rel, in_table, &kind));
	if (kind == REFERENCE_KEPT) {
		const struct place *p = &e->places[rel->target->index];
		/* objtool wants entries of tables as the assembler makes them: from the section's start. */
		bool from_start = in_table || !rel->target->symbol;

		symbol = from_start ? output_section_symbol(e->x->out, p->section) : p->symbol;
		if (from_start)
			addend += p->lead;
	} else if (kind == REFERENCE_LIVE) {
		symbol = live_symbol(e, rel->target->twin);
	} else {
		symbol = global_symbol(e, rel->symbol);
	}
	output_reloc(e->x->out, section, offset, rel->type, symbol, addend);
	return NULL;
}

static struct error *emit_relocs(struct extractor *e, const struct atom *a)
{
	const struct place *p = &e->places[a->index];
	size_t i;

	for (i = 0; i < a->reloc_count; i++)
		TRY(emit_reloc(e, a, &a->relocs[i], false, p->section,
			       a->relocs[i].offset - a->start + p->lead));
	return NULL;
}

/* The ORC data of an .orc_unwind_ip entry stands at the same place of .orc_unwind. */
static struct error *emit_unwind(struct extractor *e, const struct table_entry *t)
{
	const struct section *with = object_section(e->c->post, t->table->with);
	uint64_t index = t->offset / t->size, size;
	size_t section;

	if (!with || !with->data || with->size % (t->section->size / t->size))
		return refuse("TABLE-UNKNOWN", "%s: %s does not fit %s", e->c->post->name,
			      t->table->with, t->table->section);
	size = with->size / (t->section->size / t->size);
	output_append(e->x->out, with->name, with->flags, with->align, with->entsize,
		      with->data + index * size, size, &section);
	return NULL;
}

/* Copies an entry into the output's table; the linker wants some tables in pieces, one for each function. */
static uint64_t place_entry(struct extractor *e, const struct atom *a, const struct table_entry *t,
			    size_t *section)
{
	const struct section *s = t->section;
	uint64_t flags = s->flags & ~(uint64_t)(SHF_GROUP | SHF_LINK_ORDER);

	if (!(s->flags & SHF_LINK_ORDER))
		return output_append(e->x->out, s->name, flags, s->align, s->entsize,
				     s->data + t->offset, t->size, section);
	*section = output_section(e->x->out, s->name, s->type, flags, s->align, s->entsize,
				  s->data + t->offset, t->size);
	output_order(e->x->out, *section, e->places[a->index].section);
	return 0;
}

static struct error *emit_tables(struct extractor *e, const struct atom *a)
{
	size_t n, i, k, section;
	const struct table_entry *entries = tables_of(e->c->post_tables, a, &n);

	for (i = 0; i < n; i++) {
		const struct table_entry *t = &entries[i];
		uint64_t at = place_entry(e, a, t, &section);

		for (k = 0; k < t->table->relocs; k++)
			TRY(emit_reloc(e, a, &t->relocs[k], true, section,
				       at + t->relocs[k].offset - t->offset));
		if (t->table->kind == ARCH_TABLE_UNWIND)
			TRY(emit_unwind(e, t));
	}
	return NULL;
}

static void add_function(struct extraction *x, const char *name, const char *object, bool added)
{
	array_grow(x->functions, x->function_count, x->function_capacity);
	x->functions[x->function_count++] =
		(struct extracted_function){ xstrdup(name), object, added };
}

/* Nothing is written to the running .cold part, but no thread may be in it. */
static void emit_range(struct extractor *e, const struct atom *pre)
{
	struct kmend_range range = { 0 };
	size_t section;
	uint64_t at;

	at = output_append(e->x->out, RANGES_SECTION, SHF_ALLOC | SHF_WRITE, 8, 0, &range,
			   sizeof(range), &section);
	output_reloc(e->x->out, section, at + offsetof(struct kmend_range, addr),
		     arch_reloc_address(), live_symbol(e, pre), 0);
	e->x->ranges++;
}

/* Appends @name to the strings; returns its offset. */
static uint64_t add_string(struct extraction *x, const char *name, output_symbol *strings)
{
	size_t section;
	uint64_t at = output_append(x->out, STRINGS_SECTION, SHF_ALLOC, 1, 0, name, strlen(name) + 1,
				    &section);

	*strings = output_section_symbol(x->out, section);
	return at;
}

static void emit_function(struct extractor *e, const struct atom *a)
{
	struct kmend_function f = { .new_size = atom_size(a) };
	const char *name = a->symbol->name;
	output_symbol strings;
	uint64_t at, string = add_string(e->x, name, &strings);
	size_t section;

	at = output_append(e->x->out, FUNCTIONS_SECTION, SHF_ALLOC | SHF_WRITE, 8, 0, &f, sizeof(f),
			   &section);
	output_reloc(e->x->out, section, at + offsetof(struct kmend_function, old_addr),
		     arch_reloc_address(), live_symbol(e, a->twin), 0);
	output_reloc(e->x->out, section, at + offsetof(struct kmend_function, new_addr),
		     arch_reloc_address(), e->places[a->index].symbol, 0);
	output_reloc(e->x->out, section, at + offsetof(struct kmend_function, name),
		     arch_reloc_address(), strings, string);
	add_function(e->x, name, e->c->post->name, false);
	e->x->replaced++;
}

/* The new content of an object that lives, and the entry that tells where it goes. */
static struct error *emit_object(struct extractor *e, const struct atom *a)
{
	struct kmend_object object = { .size = atom_size(a), .read_only = atom_is_read_only(a->twin) };
	_cleanup_free_ void *content = xcalloc(1, atom_size(a));
	const char *name = a->twin->symbol->name;
	output_symbol strings;
	size_t section, copy, i;
	uint64_t at, string = add_string(e->x, name, &strings);

	if (atom_data(a))
		memcpy(content, atom_data(a), atom_size(a));
	copy = output_section(e->x->out, CONTENT_SECTION, SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, 8, 0, content,
			      atom_size(a));
	for (i = 0; i < a->reloc_count; i++)
		TRY(emit_reloc(e, a, &a->relocs[i], false, copy, a->relocs[i].offset - a->start));
	at = output_append(e->x->out, OBJECTS_SECTION, SHF_ALLOC | SHF_WRITE, 8, 0, &object,
			   sizeof(object), &section);
	output_reloc(e->x->out, section, at + offsetof(struct kmend_object, addr), arch_reloc_address(),
		     live_symbol(e, a->twin), a->twin->start - a->twin->symbol->value);
	output_reloc(e->x->out, section, at + offsetof(struct kmend_object, content),
		     arch_reloc_address(), output_section_symbol(e->x->out, copy), 0);
	output_reloc(e->x->out, section, at + offsetof(struct kmend_object, name), arch_reloc_address(),
		     strings, string);
	e->x->objects++;
	return NULL;
}

static struct error *hook_kind(const struct atom *hook, uint32_t *kind)
{
	static const char *const names[] = { KMEND_HOOK_NAMES };
	const char *name = hook->section->name + strlen(DECLARED_HOOKS);

	for (*kind = 0; *kind < ARRAY_SIZE(names); ++*kind)
		if (!strcmp(names[*kind], name))
			return NULL;
	return refuse("DECLARATION-INVALID", "there are no hooks %s", name);
}

static struct error *emit_hook(struct extractor *e, const struct atom *a)
{
	struct kmend_hook hook = { 0 };
	output_symbol strings;
	struct atom *f;
	uint64_t at, string;
	size_t section;

	TRY(hook_kind(a, &hook.kind));
	TRY(hook_function(e, a, &f));
	string = add_string(e->x, f->symbol->name, &strings);
	at = output_append(e->x->out, HOOKS_SECTION, SHF_ALLOC | SHF_WRITE, 8, 0, &hook, sizeof(hook),
			   &section);
	output_reloc(e->x->out, section, at + offsetof(struct kmend_hook, function), arch_reloc_address(),
		     e->places[f->index].symbol, 0);
	output_reloc(e->x->out, section, at + offsetof(struct kmend_hook, name), arch_reloc_address(),
		     strings, string);
	array_grow(e->x->hooks, e->x->hook_count, e->x->hook_capacity);
	e->x->hooks[e->x->hook_count++] =
		(struct extracted_hook){ xstrdup(f->symbol->name), e->c->post->name, hook.kind };
	return NULL;
}

static void describe(struct extractor *e, const struct atom *a)
{
	if (!atom_is_function(a))
		return;
	if (a->state == ATOM_NEW && !atom_is_cold_part(a))
		add_function(e->x, a->symbol->name, e->c->post->name, true);
	else if (a->state == ATOM_CHANGED && atom_is_cold_part(a))
		emit_range(e, a->twin);
	else if (a->state == ATOM_CHANGED)
		emit_function(e, a);
}

/* The running .cold part of a function that has none any more. */
static void describe_lost_cold_parts(struct extractor *e)
{
	const struct object *pre = e->c->pre;
	size_t i, k;

	for (i = 0; i < pre->atom_count; i++) {
		const struct atom *cold = &pre->atoms[i];

		if (cold->twin || !atom_is_cold_part(cold))
			continue;
		for (k = 0; k < e->c->replaced_count; k++) {
			const char *name = e->c->replaced[k]->twin->symbol->name;
			size_t len = strlen(name);

			if (!strncmp(cold->symbol->name, name, len) &&
			    !strcmp(cold->symbol->name + len, ".cold"))
				emit_range(e, cold);
		}
	}
}

struct error *extract_change(struct extraction *x, const struct change *c)
{
	_cleanup_free_ struct place *places = xcalloc(c->post->atom_count, sizeof(*places));
	_cleanup_free_ struct atom **queue = xcalloc(c->post->atom_count, sizeof(*queue));
	struct extractor e = { .x = x, .c = c, .places = places, .queue = queue };
	size_t i;

	TRY(find_kept(&e));
	TRY(check_unknown_tables(&e));
	keep_lists(&e);
	/* In the order of the object, so that equal inputs give equal bytes. */
	for (i = 0; i < c->post->atom_count; i++)
		if (places[i].kept)
			place_atom(&e, &c->post->atoms[i]);
	for (i = 0; i < c->post->atom_count; i++) {
		const struct atom *a = &c->post->atoms[i];

		if (!places[i].kept)
			continue;
		TRY(emit_relocs(&e, a));
		TRY(emit_tables(&e, a));
		describe(&e, a);
	}
	describe_lost_cold_parts(&e);
	for (i = 0; i < c->overwritten_count; i++)
		TRY(emit_object(&e, c->overwritten[i]));
	for (i = 0; i < c->hook_count; i++)
		TRY(emit_hook(&e, c->hooks[i]));
	return NULL;
}

/* An array of the update glue, which may be empty, and its length. */
static void define_array(struct output *out, const char *section_name, const char *array,
			 const char *count_name, uint32_t count)
{
	size_t section, counts;
	uint64_t at;

	output_append(out, section_name, SHF_ALLOC | SHF_WRITE, 8, 0, "", 0, &section);
	output_define(out, array, section, 0, 0, STT_OBJECT, STB_GLOBAL);
	at = output_append(out, ".kmend.counts", SHF_ALLOC, 4, 0, &count, sizeof(count), &counts);
	output_define(out, count_name, counts, at, sizeof(count), STT_OBJECT, STB_GLOBAL);
}

void extract_finish(struct extraction *x)
{
	define_array(x->out, FUNCTIONS_SECTION, "kmend_functions", "kmend_function_count", x->replaced);
	define_array(x->out, RANGES_SECTION, "kmend_ranges", "kmend_range_count", x->ranges);
	define_array(x->out, OBJECTS_SECTION, "kmend_objects", "kmend_object_count", x->objects);
	define_array(x->out, HOOKS_SECTION, "kmend_hooks", "kmend_hook_count", x->hook_count);
	output_link(x->out);
}
