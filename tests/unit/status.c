// SPDX-License-Identifier: GPL-2.0
/* What kmend status tells of each state, in its four forms. */
#include "cmd/cmd.h"
#include "cmd/status.h"
#include "pack/pack.h"
#include "root.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define RELEASE "6.1.0-56-amd64"

static int set_up(void **state)
{
	set_up_root(state);
	put_text("proc/sys/kernel/osrelease", RELEASE "\n");
	put_text("proc/sys/kernel/version", "#1 SMP \"Debian\"\n");
	put_text("proc/sys/kernel/random/boot_id", "first\n");
	put_text("proc/cmdline", "ro quiet\n");
	return 0;
}

static void install(const char *id, const char *release, const char *cve, bool until_reboot)
{
	_cleanup_free_ char *path = path_join(root_folder, "pack.kmend");
	_cleanup_free_ void *data = NULL;
	struct pack *p = pack_new();
	struct manifest *m = p->manifest;
	size_t size;

	strcpy(m->id, id);
	m->description = xasprintf("repairs %.4s", id);
	m->release = xstrdup(release);
	m->version = xstrdup("");
	m->cves = xcalloc(1, sizeof(*m->cves));
	m->cves[m->cve_count++] = xstrdup(cve);
	assert_ok(pack_write(p, path, NULL));
	assert_ok(file_read(path, 1 << 20, &data, &size));
	assert_ok(store_put(id, data, size, until_reboot));
	assert_ok(store_install(&id, 1, until_reboot, NULL));
	assert_ok(host_record_write(id, p->manifest_json, p->manifest_size, "KEY"));
	pack_free(p);
}

/* As of a machine whose clock was wrong: the age is 0 for however long the test takes. */
static void put_into_the_future(void)
{
	_cleanup_free_ char *path = path_join(root_folder, "var/lib/kmend/installed.json"),
			    *text = NULL;
	json_t *list = json_load_file(path, 0, NULL), *entry;
	size_t i;

	assert_non_null(list);
	json_array_foreach(json_object_get(list, "updates"), i, entry)
		json_object_set_new(entry, "since", json_integer(4102444800));
	text = json_dumps(list, 0);
	json_decref(list);
	put_text("var/lib/kmend/installed.json", text);
}

static void load(const char *id, const char *state)
{
	static const char *const names[] = { "state", "pause_ns", "functions", "blockers", "late" };
	const char *const texts[] = { state, "319000\n", "", "", "" };
	size_t i;

	put_text("sys/kernel/kmend/abi", "3\n");
	put_text("proc/modules", "");
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *path = xasprintf("sys/kernel/kmend/updates/%s/%s", id, names[i]);

		put_text(path, texts[i]);
	}
}

/* Runs `kmend status` with up to two options; its output is the caller's to free. */
static char *status(const char *option, const char *second, int wanted_exit)
{
	char *argv[] = { (char *)"status", (char *)option, (char *)second, NULL };
	_cleanup_free_ char *path = path_join(root_folder, "output");
	int out = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600), saved = dup(STDOUT_FILENO);
	struct error *err;
	char *text;
	size_t size;

	fflush(stdout);
	assert_true(out >= 0 && saved >= 0 && dup2(out, STDOUT_FILENO) >= 0);
	optind = 0;
	cmd_json = false;
	cmd_exit_status = 0;
	err = cmd_status(second ? 3 : option ? 2 : 1, argv);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	close(out);
	assert_int_equal(err ? (int)err->kind : cmd_exit_status, wanted_exit);
	error_free(err);
	assert_ok(file_read(path, 1 << 20, (void **)&text, &size));
	return text;
}

static void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in:\n%s", part, text);
}

#define A "aaaaaaaa00000001"	/* applied */
#define B "bbbbbbbb00000002"	/* loaded, the rest of something */
#define C "cccccccc00000003"	/* pending */
#define D "dddddddd00000004"	/* refused at boot */
#define E "eeeeeeee00000005"	/* set aside */
#define F "ffffffff00000006"	/* for another kernel */

