// SPDX-License-Identifier: GPL-2.0
#include "util/privilege.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define READS (1ull << CAP_SYS_RAWIO | 1ull << CAP_SYSLOG | 1ull << CAP_DAC_OVERRIDE | 1ull << CAP_DAC_READ_SEARCH)
#define LOADS (READS | 1ull << CAP_SYS_MODULE)

static unsigned int depth; /* of privilege_lower() */
static bool begun;

/* What must not fail did: to go on with more rights than we said would be worse. */
static void die(const char *what)
{
	fprintf(stderr, "kmend: cannot %s: %s\n", what, strerror(errno));
	_exit(3);
}

static uint64_t both(uint32_t low, uint32_t high)
{
	return low | (uint64_t)high << 32;
}

static void get(uint64_t *effective, uint64_t *permitted, uint64_t *inheritable)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		die("read the capabilities");
	*effective = both(data[0].effective, data[1].effective);
	*permitted = both(data[0].permitted, data[1].permitted);
	*inheritable = both(data[0].inheritable, data[1].inheritable);
}

/* Where nothing changes no call is made: services may not have it, and need none. */
static void set(uint64_t effective, uint64_t permitted)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { effective, permitted, 0 },
						  { effective >> 32, permitted >> 32, 0 } };
	uint64_t e, p, i;

	get(&e, &p, &i);
	if ((e != effective || p != permitted || i) && syscall(SYS_capset, &header, data))
		die("give capabilities up");
}

bool privilege_has_begun(void)
{
	return begun;
}

void privilege_begin(bool loads)
{
	const uint64_t kept = loads ? LOADS : READS;
	uint64_t effective, permitted, inheritable;
	int cap;

	begun = true;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		die("give up new privileges");
	/* Only who has CAP_SETPCAP may, and after the line above it matters little. */
	for (cap = 0; cap < 64 && prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (!(kept >> cap & 1))
			prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	get(&effective, &permitted, &inheritable);
	set(effective & kept, permitted & kept);
}

void privilege_lower(void)
{
	uint64_t effective, permitted, inheritable;

	if (depth++)
		return;
	get(&effective, &permitted, &inheritable);
	set(0, permitted);
}

void privilege_raise(void)
{
	uint64_t effective, permitted, inheritable;

	if (--depth)
		return;
	get(&effective, &permitted, &inheritable);
	set(permitted, permitted);
}

void privilege_drop(void)
{
	set(0, 0);
}
