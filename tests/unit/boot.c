// SPDX-License-Identifier: GPL-2.0
/* What is done at boot and what goes on record, in a made-up root. */
#include "cmd/cmd.h"
#include "cmd/record.h"
#include "host/journal.h"
#include "host/probation.h"
#include "host/store.h"
#include "journal.h"
#include "pack/pack.h"
#include "root.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ONE "0123456789abcdef"
#define TWO "0123fedcba987654"

static const char *const one[] = { ONE }, *const two[] = { TWO }, *const both[] = { ONE, TWO };

static int set_up(void **state)
{
	set_up_root(state);
	put_text("proc/sys/kernel/random/boot_id", "first\n");
	put_text("proc/cmdline", "ro quiet\n");
	return 0;
}

/* Installs an update whose pack is a real one, for a kernel that does not run. */
static void install(const char *id)
{
	_cleanup_free_ char *path = path_join(root_folder, "pack.kmend");
	_cleanup_free_ void *data = NULL;
	struct pack *p = pack_new();
	size_t size;

	strcpy(p->manifest->id, id);
	p->manifest->description = xstrdup("");
	p->manifest->release = xstrdup("1.0-other");
	p->manifest->version = xstrdup("");
	assert_ok(pack_write(p, path, NULL));
	pack_free(p);
	assert_ok(file_read(path, 1 << 20, &data, &size));
	assert_ok(store_put(id, data, size, false));
	assert_ok(store_install(&id, 1, false, (bool[]){ true }));
}

/* Runs `kmend boot` with one or two options; its output is the caller's to free. */
static char *boot(const char *option, const char *second, struct error **err)
{
	char *argv[] = { (char *)"boot", (char *)option, (char *)second, NULL };
	_cleanup_free_ char *path = path_join(root_folder, "output");
	int out = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600), saved = dup(STDOUT_FILENO);
	char *text;
	size_t size;

	fflush(stdout);
	assert_true(out >= 0 && saved >= 0 && dup2(out, STDOUT_FILENO) >= 0);
	optind = 0;
	cmd_json = false;
	cmd_exit_status = 0;
	*err = cmd_boot(second ? 3 : option ? 2 : 1, argv);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	close(out);
	assert_ok(file_read(path, 1 << 20, (void **)&text, &size));
	return text;
}

static void assert_boots(const char *wanted)
{
	_cleanup_free_ char *got = NULL;
	struct error *err;

	got = boot(NULL, NULL, &err);
	assert_ok(err);
	assert_string_equal(got, wanted);
	assert_int_equal(cmd_exit_status, 0);
}

static void assert_probation(size_t count, bool this_boot)
{
	_cleanup_(probation_free) struct probation p;

	assert_ok(probation_read(&p));
	assert_int_equal(p.count, count);
	assert_int_equal(p.this_boot, this_boot);
}

static void probation_lasts(void **state)
{
	assert_probation(0, false);
	assert_ok(probation_drop(one, 1));
	assert_ok(probation_end());
	assert_ok(probation_begin(one, 1));
	assert_probation(1, true);
	assert_ok(probation_begin(both, 2));
	assert_probation(2, true);
	assert_ok(probation_drop(one, 1));
	assert_probation(1, true);
	put_text("proc/sys/kernel/random/boot_id", "second\n");
	assert_probation(1, false);
	/* What the boot before left is not this boot's. */
	assert_ok(probation_begin(one, 1));
	assert_probation(1, true);
	assert_ok(probation_drop(both, 2));
	assert_probation(0, false);
}

static void a_bad_probation_is_told(void **state)
{
	static const char *const bad[] = { "", "[]", "{}", "{\"boot\":\"x\",\"since\":1,\"updates\":1}",
					   "{\"boot\":\"x\",\"since\":1,\"updates\":[\"../x\"]}" };
	struct probation p;
	struct error *err;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		put_text("var/lib/kmend/probation.json", bad[i]);
		err = probation_read(&p);
		assert_non_null(err);
		assert_int_equal(err->kind, ERROR_SYSTEM);
		error_free(err);
		probation_free(&p);
	}
}

static void boots_with_nothing(void **state)
{
	_cleanup_free_ char *rest = path_join(root_folder, "var/lib/kmend/packs/" ONE ".kmend");

	assert_boots("");
	/* What a killed apply left. */
	assert_ok(store_put(ONE, "x", 1, false));
	assert_true(file_exists(rest));
	assert_boots("");
	assert_false(file_exists(rest));
}