static void put_all(void)
{
	const char *aside = E;
	struct error *why;

	install(F, "6.1.0-55-amd64", "CVE-2026-0006", false);
	install(A, RELEASE, "CVE-2026-0001", false);
	install(C, RELEASE, "CVE-2026-0003", false);
	install(D, RELEASE, "CVE-2026-0004", false);
	install(E, RELEASE, "CVE-2026-0005", false);
	load(A, "applied\n");
	load(B, "loaded\n");
	why = refuse("FUNCTION-DIFFERS", "a_open differs");
	assert_ok(host_refusal_write(D, why));
	error_free(why);
	assert_ok(store_set_aside(&aside, 1));
	put_into_the_future();
}

static void tells_every_state(void **state)
{
	_cleanup_free_ char *text = NULL;

	put_all();
	text = status(NULL, NULL, 2);
	assert_has(text, "kernel     " RELEASE ", #1 SMP \"Debian\"\n"
			 "effective  " RELEASE "+kmend.aaaaaaaa, repaired: CVE-2026-0001\n"
			 "updates    1 applied, 1 loaded, 1 pending, 1 refused, 1 set-aside, 1 other-kernel\n\n");
	assert_has(text, "\n" F "  other-kernel          0          -      0 s  -                 "
			 "CVE-2026-0006 repairs ffff\n    for kernel 6.1.0-55-amd64: ");
	assert_has(text, "\n" A "  applied               0     319 us      0 s  KEY ");
	assert_has(text, "\n" B "  loaded ");
	assert_has(text, "\n" C "  pending               0          -      0 s  - ");
	assert_has(text, "\n    not applied since the boot: ");
	assert_has(text, "\n" D "  refused ");
	assert_has(text, "\n    not applied at boot [FUNCTION-DIFFERS]: a_open differs\n");
	assert_has(text, "\n" E "  set-aside ");
	assert_has(text, "\n    the machine went down soon after it was applied: ");
	/* In the order of application, what is only loaded at the end. */
	assert_true(strstr(text, F) < strstr(text, A) && strstr(text, A) < strstr(text, C) &&
		    strstr(text, E) < strstr(text, B));
}

static void tells_what_waits_for_a_module(void **state)
{
	_cleanup_free_ char *text = NULL;
	struct error *why = refuse("MODULE-MISSING", "the module x is not loaded");

	install(C, RELEASE, "CVE-2026-0003", false);
	assert_ok(host_refusal_write(C, why));
	error_free(why);
	text = status(NULL, NULL, 2);
	assert_has(text, C "  pending ");
	assert_has(text, "[MODULE-MISSING]: the module x is not loaded\n");
}

static void tells_what_a_module_runs(void **state)
{
	_cleanup_free_ char *text = NULL, *json = NULL, *later = NULL;

	install(A, RELEASE, "CVE-2026-0001", false);
	load(A, "applied\n");
	put_text("sys/kernel/kmend/updates/" A "/late", "dummy out\nnf_nat in\n");
	later = status(NULL, NULL, 0);
	assert_has(later, "\n    dummy is not loaded: ");
	assert_null(strstr(later, "nf_nat"));
	put_text("proc/modules", "dummy 16384 0 - Live 0xffffffffc0500000\n");
	text = status(NULL, NULL, 2);
	assert_has(text, "\n    dummy runs without the update\n");
	json = status("--json", NULL, 2);
	assert_has(json, "\"unfixed\"");
}

static void tells_that_boot_is_turned_off(void **state)
{
	_cleanup_free_ char *text = NULL;

	put_text("proc/cmdline", "kmend.enable=0\n");
	install(C, RELEASE, "CVE-2026-0003", false);
	text = status(NULL, NULL, 2);
	assert_has(text, "boot       kmend.enable=0 is on the kernel's command line\n");
	assert_has(text, C "  pending ");
	assert_has(text, "    not applied: kmend.enable=0 ");
}

