// SPDX-License-Identifier: GPL-2.0
/* The engine's interface and the commands over it, with made-up folders for sysfs and the rest. */
#include "cmd/cmd.h"
#include "host/private.h"
#include "pack/pack.h"
#include "root.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ONE "0123456789abcdef"
#define TWO "0123fedcba987654"

static int (*real_write_switch)(const char *path, const char *command);

static void assert_fails(struct error *err, enum error_kind kind, const char *part)
{
	assert_non_null(err);
	assert_int_equal(err->kind, kind);
	if (!strstr(err->message, part))
		fail_msg("\"%s\" is not in \"%s\"", part, err->message);
	error_free(err);
}

static void put_attribute(const char *id, const char *name, const char *text)
{
	_cleanup_free_ char *path = xasprintf("sys/kernel/kmend/updates/%s/%s", id, name);

	put_text(path, text);
}

static void put_update(const char *id, const char *state)
{
	put_attribute(id, "state", state);
	put_attribute(id, "pause_ns", "319000\n");
	put_attribute(id, "functions",
		      "vfs_read vmlinux 0xffffffff81200000 0xffffffffc0600000\n"
		      "ext4_fill_super ext4 0xffffffffc0500010 0xffffffffc0610000\n");
	put_attribute(id, "blockers", "");
	put_attribute(id, "late", "");
}

static void put_engine(void)
{
	_cleanup_free_ char *updates = path_join(root_folder, "sys/kernel/kmend/updates");

	put_text("sys/kernel/kmend/outcome", "0 1\n");
	put_text("sys/kernel/kmend/abi", "3\n");
	put_text("sys/kernel/kmend/switch", "");
	put_text("proc/modules", "kmend_" ONE "_1 8192 0 - Live 0xffffffffc0610000 (OE)\n"
				 "kmend_" ONE " 8192 0 - Live 0xffffffffc0600000 (OE)\n"
				 "kmend_" ONE "0 8192 0 - Live 0xffffffffc0620000 (OE)\n"
				 "kmend 16384 2 kmend_" ONE ", Live 0xffffffffc05f0000 (OE)\n");
	assert_ok(make_dirs(updates));
}

static int set_up(void **state)
{
	set_up_root(state);
	put_text("proc/sys/kernel/osrelease", "6.1.0-56-amd64\n");
	put_text("proc/sys/kernel/version", "#1 SMP Debian\n");
	put_text("proc/sys/kernel/random/boot_id", "first\n");
	put_text("proc/cmdline", "ro quiet\n");
	real_write_switch = host_write_switch;
	return 0;
}

static int tear_down(void **state)
{
	host_write_switch = real_write_switch;
	return tear_down_root(state);
}

static void put_outcome(int errnum, unsigned int tries)
{
	_cleanup_free_ char *text = xasprintf("%d %u\n", errnum, tries);

	put_text("sys/kernel/kmend/outcome", text);
}

static void knows_no_engine(void **state)
{
	struct host_updates updates;

	assert_int_equal(host_engine_abi(), 0);
	assert_ok(host_updates_read(&updates));
	assert_int_equal(updates.count, 0);
	host_updates_free(&updates);
}

