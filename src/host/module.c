// SPDX-License-Identifier: GPL-2.0
#include "host/private.h"
#include "host/signing.h"
#include "util/file.h"
#include "util/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <time.h>

/* The machine's key, once the kernel has wanted it. */
static struct signer *signer;

static bool modules_disabled(void)
{
	_cleanup_free_ char *path = host_path("/proc/sys/kernel/modules_disabled");
	_cleanup_free_ void *text = NULL;
	struct error *err;
	size_t size;

	err = file_read(path, 4096, &text, &size);
	if (err) {
		error_free(err);
		return false;
	}
	return *(char *)text == '1';
}

/* What the kernel's owner has to do once, so that the kernel takes what the machine's key signed. */
#define ENROL                                                                                              \
	"it is signed with the machine's key, and the kernel does not trust that: `mokutil --import %s`, "  \
	"then reboot and choose \"Enroll MOK\"; that works where the machine starts by UEFI and shim"

static struct error *not_permitted(const char *name, const char *certificate)
{
	TRY(host_require_root("load modules"));
	if (modules_disabled())
		return refuse("MODULES-DISABLED",
			      "the module %s cannot be loaded: kernel.modules_disabled is 1, which "
			      "only a reboot can change",
			      name);
	return refuse("MODULES-LOCKDOWN",
		      "the module %s cannot be loaded: the kernel is locked down, or kmend runs without CAP_SYS_MODULE; " ENROL,
		      name, certificate);
}

struct error *host_module_error(const char *name, int errnum)
{
	const char *certificate = signer ? signer_certificate(signer) : "CERTIFICATE";

	switch (errnum) {
	case EPERM:
		return not_permitted(name, certificate);
	case EKEYREJECTED:
	case ENOKEY:
		return refuse("MODULE-SIGNATURE",
			      "the module %s cannot be loaded: the kernel takes only signed modules; " ENROL, name,
			      certificate);
	case ENODEV:	/* of the engine (engine/holds.c) */
		return refuse("MODULE-MOVED",
			      "the module that %s is for was unloaded or loaded again after the proof; try again", name);
	case EEXIST:
		return refuse("MODULE-EXISTS", "the module %s is loaded already", name);
	default:
		return system_error(errnum,
				    "cannot load the module %s (see the kernel's log, dmesg)",
				    name);
	}
}

/* Whether the kernel might take it with a signature. */
static bool wants_signature(int errnum)
{
	return errnum == EKEYREJECTED || errnum == ENOKEY ||
	       (errnum == EPERM && !geteuid() && !modules_disabled());
}

struct error *host_insert_module(const void *image, size_t size, int *errnum)
{
	_cleanup_free_ void *with_signature = NULL;
	size_t signed_size;

	if (!signer && !signing_demanded()) {
		*errnum = syscall(SYS_init_module, image, size, "") ? errno : 0;
		if (!wants_signature(*errnum))
			return NULL;
	}
	if (!signer)
		TRY(signer_open(&signer));
	TRY(signer_sign(signer, image, size, &with_signature, &signed_size));
	*errnum = syscall(SYS_init_module, with_signature, signed_size, "") ? errno : 0;
	return NULL;
}

struct error *host_check_signing(void)
{
	struct signer *key;

	if (!signing_demanded() || modules_disabled())
		return NULL;
	TRY(signer_open(&key));
	signer_free(key);
	return NULL;
}

struct error *host_load_module(const void *image, size_t size, const char *name)
{
	int errnum;

	TRY(host_insert_module(image, size, &errnum));
	return errnum ? host_module_error(name, errnum) : NULL;
}

/* A thread that was moved out of old code has yet to reach the edge of user mode, where it leaves the engine (engine/move.c). */
#define UNLOAD_TRIES 40

struct error *host_unload_module(const char *name)
{
	static const struct timespec pause = { .tv_nsec = 50000000 };
	int tries = UNLOAD_TRIES;

	/* One that a target's unloading took with it is gone already. */
	while (syscall(SYS_delete_module, name, O_NONBLOCK) && errno != ENOENT) {
		if (errno == EPERM)
			TRY(host_require_root("unload modules"));
		if (errno != EWOULDBLOCK && errno != EBUSY)
			return system_error(errno, "cannot unload the module %s", name);
		if (!--tries)
			return refuse("MODULE-IN-USE", "the module %s is in use and stays loaded", name);
		nanosleep(&pause, NULL);
	}
	return NULL;
}