static void tells_of_a_pack_that_cannot_be_read(void **state)
{
	_cleanup_free_ char *text = NULL;

	install(C, RELEASE, "CVE-2026-0003", false);
	put_text("var/lib/kmend/packs/" C ".kmend", "rubbish");
	text = status(NULL, NULL, 2);
	assert_has(text, C "  refused ");
	assert_has(text, "[PACK-INVALID]: ");
}

/* Not installed, so that it is no reason to look for what is not applied. */
static void what_stays_loaded_is_not_installed(void **state)
{
	_cleanup_free_ char *alone = NULL, *beside = NULL, *over = NULL, *listed = NULL;

	load(B, "loaded\n");
	alone = status(NULL, NULL, 1);
	assert_has(alone, "updates    1 loaded\n");
	assert_has(alone, B "  loaded ");
	install(A, RELEASE, "CVE-2026-0001", false);
	load(A, "applied\n");
	beside = status(NULL, NULL, 0);
	assert_has(beside, "updates    1 applied, 1 loaded\n");
	/* Applied and not listed, as a killed apply leaves it. */
	load(B, "applied\n");
	over = status(NULL, NULL, 0);
	/* Installed, and loaded alone. */
	load(A, "loaded\n");
	listed = status(NULL, NULL, 2);
}

static void tells_what_is_until_reboot(void **state)
{
	_cleanup_free_ char *text = NULL;

	install(A, RELEASE, "CVE-2026-0001", true);
	load(A, "applied\n");
	text = status(NULL, NULL, 0);
	assert_has(text, "\n    until the next boot only\n");
}

/* A record, or why something was refused, that others could have written. */
static void relies_on_nothing_of_others(void **state)
{
	static const char *const names[] = { "run/kmend/" A "/manifest.json", "run/kmend/" A "/signed-by", "run/kmend/" A,
					     "run/kmend/refused/" C ".json", "run/kmend/refused" };
	struct error *why = refuse("BLOCKED", "x");
	size_t i;

	install(A, RELEASE, "CVE-2026-0001", false);
	install(C, RELEASE, "CVE-2026-0003", false);
	load(A, "applied\n");
	assert_ok(host_refusal_write(C, why));
	error_free(why);
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *path = path_join(root_folder, names[i]), *good = NULL, *bad = NULL;

		good = status(NULL, NULL, 2);
		assert_int_equal(chmod(path, 0777), 0);
		bad = status(NULL, NULL, ERROR_SYSTEM);
		assert_int_equal(chmod(path, 0755), 0);
	}
}

static void tells_json(void **state)
{
	_cleanup_free_ char *text = NULL;
	json_t *json, *updates, *u;
	const char *level, *cve, *code, *at;

	put_all();
	text = status("--json", NULL, 2);
	json = json_loads(text, 0, NULL);
	assert_non_null(json);
	assert_int_equal(json_unpack(json, "{s:{s:s,s:[s]},s:o}", "effective", "level", &level, "cves", &cve,
				     "updates", &updates),
			 0);
	assert_string_equal(level, RELEASE "+kmend.aaaaaaaa");
	assert_string_equal(cve, "CVE-2026-0001");
	assert_int_equal(json_array_size(updates), 6);
	u = json_array_get(updates, 3);
	assert_string_equal(json_string_value(json_object_get(u, "id")), D);
	assert_int_equal(json_unpack(u, "{s:{s:s},s:s}", "refused", "code", &code, "installed_at", &at), 0);
	assert_string_equal(code, "FUNCTION-DIFFERS");
	assert_int_equal(strlen(at), 20);
	assert_true(json_is_true(json_object_get(u, "installed")));
	u = json_array_get(updates, 5);
	assert_true(json_is_false(json_object_get(u, "installed")));
	assert_null(json_object_get(u, "installed_at"));
	json_decref(json);
}

