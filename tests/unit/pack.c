// SPDX-License-Identifier: GPL-2.0
/* The pack's archive: what is written, and what an enemy may send instead. */
#include "pack/minisign.h"
#include "pack/pack.h"
#include "pack/trust.h"
#include "util/file.h"
#include "util/memory.h"
#include "util/process.h"
#include "util/sha256.h"
#include "check.h"

#include <string.h>
#include <sys/resource.h>
#include <zstd.h>

static char *dir; /* of this test program */

/* @code may be the beginning of several codes. */
static void assert_refused_as(struct error *err, const char *code, const char *message)
{
	assert_non_null(err);
	assert_int_equal(err->kind, ERROR_REFUSED);
	if (strncmp(err->code, code, strlen(code)) || !strstr(err->message, message))
		fail_msg("[%s] %s\nexpected [%s] %s", err->code, err->message, code, message);
	error_free(err);
}

/* A pack with one target and the files that it names, and a patch. */
static struct pack *sample(void)
{
	struct pack *p = pack_new();
	struct manifest *m = p->manifest;
	struct manifest_target *t = m->targets = xcalloc(1, sizeof(*m->targets));

	strcpy(m->id, "0123456789abcdef");
	m->release = xstrdup("6.1.0-56-cloud-amd64");
	m->target_count = 1;
	t->name = xstrdup("vmlinux");
	t->module = xstrdup("kmend_vmlinux");
	t->file = xstrdup("new/vmlinux.ko");
	t->objects = xcalloc(1, sizeof(*t->objects));
	t->object_count = 1;
	t->objects[0].name = xstrdup("kernel/fork.o");
	t->objects[0].pre = xstrdup("pre/kernel/fork.o");
	pack_add(p, "pre/kernel/fork.o", "pre\0data", 8);
	pack_add(p, "new/vmlinux.ko", "module", 6);
	pack_add(p, "patch/0001-a.patch", "", 0);
	return p;
}

static char *sample_file(const char *name, const char *key)
{
	char *path = path_join(dir, name);
	struct pack *p = sample();

	assert_ok(pack_write(p, path, key));
	pack_free(p);
	return path;
}

static void test_write_and_read(void **state)
{
	_cleanup_free_ char *path = sample_file("a.kmend", NULL);
	const struct pack_file *file;
	struct pack *p;

	assert_ok(pack_read(path, &p));
	assert_string_equal(p->manifest->release, "6.1.0-56-cloud-amd64");
	assert_null(p->signature);
	assert_int_equal(strlen(p->manifest_json), p->manifest_size);
	assert_int_equal(p->file_count, 3);
	assert_int_equal(p->manifest->member_count, 3);
	assert_string_equal(p->files[0].name, "new/vmlinux.ko");
	assert_string_equal(p->files[1].name, "patch/0001-a.patch");
	file = pack_find(p, "pre/kernel/fork.o");
	assert_ptr_equal(file, &p->files[2]);
	assert_int_equal(file->size, 8);
	assert_memory_equal(file->data, "pre\0data", 8);
	assert_null(pack_find(p, "pre"));
	assert_null(pack_find(p, "z"));
	pack_free(p);
}

/* Its public half lies beside, as key.pub. */
static char *generate_key(void)
{
	_cleanup_free_ char *text = NULL, *public_text = NULL, *public_path = path_join(dir, "key.pub");
	char *path = path_join(dir, "key");
	struct minisign_public public;
	struct minisign_secret secret;

	assert_ok(minisign_generate(&public, &secret));
	assert_ok(minisign_secret_format(&secret, NULL, &text));
	assert_ok(file_write(path, text, strlen(text), 0600));
	public_text = minisign_public_format(&public);
	assert_ok(file_write(public_path, public_text, strlen(public_text), 0644));
	return path;
}

