// SPDX-License-Identifier: GPL-2.0
#include "pack/manifest.h"
#include "util/memory.h"
#include "util/string.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* One of everything, as it is written. */
static const char sample[] =
	"{\n"
	"  \"cves\": [\n"
	"    \"CVE-2026-1234\"\n"
	"  ],\n"
	"  \"description\": \"fork: a line, with \303\274\",\n"
	"  \"format\": 3,\n"
	"  \"id\": \"0123456789abcdef\",\n"
	"  \"members\": [\n"
	"    {\n"
	"      \"name\": \"new/vmlinux.ko\",\n"
	"      \"sha256\": \"00000000000000000000000000000000000000000000000000000000000000ff\",\n"
	"      \"size\": 12\n"
	"    },\n"
	"    {\n"
	"      \"name\": \"pre/kernel/fork.o\",\n"
	"      \"sha256\": \"0000000000000000000000000000000000000000000000000000000000000000\",\n"
	"      \"size\": 0\n"
	"    }\n"
	"  ],\n"
	"  \"notes\": [\n"
	"    \"One thing to know.\"\n"
	"  ],\n"
	"  \"onto\": [\n"
	"    \"fedcba9876543210\"\n"
	"  ],\n"
	"  \"release\": \"6.1.0-56-cloud-amd64\",\n"
	"  \"stays_loaded\": true,\n"
	"  \"targets\": [\n"
	"    {\n"
	"      \"declarations\": [\n"
	"        {\n"
	"          \"kind\": \"keep\",\n"
	"          \"name\": \"max_threads\",\n"
	"          \"object\": \"kernel/fork.o\"\n"
	"        }\n"
	"      ],\n"
	"      \"file\": \"new/vmlinux.ko\",\n"
	"      \"functions\": [\n"
	"        {\n"
	"          \"action\": \"replace\",\n"
	"          \"name\": \"copy_process\",\n"
	"          \"object\": \"kernel/fork.o\"\n"
	"        },\n"
	"        {\n"
	"          \"action\": \"add\",\n"
	"          \"name\": \"helper\",\n"
	"          \"object\": \"kernel/new.o\"\n"
	"        }\n"
	"      ],\n"
	"      \"hooks\": [\n"
	"        {\n"
	"          \"kind\": \"pre_apply\",\n"
	"          \"name\": \"make_room\",\n"
	"          \"object\": \"kernel/fork.o\"\n"
	"        }\n"
	"      ],\n"
	"      \"module\": \"kmend_0123456789abcdef_vmlinux\",\n"
	"      \"name\": \"vmlinux\",\n"
	"      \"objects\": [\n"
	"        {\n"
	"          \"name\": \"kernel/fork.o\",\n"
	"          \"pre\": \"pre/kernel/fork.o\"\n"
	"        }\n"
	"      ],\n"
	"      \"symbols\": [\n"
	"        {\n"
	"          \"name\": \"init_task\",\n"
	"          \"object\": \"kernel/fork.o\",\n"
	"          \"symbol\": \"kmend.init_task\"\n"
	"        }\n"
	"      ]\n"
	"    }\n"
	"  ],\n"
	"  \"version\": \"#1 SMP PREEMPT_DYNAMIC Debian 6.1.192-2 (2026-01-01)\"\n"
	"}\n";

static struct manifest *read_ok(const char *json, size_t size)
{
	struct manifest *m = NULL;
	struct error *err = manifest_from_json(json, size, &m);

	if (err)
		print_error("%s\n", err->message);
	assert_null(err);
	return m;
}

static void read_refused(const char *json, size_t size, const char *code, const char *message)
{
	struct manifest *m = NULL;
	struct error *err = manifest_from_json(json, size, &m);

	assert_null(m);
	assert_non_null(err);
	assert_int_equal(err->kind, ERROR_REFUSED);
	if (!error_is(err, code) || strcmp(err->message, message))
		fail_msg("[%s] %s\nexpected [%s] %s", err->code, err->message, code, message);
	error_free(err);
}

