// SPDX-License-Identifier: GPL-2.0
/*
 * The ladder: try; wait and try again; move threads out of the way and try;
 * at the deadline give up.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "engine.h"
#include "move.h"
#include "watch.h"

/* Of each round of tries the last ones move threads, for which they stand still meanwhile. */
#define ROUND_TRIES 8
#define ROUND_MOVES 4
#define MOVE_WAIT_MS 5
#define LAST_WAIT_MS 100u

/* At least, for threads that were preempted to run on. */
#define GRACE_HZ (5 * HZ)

/* For measurements: no watch, one CPU looks at all threads in the stop. */
static bool plain;
module_param(plain, bool, 0600);
MODULE_PARM_DESC(plain, "look at all threads while the machine is stopped");

/* One at a time: there is one watch, and one gate for threads that are moved. */
static DEFINE_MUTEX(ladder_lock);

/* Each id once. */
static int choose(char *ids)
{
	struct update *update;
	bool any = false;
	char *id;

	while ((id = strsep(&ids, " \t\n"))) {
		if (!*id)
			continue;
		update = find_update(id);
		if (!update)
			return -ENOENT;
		if (update->chosen)
			return -EINVAL;
		update->chosen = true;
		any = true;
	}
	return any ? 0 : -EINVAL;
}

/* @ids does not outlive this. */
static int choose_and_switch(char *ids, struct attempt *attempt)
{
	struct update *update;
	int err;

	mutex_lock(&switch_lock);
	err = choose(ids) ?: switch_chosen(attempt);
	for_each_update(update)
		update->chosen = false;
	mutex_unlock(&switch_lock);
	return err;
}

static int try_once(const char *ids, struct attempt *attempt)
{
	char *copy = kstrdup(ids, GFP_KERNEL);
	int err = copy ? choose_and_switch(copy, attempt) : -ENOMEM;

	kfree(copy);
	return err;
}

/* Return: whether to try again. */
static bool wait_between(struct attempt *attempt, unsigned int tries, unsigned long deadline)
{
	unsigned int ms = min(1u << min(tries - 1, 10u), LAST_WAIT_MS);

	if (attempt->move) {
		move_wait();
		ms = MOVE_WAIT_MS;
	}
	if (time_after_eq(jiffies, deadline))
		return false;
	msleep(ms);
	attempt->move = tries % ROUND_TRIES >= ROUND_TRIES - ROUND_MOVES;
	if (attempt->move)
		move_begin();
	else
		move_end();
	return true;
}

static int climb(const char *ids, struct attempt *attempt, unsigned long deadline,
		 unsigned int *tries)
{
	int err;

	for (*tries = 1;; ++*tries) {
		/* Before locks are taken that others wait for. */
		if (!attempt->after_grace)
			attempt->after_grace = watch_grace(attempt->grace_deadline);
		err = try_once(ids, attempt);
		if (err != -EBUSY || !wait_between(attempt, *tries, deadline))
			break;
	}
	move_end();
	return err;
}

int ladder(const char *ids, bool apply, unsigned int ms, unsigned int *tries)
{
	unsigned long deadline = jiffies + msecs_to_jiffies(ms);
	struct attempt attempt = { .apply = apply };
	int err = 0;

	*tries = 0;
	mutex_lock(&ladder_lock);
	attempt.plain = READ_ONCE(plain);
	attempt.after_grace = attempt.plain;
	attempt.grace_deadline = max(deadline, jiffies + GRACE_HZ);
	if (!attempt.plain)
		err = watch_begin();
	if (!err) {
		err = climb(ids, &attempt, deadline, tries);
		if (!attempt.plain)
			watch_end();
	}
	mutex_unlock(&ladder_lock);
	return err;
}