static void test_reproducible(void **state)
{
	_cleanup_free_ char *key = generate_key();
	_cleanup_free_ char *a = sample_file("a.kmend", key), *b = sample_file("b.kmend", key);
	_cleanup_free_ char *c = path_join(dir, "c.kmend");
	_cleanup_free_ void *data_a = NULL, *data_b = NULL, *data_c = NULL;
	size_t size_a, size_b, size_c;
	struct pack *p;

	assert_ok(file_read(a, 1 << 20, &data_a, &size_a));
	assert_ok(file_read(b, 1 << 20, &data_b, &size_b));
	assert_int_equal(size_a, size_b);
	assert_memory_equal(data_a, data_b, size_a);

	/* What was read is written again as it was. */
	assert_ok(pack_read(a, &p));
	assert_non_null(p->signature);
	assert_non_null(strstr(p->signature, "\ntrusted comment: kmend 0123456789abcdef\n"));
	assert_ok(pack_write(p, c, key));
	pack_free(p);
	assert_ok(file_read(c, 1 << 20, &data_c, &size_c));
	assert_int_equal(size_a, size_c);
	assert_memory_equal(data_a, data_c, size_a);
}

/* Other tools read it: tar and zstd are not ours. */
static void test_tar_lists_it(void **state)
{
	_cleanup_free_ char *key = generate_key();
	_cleanup_free_ char *path = sample_file("a.kmend", key);
	_cleanup_free_ char *output = NULL;
	const char *argv[] = { "tar", "--zstd", "--utc", "--numeric-owner", "-tvf", path, NULL };
	int status;

	assert_ok(process_run(&(struct process_options){ .argv = argv, .merge_stderr = true },
			      &status, &output, NULL));
	assert_int_equal(status, 0);
	assert_non_null(strstr(output, " 1970-01-01 00:00 manifest.json\n"));
	assert_non_null(strstr(strstr(output, "manifest.json\n"), "manifest.json.minisig\n"));
	assert_non_null(strstr(output, "-rw-r--r-- 0/0               6 1970-01-01 00:00 "
				       "new/vmlinux.ko\n"));
	assert_non_null(strstr(strstr(output, "new/vmlinux.ko"), "pre/kernel/fork.o\n"));
}

static void test_write_refuses_what_read_refuses(void **state)
{
	_cleanup_free_ char *path = path_join(dir, "never.kmend");
	struct pack *p = sample();
	struct error *err;

	pack_add(p, "../evil", "x", 1);
	assert_refused_as(pack_write(p, path, NULL), "PACK-INVALID", "../evil");
	assert_false(file_exists(path));
	pack_free(p);

	p = sample();
	pack_add(p, "patch/0001-a.patch", "again", 5);
	assert_refused_as(pack_write(p, path, NULL), "PACK-INVALID", "is there twice");
	pack_free(p);

	p = sample();
	free(p->manifest->targets[0].file);
	p->manifest->targets[0].file = xstrdup("new/missing.ko");
	assert_refused_as(pack_write(p, path, NULL), "PACK-INVALID", "is not a member");
	assert_false(file_exists(path));
	pack_free(p);

	p = sample();
	err = pack_write(p, "/no/such/folder/a.kmend", NULL);
	assert_int_equal(err->kind, ERROR_SYSTEM);
	error_free(err);
	pack_free(p);
}

static void test_long_names(void **state)
{
	_cleanup_free_ char *path = path_join(dir, "long.kmend");
	char name[300];
	struct pack *p = sample();

	/* As long as ustar can have it: 155, "/", 99. */
	memset(name, 'a', sizeof(name));
	memcpy(name, "patch/", 6);
	name[155] = '/';
	name[255] = '\0';
	pack_add(p, name, "x", 1);
	assert_ok(pack_write(p, path, NULL));
	pack_free(p);
	assert_ok(pack_read(path, &p));
	assert_non_null(pack_find(p, name));
	name[155] = 'a';
	pack_add(p, name, "x", 1);
	assert_refused_as(pack_write(p, path, NULL), "PACK-INVALID", "Pathname too long");
	pack_free(p);
}

/* An archive made by hand, uncompressed. */
struct tar {
	char data[1 << 20];
	size_t size;
};

/* ustar's header, as kmend's has it; a test may then change it and call finish_header(). */
static char *add_header(struct tar *tar, const char *name, unsigned long long size)
{
	char *h = tar->data + tar->size;

	memset(h, 0, 512);
	strncpy(h, name, 100);
	memcpy(h + 100, "000644 ", 8);
	memcpy(h + 108, "000000 ", 8);
	memcpy(h + 116, "000000 ", 8);
	sprintf(h + 124, "%011llo", size);
	h[135] = ' ';
	memcpy(h + 136, "00000000000 ", 12);
	h[156] = '0';
	memcpy(h + 257,
	       "ustar\0"
	       "00",
	       8);
	memcpy(h + 329, "000000 ", 8);
	memcpy(h + 337, "000000 ", 8);
	tar->size += 512;
	return h;
}