static void test_round_trip(void **state)
{
	struct manifest *m = read_ok(sample, strlen(sample));
	_cleanup_free_ char *json = NULL;
	struct error *err;
	size_t size;

	assert_string_equal(m->id, "0123456789abcdef");
	assert_string_equal(m->cves[0], "CVE-2026-1234");
	assert_int_equal(m->target_count, 1);
	assert_int_equal(m->targets[0].functions[0].action, MANIFEST_REPLACE);
	assert_int_equal(m->targets[0].functions[1].action, MANIFEST_ADD);
	assert_string_equal(m->targets[0].symbols[0].symbol, "kmend.init_task");
	assert_string_equal(m->targets[0].symbols[0].name, "init_task");
	assert_string_equal(m->targets[0].hooks[0].kind, "pre_apply");
	assert_string_equal(m->targets[0].hooks[0].name, "make_room");
	assert_string_equal(m->targets[0].declarations[0].kind, "keep");
	assert_string_equal(m->targets[0].declarations[0].name, "max_threads");
	assert_int_equal(m->member_count, 2);
	assert_int_equal(m->members[0].size, 12);
	assert_int_equal(m->members[0].sha256[31], 0xff);
	assert_true(m->stays_loaded);

	err = manifest_to_json(m, &json, &size);
	assert_null(err);
	assert_string_equal(json, sample);
	assert_int_equal(size, strlen(sample));
	manifest_free(m);
	manifest_free(NULL);
}

static void test_text_that_is_not_utf8(void **state)
{
	struct manifest *m = read_ok(sample, strlen(sample));
	struct error *err;
	char *json;
	size_t size;

	strcpy(m->targets[0].symbols[0].name, "\377");
	err = manifest_to_json(m, &json, &size);
	assert_true(error_is(err, "PACK-INVALID"));
	error_free(err);
	manifest_free(m);
}

/* The value at a path such as "targets.0.name"; *@last is the path's last part. */
static json_t *walk(json_t *root, const char *path, const char **last)
{
	_cleanup_free_ char *copy = xstrdup(path);
	char *rest = copy, *part = strsep(&rest, ".");

	while (rest) {
		root = json_is_array(root) ? json_array_get(root, atoi(part))
					   : json_object_get(root, part);
		part = strsep(&rest, ".");
	}
	*last = path + (part - copy);
	return root;
}

/* Sets the field at @path to the JSON @value (NULL: removes it) and expects the refusal. */
static void changed(const char *path, const char *value, const char *message)
{
	json_t *root = json_loads(sample, 0, NULL);
	_cleanup_free_ char *json = NULL;
	const char *key;
	json_t *parent = walk(root, path, &key);

	assert_non_null(parent);
	if (!value)
		assert_int_equal(json_object_del(parent, key), 0);
	else if (json_is_array(parent))
		json_array_set_new(parent, atoi(key), json_loads(value, JSON_DECODE_ANY, NULL));
	else
		json_object_set_new(parent, key, json_loads(value, JSON_DECODE_ANY, NULL));
	json = json_dumps(root, 0);
	json_decref(root);
	read_refused(json, strlen(json), "PACK-INVALID", message);
}

