// SPDX-License-Identifier: GPL-2.0
/* What the next command makes of an apply that was killed, in a made-up root. */
#include "cmd/cmd.h"
#include "cmd/killed.h"
#include "host/probation.h"
#include "host/seen.h"
#include "host/store.h"
#include "root.h"

#include <string.h>

#define ONE "0123456789abcdef"
#define TWO "0123fedcba987654"
static const char *const one[] = { ONE };

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
	begin(TWO, NULL);
	load(ONE, "applied");
	load(TWO, "applied");
	finish(&store);
	assert_int_equal(store.count, 2);
	assert_int_equal(store.updates[0].order, store.updates[1].order);
	assert_true(store.updates[0].allow_unsigned && store.updates[1].allow_unsigned);
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

	/* Loaded alone: killed before the switch, or undone. */
	begin(ONE, NULL);
	load(ONE, "loaded");
	/* Applied for this boot alone: not on probation. */
	load(TWO, "applied");
	assert_ok(store_put(TWO, "pack", 4, true));
	finish(&store);
	assert_int_equal(store.count, 0);

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lists_what_was_switched, set_up, tear_down_root),
		cmocka_unit_test_setup_teardown(lists_those_of_one_stop_together, set_up, tear_down_root),
		cmocka_unit_test_setup_teardown(what_was_set_aside_is_not_any_more, set_up, tear_down_root),
		cmocka_unit_test_setup_teardown(lists_nothing_else, set_up, tear_down_root),
		cmocka_unit_test_setup_teardown(removes_packs_of_nothing, set_up, tear_down_root),
	};

	return cmocka_run_group_tests(tests, set_up_temp, tear_down_temp);
}
