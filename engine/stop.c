// SPDX-License-Identifier: GPL-2.0
/*
 * The stop: every CPU is here with interrupts off.  The first to come is the
 * worker, the others follow its steps.
 */
#include <linux/cpumask.h>
#include <linux/ktime.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include "stop.h"

static int check_text(struct stop *stop)
{
	u8 bytes[KMEND_JUMP_LEN];
	unsigned int i;

	for (i = 0; i < stop->jump_count; i++) {
		const struct jump *jump = &stop->jumps[i];

		if (copy_from_kernel_nofault(bytes, (void *)jump->site, sizeof(bytes)) ||
		    memcmp(bytes, jump->before, sizeof(bytes))) {
			note_blocker(jump->update, NULL, jump->site, "text");
			return -ESTALE;
		}
	}
	return 0;
}

static void wait_for(const atomic_t *counter, unsigned int count)
{
	/* Pairs with the release of those who count, in stop_cpu() and follow(). */
	while (atomic_read_acquire(counter) != count)
		cpu_relax();
}

/*
 * Tell the others of step @step.  Text that was written before is then what
 * every CPU executes once all have seen it: the release orders the bytes before
 * the step, follow() acquires the step and then serializes its CPU, which drops
 * what it had fetched of the old bytes.
 */
static void begin_step(struct stop *stop, unsigned int step)
{
	atomic_set(&stop->acks, 0);
	smp_store_release(&stop->step, step);
	serialize_cpu();
}

/* Return when all have done step @step. */
static void take_step(struct stop *stop, unsigned int step)
{
	begin_step(stop, step);
	wait_for(&stop->acks, num_online_cpus() - 1);
}

static void check(struct stop *stop, unsigned int share, unsigned long frame)
{
	if (check_share(stop, share, frame))
		atomic_inc(&stop->blocked);
}

/* All CPUs share the work. */
static int check_stacks(struct stop *stop, unsigned long frame)
{
	if (!stop->range_count)
		return 0;
	stop->noting = true;
	stop->all = needs_all(stop);
	begin_step(stop, STEP_CHECK);
	check(stop, 0, frame);
	wait_for(&stop->acks, num_online_cpus() - 1);
	return atomic_read(&stop->blocked) ? -EBUSY : 0;
}

static void work(struct stop *stop, unsigned long frame)
{
	unsigned int step;
	u64 start;

	wait_for(&stop->arrived, num_online_cpus());
	start = ktime_get_mono_fast_ns();
	stop->err = check_text(stop) ?: check_stacks(stop, frame) ?: hooks_check(stop->apply);
	if (!stop->err) {
		before_jumps(stop->apply);
		jumps_guard(stop->jumps, stop->jump_count);
		for (step = 0; step < JUMP_STEPS; step++) {
			jumps_write(stop->jumps, stop->jump_count, step);
			take_step(stop, STEP_WRITTEN + step);
		}
		jumps_unguard();
		after_jumps(stop->apply);
	}
	stop->pause_ns = ktime_get_mono_fast_ns() - start;
	take_step(stop, STEP_END);
}

static void follow(struct stop *stop, unsigned int share, unsigned long frame)
{
	unsigned int step, seen = 0;

	do {
		cpu_relax();
		/* Pairs with the release in begin_step(). */
		step = smp_load_acquire(&stop->step);
		if (step == seen)
			continue;
		serialize_cpu();
		seen = step;
		if (step == STEP_CHECK)
			check(stop, share, frame);
		/* The worker goes on only after this CPU has done its part. */
		atomic_inc_return_release(&stop->acks);
	} while (seen != STEP_END);
}

int stop_cpu(void *data)
{
	struct stop *stop = data;
	unsigned int number = atomic_inc_return(&stop->arrived) - 1;
	/* Above it is where this one returns to. */
	unsigned long frame = (unsigned long)__builtin_frame_address(0);

	if (!number)
		work(stop, frame);
	else
		follow(stop, number, frame);
	return 0;
}