static void leaves_another_kernels_update_alone(void **state)
{
	_cleanup_free_ char *code = NULL, *message = NULL, *got = NULL;
	struct error *err;

	install(ONE);
	got = boot(NULL, NULL, &err);
	assert_ok(err);
	assert_int_equal(cmd_exit_status, 0);
	assert_non_null(strstr(got, ONE ": not applied [KERNEL-OTHER]: "));
	assert_ok(host_refusal_read(ONE, &code, &message));
	assert_string_equal(code, "KERNEL-OTHER");
	assert_non_null(strstr(message, "1.0-other"));
	assert_probation(0, false);
}

static void tells_what_is_wrong_with_a_kept_pack(void **state)
{
	_cleanup_free_ char *got = NULL;
	struct error *err;

	install(ONE);
	put_text("var/lib/kmend/packs/" ONE ".kmend", "rubbish");
	got = boot(NULL, NULL, &err);
	assert_ok(err);
	assert_int_equal(cmd_exit_status, ERROR_REFUSED);
	assert_non_null(strstr(got, ONE ": not applied [PACK-INVALID]: "));
}

/* Of a kernel that saves a crashed one's memory nothing is wanted, and the next boot learns of that crash. */
static void saves_a_crash_in_peace(void **state)
{
	_cleanup_free_ char *vmcore = path_join(root_folder, "proc/vmcore"), *settled = NULL;
	_cleanup_(store_free) struct store store = { 0 };
	struct error *err;

	install(ONE);
	assert_ok(probation_begin(one, 1));
	put_text("proc/sys/kernel/random/boot_id", "second\n");
	put_text("proc/vmcore", "");
	assert_boots("nothing is applied: this kernel saves the memory of one that crashed\n");
	settled = boot("--settle", NULL, &err);
	assert_ok(err);
	assert_probation(1, false);
	assert_int_equal(unlink(vmcore), 0);
	put_text("proc/sys/kernel/random/boot_id", "third\n");
	assert_boots(ONE ": set aside: the machine went down soon after it was applied\n");
	assert_ok(store_read(&store));
	assert_true(store.updates[0].set_aside);
}

static void is_turned_off_by_the_command_line(void **state)
{
	install(ONE);
	put_text("proc/cmdline", "ro kmend.enable=0 quiet\n");
	assert_boots("nothing is applied: kmend.enable=0 is on the kernel's command line\n");
}

static void sets_aside_after_a_crash(void **state)
{
	_cleanup_(store_free) struct store store;
	_cleanup_free_ char *got = NULL;
	struct error *err;

	install(ONE);
	install(TWO);
	assert_ok(probation_begin(two, 1));
	/* Once more in this boot: it did not crash. */
	got = boot(NULL, NULL, &err);
	assert_ok(err);
	assert_null(strstr(got, "set aside"));
	assert_probation(1, true);
	free(take_ptr(got));

	put_text("proc/sys/kernel/random/boot_id", "second\n");
	got = boot(NULL, NULL, &err);
	assert_ok(err);
	assert_non_null(strstr(got, TWO ": set aside: "));
	assert_null(strstr(got, TWO ": not applied"));
	assert_non_null(strstr(got, ONE ": not applied"));
	assert_probation(0, false);
	assert_ok(store_read(&store));
	assert_true(store_get(&store, TWO)->set_aside);
	assert_false(store_get(&store, ONE)->set_aside);
	free(take_ptr(got));
	/* Once. */
	put_text("proc/sys/kernel/random/boot_id", "third\n");
	got = boot(NULL, NULL, &err);
	assert_ok(err);
	assert_null(strstr(got, TWO));
}