static void finish_header(char *h)
{
	unsigned int sum = 0;

	memset(h + 148, ' ', 8);
	for (int i = 0; i < 512; i++)
		sum += (unsigned char)h[i];
	sprintf(h + 148, "%06o", sum);
}

static void add_content(struct tar *tar, const void *data, size_t size)
{
	memcpy(tar->data + tar->size, data, size);
	tar->size += (size + 511) / 512 * 512;
}

static void add_member(struct tar *tar, const char *name, const void *data, size_t size)
{
	finish_header(add_header(tar, name, size));
	add_content(tar, data, size);
}

/* A tar that holds sample()'s manifest; its members are for the caller to add. */
static struct tar *start_tar(void)
{
	_cleanup_free_ char *path = sample_file("a.kmend", NULL);
	struct tar *tar = xcalloc(1, sizeof(*tar));
	struct pack *p;

	assert_ok(pack_read(path, &p));
	add_member(tar, "manifest.json", p->manifest_json, p->manifest_size);
	pack_free(p);
	return tar;
}

static void add_members(struct tar *tar, const char *const *names)
{
	for (; *names; names++) {
		if (!strcmp(*names, "new/vmlinux.ko"))
			add_member(tar, *names, "module", 6);
		else if (!strcmp(*names, "pre/kernel/fork.o"))
			add_member(tar, *names, "pre\0data", 8);
		else
			add_member(tar, *names, "", 0);
	}
}

#define NEW	   "new/vmlinux.ko"
#define PATCH	   "patch/0001-a.patch"
#define PRE	   "pre/kernel/fork.o"
#define NAMES(...) ((const char *const[]){ __VA_ARGS__, NULL })

static struct error *parse_tar(const struct tar *tar, struct pack **p)
{
	size_t bound = ZSTD_compressBound(tar->size), size;
	_cleanup_free_ void *data = xmalloc(bound);

	size = ZSTD_compress(data, bound, tar->data, tar->size, 1);
	assert_false(ZSTD_isError(size));
	return pack_parse(data, size, "P", p);
}

/* Ends the archive as it should, parses it and frees it. */
static void refused(struct tar *tar, const char *code, const char *message)
{
	struct pack *p = NULL;

	tar->size += 1024;
	assert_refused_as(parse_tar(tar, &p), code, message);
	assert_null(p);
	free(tar);
}

static void test_made_by_hand(void **state)
{
	struct tar *tar = start_tar();
	struct pack *p;

	add_members(tar, NAMES(NEW, PATCH, PRE));
	tar->size += 1024;
	assert_ok(parse_tar(tar, &p));
	assert_int_equal(p->file_count, 3);
	pack_free(p);
	free(tar);
}

static void members_refused(const char *const *names, const char *message)
{
	struct tar *tar = start_tar();

	add_members(tar, names);
	refused(tar, "PACK-INVALID", message);
}

static void test_members(void **state)
{
	members_refused(NAMES(NEW, PATCH), "P: member \"" PRE "\" is missing");
	members_refused(NAMES(NULL), "is missing");
	members_refused(NAMES(NEW, PATCH, PRE, "z"), "P: member \"z\" is not in the manifest");
	members_refused(NAMES("new/vmlinux2.ko", PATCH, PRE), "P: member \"new/vmlinux2.ko\" is not in the manifest");
	members_refused(NAMES(NEW, NEW, PATCH, PRE), "P: member \"" NEW "\" is not at its place");
	members_refused(NAMES(NEW, PRE, PATCH), "P: member \"" PATCH "\" is not at its place");
	members_refused(NAMES(NEW, PATCH, PRE, "manifest.json.minisig"),
			"member \"manifest.json.minisig\" is not in the manifest");
	members_refused(NAMES("manifest.json", NEW, PATCH, PRE),
			"member \"manifest.json\" is not in the manifest");
	members_refused(NAMES("../" NEW), "P: member name \"../" NEW "\" is not a plain relative");
	members_refused(NAMES("/" NEW), "P: member name \"/" NEW "\" is not a plain relative");
	members_refused(NAMES("new/./vmlinux.ko"), "is not a plain relative");
	members_refused(NAMES("new/\033]0;\007"), "\"new/\\x1b]0;\\x07\" is not a plain relative");
	members_refused(NAMES("new/\303\274"), "is not a plain relative");
	members_refused(NAMES("new/\377"), "is not a plain relative");
}

