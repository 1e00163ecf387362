// SPDX-License-Identifier: GPL-2.0
/* For how long, and in which order, an update may be applied, and that it may be withdrawn. */
#include "cmd/cmd.h"
#include "cmd/prove.h"
#include "cmd/status.h"
#include "host/seen.h"
#include "host/store.h"
#include "pack/withdrawal.h"
#include "root.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#define ONE "0123456789abcdef"
#define TWO "0123fedcba987654"

static struct utsname running;
static char *key, *other_key;	/* only the first is trusted */

static char *make_key(const char *name)
{
	char *path = path_join(temp_folder, name);
	_cleanup_free_ char *public_path = xasprintf("%s.pub", path), *text = NULL, *public_text = NULL;
	struct minisign_public public;
	struct minisign_secret secret;

	assert_ok(minisign_generate(&public, &secret));
	assert_ok(minisign_secret_format(&secret, NULL, &text));
	public_text = minisign_public_format(&public);
	assert_ok(file_write(path, text, strlen(text), 0600));
	assert_ok(file_write(public_path, public_text, strlen(public_text), 0644));
	return path;
}

static int set_up(void **state)
{
	set_up_root(state);
	put_text("proc/sys/kernel/osrelease", running.release);
	put_text("proc/sys/kernel/version", "#1 SMP Debian\n");
	put_text("proc/cmdline", "ro quiet\n");
	put_text("proc/sys/kernel/random/boot_id", "first\n");
	return 0;
}

static int set_up_all(void **state)
{
	struct error *err = temp_dir_new(&temp_folder);
	_cleanup_free_ char *trusted = NULL, *public = NULL;

	error_free(err);
	uname(&running);
	trusted = path_join(temp_folder, "trusted");
	setenv("KMEND_TRUSTED", trusted, 1);
	key = make_key("key");
	other_key = make_key("other");
	public = xasprintf("%s.pub", key);
	err = trust_add(public, NULL);
	error_free(err);
	return err ? -1 : 0;
}

static int tear_down_all(void **state)
{
	free(key);
	free(other_key);
	free(temp_folder);
	return 0;
}

/* A pack for the kernel that runs; its path is the caller's to free. */
static char *make_pack(const char *id, const char *expires, const char *channel, uint64_t serial,
		       const char *signer)
{
	char *path = xasprintf("%s/%s-%ju.kmend", root_folder, id, (uintmax_t)serial);
	struct pack *p = pack_new();

	strcpy(p->manifest->id, id);
	strcpy(p->manifest->expires, expires);
	p->manifest->channel = xstrdup(channel);
	p->manifest->serial = serial;
	p->manifest->description = xstrdup("");
	p->manifest->release = xstrdup(running.release);
	p->manifest->version = xstrdup("");
	assert_ok(pack_write(p, path, signer));
	pack_free(p);
	return path;
}

/* What the terms of the pack let happen. */
static struct error *judge(const char *path, const char *kernel)
{
	struct proof p = { 0 };
	struct error *err;

	assert_ok(pack_read(path, &p.pack));
	assert_ok(trust_check(p.pack, true, &p.trust));
	err = proof_check_terms(path, &p, kernel);
	proof_fini(&p);
	return err;
}

static void dates(void **state)
{
	static const char *const bad[] = { "", "2027", "2027-1-1", "2027-02-30", "2027-13-01", "2027-12-31 ",
					   "27-12-31", "12027-12-31", "2027/12/31", " 2027-12-31", "2027-00-10" };
	struct manifest m = { .expires = "2027-12-31" };
	size_t i;

	assert_true(manifest_is_date("2027-12-31"));
	assert_true(manifest_is_date("2028-02-29"));
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		if (manifest_is_date(bad[i]))
			fail_msg("\"%s\" is taken for a date", bad[i]);
	/* 2027-12-31 23:59:59 UTC, and a second later. */
	assert_false(manifest_is_expired(&m, 1830297599));
	assert_true(manifest_is_expired(&m, 1830297600));
	*m.expires = '\0';
	assert_false(manifest_is_expired(&m, INT64_MAX));
}

