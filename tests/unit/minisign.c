// SPDX-License-Identifier: GPL-2.0
/* Keys, signatures, trust and `kmend key`, checked against minisign itself. */
#include "cmd/key.h"
#include "pack/minisign.h"
#include "pack/trust.h"
#include "util/file.h"
#include "util/memory.h"
#include "util/process.h"
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#define ARGV(...) ((const char *const[]){ __VA_ARGS__, NULL })

static char *dir; /* of this test program, and its current folder */

static int run_with_input(const char *const *argv, const char *input)
{
	_cleanup_free_ char *output = NULL;
	int status;

	assert_ok(process_run(&(struct process_options){ .argv = argv,
							 .input = input,
							 .input_size = strlen(input),
							 .merge_stderr = true },
			      &status, &output, NULL));
	if (status)
		print_message("%s: %s", argv[0], output);
	return status;
}

static int run(const char *const *argv)
{
	return run_with_input(argv, "");
}

static char *read_text(const char *path, size_t *size)
{
	char *text;

	assert_ok(file_read(path, 1 << 20, (void **)&text, size));
	return text;
}

static void write_text(const char *path, const char *text)
{
	assert_ok(file_write(path, text, strlen(text), 0600));
}

/* Runs `kmend key ...`. */
static struct error *key(const char *const *args)
{
	char *argv[8] = { "key" };
	int argc = 1;

	while (*args)
		argv[argc++] = (char *)*args++;
	return cmd_key(argc, argv);
}

static void key_fails(const char *const *args, enum error_kind kind, const char *message)
{
	struct error *err = key(args);

	assert_non_null(err);
	assert_int_equal(err->kind, kind);
	assert_string_equal(err->message, message);
	error_free(err);
}

/* Reads the signature file of "data" and verifies it with the key file. */
static bool verifies(const char *public_path, const char *signature_path)
{
	struct minisign_public public;
	struct minisign_signature signature;
	_cleanup_free_ char *text = NULL, *data = NULL;
	size_t size, data_size;

	text = read_text(signature_path, &size);
	data = read_text("data", &data_size);
	assert_ok(minisign_public_read(public_path, &public));
	assert_null(minisign_signature_parse(text, &signature));
	return minisign_verify(&public, &signature, data, data_size);
}

static void test_theirs_is_read(void **state)
{
	assert_int_equal(run(ARGV("minisign", "-G", "-W", "-p", "t.pub", "-s", "t.key")), 0);
	write_text("data", "signed data\n");
	assert_int_equal(run(ARGV("minisign", "-S", "-s", "t.key", "-m", "data", "-t", "new")), 0);
	assert_true(verifies("t.pub", "data.minisig"));
	assert_int_equal(run(ARGV("minisign", "-S", "-l", "-s", "t.key", "-m", "data", "-x",
				  "legacy.minisig", "-t", "old")),
			 0);
	assert_true(verifies("t.pub", "legacy.minisig"));

	write_text("data", "signed dat4\n");
	assert_false(verifies("t.pub", "data.minisig"));
	assert_false(verifies("t.pub", "legacy.minisig"));
}

static void sign_data(const char *key_path, const char *comment)
{
	struct minisign_secret secret;
	_cleanup_free_ char *data = NULL, *text = NULL, *again = NULL;
	size_t size;

	assert_ok(minisign_secret_read(key_path, &secret));
	data = read_text("data", &size);
	text = minisign_sign(&secret, data, size, comment);
	again = minisign_sign(&secret, data, size, comment);
	assert_string_equal(text, again);
	write_text("data.minisig", text);
}