static void test_manifest_not_first(void **state)
{
	struct tar *tar = xcalloc(1, sizeof(*tar));

	add_member(tar, NEW, "module", 6);
	refused(tar, "PACK-INVALID", "P: its first member is not manifest.json");
	tar = xcalloc(1, sizeof(*tar));
	refused(tar, "PACK-INVALID", "P: its first member is not manifest.json");
	tar = xcalloc(1, sizeof(*tar));
	add_member(tar, "manifest.json", "[", 1);
	refused(tar, "PACK-INVALID", "P: manifest: not JSON");
}

static void test_contents(void **state)
{
	struct tar *tar = start_tar();

	add_member(tar, NEW, "modulE", 6);
	refused(tar, "PACK-CORRUPT", "P: member \"" NEW "\" does not have the manifest's SHA-256");
	tar = start_tar();
	add_member(tar, NEW, "module!", 7);
	refused(tar, "PACK-CORRUPT", "has 7 bytes, 6 according to the manifest");
	tar = start_tar();
	add_member(tar, NEW, "modul", 5);
	refused(tar, "PACK-CORRUPT", "has 5 bytes, 6 according to the manifest");
}

static void test_lying_sizes(void **state)
{
	struct tar *tar = start_tar();

	finish_header(add_header(tar, NEW, 077777777777ull));
	refused(tar, "PACK-CORRUPT", "has 8589934591 bytes, 6 according to the manifest");

	/* In base 256, as GNU tar writes large and negative numbers. */
	tar = start_tar();
	char *h = add_header(tar, NEW, 0);
	memset(h + 124, 0xff, 12);
	finish_header(h);
	refused(tar, "PACK-", "");

	tar = xcalloc(1, sizeof(*tar));
	finish_header(add_header(tar, "manifest.json", MANIFEST_MAX_SIZE + 1));
	refused(tar, "PACK-INVALID", "P: manifest.json has more than 4194304 bytes");

	/* The archive ends within the member. */
	tar = xcalloc(1, sizeof(*tar));
	finish_header(add_header(tar, "manifest.json", MANIFEST_MAX_SIZE));
	refused(tar, "PACK-INVALID", "P: its archive is damaged: Truncated");
}

static void test_not_plain_files(void **state)
{
	/* Links, devices, a folder, a fifo; headers of pax and GNU tar. */
	static const char types[] = "123456xgLK";
	struct tar *tar;
	char *h;

	for (const char *type = types; *type; type++) {
		tar = start_tar();
		h = add_header(tar, NEW, 0);
		h[156] = *type;
		strcpy(h + 157, "/etc/passwd");
		finish_header(h);
		refused(tar, "PACK-INVALID", "P: ");
	}
}

static void header_refused(size_t at, const char *bytes, size_t count)
{
	struct tar *tar = start_tar();
	char *h = add_header(tar, NEW, 6);

	memcpy(h + at, bytes, count);
	finish_header(h);
	add_content(tar, "module", 6);
	add_members(tar, NAMES(PATCH, PRE));
	refused(tar, "PACK-INVALID", "P: member \"" NEW "\" is not a plain file as kmend makes it");
}

static void test_other_headers(void **state)
{
	header_refused(100, "000755", 6);
	header_refused(100, "004644", 6);
	header_refused(108, "000001", 6);
	header_refused(116, "000001", 6);
	header_refused(136, "00000000001", 11);
	header_refused(265, "root", 4);
	header_refused(297, "root", 4);
	header_refused(257, "ustar  ", 8);
	header_refused(257, "\0\0\0\0\0\0\0\0", 8);
}