static void an_expired_pack_is_refused(void **state)
{
	_cleanup_free_ char *past = make_pack(ONE, "2020-02-29", "", 0, key);
	_cleanup_free_ char *future = make_pack(TWO, "2999-12-31", "", 0, key);

	assert_refused(judge(past, NULL), "PACK-EXPIRED", "until 2020-02-29");
	assert_refused(judge(past, "a snapshot"), "PACK-EXPIRED", "until 2020-02-29");
	assert_ok(judge(future, NULL));
}

static void an_older_serial_is_refused(void **state)
{
	_cleanup_free_ char *three = make_pack(ONE, "", "stable", 3, key);
	_cleanup_free_ char *two = make_pack(TWO, "", "stable", 2, key);
	_cleanup_free_ char *others = make_pack(TWO, "", "stable", 1, other_key);
	_cleanup_free_ char *elsewhere = make_pack(TWO, "", "edge", 7, key);
	_cleanup_free_ void *data = NULL;
	const char *ids[] = { TWO };
	struct proof p = { 0 };
	uint64_t seen;
	size_t size;

	assert_ok(judge(two, NULL));
	assert_ok(pack_read(three, &p.pack));
	assert_ok(trust_check(p.pack, false, &p.trust));
	assert_ok(seen_note_serial(proof_signer(&p), "stable", 3));
	assert_ok(seen_note_serial(proof_signer(&p), "stable", 2));
	assert_ok(seen_serial(proof_signer(&p), "stable", &seen));
	assert_int_equal(seen, 3);
	proof_fini(&p);

	assert_ok(judge(three, NULL));
	assert_refused(judge(two, NULL), "SERIAL-OLD", "number 2 of the channel stable, of which number 3");
	/* Who has another key has another channel, and a snapshot may be of another machine. */
	assert_ok(judge(others, NULL));
	assert_ok(judge(elsewhere, NULL));
	assert_ok(judge(two, "a snapshot"));
	/* What was applied before the later one is applied at boot. */
	assert_ok(file_read(two, 1 << 20, &data, &size));
	assert_ok(store_put(TWO, data, size, false));
	assert_refused(judge(two, NULL), "SERIAL-OLD", "");
	assert_ok(store_install(ids, 1, false, NULL));
	assert_ok(judge(two, NULL));
}

static void a_damaged_memory_is_no_clean_slate(void **state)
{
	_cleanup_free_ char *path = make_pack(ONE, "", "stable", 3, NULL);
	static const char *const bad[] = { "", "[]", "{", "{\"none/stable\":\"x\"}", "{\"none/stable\":0}" };
	struct error *err;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		put_text("var/lib/kmend/serials.json", bad[i]);
		err = judge(path, NULL);
		assert_non_null(err);
		assert_int_equal(err->kind, ERROR_SYSTEM);
		error_free(err);
	}
	put_text("var/lib/kmend/serials.json", "{}");
	put_text("var/lib/kmend/withdrawn.json", "");
	err = judge(path, NULL);
	assert_non_null(err);
	assert_int_equal(err->kind, ERROR_SYSTEM);
	error_free(err);
}

/* Nor is one that others could have written. */
static void a_memory_of_others_is_an_error(void **state)
{
	static const char *const names[] = { "var/lib/kmend/serials.json", "var/lib/kmend/withdrawn.json", "var/lib/kmend" };
	_cleanup_free_ char *pack = make_pack(ONE, "", "stable", 3, NULL);
	struct error *err;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *path = path_join(root_folder, names[i]);

		put_text("var/lib/kmend/serials.json", "{}");
		put_text("var/lib/kmend/withdrawn.json", "{}");
		assert_ok(judge(pack, NULL));
		assert_int_equal(chmod(path, 0777), 0);
		err = judge(pack, NULL);
		assert_non_null(err);
		assert_int_equal(err->kind, ERROR_SYSTEM);
		assert_non_null(strstr(err->message, "others"));
		error_free(err);
		assert_int_equal(chmod(path, 0755), 0);
	}
}

static struct error *withdraw(int argc, ...)
{
	char *argv[10] = { (char *)"withdraw" };
	va_list args;
	int i;

