// SPDX-License-Identifier: GPL-2.0
/*
 * Jumps in the kernel's text.
 *
 * The machine is stopped while they are written, but NMIs and machine checks
 * still come, on any CPU, and may run the very function.  So the first byte
 * becomes int3, then the others change, then the first gets its value, as in
 * text_poke_bp(), which cannot be used because it sends interrupts to the CPUs
 * that wait.  An NMI that was already inside of the old bytes when int3 was
 * written is over when its CPU acknowledges that step.
 */
#include <linux/kdebug.h>
#include <linux/memory.h>
#include <linux/ptrace.h>
#include <linux/string.h>
#include "text.h"

#define JMP_REL32 0xe9
#define INT3 0xcc

/*
 * Writes through a mapping of its own, which only this CPU has for as long as
 * it writes; works with interrupts off; panics where the bytes do not read
 * back.  It is text_poke() without the check that the current thread holds
 * text_mutex: here the thread that waits for the stop does.  On its way out it
 * flushes the mapping's TLB entries on the CPUs that use it, which is none, so
 * no interrupt is sent (arch/x86/kernel/alternative.c, __text_poke()).
 */
extern void *text_poke_kgdb(void *addr, const void *opcode, size_t len);

/* Written inside of the stop before any int3, read by those who meet one. */
static const struct jump *guarded;
static unsigned int guarded_count;

bool jump_reaches(unsigned long site, unsigned long to)
{
	long distance = to - (site + KMEND_JUMP_LEN);

	return distance == (s32)distance;
}

void jump_encode(u8 bytes[KMEND_JUMP_LEN], unsigned long site, unsigned long to)
{
	s32 distance = to - (site + KMEND_JUMP_LEN);

	bytes[0] = JMP_REL32;
	memcpy(bytes + 1, &distance, sizeof(distance));
}

void jumps_write(const struct jump *jumps, unsigned int count, unsigned int step)
{
	static const u8 int3 = INT3;
	const struct jump *jump;

	for (jump = jumps; jump < jumps + count; jump++) {
		void *site = (void *)jump->site;

		if (step == 0)
			text_poke_kgdb(site, &int3, 1);
		else if (step == 1)
			text_poke_kgdb(site + 1, jump->after + 1, KMEND_JUMP_LEN - 1);
		else
			text_poke_kgdb(site, jump->after, 1);
	}
}

void text_write(unsigned long to, const void *from, size_t size)
{
	size_t part;

	for (; size; to += part, from += part, size -= part) {
		/* It maps one page, or two. */
		part = min_t(size_t, size, PAGE_SIZE);
		text_poke_kgdb((void *)to, from, part);
	}
}

void jumps_guard(const struct jump *jumps, unsigned int count)
{
	guarded = jumps;
	/* Pairs with the acquire in on_int3(). */
	smp_store_release(&guarded_count, count);
}

void jumps_unguard(void)
{
	WRITE_ONCE(guarded_count, 0);
}

static int on_int3(struct notifier_block *nb, unsigned long event, void *data)
{
	struct pt_regs *regs = ((struct die_args *)data)->regs;
	unsigned int i, count = smp_load_acquire(&guarded_count);

	if (event != DIE_INT3 || user_mode(regs))
		return NOTIFY_DONE;
	for (i = 0; i < count; i++) {
		if (regs->ip == guarded[i].site + 1) {
			regs->ip = guarded[i].to;
			return NOTIFY_STOP;
		}
	}
	return NOTIFY_DONE;
}

static struct notifier_block int3_notifier = {
	.notifier_call = on_int3,
	.priority = INT_MAX,
};

int text_init(void)
{
	return register_die_notifier(&int3_notifier);
}

void text_exit(void)
{
	unregister_die_notifier(&int3_notifier);
}
