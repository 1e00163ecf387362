// SPDX-License-Identifier: GPL-2.0
/* What the next command makes of an apply or an undo that was killed, in a made-up root. */
#include "cmd/cmd.h"
#include "cmd/killed.h"
#include "host/private.h"
#include "host/probation.h"
#include "host/seen.h"
#include "host/store.h"
#include "host/undoing.h"
#include "journal.h"
#include "root.h"

#include <string.h>
#include <sys/stat.h>

#define ONE "0123456789abcdef"
#define TWO "0123fedcba987654"
static const char *const one[] = { ONE }, *const two[] = { TWO }, *const both[] = { ONE, TWO };

static int set_up(void **state)
{
	set_up_root(state);
	put_text("proc/sys/kernel/random/boot_id", "first\n");
	put_text("proc/modules", "");
	return 0;
}

/* An update in the engine, "applied" or "loaded". */
static void load(const char *id, const char *applied)
{
	static const char *const names[] = { "state", "pause_ns", "blockers", "functions", "late" };
	size_t i;

	put_text("sys/kernel/kmend/abi", "3\n");
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *path = xasprintf("sys/kernel/kmend/updates/%s/%s", id, names[i]);
		_cleanup_free_ char *text = xasprintf("%s\n", i ? "0" : applied);

		put_text(path, i > 1 ? "" : text);
	}
}

/* What apply writes before the switch. */
static void begin(const char *id, const char *signer)
{
	struct manifest m = { .serial = 7, .release = (char *)"6.1", .version = (char *)"",
			      .description = (char *)"", .channel = (char *)"stable" };
	_cleanup_free_ char *json = NULL;
	size_t size;

	strcpy(m.id, id);
	assert_ok(manifest_to_json(&m, &json, &size));
	assert_ok(store_put(id, "pack", 4, false));
	assert_ok(probation_begin(&id, 1));
	assert_ok(host_record_write(id, json, size, signer));
}

static void finish(struct store *store)
{
	assert_ok(killed_finish());
	assert_ok(store_read(store));
}

static void lists_what_was_switched(void **state)
{
	_cleanup_(store_free) struct store store = { 0 };
	uint64_t serial;

	begin(ONE, "0011223344556677");
	load(ONE, "applied");
	finish(&store);
	assert_int_equal(store.count, 1);
	assert_string_equal(store.updates[0].id, ONE);
	assert_false(store.updates[0].allow_unsigned || store.updates[0].set_aside || store.updates[0].until_reboot);
	assert_ok(seen_serial("0011223344556677", "stable", &serial));
	assert_int_equal(serial, 7);
}

static void lists_those_of_one_stop_together(void **state)
{
	_cleanup_(store_free) struct store store = { 0 };

	begin(ONE, NULL);
	begin(TWO, "0011223344556677");
	load(ONE, "applied");
	load(TWO, "applied");
	finish(&store);
	assert_int_equal(store.count, 2);
	assert_int_equal(store.updates[0].order, store.updates[1].order);
	assert_true(store_get(&store, ONE)->allow_unsigned);
	assert_false(store_get(&store, TWO)->allow_unsigned);
}

static void what_was_set_aside_is_not_any_more(void **state)
{
	_cleanup_(store_free) struct store store = { 0 };

	begin(ONE, NULL);
	assert_ok(store_set_aside(one, 1));
	load(ONE, "applied");
	finish(&store);
	assert_int_equal(store.count, 1);
	assert_false(store.updates[0].set_aside);
}

static void lists_nothing_else(void **state)
{
	_cleanup_(store_free) struct store store = { 0 };
	uint64_t serial;

	/* Loaded alone: killed before the switch, or undone. */
	begin(ONE, NULL);
	load(ONE, "loaded");
	/* Applied for this boot alone: not on probation; its serial counts. */
	begin(TWO, NULL);
	assert_ok(probation_drop(two, 1));
	load(TWO, "applied");
	assert_ok(store_put(TWO, "pack", 4, true));
	finish(&store);
	assert_int_equal(store.count, 0);
	assert_ok(seen_serial(NULL, "stable", &serial));
	assert_int_equal(serial, 7);

	/* Without a record nobody knows whether it was signed. */
	load(ONE, "applied");
	assert_ok(host_record_remove(ONE));
	finish(&store);
	assert_int_equal(store.count, 0);

	/* What another boot began. */
	begin(ONE, NULL);
	put_text("proc/sys/kernel/random/boot_id", "second\n");
	finish(&store);
	assert_int_equal(store.count, 0);
}