	va_start(args, argc);
	for (i = 1; i <= argc; i++)
		argv[i] = va_arg(args, char *);
	va_end(args);
	optind = 0;
	cmd_json = false;
	return cmd_withdraw(argc + 1, argv);
}

static void a_withdrawn_update_is_refused(void **state)
{
	_cleanup_free_ char *pack = make_pack(ONE, "", "", 0, key), *good = make_pack(TWO, "", "", 0, key);
	_cleanup_free_ char *list = path_join(root_folder, "list");
	_cleanup_free_ void *data = NULL;
	_cleanup_(status_free) struct status status = { 0 };
	const char *ids[] = { ONE };
	char *argv[] = { (char *)"boot", NULL };
	_cleanup_free_ char *code = NULL, *message = NULL;
	size_t size;

	assert_ok(judge(pack, NULL));
	assert_ok(file_read(pack, 1 << 20, &data, &size));
	assert_ok(store_put(ONE, data, size, false));
	assert_ok(store_install(ids, 1, false, NULL));
	assert_ok(withdraw(5, "--key", key, "-o", list, ONE));
	assert_ok(judge(pack, NULL));
	assert_ok(withdraw(1, list));
	assert_refused(judge(pack, NULL), "PACK-WITHDRAWN", ONE);
	assert_ok(judge(good, NULL));
	/* Once more, and a list that does not have it: nothing brings it back. */
	assert_ok(withdraw(1, list));
	assert_ok(withdraw(5, "--key", key, "-o", list, TWO));
	assert_ok(withdraw(1, list));
	assert_refused(judge(pack, NULL), "PACK-WITHDRAWN", ONE);
	assert_refused(judge(good, NULL), "PACK-WITHDRAWN", TWO);

	optind = 0;
	cmd_exit_status = 0;
	assert_ok(cmd_boot(1, argv));
	assert_int_equal(cmd_exit_status, ERROR_REFUSED);
	assert_ok(host_refusal_read(ONE, &code, &message));
	assert_string_equal(code, "PACK-WITHDRAWN");
	assert_ok(status_read(&status));
	assert_int_equal(status.count, 1);
	assert_true(status.updates[0].withdrawn);
}

/* What has come to be refused since it was installed. */
static void is_refused_at_boot(const char *path, const char *code_wanted)
{
	_cleanup_free_ char *code = NULL, *message = NULL;
	_cleanup_free_ void *data = NULL;
	char *argv[] = { (char *)"boot", NULL };
	const char *ids[] = { ONE };
	size_t size;

	assert_ok(file_read(path, 1 << 20, &data, &size));
	assert_ok(store_put(ONE, data, size, false));
	assert_ok(store_install(ids, 1, false, NULL));
	optind = 0;
	cmd_exit_status = 0;
	assert_ok(cmd_boot(1, argv));
	assert_int_equal(cmd_exit_status, ERROR_REFUSED);
	assert_ok(host_refusal_read(ONE, &code, &message));
	assert_string_equal(code, code_wanted);
}

static void terms_hold_at_boot(void **state)
{
	_cleanup_free_ char *past = make_pack(ONE, "2020-02-29", "", 0, key);
	_cleanup_free_ char *others = make_pack(ONE, "", "", 1, other_key);

	is_refused_at_boot(past, "PACK-EXPIRED");
	is_refused_at_boot(others, "SIGNATURE-UNKNOWN-KEY");
}

/* Of two that one stop applied, one is withdrawn: the other is refused, if it is, for its own sake. */
static void one_of_two_is_withdrawn(void **state)
{
	static const char *const both[] = { ONE, TWO };
	_cleanup_free_ char *list = path_join(root_folder, "list"), *code = NULL, *message = NULL;
	char *packs[2] = { make_pack(ONE, "", "", 0, key), make_pack(TWO, "", "", 0, key) };
	char *argv[] = { (char *)"boot", NULL };
	size_t i;

	for (i = 0; i < 2; i++) {
		_cleanup_free_ void *data = NULL;
		size_t size;

		assert_ok(file_read(packs[i], 1 << 20, &data, &size));
		assert_ok(store_put(both[i], data, size, false));
		free(packs[i]);
	}
	assert_ok(store_install(both, 2, false, NULL));
	assert_ok(withdraw(5, "--key", key, "-o", list, ONE));
	assert_ok(withdraw(1, list));
	optind = 0;
	assert_ok(cmd_boot(1, argv));
	assert_ok(host_refusal_read(ONE, &code, &message));
	assert_string_equal(code, "PACK-WITHDRAWN");
	free(take_ptr(code));
	free(take_ptr(message));
	assert_ok(host_refusal_read(TWO, &code, &message));
	assert_non_null(message);
	assert_null(strstr(message, "withdrawn"));
}