static void reads_updates(void **state)
{
	struct host_updates updates;
	const struct host_update *u;

	put_engine();
	put_update(ONE, "applied\n");
	put_update(TWO, "loaded\n");
	put_attribute(TWO, "functions", "f vmlinux 0xffffffff81200000 0xffffffffc0600000\n140 more\n");
	put_attribute(TWO, "blockers", "0 swapper/1 vfs_read+0x12 stack\n"
				       "17 my_name ext4_fill_super+0x1 kretprobe\n"
				       "update " ONE " vfs_read is-stacked\n"
				       "hook 12 make_room pre_apply\n"
				       "0 - 118 more\n");
	assert_int_equal(host_engine_abi(), KMEND_ABI);
	assert_ok(host_updates_read(&updates));
	assert_int_equal(updates.count, 2);

	u = &updates.updates[0];
	assert_string_equal(u->id, ONE);
	assert_true(u->applied);
	assert_false(u->details_hidden);
	assert_int_equal(u->pause_ns, 319000);
	assert_int_equal(u->function_count, 2);
	assert_string_equal(u->functions[1].name, "ext4_fill_super");
	assert_string_equal(u->functions[1].target, "ext4");
	assert_true(u->functions[1].old_addr == 0xffffffffc0500010);
	assert_true(u->functions[1].new_addr == 0xffffffffc0610000);
	assert_int_equal(u->blocker_count, 0);
	assert_int_equal(u->module_count, 2);
	assert_string_equal(u->modules[0], "kmend_" ONE "_1");
	assert_string_equal(u->modules[1], "kmend_" ONE);

	u = &updates.updates[1];
	assert_false(u->applied);
	assert_int_equal(u->function_count, 1);
	assert_int_equal(u->more_functions, 140);
	assert_int_equal(u->module_count, 0);
	assert_int_equal(u->blocker_count, 5);
	assert_int_equal(u->blockers[0].tid, 0);
	assert_string_equal(u->blockers[1].name, "my_name");
	assert_string_equal(u->blockers[1].function, "ext4_fill_super+0x1");
	assert_string_equal(u->blockers[1].why, "kretprobe");
	assert_int_equal(u->blockers[2].tid, HOST_OTHER_UPDATE);
	assert_string_equal(u->blockers[2].name, ONE);
	assert_int_equal(u->blockers[3].tid, HOST_HOOK);
	assert_string_equal(u->blockers[3].name, "Cannot allocate memory");
	assert_string_equal(u->blockers[3].function, "make_room");
	assert_string_equal(u->blockers[3].why, "pre_apply");
	assert_int_equal(u->blockers[4].tid, HOST_MORE);
	assert_string_equal(u->blockers[4].function, "118");
	host_updates_free(&updates);
}

static void reads_what_is_awaited(void **state)
{
	_cleanup_free_ char *path = path_join(root_folder, "sys/kernel/kmend/late"), *why = NULL;
	struct error *refusal = refuse("FUNCTION-DIFFERS", "f differs");
	_cleanup_free_ void *written = NULL;
	struct host_updates updates;
	const struct host_update *u;
	size_t size;

	put_engine();
	put_text("sys/kernel/kmend/late", "");
	put_text("proc/modules", "dummy 16384 0 - Loading 0xffffffffc0600000 (E)\n"
				 "ext4 983040 1 - Unloading 0xffffffffc0500000\n"
				 "kmend_" ONE " 8192 0 - Live 0xffffffffc0620000 (OE)\n");
	put_update(ONE, "applied\n");
	put_attribute(ONE, "late", "dummy out\next4 out\nnf_nat in\n");
	assert_ok(host_updates_read(&updates));
	u = &updates.updates[0];
	assert_int_equal(u->late_count, 3);
	assert_string_equal(u->late[0].module, "dummy");
	assert_true(u->late[0].loaded && !u->late[0].in);
	assert_true(!u->late[1].loaded && !u->late[1].in);
	assert_true(!u->late[2].loaded && u->late[2].in);
	host_updates_free(&updates);

	assert_ok(host_late_await(ONE, "dummy"));
	assert_ok(file_read(path, 4096, &written, &size));
	assert_string_equal(written, "await " ONE " dummy");

	assert_ok(host_record_write(ONE, "{}", 2, NULL));
	assert_ok(host_late_note(ONE, "dummy", refusal));
	assert_ok(host_late_read_note(ONE, "dummy", &why));
	assert_string_equal(why, "[FUNCTION-DIFFERS] f differs");
	free(take_ptr(why));
	assert_ok(host_late_note(ONE, "dummy", NULL));
	assert_ok(host_late_read_note(ONE, "dummy", &why));
	assert_null(why);
	error_free(refusal);
}

/* The engine shows addresses to root only; all else is for everybody. */
static void hides_details_from_others(void **state)
{
	_cleanup_free_ char *functions = NULL, *blockers = NULL;
	struct host_updates updates;
	int status;
	pid_t pid;

	if (geteuid())
		skip();
	put_engine();
	put_update(ONE, "applied\n");
	functions = path_join(root_folder, "sys/kernel/kmend/updates/" ONE "/functions");
	blockers = path_join(root_folder, "sys/kernel/kmend/updates/" ONE "/blockers");
	assert_true(!chmod(temp_folder, 0755) && !chmod(functions, 0400) && !chmod(blockers, 0400));
	pid = fork();
	if (!pid)
		_exit(setuid(65534) || host_updates_read(&updates) || updates.count != 1 ||
		      !updates.updates[0].details_hidden || !updates.updates[0].applied);
	assert_true(waitpid(pid, &status, 0) == pid);
	assert_int_equal(status, 0);
}