static void removes_packs_of_nothing(void **state)
{
	_cleanup_(store_free) struct store store = { 0 };
	_cleanup_free_ char *found = NULL;

	begin(ONE, NULL);
	finish(&store);
	assert_int_equal(store.count, 0);
	found = store_find(ONE);
	assert_null(found);
}

/* ---- an undo ---- */

/* Two updates that are installed, as by commands that came to their end. */
static void install_both(void)
{
	begin(ONE, "0011223344556677");
	begin(TWO, NULL);
	assert_ok(store_install(both, 2, false, (bool[]){ false, true }));
}

static void assert_listed(const char *wanted)
{
	_cleanup_(store_free) struct store store = { 0 };
	_cleanup_free_ char *got = xstrdup("");
	size_t i;

	finish(&store);
	for (i = 0; i < store.count; i++) {
		char *longer = xasprintf("%s %s", got, store.updates[i].id);

		free(got);
		got = longer;
	}
	assert_string_equal(got, wanted);
}

static void assert_undoing(size_t wanted)
{
	char **ids;
	size_t count;

	assert_ok(undoing_read(&ids, &count));
	names_free(ids, count);
	assert_int_equal(count, wanted);
}

static void drops_what_was_undone(void **state)
{
	_cleanup_close_ int fd = listen_as_journal();
	_cleanup_(probation_free) struct probation p = { 0 };
	_cleanup_free_ char *entry = NULL, *pack = NULL, *why = NULL, *code = NULL;
	struct error *refusal = refuse("BLOCKED", "x");
	char none[8];
	size_t size;

	install_both();
	assert_ok(host_refusal_write(ONE, refusal));
	error_free(refusal);
	load(TWO, "applied");
	assert_ok(undoing_begin(one, 1));
	assert_listed(" " TWO);
	entry = receive(fd, &size);
	assert_field(entry, "KMEND_ACTION=undo");
	assert_field(entry, "KMEND_RESULT=done");
	assert_field(entry, "KMEND_UPDATE=" ONE);
	assert_field(entry, "KMEND_KEY=0011223344556677");
	pack = store_find(ONE);
	assert_null(pack);
	assert_ok(probation_read(&p));
	assert_int_equal(p.count, 1);
	assert_string_equal(p.ids[0], TWO);
	assert_ok(host_refusal_read(ONE, &code, &why));
	assert_null(why);
	/* Once: what is installed again after it stays. */
	assert_undoing(0);
	begin(ONE, NULL);
	assert_ok(store_install(one, 1, false, (bool[]){ true }));
	assert_listed(" " TWO " " ONE);
	assert_int_equal(recv(fd, none, sizeof(none), MSG_DONTWAIT), -1);
}

/* Its modules are there yet; the list was written, and the journal was not. */
static void records_what_was_dropped_already(void **state)
{
	_cleanup_close_ int fd = listen_as_journal();
	_cleanup_free_ char *first = NULL, *second = NULL;
	size_t size;

	install_both();
	load(ONE, "loaded");
	assert_ok(undoing_begin(both, 2));
	assert_ok(store_drop(&both[1], 1));
	assert_ok(host_record_remove(TWO));
	assert_listed("");
	first = receive(fd, &size);
	assert_field(first, "KMEND_UPDATE=" ONE);
	second = receive(fd, &size);
	assert_field(second, "KMEND_UPDATE=" TWO);
	assert_null(strstr(second, "KMEND_KEY"));
	assert_undoing(0);
}

static void what_an_undo_did_not_come_to_stays(void **state)
{
	install_both();
	load(ONE, "applied");
	load(TWO, "applied");
	assert_ok(undoing_begin(one, 1));
	assert_listed(" " ONE " " TWO);
	assert_undoing(0);
	/* That it is not applied later is no undo of it. */
	put_text("sys/kernel/kmend/updates/" ONE "/state", "loaded\n");
	assert_listed(" " ONE " " TWO);
}

/* As at boot, and after a crash: only the undo of this boot says more. */
static void what_is_not_applied_is_not_undone(void **state)
{
	install_both();
	assert_listed(" " ONE " " TWO);
	assert_ok(undoing_begin(both, 2));
	put_text("proc/sys/kernel/random/boot_id", "second\n");
	assert_undoing(0);
	assert_listed(" " ONE " " TWO);
	/* Nor does what another boot left hinder. */
	assert_ok(undoing_begin(one, 1));
	assert_undoing(1);
	assert_ok(undoing_begin(both, 2));
	assert_undoing(2);
	assert_ok(undoing_end(one, 1));
	assert_undoing(1);
	assert_listed(" " ONE);
}