static void lists_of_others_are_refused(void **state)
{
	_cleanup_free_ char *list = path_join(root_folder, "list"),
			    *beside = path_join(root_folder, "list.minisig");
	_cleanup_free_ char *pack = make_pack(ONE, "", "", 0, key);
	_cleanup_free_ void *signature = NULL;
	struct pack *p;
	bool withdrawn;
	size_t size;

	assert_ok(withdraw(5, "--key", other_key, "-o", list, ONE));
	assert_refused(withdraw(1, list), "SIGNATURE-UNKNOWN-KEY", "list");
	assert_ok(remove_tree(beside));
	assert_refused(withdraw(1, list), "SIGNATURE-MISSING", "list");
	/* Changed, and a true signature of something else: of another list, of a manifest. */
	assert_ok(withdraw(5, "--key", key, "-o", list, TWO));
	put_text("list", "kmend withdraws:\n" ONE "\n");
	assert_refused(withdraw(1, list), "SIGNATURE-INVALID", "list");
	assert_ok(pack_read(pack, &p));
	put_text("list", p->manifest_json);
	put_text("list.minisig", p->signature);
	pack_free(p);
	assert_refused(withdraw(1, list), "LIST-INVALID", "is no withdrawal list");
	assert_ok(seen_is_withdrawn(ONE, &withdrawn));
	assert_false(withdrawn);
	assert_ok(file_read(beside, 1 << 20, &signature, &size));
}

static void bad_lists_and_command_lines(void **state)
{
	static const char *const bad[] = { "", "kmend withdraws:", "kmend withdraws:\n" ONE,
					   "kmend withdraws:\n0123456789ABCDEF\n",
					   "kmend withdraws:\n" ONE " " TWO "\n", "kmend withdraws:\n../../../../etc/p\n" };
	_cleanup_free_ char *list = path_join(root_folder, "list");
	struct minisign_secret secret;
	struct error *err;
	size_t i;

	assert_ok(minisign_secret_read(key, &secret));
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_free_ char *signature = minisign_sign(&secret, bad[i], strlen(bad[i]), "");

		put_text("list", bad[i]);
		put_text("list.minisig", signature);
		assert_refused(withdraw(1, list), "LIST-INVALID", "list");
	}
	err = withdraw(5, "--key", key, "-o", list, "123");
	assert_int_equal(err->kind, ERROR_USAGE);
	error_free(err);
	err = withdraw(2, "--key", key);
	assert_int_equal(err->kind, ERROR_USAGE);
	error_free(err);
	err = withdraw(0);
	assert_int_equal(err->kind, ERROR_USAGE);
	error_free(err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dates),
		cmocka_unit_test_setup_teardown(an_expired_pack_is_refused, set_up, tear_down_root),
		cmocka_unit_test_setup_teardown(an_older_serial_is_refused, set_up, tear_down_root),
		cmocka_unit_test_setup_teardown(a_damaged_memory_is_no_clean_slate, set_up,
						tear_down_root),
		cmocka_unit_test_setup_teardown(a_memory_of_others_is_an_error, set_up, tear_down_root),
		cmocka_unit_test_setup_teardown(a_withdrawn_update_is_refused, set_up,
						tear_down_root),
		cmocka_unit_test_setup_teardown(one_of_two_is_withdrawn, set_up,
						tear_down_root),
		cmocka_unit_test_setup_teardown(terms_hold_at_boot, set_up,
						tear_down_root),
		cmocka_unit_test_setup_teardown(lists_of_others_are_refused, set_up,
						tear_down_root),
		cmocka_unit_test_setup_teardown(bad_lists_and_command_lines, set_up,
						tear_down_root),
	};

	return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
