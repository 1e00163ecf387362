// SPDX-License-Identifier: GPL-2.0
/* That capabilities are gone, as /proc tells it of the process. */
#include "pack/pack.h"
#include "util/file.h"
#include "util/memory.h"
#include "util/privilege.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_SYS_MODULE, CAP_SYS_RAWIO, CAP_SYSLOG */
#define KEPT 0x400030006ull

/* The number behind @name in /proc/self/status. */
static uint64_t field(const char *name)
{
	_cleanup_free_ void *text = NULL;
	struct error *err;
	const char *line;
	size_t size;

	err = file_read("/proc/self/status", 1 << 16, &text, &size);
	line = err ? NULL : strstr(text, name);
	error_free(err);
	return line ? strtoull(line + strlen(name), NULL, strcmp(name, "\nNoNewPrivs:") ? 16 : 10) : UINT64_MAX;
}

/* Runs @test in a process of its own, which it may leave with less than it had; 0: all was well. */
static void in_a_child(int (*test)(void))
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(test());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status))
		fail_msg("in line %d", WEXITSTATUS(status));
}

#define CHECK(what)                      \
	do {                             \
		if (!(what))             \
			return __LINE__; \
	} while (0)

static int begin(void)
{
	uint64_t before = field("\nCapPrm:");

	privilege_begin(true);
	CHECK(field("\nNoNewPrivs:") == 1);
	CHECK(field("\nCapPrm:") == (before & KEPT));
	CHECK(field("\nCapEff:") == (before & KEPT));
	CHECK(field("\nCapInh:") == 0);
	CHECK(!(before & 1ull << CAP_SETPCAP) || !(field("\nCapBnd:") & ~KEPT));
	return 0;
}

static void keeps_only_what_it_needs(void **state)
{
	in_a_child(begin);
}

static int begin_without_loading(void)
{
	uint64_t before = field("\nCapPrm:");

	privilege_begin(false);
	CHECK(field("\nCapPrm:") == (before & KEPT & ~(1ull << CAP_SYS_MODULE)));
	return 0;
}

static void only_loading_keeps_that(void **state)
{
	in_a_child(begin_without_loading);
}

static int lower(void)
{
	uint64_t before;

	privilege_begin(true);
	before = field("\nCapPrm:");
	privilege_lower();
	privilege_lower();
	CHECK(field("\nCapEff:") == 0);
	privilege_raise();
	CHECK(field("\nCapEff:") == 0);
	privilege_raise();
	CHECK(field("\nCapEff:") == before);
	return 0;
}

static void puts_them_aside(void **state)
{
	in_a_child(lower);
}

static int drop(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { 1u << CAP_SYS_MODULE, 1u << CAP_SYS_MODULE, 0 } };

	privilege_begin(true);
	privilege_drop();
	CHECK(field("\nCapEff:") == 0 && field("\nCapPrm:") == 0);
	privilege_lower();
	privilege_raise();
	CHECK(field("\nCapEff:") == 0 && field("\nCapPrm:") == 0);
	CHECK(syscall(SYS_capset, &header, data) < 0);
	return 0;
}

static void gives_them_up_for_good(void **state)
{
	in_a_child(drop);
}

static char *path;	/* of a pack */
static bool asked;
static uint64_t while_reading;

/* Called by jansson while it reads the manifest. */
static void *look(size_t size)
{
	if (!asked)
		while_reading = field("\nCapEff:");
	asked = true;
	return malloc(size);
}

static int read_pack(void)
{
	struct pack *p = pack_new();
	uint64_t before;

	strcpy(p->manifest->id, "0123456789abcdef");
	p->manifest->release = xstrdup("6.1");
	CHECK(!pack_write(p, path, NULL));
	pack_free(p);
	privilege_begin(true);
	before = field("\nCapEff:");
	json_set_alloc_funcs(look, free);
	CHECK(!pack_read(path, &p));
	CHECK(asked && while_reading == 0);
	CHECK(field("\nCapEff:") == before);
	return 0;
}

static void reads_packs_without_any(void **state)
{
	_cleanup_free_ char *folder = NULL;
	struct error *err = temp_dir_new(&folder);

	assert_null(err);
	path = path_join(folder, "a.kmend");
	in_a_child(read_pack);
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_only_what_it_needs),
		cmocka_unit_test(only_loading_keeps_that),
		cmocka_unit_test(puts_them_aside),
		cmocka_unit_test(gives_them_up_for_good),
		cmocka_unit_test(reads_packs_without_any),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
