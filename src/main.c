// SPDX-License-Identifier: GPL-2.0
#include "cmd/cmd.h"
#include "host/json.h"
#include "kmend/engine.h"
#include "util/log.h"
#include "util/memory.h"
#include "util/privilege.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KMEND_VERSION "0.1"

static struct error *cmd_version(int argc, char **argv);
static struct error *cmd_help(int argc, char **argv);

static const struct command {
	const char *name;
	struct error *(*function)(int argc, char **argv);
	const char *arguments;
	const char *line;	/* NULL: people do not call it */
	const char *text;	/* more, for its help; may be NULL */
} commands[] = {
	{ "create", cmd_create,
	  "[--json] [--kernel KIT] [--source D] [--config F] [--headers D] [--toolchain D] [-j N] [--key F] [-o OUT] "
	  "[--onto PACK]... [--expires DATE] [--channel NAME --serial N] [--accept WHAT]... [--all-objects[=N]] PATCH...",
	  "make an update from source patches",
	  "--expires DATE        it may be applied up to this day, such as 2027-12-31\n"
	  "--channel NAME --serial N\n"
	  "                      it is the Nth of a series: where one was applied, older ones are refused\n"
	  "--accept data:NAME    the changed content of NAME is for later boots\n"
	  "--accept layout:TYPE  the new layout of TYPE was thought of (or how function TYPE is called)\n"
	  "--accept init:NAME    no running code relies on what the changed NAME does, which ran already\n"
	  "--all-objects[=N]     look at all source files for what a header's change reaches, not only at\n"
	  "                      those that mention it (or at N more of them)\n" },
	{ "inspect", cmd_inspect, "[--json] PACK",
	  "show what an update replaces, adds, refers to", NULL },
	{ "verify", cmd_verify, "[--snapshot DIR] [--allow-unsigned] [--json] PACK",
	  "prove an update against the running kernel, or a snapshot of one",
	  "Looks at all functions of every source file that the update touches and tells for each whether the\n"
	  "running code was proved to be what was compiled, is not in the kernel, or differs, where and how.\n"
	  "Nothing is loaded.  With --snapshot, which needs no root, the kernel is the one that `kmend snapshot`\n"
	  "stored in the folder DIR, of this machine or another.\n" },
	{ "snapshot", cmd_snapshot, "[--json] DIR",
	  "store what verify reads of the running kernel, for another place",
	  "Makes the folder DIR, for its owner alone, with the kernel's release and version, its symbols and\n"
	  "modules, the text and read-only data of both, and the few words that tell what the kernel wrote\n"
	  "into its text: no other memory.  It is about 10 MiB, compressed.  It holds the addresses of this boot:\n"
	  "treat it as a secret of the machine.  For root.\n" },
	{ "apply", cmd_apply, "[--dry-run] [--until-reboot] [--timeout S] [--allow-unsigned] [--json] PACK...",
	  "apply updates to the running kernel",
	  "Keeps a copy of the packs, which `kmend boot` applies again after a reboot in the order in which they\n"
	  "were applied; with --until-reboot it does not.\n" },
	{ "boot", cmd_boot, "[--settle [--after S]] [--json]", "apply what is installed, after a reboot",
	  "For the service that runs early at boot: applies the installed updates in the order in which they were\n"
	  "applied, but those that were set aside because the machine crashed soon after them; nothing where the\n"
	  "kernel's command line has kmend.enable=0.  With --settle it waits until the last apply is S (300) seconds\n"
	  "old, or until it is sent SIGTERM at shutdown: later crashes are not blamed on the updates.\n" },
	{ "undo", cmd_undo, "[--timeout S] [--json] ID...|--all", "undo applied updates", NULL },
	{ "status", cmd_status, "[--json | --motd | --prometheus FILE] [-v]", "show what is applied",
	  "Exits with 0 where all installed updates are applied, 1 where none is installed, 2 where some are not\n"
	  "applied, 3 where it cannot tell.\n" },
	{ "withdraw", cmd_withdraw, "[--json] LIST | --key F -o LIST ID...",
	  "take back updates that turned out to be bad",
	  "Remembers the ids in LIST, which a trusted key must have signed (LIST.minisig): these updates are not\n"
	  "applied any more, and `kmend status` tells of those that are.  For root.  With --key it makes such a list.\n" },
	{ "late", cmd_late, "load|unload MODULE", NULL, NULL },
	{ "key", cmd_key, "generate|trust|list|revoke [ARGUMENT]...", "make and manage the keys that sign updates",
	  "generate [--no-password] FILE  make a secret key, FILE, and its public key, FILE.pub\n"
	  "trust FILE.pub                 take what the key signs; for root\n"
	  "list [--json]                  show whom this machine trusts\n"
	  "revoke KEYID                   trust the key no more; for root\n" },
	{ "version", cmd_version, "", "show kmend's version", NULL },
	{ "help", cmd_help, "[COMMAND]", "show this help", NULL },
};

static const struct command *find_command(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

/* Whether it loads or unloads modules. */
static bool loads(const struct command *command)
{
	return command->function == cmd_apply || command->function == cmd_boot ||
	       command->function == cmd_undo || command->function == cmd_late;
}

static struct error *cmd_version(int argc, char **argv)
{
	printf("kmend %s, engine ABI %u\n", KMEND_VERSION, KMEND_ABI);
	return NULL;
}

static void print_usage(const struct command *command)
{
	printf("usage: kmend %s %s\n\n%s\n", command->name, command->arguments,
	       command->line ?: "for the engine, where a module loads or unloads that an update changes");
	if (command->text)
		printf("\n%s", command->text);
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
		if (commands[i].line)
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
	if (argc < 2 || argv[1][0] == '-') {
		privilege_begin(false);
		return cmd_status(argc, argv);
	}
	command = find_command(argv[1]);
	if (!command)
		return usage_error("unknown command %s", argv[1]);
	if (wants_help(argc - 1, argv + 1) || (command->function == cmd_key && wants_help(argc - 2, argv + 2))) {
		print_usage(command);
		return NULL;
	}
	/* create runs the kernel's makefiles, as whoever calls it. */
	if (command->function != cmd_create)
		privilege_begin(loads(command));
	return command->function(argc - 1, argv + 1);
}

static void print_error(const struct error *err)
{
	log_progress_end();
	if (err->kind == ERROR_REFUSED && cmd_json)
		cmd_print_json(json_pack("{s:{s:s,s:o}}", "refused", "code", err->code, "message",
					 json_text(err->message)));
	else if (err->kind == ERROR_REFUSED)
		fprintf(stderr, "kmend: refused [%s]: %s\n", err->code, err->message);
	else
		fprintf(stderr, "kmend: %s\n", err->message);
	if (err->kind == ERROR_USAGE)
		fprintf(stderr, "Try `kmend help`.\n");
}

/* What whoever starts the program may have left in a state that it does not expect. */
static void settle_surroundings(void)
{
	int fd;

	/* Where one of the first three is closed, the next file that is opened would be taken for it, and written to. */
	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd < 0)
		_exit(ERROR_SYSTEM);
	close(fd);
	/* Nobody else shall write to what it makes. */
	umask(umask(0) | 022);
	/* A limit on files is an error of the write(2), which is told. */
	signal(SIGXFSZ, SIG_IGN);
}

int main(int argc, char **argv)
{
	struct error *err;
	int status;

	settle_surroundings();
	err = run(argc, argv);
	status = err ? (int)err->kind : cmd_exit_status;

	if (err)
		print_error(err);
	error_free(err);
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "kmend: cannot write the output: %s\n", strerror(errno));
		return ERROR_SYSTEM;
	}
	return status;
}
