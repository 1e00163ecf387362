// SPDX-License-Identifier: GPL-2.0
#include "cmd/cmd.h"
#include "kmend/engine.h"
#include "util/log.h"
#include "util/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define KMEND_VERSION "0.1"

static struct error *cmd_version(int argc, char **argv);
static struct error *cmd_help(int argc, char **argv);

static const struct command {
	const char *name;
	struct error *(*function)(int argc, char **argv);
	const char *arguments;
	const char *line;
} commands[] = {
	{ "create", cmd_create,
	  "[--kernel KIT] [--source D] [--config F] [--headers D] [-j N] [--key F] [-o OUT] "
	  "PATCH...",
	  "make an update from source patches" },
	{ "inspect", cmd_inspect, "[--json] PACK",
	  "show what an update replaces, adds, refers to" },
	{ "verify", cmd_verify, "[--snapshot DIR] [--allow-unsigned] [--json] PACK",
	  "prove an update against the running kernel, or a snapshot of one" },
	{ "snapshot", cmd_snapshot, "[--json] DIR",
	  "store what verify reads of the running kernel, for another place" },
	{ "apply", cmd_apply, "[--dry-run] [--timeout S] [--allow-unsigned] [--json] PACK...",
	  "apply updates to the running kernel" },
	{ "undo", cmd_undo, "[--timeout S] [--json] ID...|--all", "undo applied updates" },
	{ "status", cmd_status, "[--json] [-v]", "show what is applied" },
	{ "key", cmd_key, "COMMAND...", "make and manage the keys that sign updates" },
	{ "version", cmd_version, "", "show kmend's version" },
	{ "help", cmd_help, "[COMMAND]", "show this help" },
};

static const struct command *find_command(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

static struct error *cmd_version(int argc, char **argv)
{
	printf("kmend %s, engine ABI %u\n", KMEND_VERSION, KMEND_ABI);
	return NULL;
}

static void print_usage(const struct command *command)
{
	printf("usage: kmend %s %s\n\n%s\n", command->name, command->arguments, command->line);
}

static struct error *cmd_help(int argc, char **argv)
{
	const struct command *command;
	size_t i;

	if (argc > 1) {
		command = find_command(argv[1]);
		if (!command)
			return usage_error("unknown command %s", argv[1]);
		print_usage(command);
		return NULL;
	}
	printf("usage: kmend COMMAND [OPTION]... [ARGUMENT]...\n\n");
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		printf("  %-8s  %s\n", commands[i].name, commands[i].line);
	printf("\nWithout a command: status. Every command takes -q (--quiet) and -v (--verbose).\n"
	       "`kmend help COMMAND` shows its arguments.\n");
	return NULL;
}

/* Whether --help or -h stands before the arguments, or a bare "--". */
static bool wants_help(int argc, char **argv)
{
	return argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"));
}

static struct error *run(int argc, char **argv)
{
	const struct command *command;

	if (wants_help(argc, argv))
		return cmd_help(1, argv);
	if (argc > 1 && !strcmp(argv[1], "--version"))
		return cmd_version(1, argv);
	/* Without a command, options are those of status. */
	if (argc < 2 || argv[1][0] == '-')
		return cmd_status(argc, argv);
	command = find_command(argv[1]);
	if (!command)
		return usage_error("unknown command %s", argv[1]);
	if (wants_help(argc - 1, argv + 1)) {
		print_usage(command);
		return NULL;
	}
	return command->function(argc - 1, argv + 1);
}

static void print_error(const struct error *err)
{
	log_progress_end();
	if (err->kind == ERROR_REFUSED && cmd_json)
		cmd_print_json(json_pack("{s:{s:s,s:s}}", "refused", "code", err->code, "message",
					 err->message));
	else if (err->kind == ERROR_REFUSED)
		fprintf(stderr, "kmend: refused [%s]: %s\n", err->code, err->message);
	else
		fprintf(stderr, "kmend: %s\n", err->message);
	if (err->kind == ERROR_USAGE)
		fprintf(stderr, "Try `kmend help`.\n");
}

int main(int argc, char **argv)
{
	struct error *err = run(argc, argv);
	int status = err ? (int)err->kind : cmd_exit_status;

	if (err)
		print_error(err);
	error_free(err);
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "kmend: cannot write the output: %s\n", strerror(errno));
		return ERROR_SYSTEM;
	}
	return status;
}
