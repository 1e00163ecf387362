/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The subcommands.  Each has its name as argv[0], prints its results to
 * stdout and returns what went wrong; main() prints that and exits with its
 * kind.
 */
#ifndef KMEND_CMD_CMD_H
#define KMEND_CMD_CMD_H

#include "util/error.h"

#include <getopt.h>
#include <jansson.h>
#include <stdbool.h>

struct error *cmd_create(int argc, char **argv) __must_use;
struct error *cmd_inspect(int argc, char **argv) __must_use;
struct error *cmd_verify(int argc, char **argv) __must_use;
struct error *cmd_snapshot(int argc, char **argv) __must_use;
struct error *cmd_apply(int argc, char **argv) __must_use;
struct error *cmd_boot(int argc, char **argv) __must_use;
struct error *cmd_undo(int argc, char **argv) __must_use;
struct error *cmd_withdraw(int argc, char **argv) __must_use;
struct error *cmd_late(int argc, char **argv) __must_use;
struct error *cmd_status(int argc, char **argv) __must_use;
struct error *cmd_key(int argc, char **argv) __must_use;

/* What the program exits with where a command returns NULL. */
extern int cmd_exit_status;

/* Whether --json was given: output, and a refusal, are JSON. */
extern bool cmd_json;

/*
 * The options that every command has, for the end of its struct option[] and
 * the start of its short options; what they return from getopt_long() goes to
 * cmd_common_option().
 */
#define CMD_COMMON_SHORT ":qv"
#define CMD_COMMON_OPTIONS                                                                         \
	{ "json", no_argument, NULL, 'J' }, { "quiet", no_argument, NULL, 'q' },                   \
	{ "verbose", no_argument, NULL, 'v' }, { NULL, 0, NULL, 0 }

/*
 * Takes a common option, @c as getopt_long() returned it; a usage error for
 * anything else: an option unknown or without its argument.
 */
struct error *cmd_common_option(int c, char **argv) __must_use;

/* Reads a whole number of seconds, the argument of --timeout. */
struct error *cmd_parse_timeout(const char *s, unsigned int *seconds) __must_use;

/* The same for another option. */
struct error *cmd_parse_seconds(const char *option, const char *s, unsigned int *seconds) __must_use;

/* Prints @json and drops the reference to it. */
void cmd_print_json(json_t *json);

#endif
