// SPDX-License-Identifier: GPL-2.0
#include "host/private.h"
#include "util/file.h"
#include "util/log.h"
#include "util/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

/* A store in sysfs takes no more bytes at once (PAGE_SIZE, fs/kernfs/file.c). */
#define COMMAND_MAX 4095

#define FIRST_WAIT_NS 1000000ull
#define LAST_WAIT_NS  100000000ull

static int write_command(const char *path, const char *command)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT ? ENXIO : errno;
	n = write(fd, command, strlen(command));
	if (n < 0)
		return errno;
	return (size_t)n == strlen(command) ? 0 : EIO;
}

int (*host_write_switch)(const char *path, const char *command) = write_command;

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static void sleep_ns(uint64_t ns)
{
	struct timespec ts = { .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };

	nanosleep(&ts, NULL);
}

/* Appends "@separator@more" to *@text. */
static void append(char **text, const char *separator, const char *more)
{
	char *longer = xasprintf("%s%s%s", *text, separator, more);

	free(*text);
	*text = longer;
}

static char *join_ids(const char *start, const char *const *ids, size_t count)
{
	char *text = xstrdup(start);
	size_t i;

	for (i = 0; i < count; i++)
		append(&text, *text ? " " : "", ids[i]);
	return text;
}

/* Writes @command until it succeeds, fails for good, or the deadline; returns an errno. */
static int switch_until(const char *command, uint64_t deadline, unsigned int *attempts)
{
	_cleanup_free_ char *path = host_path(SYSFS "/switch");
	uint64_t wait = FIRST_WAIT_NS, now;
	int errnum;

	for (*attempts = 1;; ++*attempts) {
		errnum = host_write_switch(path, command);
		now = now_ns();
		if ((errnum != EBUSY && errnum != EINTR) || now >= deadline)
			return errnum;
		if (*attempts == 8)
			log_progress("waiting until no thread is in the functions");
		sleep_ns(wait < deadline - now ? wait : deadline - now);
		wait = 2 * wait < LAST_WAIT_NS ? 2 * wait : LAST_WAIT_NS;
	}
}

/* The process that thread @tid is of; 0 where it has gone. */
static long process_of(long tid)
{
	_cleanup_free_ char *path = host_path("/proc/%ld/status", tid);
	_cleanup_free_ void *text = NULL;
	struct error *err;
	const char *tgid;
	size_t size;

	err = file_read(path, HOST_TEXT_MAX, &text, &size);
	error_free(err);
	tgid = err ? NULL : strstr(text, "\nTgid:");
	return tgid ? strtol(tgid + 6, NULL, 10) : 0;
}

static char *describe_blocker(const struct host_blocker *b)
{
	_cleanup_free_ char *process = NULL;
	long pid;

	if (b->tid == HOST_HOOK)
		return xasprintf("its function %s (%s): %s", b->function, b->why, b->name);
	if (b->tid == HOST_OTHER_UPDATE)
		return xasprintf("update %s: %s, %s", b->name, b->function, b->why);
	pid = process_of(b->tid);
	if (pid && pid != b->tid)
		process = xasprintf(" of process %ld", pid);
	return xasprintf("thread %ld (%s)%s: %s, %s", b->tid, b->name, process ? process : "",
			 b->function, b->why);
}

/* One line for each blocker of the updates, after a newline each; the caller's to free. */
static char *list_blockers(const char *const *ids, size_t count)
{
	struct host_blocker *blockers = NULL;
	char *lines = xstrdup("");
	size_t blocker_count = 0, i;

	/* The refusal is told even where its reasons cannot be read. */
	for (i = 0; i < count; i++)
		error_free(host_blockers_read(ids[i], &blockers, &blocker_count));
	for (i = 0; i < blocker_count; i++) {
		_cleanup_free_ char *line = describe_blocker(&blockers[i]);

		append(&lines, "\n  ", line);
	}
	host_blockers_free(blockers, blocker_count);
	return lines;
}

static const struct {
	int errnum;
	const char *code;
	const char *sentence;
} refusals[] = {
	{ ESTALE, "TEXT-CHANGED",
	  "the running code is no longer what was proved; another tool changed it, try again" },
	{ ENODEV, "MODULE-MOVED",
	  "a kernel module was unloaded or loaded again after the proof; try again" },
	{ EEXIST, "FUNCTION-REPLACED",
	  "another update or tool has replaced one of its functions, or overwritten its data" },
	{ ECANCELED, "HOOK-REFUSED", "a function of the update's own said no" },
	{ ENOENT, "NOT-INSTALLED", "no such update is loaded" },
};

static struct error *switch_error(int errnum, bool apply, const char *ids, const char *blockers)
{
	size_t i;

	if (errnum == EALREADY && apply)
		return refuse("ALREADY-APPLIED", "%s: is applied already", ids);
	if (errnum == EALREADY)
		return refuse("NOT-APPLIED", "%s: is not applied", ids);
	if (errnum == EXDEV && apply)
		return refuse("ORDER",
			      "%s: replaces code of an update that is not applied; apply "
			      "that first, or both together%s",
			      ids, blockers);
	if (errnum == EXDEV)
		return refuse("ORDER",
			      "%s: another update replaces its code; undo that first, or "
			      "both together%s",
			      ids, blockers);
	if (errnum == ENXIO)
		return refuse("NOT-INSTALLED", "%s: the engine is not loaded", ids);
	if (errnum == EACCES)
		TRY(host_require_root("switch updates"));
	for (i = 0; i < ARRAY_SIZE(refusals); i++)
		if (refusals[i].errnum == errnum)
			return refuse(refusals[i].code, "%s: %s%s", ids, refusals[i].sentence,
				      blockers);
	return system_error(errnum, "the engine cannot %s %s", apply ? "apply" : "undo", ids);
}

struct error *host_switch(bool apply, const char *const *ids, size_t count, unsigned int timeout,
			  struct host_switch_report *report)
{
	_cleanup_free_ char *names = join_ids("", ids, count);
	_cleanup_free_ char *command = join_ids(apply ? "apply" : "undo", ids, count);
	uint64_t deadline = now_ns() + timeout * 1000000000ull;
	_cleanup_free_ char *blockers = NULL;
	unsigned int attempts;
	int errnum;

	if (strlen(command) > COMMAND_MAX)
		return refuse("TOO-MANY", "%zu updates are too many for one switch", count);
	errnum = switch_until(command, deadline, &attempts);
	log_progress_end();
	if (report)
		report->attempts = attempts;
	if (!errnum)
		return NULL;
	blockers = list_blockers(ids, count);
	if (errnum == EBUSY)
		return refuse("BLOCKED",
			      "%s: something was in the way at each of %u tries within %u s; "
			      "let threads finish or stop them, or give a longer --timeout%s",
			      names, attempts, timeout, blockers);
	return switch_error(errnum, apply, names, blockers);
}