static void test_ours_is_read(void **state)
{
	struct stat st;

	assert_ok(key(ARGV("generate", "-W", "o.key")));
	assert_int_equal(stat("o.key", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	write_text("data", "signed data\n");
	sign_data("o.key", "kmend 0123456789abcdef");
	assert_true(verifies("o.key.pub", "data.minisig"));
	assert_int_equal(run(ARGV("minisign", "-V", "-p", "o.key.pub", "-m", "data")), 0);
	/* Their tool signs with our key too, and ours with theirs. */
	assert_int_equal(run(ARGV("minisign", "-S", "-s", "o.key", "-m", "data")), 0);
	assert_true(verifies("o.key.pub", "data.minisig"));
	sign_data("t.key", "x");
	assert_int_equal(run(ARGV("minisign", "-V", "-p", "t.pub", "-m", "data")), 0);
}

static void test_generate_overwrites_nothing(void **state)
{
	_cleanup_free_ char *before = NULL, *after = NULL;
	size_t size;

	before = read_text("o.key", &size);
	assert_refused(key(ARGV("generate", "--no-password", "o.key")), "KEY-EXISTS", "o.key");
	write_text("half.pub", "");
	assert_refused(key(ARGV("generate", "-W", "half")), "KEY-EXISTS", "half.pub");
	assert_false(file_exists("half"));
	after = read_text("o.key", &size);
	assert_string_equal(before, after);
}

/* Answers the prompts of `function` on a terminal of its own; gives its exit status. */
static int on_terminal(int (*function)(void), const char *const *answers)
{
	char shown[1024] = "";
	size_t used = 0;
	int terminal, status;
	pid_t pid = forkpty(&terminal, NULL, NULL, NULL);
	ssize_t n;

	if (pid < 0) {
		print_message("no terminal can be had: %s\n", strerror(errno));
		skip();
	}
	if (!pid) {
		alarm(120);
		/* Who runs the tests in the background may have it ignored. */
		signal(SIGINT, SIG_DFL);
		_exit(function());
	}
	while (used < sizeof(shown) - 1 &&
	       (n = read(terminal, shown + used, sizeof(shown) - 1 - used)) > 0) {
		used += n;
		if (*answers && shown[used - 1] == ' ' && shown[used - 2] == ':') {
			dprintf(terminal, "%s\n", *answers);
			answers++;
		}
	}
	close(terminal);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	/* What was typed was not shown. */
	assert_null(strstr(shown, "secret"));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int generate_encrypted(void)
{
	struct error *err = key(ARGV("generate", "e.key"));

	return err ? err->code && !strcmp(err->code, "KEY-PASSPHRASE") ? 1 : 2 : 0;
}

static int sign_encrypted(void)
{
	struct minisign_secret secret;
	struct error *err = minisign_secret_read("e.key", &secret);

	return err ? error_is(err, "KEY-PASSPHRASE") ? 1 : 2 : 0;
}

static void test_passphrase(void **state)
{
	struct minisign_secret secret;

	assert_int_equal(on_terminal(generate_encrypted, ARGV("secret a", "secret b")), 1);
	assert_int_equal(on_terminal(generate_encrypted, ARGV("")), 1);
	/* Ctrl-C kills, and makes no key. */
	assert_int_equal(on_terminal(generate_encrypted, ARGV("\003")), 128 + SIGINT);
	/* Ctrl-D on an empty line: no passphrase. */
	assert_int_equal(on_terminal(generate_encrypted, ARGV("\004")), 2);
	assert_false(file_exists("e.key"));
	assert_false(file_exists("e.key.pub"));

	assert_int_equal(on_terminal(generate_encrypted, ARGV("secret a", "secret a")), 0);
	assert_int_equal(on_terminal(sign_encrypted, ARGV("secret a")), 0);
	assert_int_equal(on_terminal(sign_encrypted, ARGV("secret b")), 1);

	/* minisign reads our key and we read its. */
	write_text("data", "signed data\n");
	assert_int_equal(
		run_with_input(ARGV("minisign", "-S", "-s", "e.key", "-m", "data"), "secret a\n"),
		0);
	assert_true(verifies("e.key.pub", "data.minisig"));
	assert_int_equal(run_with_input(ARGV("minisign", "-G", "-f", "-p", "u.pub", "-s", "u.key"),
					"theirs\ntheirs\n"),
			 0);
	size_t size;
	_cleanup_free_ char *text = read_text("u.key", &size);

	assert_true(minisign_secret_is_encrypted(text, size));
	assert_refused(minisign_secret_parse(text, size, "u.key", NULL, &secret), "KEY-PASSPHRASE",
		       "the key in u.key needs its passphrase");
	assert_ok(minisign_secret_parse(text, size, "u.key", "theirs", &secret));
}

/* A file of one byte less, and with each of its bytes changed. */
static void test_damaged_keys(void **state)
{
	struct minisign_public public;
	struct minisign_secret secret;
	size_t size, i;
	_cleanup_free_ char *text = read_text("o.key.pub", &size);
	_cleanup_free_ char *other = xmemdup(text, size + 1);

	write_text("bad.pub", "");
	assert_refused(minisign_public_read("bad.pub", &public), "KEY-INVALID",
		       "bad.pub is not a minisign public key");
	for (i = 0; i < size - 1; i++) {
		other[i] = '\0';
		write_text("bad.pub", other);
		assert_refused(minisign_public_read("bad.pub", &public), "KEY-INVALID", "bad.pub");
		other[i] = text[i];
	}
	assert_ok(file_write("bad.pub", text, size + 1, 0600));
	assert_refused(minisign_public_read("bad.pub", &public), "KEY-INVALID", "bad.pub");

	free(take_ptr(text));
	text = read_text("o.key", &size);
	for (i = 0; i < size - 1; i++) {
		other = xreallocarray(other, size + 1, 1);
		memcpy(other, text, size + 1);
		other[i] = '\0';
		assert_refused(minisign_secret_parse(other, i, "n", NULL, &secret), "KEY-INVALID",
			       "n is not a minisign secret key");
	}
	/* A bit of the public half. */
	i = size - 60;
	text[i] = text[i] == 'A' ? 'B' : 'A';
	assert_refused(minisign_secret_parse(text, size, "n", NULL, &secret), "KEY-INVALID",
		       "the key in n is damaged");
}

static void test_damaged_signatures(void **state)
{
	struct minisign_signature signature;
	struct minisign_public public;
	_cleanup_free_ char *text = NULL;
	size_t size, accepted = 0;

	write_text("data", "signed data\n");
	sign_data("o.key", "kmend 0123456789abcdef");
	text = read_text("data.minisig", &size);
	assert_ok(minisign_public_read("o.key.pub", &public));
	/* Every bit counts but those of the untrusted comment's text. */
	size_t first = strlen("untrusted comment: signature from kmend\n");

	for (size_t bit = 8 * first; bit < 8 * (size - 1); bit++) {
		text[bit / 8] ^= 1 << bit % 8;
		if (!minisign_signature_parse(text, &signature))
			accepted += minisign_verify(&public, &signature, "signed data\n", 12);
		text[bit / 8] ^= 1 << bit % 8;
	}
	assert_int_equal(accepted, 0);
	assert_null(minisign_signature_parse(text, &signature));
	assert_string_equal(signature.trusted_comment, "kmend 0123456789abcdef");
	assert_true(minisign_verify(&public, &signature, "signed data\n", 12));

	for (size_t len = 0; len < size - 1; len++) {
		char cut = text[len];

		text[len] = '\0';
		assert_non_null(minisign_signature_parse(text, &signature));
		text[len] = cut;
	}
	_cleanup_free_ char *more = xasprintf("%sx", text);

	assert_string_equal(minisign_signature_parse(more, &signature),
			    "the last line is not a signature");
	strstr(more, "kmend 0")[2] = '\033';
	assert_string_equal(minisign_signature_parse(more, &signature),
			    "the third line is not a trusted comment");
}

/* A pack of which trust_check() needs no more than this. */
static struct pack *signed_pack(const char *key_path)
{
	struct pack *p = pack_new();
	size_t size;

	p->manifest_json = xstrdup("{}");
	p->manifest_size = 2;
	if (key_path) {
		write_text("data", "{}");
		sign_data(key_path, "kmend 0123456789abcdef");
		p->signature = read_text("data.minisig", &size);
	}
	return p;
}

static void check_refused(struct pack *p, bool allow_unsigned, const char *code,
			  const char *message)
{
	struct trust_result result;

	assert_refused(trust_check(p, allow_unsigned, &result), code, message);
}

static void test_trust(void **state)
{
	struct pack *unsigned_pack = signed_pack(NULL), *p = signed_pack("o.key");
	struct minisign_public public;
	struct trust_result result;
	char id[MINISIGN_ID_SIZE];

	assert_ok(minisign_public_read("o.key.pub", &public));
	minisign_id_format(public.id, id);

	/* No folder of trusted keys yet. */
	check_refused(unsigned_pack, false, "SIGNATURE-MISSING", "not signed");
	check_refused(p, false, "SIGNATURE-UNKNOWN-KEY", id);
	assert_ok(trust_check(unsigned_pack, true, &result));
	assert_int_equal(result.state, TRUST_UNSIGNED);
	assert_string_equal(result.key_id, "");
	assert_ok(trust_check(p, true, &result));
	assert_int_equal(result.state, TRUST_UNKNOWN_KEY);
	assert_string_equal(result.key_id, id);
	assert_null(result.file);

	assert_ok(key(ARGV("trust", "t.pub")));
	check_refused(p, false, "SIGNATURE-UNKNOWN-KEY", id);
	assert_ok(key(ARGV("trust", "o.key.pub")));
	assert_ok(key(ARGV("trust", "o.key.pub")));
	assert_ok(trust_check(p, false, &result));
	assert_int_equal(result.state, TRUST_SIGNED);
	assert_string_equal(result.key_id, id);
	assert_non_null(strstr(result.file, id));
	assert_string_equal(result.comment, public.comment);
	trust_result_fini(&result);

	/* A signature of something else, by a key that is known. */
	p->manifest_json[1] = ' ';
	check_refused(p, false, "SIGNATURE-INVALID", id);
	check_refused(p, true, "SIGNATURE-INVALID", id);
	p->manifest_json[1] = '}';
	/* The trusted comment is signed too. */
	strstr(p->signature, "kmend 0")[6] = '1';
	check_refused(p, true, "SIGNATURE-INVALID", id);
	p->signature[0] = 'U';
	check_refused(p, true, "SIGNATURE-INVALID", "cannot be read: the first line");
	pack_free(p);
	pack_free(unsigned_pack);
}

static void test_revoke(void **state)
{
	struct pack *p = signed_pack("o.key");
	struct minisign_public public;
	struct trusted_key *keys;
	char id[MINISIGN_ID_SIZE];
	size_t count;

	assert_ok(minisign_public_read("o.key.pub", &public));
	minisign_id_format(public.id, id);
	assert_ok(key(ARGV("list")));
	assert_ok(key(ARGV("list", "--json")));
	assert_ok(trust_list(&keys, &count));
	assert_int_equal(count, 2);
	trust_list_free(keys, count);
	assert_ok(key(ARGV("revoke", id)));
	check_refused(p, false, "SIGNATURE-UNKNOWN-KEY", id);
	assert_ok(trust_list(&keys, &count));
	assert_int_equal(count, 1);
	trust_list_free(keys, count);
	assert_refused(key(ARGV("revoke", id)), "KEY-UNKNOWN", id);
	assert_refused(key(ARGV("revoke", "../x")), "KEY-UNKNOWN", "../x");
	pack_free(p);
}

static void test_bad_trusted_files(void **state)
{
	struct trusted_key *keys;
	struct minisign_public public;
	_cleanup_free_ char *text = NULL;
	size_t count;

	assert_ok(trust_add("o.key.pub", &public));
	/* The same id with another key: the id is only a number. */
	public.key[0] ^= 1;
	text = minisign_public_format(&public);
	write_text("fake.pub", text);
	assert_refused(key(ARGV("trust", "fake.pub")), "KEY-EXISTS", "same id");

	assert_int_equal(chmod("trusted", 0777), 0);
	assert_refused(trust_list(&keys, &count), "KEY-INVALID", "can be written by others");
	assert_int_equal(chmod("trusted", 0775), 0);
	assert_refused(trust_list(&keys, &count), "KEY-INVALID", "can be written by others");
	assert_int_equal(chmod("trusted", 0755), 0);
	write_text("trusted/notes.txt", "no key");
	write_text("trusted/.hidden.pub", "no key");
	assert_ok(trust_list(&keys, &count));
	trust_list_free(keys, count);
	write_text("trusted/x.pub", "no key");
	assert_refused(trust_list(&keys, &count), "KEY-INVALID", "trusted/x.pub");
	write_text("trusted/x.pub", text);
	assert_int_equal(chmod("trusted/x.pub", 0666), 0);
	assert_refused(trust_list(&keys, &count), "KEY-INVALID", "trusted/x.pub can be written");
	if (!getuid()) {
		assert_int_equal(chmod("trusted/x.pub", 0644), 0);
		assert_int_equal(chown("trusted/x.pub", 1, 1), 0);
		assert_refused(trust_list(&keys, &count), "KEY-INVALID", "belongs to neither");
	}
	assert_ok(remove_tree("trusted/x.pub"));
}

static void test_usage(void **state)
{
	key_fails(ARGV(NULL), ERROR_USAGE, "key: one of generate, trust, list, revoke is missing");
	key_fails(ARGV("make"), ERROR_USAGE,
		  "key: unknown command make; known: generate, trust, list, revoke");
	key_fails(ARGV("generate"), ERROR_USAGE, "key generate: FILE is missing");
	key_fails(ARGV("generate", "--force", "x"), ERROR_USAGE,
		  "key generate: unknown option --force");
	key_fails(ARGV("list", "-W"), ERROR_USAGE, "key list: unknown option -W");
	key_fails(ARGV("list", "x"), ERROR_USAGE, "key list: unexpected x");
	key_fails(ARGV("trust", "a", "b"), ERROR_USAGE, "key trust: unexpected b");
	key_fails(ARGV("trust", "no.pub"), ERROR_SYSTEM,
		  "cannot open no.pub: No such file or directory");
}

static int make_dir_of_test(void **state)
{
	umask(022);
	dir = xstrdup("/tmp/test-minisign-XXXXXX");
	return mkdtemp(dir) && !chdir(dir) && !setenv("KMEND_TRUSTED", "trusted", 1) ? 0 : -1;
}

static int remove_dir_of_test(void **state)
{
	struct error *err = remove_tree(dir);

	free(dir);
	return err ? -1 : 0;
}

int main(void)
{
	/* In this order: the later ones use the keys of the earlier ones. */
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_theirs_is_read),
		cmocka_unit_test(test_ours_is_read),
		cmocka_unit_test(test_generate_overwrites_nothing),
		cmocka_unit_test(test_passphrase),
		cmocka_unit_test(test_damaged_keys),
		cmocka_unit_test(test_damaged_signatures),
		cmocka_unit_test(test_trust),
		cmocka_unit_test(test_revoke),
		cmocka_unit_test(test_bad_trusted_files),
		cmocka_unit_test(test_usage),
	};

	return cmocka_run_group_tests(tests, make_dir_of_test, remove_dir_of_test);
}
