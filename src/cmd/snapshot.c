// SPDX-License-Identifier: GPL-2.0
#include "cmd/cmd.h"
#include "live/live.h"
#include "live/snapshot.h"
#include "util/log.h"

#include <signal.h>
#include <stdio.h>

/* Signals wait, so that nothing half made is left. */
static struct error *take(struct live *live, const char *folder)
{
	sigset_t all, before;
	struct error *err;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	err = snapshot_write(live, "/sys/module", folder);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return err;
}

struct error *cmd_snapshot(int argc, char **argv)
{
	static const struct option options[] = { CMD_COMMON_OPTIONS };
	struct live *live;
	struct error *err;
	int c;

	while ((c = getopt_long(argc, argv, CMD_COMMON_SHORT, options, NULL)) != -1)
		TRY(cmd_common_option(c, argv));
	if (argc - optind != 1)
		return usage_error("snapshot takes the folder to make");
	log_progress("reading the running kernel");
	TRY(live_open(&live));
	err = take(live, argv[optind]);
	log_progress_end();
	if (!err && cmd_json)
		cmd_print_json(json_pack("{s:s,s:s,s:s}", "folder", argv[optind], "release", live_release(live),
					 "version", live_version(live)));
	else if (!err)
		printf("%s: %s, %s\n", argv[optind], live_release(live), live_version(live));
	live_close(live);
	return err;
}