/* Killed while the engine was at it: what will come of that is not known yet. */
static void waits_for_the_engine(void **state)
{
	install_both();
	load(ONE, "applied");
	load(TWO, "applied");
	put_text("sys/kernel/kmend/outcome", "running 3\n");
	assert_ok(undoing_begin(one, 1));
	assert_listed(" " ONE " " TWO);
	assert_undoing(1);
	put_text("sys/kernel/kmend/updates/" ONE "/state", "loaded\n");
	put_text("sys/kernel/kmend/outcome", "0 4\n");
	assert_listed(" " TWO);
}

static size_t named;	/* when the engine was asked */

/* The engine, which does what it is told. */
static int undoes(const char *path, const char *command)
{
	char **ids;

	assert_ok(undoing_read(&ids, &named));
	names_free(ids, named);
	put_text("sys/kernel/kmend/updates/" ONE "/state", "loaded\n");
	put_text("sys/kernel/kmend/outcome", "0 1\n");
	return 0;
}

/* Or not. */
static int does_nothing(const char *path, const char *command)
{
	return 0;
}

static struct error *undo_one(const char *outcome, int (*engine)(const char *path, const char *command))
{
	int (*before)(const char *path, const char *command) = host_write_switch;
	char *argv[] = { (char *)"undo", (char *)ONE, NULL };
	struct error *err;

	put_text("sys/kernel/kmend/outcome", outcome);
	host_write_switch = engine;
	optind = 0;
	err = cmd_undo(2, argv);
	host_write_switch = before;
	return err;
}

static void an_undo_names_what_it_is_about(void **state)
{
	struct error *err;

	install_both();
	load(ONE, "applied");
	load(TWO, "applied");
	/* Refused: it is as it was. */
	err = undo_one("16 1\n", does_nothing);
	assert_true(error_is(err, "BLOCKED"));
	error_free(err);
	assert_undoing(0);
	assert_listed(" " ONE " " TWO);
	/* Nobody knows yet. */
	err = undo_one("rubbish\n", does_nothing);
	assert_int_equal(err->kind, ERROR_SYSTEM);
	error_free(err);
	assert_undoing(1);
	/* Done. */
	assert_ok(undo_one("0 1\n", undoes));
	assert_int_equal(named, 1);
	assert_undoing(0);
	assert_listed(" " TWO);
}

static void a_bad_file_is_told(void **state)
{
	static const char *const bad[] = { "", "[]", "{}", "{\"boot\":\"first\",\"updates\":1}",
					   "{\"boot\":\"first\",\"updates\":[\"../x\"]}" };
	_cleanup_free_ char *path = path_join(root_folder, "run/kmend/undoing.json");
	struct error *err;
	size_t i;

	install_both();
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		put_text("run/kmend/undoing.json", bad[i]);
		err = killed_finish();
		assert_non_null(err);
		assert_int_equal(err->kind, ERROR_SYSTEM);
		assert_non_null(strstr(err->message, "undoing.json"));
		error_free(err);
	}
	assert_int_equal(chmod(path, 0666), 0);
	err = killed_finish();
	assert_non_null(strstr(err->message, "others"));
	error_free(err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lists_what_was_switched, set_up, tear_down_root),
		cmocka_unit_test_setup_teardown(lists_those_of_one_stop_together, set_up, tear_down_root),
		cmocka_unit_test_setup_teardown(what_was_set_aside_is_not_any_more, set_up, tear_down_root),
		cmocka_unit_test_setup_teardown(lists_nothing_else, set_up, tear_down_root),
		cmocka_unit_test_setup_teardown(removes_packs_of_nothing, set_up, tear_down_root),
		cmocka_unit_test_setup_teardown(drops_what_was_undone, set_up, tear_down_root),
		cmocka_unit_test_setup_teardown(records_what_was_dropped_already, set_up, tear_down_root),
		cmocka_unit_test_setup_teardown(what_an_undo_did_not_come_to_stays, set_up, tear_down_root),
		cmocka_unit_test_setup_teardown(what_is_not_applied_is_not_undone, set_up, tear_down_root),
		cmocka_unit_test_setup_teardown(waits_for_the_engine, set_up, tear_down_root),
		cmocka_unit_test_setup_teardown(an_undo_names_what_it_is_about, set_up, tear_down_root),
		cmocka_unit_test_setup_teardown(a_bad_file_is_told, set_up, tear_down_root),
	};

	return cmocka_run_group_tests(tests, set_up_temp, tear_down_temp);
}