static void writes_metrics(void **state)
{
	_cleanup_free_ char *path = path_join(root_folder, "kmend.prom"), *out = NULL, *bad = NULL;
	_cleanup_free_ void *text = NULL, *cannot = NULL;
	size_t size;

	put_all();
	put_text("var/lib/kmend/withdrawn.json", "{\"" A "\":1}");
	out = status("--prometheus", path, 2);
	assert_string_equal(out, "");
	assert_ok(file_read(path, 1 << 20, &text, &size));
	assert_has(text, "# TYPE kmend_status gauge\nkmend_status 2\n");
	assert_has(text, "\nkmend_kernel_info{release=\"" RELEASE "\",version=\"#1 SMP \\\"Debian\\\"\",level=\"" RELEASE
			 "+kmend.aaaaaaaa\"} 1\n");
	assert_has(text, "\nkmend_updates{state=\"set-aside\"} 1\n");
	assert_has(text, "\nkmend_update_info{id=\"" D "\",state=\"refused\",release=\"" RELEASE "\"} 1\n");
	assert_has(text, "\nkmend_update_cve{id=\"" A "\",cve=\"CVE-2026-0001\"} 1\n");
	assert_has(text, "\nkmend_update_cve{id=\"" D "\",cve=\"CVE-2026-0004\"} 0\n");
	assert_has(text, "\nkmend_update_withdrawn{id=\"" A "\"} 1\n");
	assert_has(text, "\nkmend_update_withdrawn{id=\"" D "\"} 0\n");
	assert_has(text, "\nkmend_update_pause_seconds{id=\"" A "\"} 0.000319000\n");
	assert_has(text, "\nkmend_update_installed_timestamp_seconds{id=\"" A "\"} ");

	put_text("var/lib/kmend/installed.json", "{");
	bad = status("--prometheus", path, ERROR_SYSTEM);
	assert_ok(file_read(path, 1 << 20, &cannot, &size));
	assert_has(cannot, "\nkmend_status 3\n");
	assert_null(strstr(cannot, "kmend_updates"));
}

static void tells_those_who_log_in(void **state)
{
	_cleanup_free_ char *none = NULL, *some = NULL, *bad = NULL, *both = NULL;

	none = status("--motd", NULL, 1);
	assert_string_equal(none, "");
	install(A, RELEASE, "CVE-2026-0001", false);
	install(C, RELEASE, "CVE-2026-0003", false);
	load(A, "applied\n");
	some = status("--motd", NULL, 2);
	assert_string_equal(some, "kernel updates: 1 applied, 1 pending (CVE-2026-0001)\n");
	put_text("var/lib/kmend/withdrawn.json", "{\"" A "\":1}");
	bad = status("--motd", NULL, 2);
	assert_string_equal(bad, "kernel updates: 1 applied, 1 pending (CVE-2026-0001); some were withdrawn, see kmend status\n");
	both = status("--motd", "--json", ERROR_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(tells_every_state, set_up, tear_down_root),
		cmocka_unit_test_setup_teardown(tells_what_waits_for_a_module, set_up,
						tear_down_root),
		cmocka_unit_test_setup_teardown(tells_what_a_module_runs, set_up, tear_down_root),
		cmocka_unit_test_setup_teardown(tells_that_boot_is_turned_off, set_up,
						tear_down_root),
		cmocka_unit_test_setup_teardown(tells_of_a_pack_that_cannot_be_read, set_up,
						tear_down_root),
		cmocka_unit_test_setup_teardown(what_stays_loaded_is_not_installed, set_up, tear_down_root),
		cmocka_unit_test_setup_teardown(tells_what_is_until_reboot, set_up, tear_down_root),
		cmocka_unit_test_setup_teardown(relies_on_nothing_of_others, set_up, tear_down_root),
		cmocka_unit_test_setup_teardown(tells_json, set_up, tear_down_root),
		cmocka_unit_test_setup_teardown(writes_metrics, set_up, tear_down_root),
		cmocka_unit_test_setup_teardown(tells_those_who_log_in, set_up, tear_down_root),
	};

	return cmocka_run_group_tests(tests, set_up_temp, tear_down_temp);
}