static void test_damaged_header(void **state)
{
	struct tar *tar = start_tar();

	finish_header(add_header(tar, NEW, 6));
	tar->data[tar->size - 512 + 10] ^= 1;
	add_content(tar, "module", 6);
	refused(tar, "PACK-INVALID", "P: its archive is damaged");
}

/* A pax header before a member, by which its name and more could be another. */
static void test_pax_header(void **state)
{
	struct tar *tar = start_tar();
	char *h = add_header(tar, "x", 19);

	h[156] = 'x';
	finish_header(h);
	add_content(tar, "19 path=etc/passwd\n", 19);
	add_members(tar, NAMES(NEW, PATCH, PRE));
	refused(tar, "PACK-INVALID", "P: member \"etc/passwd\" is not a plain file");
}

static void test_what_follows(void **state)
{
	struct tar *tar = start_tar();
	struct pack *p;

	add_members(tar, NAMES(NEW, PATCH, PRE));
	tar->size += 1024;
	add_members(tar, NAMES("z"));
	refused(tar, "PACK-INVALID", "P: something follows its last member");

	tar = start_tar();
	add_members(tar, NAMES(NEW, PATCH, PRE));
	tar->size += 512;
	refused(tar, "PACK-INVALID", "P: something follows its last member");

	/* One block of zeros instead of two. */
	tar = start_tar();
	add_members(tar, NAMES(NEW, PATCH, PRE));
	tar->size += 512;
	assert_refused_as(parse_tar(tar, &p), "PACK-INVALID", "something follows its last member");
	free(tar);
}

static void test_other_compression(void **state)
{
	_cleanup_free_ char *path = sample_file("a.kmend", NULL);
	_cleanup_free_ char *data = NULL;
	struct pack *p;
	size_t size;

	assert_ok(file_read(path, 1 << 20, (void **)&data, &size));
	data = xreallocarray(data, size + 4, 1);
	assert_refused_as(pack_parse(data, size - 1, "P", &p), "PACK-CORRUPT",
			  "P: it cannot be decompressed: it is cut short");
	assert_refused_as(pack_parse(data, size / 2, "P", &p), "PACK-CORRUPT", "it is cut short");
	assert_refused_as(pack_parse(data, 0, "P", &p), "PACK-INVALID", "not compressed with zstd");
	memset(data + size, 0, 4);
	assert_refused_as(pack_parse(data, size + 4, "P", &p), "PACK-CORRUPT",
			  "something follows its end");
	data[size / 2] ^= 1;
	assert_refused_as(pack_parse(data, size, "P", &p), "PACK-", "");
	data[0] ^= 1;
	assert_refused_as(pack_parse(data, size, "P", &p), "PACK-INVALID",
			  "not compressed with zstd");
}

/*
 * zstd can write the same in more than one way, and the signature's unsigned
 * comment may say anything: what is taken, and trusted where it is signed, holds
 * what it held.
 */
static void flip_every_bit(const char *key)
{
	_cleanup_free_ char *path = sample_file("a.kmend", key);
	_cleanup_free_ char *data = NULL;
	struct pack *whole, *p;
	size_t size, same = 0;

	assert_ok(file_read(path, 1 << 20, (void **)&data, &size));
	assert_ok(pack_parse(data, size, "P", &whole));
	for (size_t bit = 0; bit < 8 * size; bit++) {
		struct trust_result trust = { 0 };
		struct error *err;

		p = NULL;
		data[bit / 8] ^= 1 << bit % 8;
		err = pack_parse(data, size, "P", &p);
		data[bit / 8] ^= 1 << bit % 8;
		if (err)
			assert_int_equal(err->kind, ERROR_REFUSED);
		else if (key)
			err = trust_check(p, false, &trust);
		if (!err) {
			same++;
			assert_int_equal(p->manifest_size, whole->manifest_size);
			assert_memory_equal(p->manifest_json, whole->manifest_json, p->manifest_size);
			assert_int_equal(p->file_count, whole->file_count);
		}
		error_free(err);
		trust_result_fini(&trust);
		pack_free(p);
	}
	pack_free(whole);
	assert_true(same < 8 * size / 100);
}

static void test_every_flipped_bit(void **state)
{
	flip_every_bit(NULL);
}