static void refuses_an_engine_it_does_not_know(void **state)
{
	static const struct {
		const char *name;
		const char *text;
		const char *good;
	} bad[] = {
		{ "state", "sleeping\n", "applied\n" },	  { "state", "", "applied\n" },
		{ "pause_ns", "\n", "1\n" },		  { "pause_ns", "12x\n", "1\n" },
		{ "functions", "7 more x\n", "" },
		{ "functions", "f vmlinux 0x1\n", "" },	  { "functions", "f vmlinux 0x1 y\n", "" },
		{ "blockers", "hook x f pre_apply\n", "" },
		{ "late", "dummy\n", "" },		  { "late", "dummy out x\n", "" },
		{ "blockers", "x y z w\n", "" },	  { "blockers", "12 name f\n", "" },
	};
	struct host_updates updates;
	size_t i;

	put_engine();
	put_update(ONE, "applied\n");
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		put_attribute(ONE, bad[i].name, bad[i].text);
		assert_fails(host_updates_read(&updates), ERROR_SYSTEM, bad[i].name);
		host_updates_free(&updates);
		put_attribute(ONE, bad[i].name, bad[i].good);
	}
	assert_ok(host_updates_read(&updates));
	host_updates_free(&updates);
	put_update("short", "applied\n");
	assert_fails(host_updates_read(&updates), ERROR_SYSTEM, "short");
	host_updates_free(&updates);
	assert_ok(host_check_engine());
	put_text("sys/kernel/kmend/abi", "4\n");
	assert_fails(host_updates_read(&updates), ERROR_SYSTEM, "ABI 4");
	host_updates_free(&updates);
	assert_fails(host_check_engine(), ERROR_REFUSED, "ABI 4");
}

/* One whose folder is there and no file yet, or no more. */
static void an_update_that_comes_or_goes_is_none(void **state)
{
	_cleanup_free_ char *folder = path_join(root_folder, "sys/kernel/kmend/updates/" TWO);
	struct host_updates updates;

	put_engine();
	put_update(ONE, "applied\n");
	assert_ok(make_dirs(folder));
	assert_ok(host_updates_read(&updates));
	assert_int_equal(updates.count, 1);
	assert_string_equal(updates.updates[0].id, ONE);
	host_updates_free(&updates);
}

static void a_refusal_of_odd_words_can_be_read(void **state)
{
	struct error *err = refuse("BLOCKED", "thread \xd1 of \xc3\xbc");
	_cleanup_free_ char *code = NULL, *message = NULL;

	assert_ok(host_refusal_write(ONE, err));
	error_free(err);
	assert_ok(host_refusal_read(ONE, &code, &message));
	assert_string_equal(message, "thread ? of ??");
	err = refuse("BLOCKED", "\xc3\xbc");
	assert_ok(host_refusal_write(ONE, err));
	error_free(err);
	free(take_ptr(code));
	free(take_ptr(message));
	assert_ok(host_refusal_read(ONE, &code, &message));
	assert_string_equal(message, "\xc3\xbc");
}

static void writes_the_switch(void **state)
{
	static const char *const ids[] = { ONE, TWO };
	_cleanup_free_ char *path = path_join(root_folder, "sys/kernel/kmend/switch");
	_cleanup_free_ void *applied = NULL, *undone = NULL;
	struct host_switch_report report;
	size_t size;

	put_engine();
	put_outcome(0, 3);
	assert_ok(host_switch(true, ids, 2, 7, &report));
	assert_int_equal(report.attempts, 3);
	assert_ok(file_read(path, 4096, &applied, &size));
	assert_string_equal(applied, "apply 7000 " ONE " " TWO);
	put_text("sys/kernel/kmend/switch", "");
	assert_ok(host_switch(false, ids, 1, 0, NULL));
	assert_ok(file_read(path, 4096, &undone, &size));
	assert_string_equal(undone, "undo 0 " ONE);
}

/* The engine of these tests is asked, and takes some time. */
static int asked(const char *path, const char *command)
{
	put_text("sys/kernel/kmend/outcome", "running 1\n");
	if (!fork()) {
		usleep(50000);
		put_outcome(0, 5);
		_exit(0);
	}
	return 0;
}

