// SPDX-License-Identifier: GPL-2.0
/* What is told of functions that are not proved. */
#include "kernel.h"

#include "cmd/report.h"

static struct kernel kernel;
static struct match *match;

/* Every state once: f differs, gone is nowhere, nothing tells the twins apart, hook is another object's, same is proved. */
static int set_up(void **state)
{
	static const char *const running[] = {
		"int f(int x) { return x * 3; } int same(int x) { return x + 1; } int hook(int x) { return x * 7; }",
		"__attribute__((used)) static int twin(int x) { return x * 5; }",
		"int other(int x) { return x; }",
		"__attribute__((used)) static int twin(int x) { return x * 5; }",
	};
	static const char pre[] = "int f(int x) { return x * 9; } int same(int x) { return x + 1; } int gone(int x) { return x; }\n"
				  "__attribute__((weak)) int hook(int x) { return x; }\n"
				  "__attribute__((used)) static int twin(int x) { return x * 5; }";
	size_t i;

	if (make_test_folder(state))
		return -1;
	kernel_init(&kernel);
	for (i = 0; i < ARRAY_SIZE(running); i++) {
		struct object *obj = compile(running[i]);

		kernel_add(&kernel, obj);
		object_free(obj);
	}
	kernel_boot(&kernel);
	assert_ok(match_object(kernel.live, "vmlinux", compile(pre), &match));
	return 0;
}

static int tear_down(void **state)
{
	match_free(match);
	kernel_fini(&kernel);
	return remove_test_folder(state);
}

static char *printed(void)
{
	_cleanup_free_ char *path = path_join(test_folder, "output");
	int out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), saved = dup(STDOUT_FILENO);
	char *text;
	size_t size;

	fflush(stdout);
	assert_true(out >= 0 && saved >= 0 && dup2(out, STDOUT_FILENO) >= 0);
	report_match(match);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	close(out);
	assert_ok(file_read(path, 1 << 20, (void **)&text, &size));
	return text;
}

static void tells_every_state(void **state)
{
	static const char *const lines[] = {
		"dir/file.o in vmlinux: 1 functions proved, 1 not in the running kernel, 2 differ, 1 ambiguous\n",
		"\n  gone is not in the running kernel\n",
		"\n  twin: several running functions are called so, and nothing tells which is this one\n",
		"\n  f differs at +0x",
		"\n  hook differs, as another object may have one that counts instead\n",
	};
	_cleanup_free_ char *text = printed();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lines); i++)
		if (!strstr(text, lines[i]))
			fail_msg("not told: %s", lines[i]);
	assert_null(strstr(text, "same"));
}

/* The function @name of the report; it must be there. */
static json_t *function(json_t *report, const char *name)
{
	json_t *f;
	size_t i;

	json_array_foreach(json_object_get(report, "functions"), i, f)
		if (!strcmp(json_string_value(json_object_get(f, "name")), name))
			return f;
	fail_msg("%s is not told", name);
	return NULL;
}

static void assert_told(json_t *report, const char *name, const char *state, const char *key, bool there)
{
	json_t *f = function(report, name);

	assert_string_equal(json_string_value(json_object_get(f, "state")), state);
	assert_int_equal(json_object_get(f, key) != NULL, there);
}

static void tells_every_state_in_json(void **state)
{
	json_t *report = report_match_json(match), *count = json_object_get(report, "count");

	assert_string_equal(json_string_value(json_object_get(report, "object")), "dir/file.o");
	assert_string_equal(json_string_value(json_object_get(report, "target")), "vmlinux");
	assert_int_equal(json_integer_value(json_object_get(count, "proved")), 1);
	assert_int_equal(json_integer_value(json_object_get(count, "absent")), 1);
	assert_int_equal(json_integer_value(json_object_get(count, "differs")), 2);
	assert_int_equal(json_integer_value(json_object_get(count, "ambiguous")), 1);
	/* An address is told where there is one, a reason where something differs. */
	assert_told(report, "gone", "absent", "address", false);
	assert_told(report, "gone", "absent", "why", false);
	assert_told(report, "twin", "ambiguous", "address", false);
	assert_told(report, "twin", "ambiguous", "why", false);
	assert_told(report, "same", "proved", "address", true);
	assert_told(report, "f", "differs", "why", true);
	assert_false(json_boolean_value(json_object_get(function(report, "f"), "weak")));
	assert_true(json_boolean_value(json_object_get(function(report, "hook"), "weak")));
	json_decref(report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_every_state),
		cmocka_unit_test(tells_every_state_in_json),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