static void settles(void **state)
{
	_cleanup_free_ char *got = NULL;
	struct error *err;
	int status;
	pid_t pid;

	assert_ok(probation_begin(one, 1));
	got = boot("--settle", "--after=0", &err);
	assert_ok(err);
	assert_probation(0, false);

	/* It waits until it is told to end, or for as long as it should. */
	assert_ok(probation_begin(one, 1));
	pid = fork();
	if (!pid) {
		free(boot("--settle", NULL, &err));
		_exit(err ? 1 : 0);
	}
	usleep(300000);
	assert_probation(1, true);
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_probation(0, false);
	assert_ok(probation_begin(one, 1));
	free(take_ptr(got));
	got = boot("--settle", "--after=2", &err);
	assert_ok(err);
	assert_probation(0, false);

	/* Whatever else goes wrong: the machine did not crash. */
	assert_ok(probation_begin(one, 1));
	put_text("sys/kernel/kmend/abi", "99\n");
	free(take_ptr(got));
	got = boot("--settle", "--after=0", &err);
	assert_int_equal(err->kind, ERROR_SYSTEM);
	error_free(err);
	assert_probation(0, false);

	/* What an earlier boot left, where nobody ran `kmend boot`. */
	assert_ok(probation_begin(one, 1));
	put_text("proc/sys/kernel/random/boot_id", "second\n");
	free(take_ptr(got));
	got = boot("--settle", NULL, &err);
	assert_ok(err);
	assert_string_equal(got, ONE ": set aside: the machine went down soon after it was applied\n");
}

static void boot_refuses(void **state)
{
	struct error *err;

	free(boot("--after=x", NULL, &err));
	assert_int_equal(err->kind, ERROR_USAGE);
	error_free(err);
	free(boot("something", NULL, &err));
	assert_int_equal(err->kind, ERROR_USAGE);
	error_free(err);
	put_text("var/lib/kmend/installed.json", "{");
	free(boot(NULL, NULL, &err));
	assert_int_equal(err->kind, ERROR_SYSTEM);
	error_free(err);
}

/* ---- the journal ---- */

static void speaks_the_journals_protocol(void **state)
{
	_cleanup_close_ int fd = listen_as_journal();
	_cleanup_free_ char *got = NULL, *big = xcalloc(1, 70000);
	static const char wanted[] = "MESSAGE=a sentence\nPRIORITY=5\nSYSLOG_IDENTIFIER=kmend\n"
				     "TWO\n\x07\0\0\0\0\0\0\0one\ntwo\nREST=\n";
	struct journal_entry e;
	size_t size;

	memset(big, 'x', 69999);
	journal_begin(&e, 5, "a %s", "sentence");
	journal_add(&e, "TWO", "one\ntwo");
	journal_add(&e, "NONE", NULL);
	journal_add(&e, "BIG", big);
	journal_add(&e, "REST", "");
	journal_send(&e);
	got = receive(fd, &size);
	assert_int_equal(size, sizeof(wanted) - 1);
	assert_memory_equal(got, wanted, size);
}

static void records_who_did_what(void **state)
{
	_cleanup_close_ int fd = listen_as_journal();
	struct host_record record = { .signed_by = (char *)"0123ABCD" };
	_cleanup_free_ char *done = NULL, *refused = NULL, *unread = NULL;
	struct manifest_function functions[] = { { (char *)"a_open", (char *)"a.o", MANIFEST_REPLACE },
						 { (char *)"a_new", (char *)"a.o", MANIFEST_ADD },
						 { (char *)"a_close", (char *)"a.o", MANIFEST_REPLACE } };
	struct manifest_target target = { .functions = functions, .function_count = 3 };
	struct manifest m = { .id = ONE, .description = (char *)"net: check", .release = (char *)"6.1",
			      .cves = (char *[]){ (char *)"CVE-2026-1", (char *)"CVE-2026-2" },
			      .cve_count = 2, .targets = &target, .target_count = 1 };
	struct pack pack = { .manifest = &m };
	struct proof proof = { .pack = &pack, .trust.state = TRUST_SIGNED, .trust.key_id = "0123ABCD" };
	struct proof nothing = { 0 };
	struct error *err;
	size_t size;

	put_text("proc/self/loginuid", "1000");
	setenv("SUDO_USER", "mary", 1);
	record_apply("apply", "fix.kmend", &proof, 319000, NULL);
	done = receive(fd, &size);
	assert_field(done, "PRIORITY=5");
	assert_field(done, "KMEND_ACTION=apply");
	assert_field(done, "KMEND_RESULT=done");
	assert_field(done, "KMEND_UPDATE=" ONE);
	assert_field(done, "KMEND_PACK=fix.kmend");
	assert_field(done, "KMEND_KEY=0123ABCD");
	assert_field(done, "KMEND_CVE=CVE-2026-2");
	assert_field(done, "KMEND_FUNCTION=a_open");
	assert_field(done, "KMEND_FUNCTION=a_close");
	assert_null(strstr(done, "a_new"));
	assert_field(done, "KMEND_PAUSE_NS=319000");
	assert_field(done, "KMEND_LOGIN_UID=1000");
	assert_field(done, "KMEND_SUDO_USER=mary");
	assert_null(strstr(done, "KMEND_CODE"));

	record.manifest = &m;
	put_text("proc/self/loginuid", "4294967295");
	unsetenv("SUDO_USER");
	err = refuse("BLOCKED", "something\nis in the way");
	record_undo(ONE, &record, 0, err);
	refused = receive(fd, &size);
	assert_non_null(memmem(refused, size, "\nPRIORITY=4\n", 12));
	assert_non_null(memmem(refused, size, "\nKMEND_ACTION=undo\n", 19));
	assert_non_null(memmem(refused, size, "\nKMEND_RESULT=refused\nKMEND_CODE=BLOCKED\nKMEND_ERROR\n", 52));
	assert_null(memmem(refused, size, "KMEND_LOGIN_UID", 15));
	error_free(err);

	err = system_error(0, "no disk");
	record_apply("boot", "fix.kmend", &nothing, 0, err);
	unread = receive(fd, &size);
	assert_field(unread, "PRIORITY=3");
	assert_field(unread, "KMEND_RESULT=failed");
	assert_field(unread, "KMEND_ACTION=boot");
	assert_null(strstr(unread, "KMEND_KEY"));
	error_free(err);
}