static void waits_for_the_outcome(void **state)
{
	static const char *const ids[] = { ONE };
	struct host_switch_report report;

	host_write_switch = asked;
	assert_ok(host_switch(true, ids, 1, 30, &report));
	assert_int_equal(report.attempts, 5);
	assert_true(wait(NULL) > 0);
}

static int takes_it(const char *path, const char *command)
{
	return 0;
}

static int is_busy(const char *path, const char *command)
{
	return EAGAIN;
}

static int has_no_room(const char *path, const char *command)
{
	return E2BIG;
}

static void too_many_modules_are_refused(void **state)
{
	host_write_switch = has_no_room;
	assert_refused(host_late_await(ONE, "dummy"), "TOO-MANY", ONE);
}

static void gives_up_at_the_deadline(void **state)
{
	static const char *const ids[] = { ONE };
	struct host_switch_report report;

	put_engine();
	put_update(ONE, "loaded\n");
	put_attribute(ONE, "blockers", "17 sleeper vfs_read+0x12 stack\n0 swapper/1 f+0x1 stack\n");
	put_text("proc/17/status", "Name:\tsleeper\nTgid:\t12\nPid:\t17\n");
	host_write_switch = takes_it;
	put_outcome(EBUSY, 12);
	assert_refused(host_switch(true, ids, 1, 1, &report), "BLOCKED",
		       "each of 12 tries within 1 s; end what is named here, or give a longer "
		       "--timeout\n  thread 17 (sleeper) of process 12: vfs_read+0x12, stack\n"
		       "  thread 0 (swapper/1): f+0x1, stack");
	assert_int_equal(report.attempts, 12);

	/* What is no thread */
	put_attribute(ONE, "blockers", "0 - vfs_read+0x0 redirected\n0 - vfs_write+0x4 redirected\n0 - f+0x1 kprobe\n");
	put_text("sys/kernel/livepatch/fix/enabled", "1\n");
	put_text("sys/kernel/livepatch/fix/vmlinux/vfs_read,1/stack", "");
	put_text("sys/kernel/livepatch/other/vmlinux/vfs_readv,1/stack", "");
	assert_refused(host_switch(true, ids, 1, 1, &report), "BLOCKED",
		       "\n  vfs_read+0x0: redirected by the live patch fix\n  vfs_write+0x4: redirected\n  f+0x1: kprobe");
}

static void names_each_refusal_of_the_engine(void **state)
{
	static const struct {
		int errnum;
		bool apply;
		const char *code;
	} answers[] = {
		{ ESTALE, true, "TEXT-CHANGED" },	{ ENODEV, true, "MODULE-MOVED" },
		{ EALREADY, true, "ALREADY-APPLIED" },	{ EALREADY, false, "NOT-APPLIED" },
		{ EEXIST, true, "FUNCTION-REPLACED" },	{ EXDEV, false, "ORDER" },
		{ ENOENT, true, "NOT-INSTALLED" },	{ EBUSY, false, "BLOCKED" },
	};
	static const char *const ids[] = { ONE };
	size_t i;

	host_write_switch = takes_it;
	for (i = 0; i < ARRAY_SIZE(answers); i++) {
		put_outcome(answers[i].errnum, 1);
		assert_refused(host_switch(answers[i].apply, ids, 1, 0, NULL), answers[i].code,
			       ONE);
	}
	put_outcome(ENOMEM, 1);
	assert_fails(host_switch(true, ids, 1, 0, NULL), ERROR_SYSTEM, ONE);
	put_text("sys/kernel/kmend/outcome", "rubbish\n");
	assert_fails(host_switch(true, ids, 1, 0, NULL), ERROR_SYSTEM, "outcome");
	host_write_switch = is_busy;
	assert_fails(host_switch(true, ids, 1, 0, NULL), ERROR_SYSTEM, ONE);
	host_write_switch = real_write_switch;
	assert_refused(host_switch(true, ids, 1, 0, NULL), "NOT-INSTALLED", "engine");
}

