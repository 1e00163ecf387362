/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The record of what was done: entries with fields for systemd's journal, in
 * its native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL).  Where no journal
 * listens, the sentence goes to syslog(3), and where that is not there either,
 * nowhere: nothing that kmend does depends on it.
 */
#ifndef KMEND_HOST_JOURNAL_H
#define KMEND_HOST_JOURNAL_H

#include "util/error.h"

#include <stddef.h>

/* An entry that is being made; zero-initialized. */
struct journal_entry {
	char *data;
	size_t size;
	size_t capacity;
	char *message;
	int priority;
};

/* Begins an entry: its priority, as in syslog(3), and its sentence. */
void journal_begin(struct journal_entry *e, int priority, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Adds the field @name, which can be there several times; NULL is left out.
 * What makes the entry longer than 64 KiB is left out, too.
 */
void journal_add(struct journal_entry *e, const char *name, const char *value);

/*
 * Adds who does it: KMEND_UID, KMEND_LOGIN_UID (the audit login uid, where
 * somebody logged in) and KMEND_SUDO_USER (what sudo says).
 */
void journal_add_who(struct journal_entry *e);

/* Adds KMEND_RESULT (done, refused or failed), and of what went wrong KMEND_CODE and KMEND_ERROR. */
void journal_add_result(struct journal_entry *e, const struct error *err);

/* Sends the entry and frees it. */
void journal_send(struct journal_entry *e);

#endif