static void does_without_a_journal(void **state)
{
	record_set_aside(ONE);
	put_text("run/systemd/journal/socket", "");
	record_set_aside(ONE);
}

static void refusals_of_the_command_are_recorded(void **state)
{
	char *argv[] = { (char *)"apply", (char *)"/nowhere.kmend", NULL };
	char *undo[] = { (char *)"undo", (char *)"feed", NULL };
	_cleanup_close_ int fd = listen_as_journal();
	_cleanup_free_ char *first = NULL, *second = NULL;
	struct error *err;
	size_t size;

	optind = 0;
	err = cmd_apply(2, argv);
	assert_int_equal(err->kind, ERROR_SYSTEM);
	error_free(err);
	first = receive(fd, &size);
	assert_field(first, "KMEND_PACK=/nowhere.kmend");
	assert_field(first, "KMEND_RESULT=failed");
	optind = 0;
	err = cmd_undo(2, undo);
	assert_true(error_is(err, "NOT-INSTALLED"));
	error_free(err);
	second = receive(fd, &size);
	assert_field(second, "KMEND_UPDATE=feed");
	assert_field(second, "KMEND_CODE=NOT-INSTALLED");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(probation_lasts, set_up, tear_down_root),
		cmocka_unit_test_setup_teardown(a_bad_probation_is_told, set_up, tear_down_root),
		cmocka_unit_test_setup_teardown(boots_with_nothing, set_up, tear_down_root),
		cmocka_unit_test_setup_teardown(leaves_another_kernels_update_alone, set_up,
						tear_down_root),
		cmocka_unit_test_setup_teardown(tells_what_is_wrong_with_a_kept_pack, set_up,
						tear_down_root),
		cmocka_unit_test_setup_teardown(saves_a_crash_in_peace, set_up, tear_down_root),
		cmocka_unit_test_setup_teardown(saves_a_crash_in_peace, set_up, tear_down_root),
		cmocka_unit_test_setup_teardown(is_turned_off_by_the_command_line, set_up,
						tear_down_root),
		cmocka_unit_test_setup_teardown(sets_aside_after_a_crash, set_up, tear_down_root),
		cmocka_unit_test_setup_teardown(settles, set_up, tear_down_root),
		cmocka_unit_test_setup_teardown(boot_refuses, set_up, tear_down_root),
		cmocka_unit_test_setup_teardown(speaks_the_journals_protocol, set_up,
						tear_down_root),
		cmocka_unit_test_setup_teardown(records_who_did_what, set_up, tear_down_root),
		cmocka_unit_test_setup_teardown(does_without_a_journal, set_up, tear_down_root),
		cmocka_unit_test_setup_teardown(refusals_of_the_command_are_recorded, set_up,
						tear_down_root),
	};

	return cmocka_run_group_tests(tests, set_up_temp, tear_down_temp);
}