static void tells_which_update_is_in_the_way(void **state)
{
	static const char *const ids[] = { ONE };

	put_engine();
	put_update(ONE, "applied\n");
	put_attribute(ONE, "blockers", "update " TWO " vfs_read is-stacked\n");
	host_write_switch = takes_it;
	put_outcome(EXDEV, 1);
	assert_refused(host_switch(false, ids, 1, 0, NULL), "ORDER",
		       "undo that first, or both together\n  update " TWO ": vfs_read, is-stacked");
	assert_refused(host_switch(true, ids, 1, 0, NULL), "ORDER", "apply that first");
}

static void tells_which_hook_refused(void **state)
{
	static const char *const ids[] = { ONE };

	put_engine();
	put_update(ONE, "loaded\n");
	put_attribute(ONE, "blockers", "hook 12 make_room pre_apply\n");
	host_write_switch = takes_it;
	put_outcome(ECANCELED, 1);
	assert_refused(host_switch(true, ids, 1, 0, NULL), "HOOK-REFUSED",
		       "\n  its function make_room (pre_apply): Cannot allocate memory");
	put_attribute(ONE, "blockers", "hook 16 look check_apply\n");
	put_outcome(EBUSY, 3);
	assert_refused(host_switch(true, ids, 1, 0, NULL), "BLOCKED",
		       "\n  its function look (check_apply): Device or resource busy");
}

/* The record of a made-up update: its manifest is what the pack stage writes. */
static void put_record(const char *id, bool stays_loaded, const char *signed_by)
{
	struct manifest m = {
		.description = (char *)"net: check the length",
		.release = (char *)"6.1.0-56-amd64",
		.version = (char *)"",
		.cves = (char *[]){ (char *)"CVE-2026-1234" },
		.cve_count = 1,
		.stays_loaded = stays_loaded,
	};
	_cleanup_free_ char *json = NULL;
	size_t size;

	strcpy(m.id, id);
	assert_ok(manifest_to_json(&m, &json, &size));
	assert_ok(host_record_write(id, json, size, signed_by));
}

static void keeps_records(void **state)
{
	_cleanup_free_ char *broken = path_join(root_folder, "run/kmend/" TWO "/manifest.json");
	struct host_record record;

	assert_ok(host_record_read(ONE, &record));
	assert_null(record.manifest);
	put_record(ONE, true, "key 1");
	put_record(TWO, false, NULL);
	assert_ok(host_record_read(ONE, &record));
	assert_string_equal(record.manifest->release, "6.1.0-56-amd64");
	assert_true(record.manifest->stays_loaded);
	assert_string_equal(record.signed_by, "key 1");
	host_record_free(&record);

	/* Written again without a key: the old key is gone. */
	put_record(ONE, false, NULL);
	assert_ok(host_record_read(ONE, &record));
	assert_null(record.signed_by);
	host_record_free(&record);

	assert_ok(host_record_remove(ONE));
	assert_ok(host_record_remove(ONE));
	assert_ok(host_record_read(ONE, &record));
	assert_null(record.manifest);
	assert_ok(file_write(broken, "{", 1, 0644));
	assert_fails(host_record_read(TWO, &record), ERROR_SYSTEM, "manifest.json");
	host_record_free(&record);
}

static void forgets_what_is_not_installed(void **state)
{
	struct host_record record;

	assert_ok(host_records_prune());
	put_engine();
	put_update(ONE, "loaded\n");
	put_record(ONE, false, NULL);
	put_record(TWO, false, NULL);
	assert_ok(host_records_prune());
	assert_ok(host_record_read(ONE, &record));
	assert_non_null(record.manifest);
	host_record_free(&record);
	assert_ok(host_record_read(TWO, &record));
	assert_null(record.manifest);
}

/* Runs a command with @... as its arguments; *@output is what it wrote to stdout. */
static struct error *run(struct error *(*command)(int, char **), char **output, ...)
{
	_cleanup_free_ char *path = path_join(root_folder, "output");
	char *argv[8] = { 0 };
	struct error *err;
	int argc = 0, out, saved;
	size_t size;
	va_list args;

	va_start(args, output);
	while ((argv[argc] = va_arg(args, char *)))
		argc++;
	va_end(args);
	fflush(stdout);
	saved = dup(STDOUT_FILENO);
	out = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(out >= 0 && dup2(out, STDOUT_FILENO) >= 0);
	optind = 0;
	cmd_json = false;
	cmd_exit_status = 0;
	err = command(argc, argv);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	close(out);
	assert_ok(file_read(path, 1 << 20, (void **)output, &size));
	return err;
}

