/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the program says while it works, on stderr: results go to stdout,
 * errors are values (util/error.h).
 */
#ifndef KMEND_UTIL_LOG_H
#define KMEND_UTIL_LOG_H

enum log_level {
	LOG_QUIET = -1,		/* nothing */
	LOG_NORMAL = 0,		/* progress and what a person should know */
	LOG_VERBOSE = 1,	/* each step as well */
};

/* The level is the program's, LOG_NORMAL until it is set. */
void log_set_level(enum log_level level);

/* One line for a person; a newline is appended. */
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The same, with LOG_VERBOSE only. */
void log_detail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * What is being done now.  On a terminal one line that the next call
 * overwrites; elsewhere, and with LOG_VERBOSE, a line of its own.
 */
void log_progress(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Removes the progress line; the other functions here do so by themselves. */
void log_progress_end(void);

#endif