static void test_every_flipped_bit_of_a_signed_one(void **state)
{
	_cleanup_free_ char *key = generate_key(), *public = xasprintf("%s.pub", key);
	_cleanup_free_ char *trusted = path_join(dir, "trusted");

	setenv("KMEND_TRUSTED", trusted, 1);
	assert_ok(trust_add(public, NULL));
	flip_every_bit(key);
}

/* 4 GiB of zeros in a few hundred kB: after the members, and instead of the archive. */
static void bomb(const struct tar *start, const char *message)
{
	size_t chunk = 1 << 20, capacity = 4 << 20, status;
	_cleanup_free_ char *zeros = xcalloc(1, chunk), *out = xmalloc(capacity);
	ZSTD_CCtx *context = ZSTD_createCCtx();
	ZSTD_outBuffer output = { out, capacity, 0 };
	ZSTD_inBuffer input = { start->data, start->size, 0 };
	struct rusage usage;
	struct pack *p;

	ZSTD_compressStream2(context, &output, &input, ZSTD_e_continue);
	for (int i = 0; i < 4096; i++) {
		input = (ZSTD_inBuffer){ zeros, chunk, 0 };
		status = ZSTD_compressStream2(context, &output, &input,
					      i == 4095 ? ZSTD_e_end : ZSTD_e_continue);
		assert_false(ZSTD_isError(status));
		assert_int_equal(input.pos, chunk);
	}
	assert_int_equal(status, 0);
	ZSTD_freeCCtx(context);
	assert_refused_as(pack_parse(out, output.pos, "P", &p), "PACK-INVALID", message);
	/* It took a small part of that, whatever the sanitizers add. */
	assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
	assert_true(usage.ru_maxrss < 1 << 20);
}

static void test_bombs(void **state)
{
	struct tar *tar = start_tar();

	add_members(tar, NAMES(NEW, PATCH, PRE));
	bomb(tar, "P: something follows its last member");
	free(tar);
	tar = start_tar();
	finish_header(add_header(tar, "unlisted", 4ull << 30));
	bomb(tar, "P: member \"unlisted\" is not in the manifest");
	free(tar);
	tar = xcalloc(1, sizeof(*tar));
	bomb(tar, "P: ");
	free(tar);
}

static void test_signature(void **state)
{
	struct tar *tar = start_tar();
	_cleanup_free_ char *large = xcalloc(1, MINISIGN_TEXT_MAX + 1);

	add_member(tar, "manifest.json.minisig", "a\0b", 3);
	refused(tar, "PACK-INVALID", "P: manifest.json.minisig is not a text");
	tar = start_tar();
	add_member(tar, "manifest.json.minisig", large, MINISIGN_TEXT_MAX + 1);
	refused(tar, "PACK-INVALID", "P: manifest.json.minisig has more than 16384 bytes");
}

static void test_missing_file(void **state)
{
	struct pack *p;
	struct error *err = pack_read("/no/such.kmend", &p);

	assert_int_equal(err->kind, ERROR_SYSTEM);
	assert_non_null(strstr(err->message, "/no/such.kmend: No such file"));
	error_free(err);
}

static int make_dir_of_test(void **state)
{
	dir = xstrdup("/tmp/test-pack-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir_of_test(void **state)
{
	struct error *err = remove_tree(dir);

	free(dir);
	return err ? -1 : 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_write_and_read),
		cmocka_unit_test(test_reproducible),
		cmocka_unit_test(test_tar_lists_it),
		cmocka_unit_test(test_write_refuses_what_read_refuses),
		cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_made_by_hand),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_manifest_not_first),
		cmocka_unit_test(test_contents),
		cmocka_unit_test(test_lying_sizes),
		cmocka_unit_test(test_not_plain_files),
		cmocka_unit_test(test_other_headers),
		cmocka_unit_test(test_damaged_header),
		cmocka_unit_test(test_pax_header),
		cmocka_unit_test(test_what_follows),
		cmocka_unit_test(test_other_compression),
		cmocka_unit_test(test_every_flipped_bit),
		cmocka_unit_test(test_every_flipped_bit_of_a_signed_one),
		cmocka_unit_test(test_bombs),
		cmocka_unit_test(test_signature),
		cmocka_unit_test(test_missing_file),
	};

	return cmocka_run_group_tests(tests, make_dir_of_test, remove_dir_of_test);
}