static void shows_the_status(void **state)
{
	_cleanup_free_ char *none = NULL, *all = NULL, *some = NULL, *details = NULL;

	assert_ok(run(cmd_status, &none, "status", NULL));
	assert_string_equal(none, "kernel     6.1.0-56-amd64, #1 SMP Debian\n"
				  "effective  6.1.0-56-amd64\n"
				  "updates    no update is installed\n");
	assert_int_equal(cmd_exit_status, 1);

	put_engine();
	put_update(ONE, "applied\n");
	put_record(ONE, false, "key 1");
	assert_ok(run(cmd_status, &all, "status", NULL));
	assert_int_equal(cmd_exit_status, 0);
	assert_string_equal(
		all, "kernel     6.1.0-56-amd64, #1 SMP Debian\n"
		     "effective  6.1.0-56-amd64+kmend.01234567, repaired: CVE-2026-1234\n"
		     "updates    1 applied\n\n"
		     "ID                STATE         FUNCTIONS      PAUSE      AGE  SIGNED BY         WHAT\n" ONE
		     "  applied               2     319 us        -  key 1             "
		     "CVE-2026-1234 net: check the length\n"
		     "    until the next boot only\n");

	put_update(TWO, "loaded\n");
	put_attribute(TWO, "blockers", "17 sleeper vfs_read+0x12 stack\n0 - 118 more\n");
	assert_ok(run(cmd_status, &some, "status", NULL));
	assert_int_equal(cmd_exit_status, 0);
	assert_non_null(strstr(some, TWO "  loaded                2     319 us        -  -"));
	assert_ok(run(cmd_status, &details, "status", "-v", NULL));
	assert_non_null(strstr(details, "\n    in the way: thread 17 (sleeper): vfs_read+0x12, "
					"stack\n    in the way: 118 more\n"));
	assert_non_null(strstr(details, "\n    for kernel 6.1.0-56-amd64\n"));
	assert_non_null(strstr(details, "\n    module kmend_" ONE "_1\n"));

	put_attribute(TWO, "state", "?");
	free(none);
	assert_fails(run(cmd_status, &none, "status", NULL), ERROR_SYSTEM, "state");
}

static void shows_the_status_as_json(void **state)
{
	_cleanup_free_ char *text = NULL;
	json_t *json, *update, *wanted;

	put_engine();
	put_update(ONE, "applied\n");
	put_record(ONE, false, NULL);
	assert_ok(run(cmd_status, &text, "status", "--json", NULL));
	json = json_loads(text, 0, NULL);
	assert_non_null(json);
	assert_int_equal(json_integer_value(json_object_get(json, "engine_abi")), KMEND_ABI);
	update = json_array_get(json_object_get(json, "updates"), 0);
	wanted = json_pack("{s:s,s:s,s:s,s:s}", "name", "vfs_read", "target", "vmlinux", "old",
			   "0xffffffff81200000", "new", "0xffffffffc0600000");
	assert_true(json_equal(json_array_get(json_object_get(update, "functions"), 0), wanted));
	assert_string_equal(json_string_value(json_object_get(update, "state")), "applied");
	assert_true(json_is_null(json_object_get(update, "signed_by")));
	assert_int_equal(json_array_size(json_object_get(update, "modules")), 2);
	json_decref(wanted);
	json_decref(json);
}

static void undo_takes_the_start_of_an_id(void **state)
{
	_cleanup_free_ char *path = path_join(root_folder, "sys/kernel/kmend/switch"), *out = NULL;
	_cleanup_free_ void *command = NULL;
	struct host_record record;
	size_t size;

	put_engine();
	put_update(ONE, "applied\n");
	put_update(TWO, "applied\n");
	put_record(ONE, true, NULL);
	assert_ok(run(cmd_undo, &out, "undo", "-q", "01234", ONE, NULL));
	assert_ok(file_read(path, 4096, &command, &size));
	assert_string_equal(command, "undo 10000 " ONE);
	assert_string_equal(out, ONE ": undone, the machine stood still for 319 us; "
				     "still loaded\n");
	assert_ok(host_record_read(ONE, &record));
	assert_non_null(record.manifest);
	host_record_free(&record);
}

