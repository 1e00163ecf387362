// SPDX-License-Identifier: GPL-2.0
/* Code that cannot be replaced, whatever is done about it. */
#include "arch/arch.h"
#include "diff/diff.h"
#include "util/memory.h"
#include "util/string.h"

#include <string.h>

static bool is_one_of(const char *name, const char *const *names, size_t count)
{
	/* Of a part or clone that the compiler made, up to the dot. */
	size_t i, len = strcspn(name, ".");

	for (i = 0; i < count; i++)
		if (!strncmp(name, names[i], len) && !names[i][len])
			return true;
	return false;
}

/*
 * While a jump is written an NMI may meet its first byte, a breakpoint, whose
 * handling runs code of these sections in turn, and these functions until it is
 * at the engine's: without end where that is what is being written.  And some of
 * it runs on the page tables of user space, which do not hold modules
 * (include/linux/compiler_types.h, noinstr; arch/x86/entry/entry_64.S; exc_int3()
 * in arch/x86/kernel/traps.c, irqentry_nmi_enter() in kernel/entry/common.c).
 */
static bool is_entry_section(const struct section *s)
{
	return !strcmp(s->name, ".entry.text") || !strcmp(s->name, ".noinstr.text");
}

static bool is_entry_code(const struct atom *a)
{
	static const char *const names[] = {
		"trace_hardirqs_off_finish", "trace_hardirqs_on_prepare", "do_int3", "kgdb_ll_trap",
		"kprobe_int3_handler", "get_kprobe", "notify_die", "atomic_notifier_call_chain",
		"notifier_call_chain", "__rcu_read_lock", "__rcu_read_unlock",
	};

	return is_entry_section(a->section) || is_one_of(atom_name(a), names, ARRAY_SIZE(names));
}

/* In these there is always somebody: they sleep in them, or come back to them, for as long as they live. */
static bool is_never_left(const struct atom *a)
{
	static const char *const names[] = {
		"__schedule", "schedule", "cpu_startup_entry", "kthread", "worker_thread",
		"smpboot_thread_fn",
	};

	return is_one_of(atom_name(a), names, ARRAY_SIZE(names));
}

/*
 * Code of which the kernel runs copies, taken from where it always was, as
 * machine_kexec(), relocate_restore_code() and create_trampoline() do; and the
 * thunks, which do what they do where they lie (arch/x86/lib/retpoline.S).
 */
static const char *bound_to_its_place(const struct change *c, const struct atom *a)
{
	static const char *const copied[] = {
		"arch/x86/kernel/relocate_kernel_64.o", "arch/x86/power/hibernate_asm_64.o",
		"arch/x86/kernel/ftrace_64.o",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(copied); i++)
		if (!strcmp(c->post->name, copied[i]))
			return "the kernel runs copies of it";
	return starts_with(a->section->name, ".text..__x86.") ? "it works where it lies only" : NULL;
}

static bool is_traced(const struct atom *a)
{
	size_t i;

	for (i = 0; i < a->reloc_count; i++)
		if (!strcmp(a->relocs[i].symbol->name, "__fentry__"))
			return true;
	return false;
}

/* What the kernel and its tracers know of a function stays with the old one, from which the jump leads. */
static const char *changed_attribute(const struct atom *pre, const struct atom *post)
{
	const char *section = post->section->name;

	if (is_traced(pre) && !is_traced(post) && !atom_is_cold_part(post))
		return "notrace";
	if (is_entry_section(post->section) || !strcmp(section, ".kprobes.text"))
		return strcmp(section, pre->section->name) ? section : NULL;
	return NULL;
}

static struct error *check_changed(const struct change *c, const struct atom *a)
{
	const char *bound = bound_to_its_place(c, a->twin);

	if (!c->module && is_entry_code(a->twin))
		return refuse("ENTRY-CHANGED",
			      "the patch changes %s in %s (%s), which system calls, interrupts or exceptions run on their way into the kernel: it cannot be replaced while they come",
			      atom_name(a), c->post->name, a->twin->section->name);
	if (!c->module && is_never_left(a->twin))
		return refuse("CODE-BOUND", "the patch changes %s in %s, which cannot be replaced: there is always a thread in it",
			      atom_name(a), c->post->name);
	if (bound)
		return refuse("CODE-BOUND", "the patch changes %s in %s, which cannot be replaced: %s", atom_name(a),
			      c->post->name, bound);
	return NULL;
}

static struct error *check_attribute(const struct change *c, const struct atom *a)
{
	const char *attribute = changed_attribute(a->twin, a);

	if (!attribute)
		return NULL;
	return refuse("CODE-BOUND",
		      "the patch makes %s in %s another kind of function for tracers and probes (%s): they go on with the old one, from which calls are led to the new code",
		      atom_name(a), c->post->name, attribute);
}

/* A table that is made from the code, and tells nothing of who uses it. */
static bool is_derived(const struct section *s)
{
	size_t i;

	for (i = 0; i < arch_table_count; i++)
		if (!strcmp(s->name, arch_tables[i].section))
			return arch_tables[i].kind == ARCH_TABLE_DERIVED || arch_tables[i].kind == ARCH_TABLE_UNWIND;
	return !(s->flags & SHF_ALLOC);
}

static bool is_referred_to(const struct change *c, const struct atom *code)
{
	size_t i, k;

	for (i = 0; i < c->post->atom_count; i++) {
		const struct atom *a = &c->post->atoms[i];

		for (k = 0; k < a->reloc_count && !is_derived(a->section); k++)
			if (a->relocs[k].target == code && a != code)
				return true;
	}
	return false;
}

/* Pieces without a name have no twins. */
static bool was_there(const struct change *c, const struct atom *code)
{
	size_t i;

	for (i = 0; i < c->pre->atom_count; i++) {
		const struct atom *a = &c->pre->atoms[i];

		if (!a->symbol && section_is_text(a->section) && compare_atoms(c, a, code, COMPARE_STRICT))
			return true;
	}
	return false;
}

struct error *check_code(const struct change *c, const struct atom *a)
{
	if (a->twin && a->symbol) {
		TRY(a->state == ATOM_SAME ? NULL : check_changed(c, a));
		return check_attribute(c, a);
	}
	/* What functions refer to is copied with them. */
	if (!a->symbol && a->state != ATOM_SAME && !arch_is_padding(atom_data(a), atom_size(a)) &&
	    !is_referred_to(c, a) && !was_there(c, a))
		return refuse("SYMBOL-NAMELESS", "the patch changes code in %s (%s) that has no name by which it could be replaced",
			      c->post->name, a->section->name);
	return NULL;
}
