/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Capabilities: the program has those that reading and changing a kernel need,
 * and while it reads what others made, none of them.  For the main thread of a
 * program without others.
 */
#ifndef KMEND_UTIL_PRIVILEGE_H
#define KMEND_UTIL_PRIVILEGE_H

#include <stdbool.h>

/*
 * For the start: keeps what reading /proc/kcore and /proc/kallsyms, reading and
 * writing the files of other users and, if @loads, loading modules need, and gives
 * up all else for good; no program that it would start gets more.
 */
void privilege_begin(bool loads);

/* Whether privilege_begin() was called. */
bool privilege_has_begun(void);

/*
 * Puts the capabilities aside until privilege_raise(): then what a mistake of
 * ours can do is not what they allow.  They nest.
 */
void privilege_lower(void);
void privilege_raise(void);

/* Gives all of them up for good: privilege_raise() brings back nothing. */
void privilege_drop(void);

#endif