/* The second has no module and a record: all that is left of it is removed. */
static void undo_undoes_all_in_one_stop(void **state)
{
	_cleanup_free_ char *path = path_join(root_folder, "sys/kernel/kmend/switch"), *out = NULL;
	_cleanup_free_ void *command = NULL;
	struct host_record record;
	json_t *json, *first, *second;
	size_t size;

	put_engine();
	put_update(ONE, "applied\n");
	put_update(TWO, "applied\n");
	put_record(TWO, false, NULL);
	assert_ok(run(cmd_undo, &out, "undo", "--all", "-q", "--json", NULL));
	assert_ok(file_read(path, 4096, &command, &size));
	assert_string_equal(command, "undo 10000 " ONE " " TWO);
	json = json_loads(out, 0, NULL);
	assert_non_null(json);
	first = json_array_get(json_object_get(json, "undone"), 0);
	second = json_array_get(json_object_get(json, "undone"), 1);
	assert_true(json_is_false(json_object_get(first, "unloaded")));
	assert_true(json_is_true(json_object_get(second, "unloaded")));
	assert_true(json_is_false(json_object_get(json, "engine_unloaded")));
	json_decref(json);
	assert_ok(host_record_read(TWO, &record));
	assert_null(record.manifest);
}

static void undo_refuses(void **state)
{
	_cleanup_free_ char *path = path_join(root_folder, "sys/kernel/kmend/switch");
	_cleanup_free_ void *command = NULL;
	char *out[8];
	size_t size, i;

	put_engine();
	put_update(ONE, "applied\n");
	put_update(TWO, "loaded\n");
	assert_fails(run(cmd_undo, &out[0], "undo", NULL), ERROR_USAGE, "--all");
	assert_fails(run(cmd_undo, &out[1], "undo", "0123", NULL), ERROR_USAGE, TWO);
	assert_fails(run(cmd_undo, &out[2], "undo", "--all", ONE, NULL), ERROR_USAGE, "either");
	assert_fails(run(cmd_undo, &out[3], "undo", "--timeout", "-1", ONE, NULL), ERROR_USAGE,
		     "-1");
	assert_refused(run(cmd_undo, &out[4], "undo", "f", NULL), "NOT-INSTALLED", "f");
	assert_refused(run(cmd_undo, &out[5], "undo", "", NULL), "NOT-INSTALLED", "");
	assert_refused(run(cmd_undo, &out[6], "undo", ONE, TWO, NULL), "NOT-APPLIED", TWO);
	assert_fails(run(cmd_undo, &out[7], "undo", ONE, "--frob", NULL), ERROR_USAGE, "--frob");
	for (i = 0; i < ARRAY_SIZE(out); i++) {
		assert_string_equal(out[i], "");
		free(out[i]);
	}
	assert_ok(file_read(path, 4096, &command, &size));
	assert_int_equal(size, 0);
}

/* A pack with one target of two functions, and the files that it names; the path of its file. */
static char *put_pack(void)
{
	char *path = path_join(root_folder, "a.kmend");
	struct pack *p = pack_new();
	struct manifest *m = p->manifest;
	struct manifest_target *t = m->targets = xcalloc(1, sizeof(*m->targets));

	strcpy(m->id, ONE);
	m->description = xstrdup("net: check the length");
	m->release = xstrdup("6.1.0-56-amd64");
	m->version = xstrdup("#1 SMP Debian");
	m->stays_loaded = true;
	m->target_count = 1;
	t->name = xstrdup("vmlinux");
	t->module = xstrdup("kmend_" ONE);
	t->file = xstrdup("new/vmlinux.ko");
	t->objects = xcalloc(1, sizeof(*t->objects));
	t->objects[t->object_count++] = (struct manifest_object){
		xstrdup("net/a.o"), xstrdup("pre/net/a.o")
	};
	t->functions = xcalloc(2, sizeof(*t->functions));
	t->functions[t->function_count++] = (struct manifest_function){
		xstrdup("a_open"), xstrdup("net/a.o"), MANIFEST_REPLACE
	};
	t->functions[t->function_count++] = (struct manifest_function){
		xstrdup("a_check"), xstrdup("net/a.o"), MANIFEST_ADD
	};
	t->symbols = xcalloc(1, sizeof(*t->symbols));
	t->symbols[t->symbol_count++] = (struct manifest_symbol){
		xstrdup("a_list.1"), xstrdup("a_list"), xstrdup("net/a.o")
	};
	pack_add(p, "pre/net/a.o", "pre", 3);
	pack_add(p, "new/vmlinux.ko", "module", 6);
	assert_ok(pack_write(p, path, NULL));
	pack_free(p);
	return path;
}

