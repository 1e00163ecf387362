// SPDX-License-Identifier: GPL-2.0
#include "host/private.h"
#include "util/file.h"
#include "util/log.h"
#include "util/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* A store in sysfs takes no more bytes at once (PAGE_SIZE, fs/kernfs/file.c). */
#define COMMAND_MAX 4095

/* The outcome is looked for this often, and at most so many seconds longer than the engine tries. */
#define FIRST_WAIT_NS 1000000ull
#define LAST_WAIT_NS  20000000ull
#define PATIENCE      60

/* Tries after which the user is told what is waited for. */
#define TOLD_AFTER 8

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

/* Reads "running TRIES" or "ERRNO TRIES". */
static struct error *read_outcome(const char *path, bool *ended, int *errnum, unsigned int *attempts)
{
	_cleanup_free_ void *text = NULL;
	size_t size;

	TRY(file_read(path, HOST_TEXT_MAX, &text, &size));
	*ended = sscanf(text, "running %u", attempts) != 1;
	if (*ended && sscanf(text, "%d %u", errnum, attempts) != 2)
		return system_error(0, "%s is not what this kmend expects", path);
	return NULL;
}

/*
 * The engine does the switch by itself: nobody may wait for it inside of
 * write(), whose code may be what is replaced.
 */
static struct error *wait_for_outcome(unsigned int timeout, int *errnum, unsigned int *attempts)
{
	_cleanup_free_ char *path = host_path(SYSFS "/outcome");
	uint64_t start = now_ns(), wait = FIRST_WAIT_NS;
	bool ended = false, told = false;

	for (;;) {
		TRY(read_outcome(path, &ended, errnum, attempts));
		if (ended)
			return NULL;
		if (!told && *attempts >= TOLD_AFTER) {
			log_progress("waiting until no thread is in the functions");
			told = true;
		}
		if (now_ns() - start > (timeout + PATIENCE) * 1000000000ull)
			return system_error(0, "the engine did not end its work; see %s", path);
		sleep_ns(wait);
		wait = 2 * wait < LAST_WAIT_NS ? 2 * wait : LAST_WAIT_NS;
	}
}

struct error *host_switch_running(bool *running)
{
	_cleanup_free_ char *path = host_path(SYSFS "/outcome");
	unsigned int attempts;
	bool ended = true;
	int errnum;

	if (file_exists(path))
		TRY(read_outcome(path, &ended, &errnum, &attempts));
	*running = !ended;
	return NULL;
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
	_cleanup_free_ char *process = NULL, *patch = NULL;
	long pid;

	if (b->tid == HOST_HOOK)
		return xasprintf("its function %s (%s): %s", b->function, b->why, b->name);
	if (b->tid == HOST_OTHER_UPDATE)
		return xasprintf("update %s: %s, %s", b->name, b->function, b->why);
	if (b->tid == HOST_MORE)
		return xasprintf("and %s more", b->function);
	if (!b->tid && !strcmp(b->name, "-")) {
		/* No thread: a probe, or another tool. */
		patch = strcmp(b->why, "redirected") ? NULL : host_live_patch_of(b->function);
		return xasprintf("%s: %s%s%s", b->function, b->why, patch ? " by the live patch " : "",
				 patch ? patch : "");
	}
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

struct error *host_late_error(const char *id, int errnum)
{
	_cleanup_free_ char *blockers = list_blockers(&id, 1);

	if (errnum == EBUSY)
		return refuse("BLOCKED", "%s: something is in the way%s", id, blockers);
	return switch_error(errnum, true, id, blockers);
}

struct error *host_switch(bool apply, const char *const *ids, size_t count, unsigned int timeout,
			  struct host_switch_report *report)
{
	_cleanup_free_ char *names = join_ids("", ids, count), *path = host_path(SYSFS "/switch");
	_cleanup_free_ char *command = NULL, *blockers = NULL;
	unsigned int attempts = 0;
	int errnum;

	command = xasprintf("%s %u %s", apply ? "apply" : "undo", timeout * 1000, names);
	if (strlen(command) > COMMAND_MAX)
		return refuse("TOO-MANY", "%zu updates are too many for one switch", count);
	errnum = host_write_switch(path, command);
	if (!errnum)
		TRY(wait_for_outcome(timeout, &errnum, &attempts));
	log_progress_end();
	if (report)
		report->attempts = attempts;
	if (!errnum)
		return NULL;
	blockers = list_blockers(ids, count);
	if (errnum == EBUSY)
		return refuse("BLOCKED",
			      "%s: something was in the way at each of %u tries within %u s; end "
			      "what is named here, or give a longer --timeout%s",
			      names, attempts, timeout, blockers);
	return switch_error(errnum, apply, names, blockers);
}
