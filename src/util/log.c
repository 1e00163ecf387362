// SPDX-License-Identifier: GPL-2.0
#include "util/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum log_level level = LOG_NORMAL;
static bool progress_shown;

void log_set_level(enum log_level new_level)
{
	level = new_level;
}

void log_progress_end(void)
{
	if (!progress_shown)
		return;
	fputs("\r\033[K", stderr);
	fflush(stderr);
	progress_shown = false;
}

static void print_line(const char *fmt, va_list args)
{
	log_progress_end();
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
}

void log_info(const char *fmt, ...)
{
	va_list args;

	if (level < LOG_NORMAL)
		return;
	va_start(args, fmt);
	print_line(fmt, args);
	va_end(args);
}

void log_detail(const char *fmt, ...)
{
	va_list args;

	if (level < LOG_VERBOSE)
		return;
	va_start(args, fmt);
	print_line(fmt, args);
	va_end(args);
}

/* One that understands the sequences below; serial consoles mostly say that they do not. */
static bool is_terminal(void)
{
	const char *term = getenv("TERM");

	return isatty(STDERR_FILENO) && term && strcmp(term, "dumb");
}

void log_progress(const char *fmt, ...)
{
	va_list args;

	if (level < LOG_NORMAL)
		return;
	va_start(args, fmt);
	if (level == LOG_NORMAL && is_terminal()) {
		/* A line that wraps could not be removed: the terminal cuts it (DECAWM). */
		fputs("\r\033[K\033[?7l", stderr);
		vfprintf(stderr, fmt, args);
		fputs("\033[?7h", stderr);
		fflush(stderr);
		progress_shown = true;
	} else {
		print_line(fmt, args);
	}
	va_end(args);
}