static void inspects_a_pack(void **state)
{
	_cleanup_free_ char *path = put_pack(), *text = NULL, *wanted = NULL;
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	wanted = xasprintf("update " ONE "\n"
			   "description: net: check the length\n"
			   "kernel: 6.1.0-56-amd64 #1 SMP Debian\n"
			   "size: %ju bytes, 2 members\n"
			   "signature: none\n"
			   "its modules stay loaded after an undo\n"
			   "target vmlinux: module kmend_" ONE ", 6 bytes\n"
			   "  replaces a_open (net/a.o)\n"
			   "  adds a_check (net/a.o)\n"
			   "  refers to a_list (net/a.o)\n"
			   "  proved by pre/net/a.o\n",
			   (uintmax_t)st.st_size);
	assert_ok(run(cmd_inspect, &text, "inspect", path, NULL));
	assert_string_equal(text, wanted);
}

static void inspects_a_pack_as_json(void **state)
{
	_cleanup_free_ char *path = put_pack(), *text = NULL;
	json_t *json, *manifest;

	assert_ok(run(cmd_inspect, &text, "inspect", path, "--json", NULL));
	json = json_loads(text, 0, NULL);
	assert_non_null(json);
	assert_true(json_is_false(json_object_get(json, "signed")));
	manifest = json_object_get(json, "manifest");
	assert_string_equal(json_string_value(json_object_get(manifest, "id")), ONE);
	assert_int_equal(json_array_size(json_object_get(manifest, "members")), 2);
	json_decref(json);
}

static void inspect_refuses(void **state)
{
	_cleanup_free_ char *path = put_pack();
	char *out[3];
	size_t i;

	assert_ok(file_write(path, "no pack", 7, 0644));
	assert_refused(run(cmd_inspect, &out[0], "inspect", path, NULL), "PACK-INVALID", path);
	assert_fails(run(cmd_inspect, &out[1], "inspect", NULL), ERROR_USAGE, "one pack");
	assert_fails(run(cmd_inspect, &out[2], "inspect", "/nowhere", NULL), ERROR_SYSTEM,
		     "/nowhere");
	for (i = 0; i < ARRAY_SIZE(out); i++) {
		assert_string_equal(out[i], "");
		free(out[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(knows_no_engine, set_up, tear_down),
		cmocka_unit_test_setup_teardown(reads_updates, set_up, tear_down),
		cmocka_unit_test_setup_teardown(reads_what_is_awaited, set_up, tear_down),
		cmocka_unit_test_setup_teardown(hides_details_from_others, set_up, tear_down),
		cmocka_unit_test_setup_teardown(refuses_an_engine_it_does_not_know, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(an_update_that_comes_or_goes_is_none, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_refusal_of_odd_words_can_be_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(writes_the_switch, set_up, tear_down),
		cmocka_unit_test_setup_teardown(waits_for_the_outcome, set_up, tear_down),
		cmocka_unit_test_setup_teardown(too_many_modules_are_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(gives_up_at_the_deadline, set_up, tear_down),
		cmocka_unit_test_setup_teardown(names_each_refusal_of_the_engine, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(tells_which_update_is_in_the_way, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(tells_which_hook_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(keeps_records, set_up, tear_down),
		cmocka_unit_test_setup_teardown(forgets_what_is_not_installed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(shows_the_status, set_up, tear_down),
		cmocka_unit_test_setup_teardown(shows_the_status_as_json, set_up, tear_down),
		cmocka_unit_test_setup_teardown(undo_takes_the_start_of_an_id, set_up, tear_down),
		cmocka_unit_test_setup_teardown(undo_undoes_all_in_one_stop, set_up, tear_down),
		cmocka_unit_test_setup_teardown(undo_refuses, set_up, tear_down),
		cmocka_unit_test_setup_teardown(inspects_a_pack, set_up, tear_down),
		cmocka_unit_test_setup_teardown(inspects_a_pack_as_json, set_up, tear_down),
		cmocka_unit_test_setup_teardown(inspect_refuses, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, set_up_temp, tear_down_temp);
}