static void test_fields(void **state)
{
	static const char *const cases[][3] = {
		{ "id", NULL, "manifest: id is missing" },
		{ "id", "7", "manifest: id is not a string" },
		{ "id", "\"0123456789ABCDEF\"", "manifest: id is not of 16 lower-case hex digits" },
		{ "id", "\"0123456789abcdef0\"",
		  "manifest: id is not of 16 lower-case hex digits" },
		{ "id", "\"../../../../../etc\"",
		  "manifest: id is not of 16 lower-case hex digits" },
		{ "description", "\"a\\u001b[2Jb\"",
		  "manifest: description has control characters" },
		{ "description", "\"a\\u009b2Jb\"",
		  "manifest: description has control characters" },
		{ "description", "\"a\\u202eb\"", "manifest: description has control characters" },
		{ "description", "\"a\\nb\"", "manifest: description has control characters" },
		{ "extra", "1", "manifest: \"extra\" is not known" },
		{ "\033", "1", "manifest: \"\\x1b\" is not known" },
		{ "cves", "{}", "manifest: cves is not an array" },
		{ "cves.0", "\"CVE-26-1234\"", "manifest: cves[0] is not a CVE's number" },
		{ "cves.0", "\"CVE-2026-123\"", "manifest: cves[0] is not a CVE's number" },
		{ "cves.0", "\"CVE-2026-1234x\"", "manifest: cves[0] is not a CVE's number" },
		{ "cves.0", "\"CVE-2026\"", "manifest: cves[0] is not a CVE's number" },
		{ "notes.0", "[]", "manifest: notes[0] is not a line of text" },
		{ "onto", NULL, "manifest: onto is missing" },
		{ "onto.0", "\"fedcba987654321\"", "manifest: onto[0] is not an update's id" },
		{ "onto.0", "\"fedcba987654321G\"", "manifest: onto[0] is not an update's id" },
		{ "onto.0", "\"0123456789abcdef\"", "manifest: onto[0] is there twice, or the update itself" },
		{ "release", "\"\"", "manifest: release is empty" },
		{ "release", "\"../x\"", "manifest: release is not that of a kernel" },
		{ "release", "\"6.1/x\"", "manifest: release is not that of a kernel" },
		{ "stays_loaded", "\"true\"", "manifest: stays_loaded is not true or false" },
		{ "version", NULL, "manifest: version is missing" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		changed(cases[i][0], cases[i][1], cases[i][2]);
}

static void test_members(void **state)
{
	static const char *const cases[][3] = {
		{ "members.0", "[]", "manifest: members[0]: it is not an object" },
		{ "members.0.name", "\"/etc/passwd\"",
		  "manifest: members[0]: name \"/etc/passwd\" is not a plain relative path" },
		{ "members.0.name", "\"new/../../x\"",
		  "manifest: members[0]: name \"new/../../x\" is not a plain relative path" },
		{ "members.0.name", "\"new//x\"",
		  "manifest: members[0]: name \"new//x\" is not a plain relative path" },
		{ "members.0.name", "\"./x\"",
		  "manifest: members[0]: name \"./x\" is not a plain relative path" },
		{ "members.0.name", "\"x/\"",
		  "manifest: members[0]: name \"x/\" is not a plain relative path" },
		{ "members.0.name", "\"\"",
		  "manifest: members[0]: name \"\" is not a plain relative path" },
		{ "members.0.name", "\"\\u00fc\"",
		  "manifest: members[0]: name \"\\xc3\\xbc\" is not a plain relative path" },
		{ "members.0.name", "\"pre/kernel/fork.o\"",
		  "manifest: members[1]: \"pre/kernel/fork.o\" is there twice" },
		{ "members.0.name", "\"manifest.json\"",
		  "manifest: members[0]: \"manifest.json\" lists the manifest itself" },
		{ "members.0.name", "\"manifest.json.minisig\"",
		  "manifest: members[0]: \"manifest.json.minisig\" lists the manifest itself" },
		{ "members.0.sha256", "\"00\"",
		  "manifest: members[0]: sha256 is not of 64 lower-case hex digits" },
		{ "members.0.size", "-1", "manifest: members[0]: size is out of range" },
		{ "members.0.size", "1.0", "manifest: members[0]: size is not an integer" },
		{ "members.0.size", "9223372036854775807",
		  "manifest: members[0]: size is out of range" },
		{ "members.0.size", "67108865", "manifest: members[0]: size is out of range" },
		{ "members.1.mode", "493", "manifest: members[1]: \"mode\" is not known" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		changed(cases[i][0], cases[i][1], cases[i][2]);
}

static void test_targets(void **state)
{
	static const char *const cases[][3] = {
		{ "targets.0.name", "\"../vmlinux\"",
		  "manifest: targets[0]: name \"../vmlinux\" is not a module's name" },
		{ "targets.0.name", "\"\"",
		  "manifest: targets[0]: name \"\" is not a module's name" },
		{ "targets.0.module",
		  "\"m1234567890123456789012345678901234567890123456789012345\"",
		  "manifest: targets[0]: module "
		  "\"m1234567890123456789012345678901234567890123456789012345\" "
		  "is not a module's name" },
		{ "targets.0.file", "\"new/other.ko\"",
		  "manifest: targets[0]: file \"new/other.ko\" is not a member" },
		{ "targets.0.objects.0.pre", "\"pre/other.o\"",
		  "manifest: targets[0]: pre \"pre/other.o\" is not a member" },
		{ "targets.0.objects.0.name", "\"kernel/exit.o\"",
		  "manifest: targets[0]: functions[0]: object \"kernel/fork.o\" is not listed" },
		{ "targets.0.functions.0.action", "\"remove\"",
		  "manifest: targets[0]: functions[0]: "
		  "action is neither \"replace\" nor \"add\"" },
		{ "targets.0.functions.0.name", "\"\"",
		  "manifest: targets[0]: functions[0]: name is empty" },
		{ "targets.0.symbols.0.object", "\"kernel/new.o\"",
		  "manifest: targets[0]: symbols[0]: object \"kernel/new.o\" is not listed" },
		{ "targets.0.hooks", "{}", "manifest: targets[0]: hooks is not an array" },
		{ "targets.0.hooks.0.kind", "\"keep\"",
		  "manifest: targets[0]: hooks[0]: kind is not one of those that there are" },
		{ "targets.0.hooks.0.object", "\"kernel/new.o\"",
		  "manifest: targets[0]: hooks[0]: object \"kernel/new.o\" is not listed" },
		{ "targets.0.declarations.0.kind", "\"pre_apply\"",
		  "manifest: targets[0]: declarations[0]: kind is not one of those that there are" },
		{ "targets.0.declarations.0.name", "\"\"",
		  "manifest: targets[0]: declarations[0]: name is empty" },
		{ "targets.0.declarations.0.object", "\"kernel/new.o\"",
		  "manifest: targets[0]: declarations[0]: object \"kernel/new.o\" is not listed" },
		{ "targets.0.symbols.0", "null",
		  "manifest: targets[0]: symbols[0]: it is not an object" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		changed(cases[i][0], cases[i][1], cases[i][2]);
}

/* Appends a copy of the first element of the array at @path, with one field set. */
static void doubled(const char *path, const char *field, const char *value, const char *message)
{
	json_t *root = json_loads(sample, 0, NULL), *copy;
	_cleanup_free_ char *json = NULL;
	const char *key;
	json_t *array = walk(root, path, &key);

	array = json_object_get(array, key);
	copy = json_deep_copy(json_array_get(array, 0));
	if (field)
		json_object_set_new(copy, field, json_string(value));
	json_array_append_new(array, copy);
	json = json_dumps(root, 0);
	json_decref(root);
	read_refused(json, strlen(json), "PACK-INVALID", message);
}

static void test_twice(void **state)
{
	doubled("targets", NULL, NULL, "manifest: targets[1]: name \"vmlinux\" is there twice");
	doubled("targets", "name", "ext4",
		"manifest: targets[1]: module \"kmend_0123456789abcdef_vmlinux\" is there twice");
	doubled("targets.0.objects", NULL, NULL,
		"manifest: targets[0]: object \"kernel/fork.o\" is there twice");
}

static void test_other_format(void **state)
{
	_cleanup_free_ char *json = xstrdup("{\"format\": 2, \"old\": true}");

	read_refused(json, strlen(json), "PACK-FORMAT",
		     "manifest: format 2; this kmend reads format 3");
	changed("format", NULL, "manifest: format is missing");
	changed("format", "\"1\"", "manifest: format is not an integer");
}

/* The column is jansson's affair. */
static void not_json(const char *json, size_t size, int line)
{
	_cleanup_free_ char *message = xasprintf("manifest: not JSON in line %d, column ", line);
	struct manifest *m = NULL;
	struct error *err = manifest_from_json(json, size, &m);

	assert_null(m);
	assert_true(error_is(err, "PACK-INVALID"));
	assert_memory_equal(err->message, message, strlen(message));
	error_free(err);
}

static void test_not_json(void **state)
{
	static const char with_nul[] = "{\"id\": \"0123\0\"}";
	_cleanup_free_ char *deep = xmalloc(100001);
	_cleanup_free_ char *large = xcalloc(1, MANIFEST_MAX_SIZE + 1);
	_cleanup_free_ char *trailing = xasprintf("%s{}", sample);

	not_json("", 0, 1);
	not_json(with_nul, sizeof(with_nul) - 1, 1);
	not_json("{\"id\": \"\\u0000\"}", 16, 1);
	not_json("{\"id\": \"\377\"}", 12, 1);
	not_json("{\"id\": 1, \"id\": 2}", 18, 1);
	not_json("{\"format\": 99999999999999999999}", 32, 1);
	not_json(trailing, strlen(trailing), 76);
	not_json(sample, strlen(sample) - 3, 74);
	memset(deep, '[', 100000);
	not_json(deep, 100000, 1);
	read_refused("[]", 2, "PACK-INVALID", "manifest: it is not an object");
	read_refused(large, MANIFEST_MAX_SIZE + 1, "PACK-INVALID",
		     "manifest: more than 4194304 bytes");
}

static void test_too_many_members(void **state)
{
	json_t *root = json_loads(sample, 0, NULL);
	json_t *members = json_object_get(root, "members");
	_cleanup_free_ char *json = NULL;

	while (json_array_size(members) <= PACK_MAX_MEMBERS)
		json_array_append_new(members, json_null());
	json = json_dumps(root, 0);
	json_decref(root);
	read_refused(json, strlen(json), "PACK-INVALID", "manifest: more than 4096 members");
}

static void test_too_many_bytes(void **state)
{
	json_t *root = json_loads(sample, 0, NULL);
	json_t *members = json_object_get(root, "members");
	_cleanup_free_ char *json = NULL;

	json_object_set_new(json_array_get(members, 0), "size", json_integer(PACK_MAX_SIZE));
	json_object_set_new(json_array_get(members, 1), "size", json_integer(1));
	json = json_dumps(root, 0);
	json_decref(root);
	read_refused(json, strlen(json), "PACK-INVALID",
		     "manifest: members[1]: more than 67108864 bytes in all");
}

static void test_plain_strings(void **state)
{
	static const char *const plain[] = { "", "abc\t~", "\303\274", "\342\202\254",
					     "\360\237\230\200" };
	static const char *const other[] = {
		"\n",	    "\033",	    "\177",	    "\302\205",	    "\377",
		"\303",	    "\300\200",	    "\340\200\200", "\355\240\200", "\364\220\200\200",
		"\342\200", "\342\200\256", "\342\201\246", "\233",
	};
	_cleanup_free_ char *long_string = xmalloc(301), *shown;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(plain); i++)
		assert_true(string_is_plain(plain[i]));
	for (i = 0; i < ARRAY_SIZE(other); i++)
		assert_false(string_is_plain(other[i]));
	memset(long_string, 1, 300);
	long_string[300] = '\0';
	assert_false(path_is_contained(long_string));
	shown = string_escape(long_string);
	assert_int_equal(strlen(shown), 403);
	assert_string_equal(shown + 396, "\\x01...");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_text_that_is_not_utf8),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_twice),
		cmocka_unit_test(test_other_format),
		cmocka_unit_test(test_not_json),
		cmocka_unit_test(test_too_many_members),
		cmocka_unit_test(test_too_many_bytes),
		cmocka_unit_test(test_plain_strings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
