// SPDX-License-Identifier: GPL-2.0
#include "host/private.h"
#include "util/file.h"
#include "util/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>

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

static struct error *not_permitted(const char *name)
{
	TRY(host_require_root("load modules"));
	if (modules_disabled())
		return refuse("MODULES-DISABLED",
			      "the module %s cannot be loaded: kernel.modules_disabled is 1, which "
			      "only a reboot can change",
			      name);
	return refuse("MODULES-LOCKDOWN",
		      "the module %s cannot be loaded: the kernel is locked down and it has no "
		      "signature that the kernel trusts; sign it with a key that is enrolled "
		      "(mokutil), or boot without Secure Boot and lockdown",
		      name);
}

struct error *host_module_error(const char *name, int errnum)
{
	switch (errnum) {
	case EPERM:
		return not_permitted(name);
	case EKEYREJECTED:
	case ENOKEY:
		return refuse("MODULE-SIGNATURE",
			      "the module %s cannot be loaded: the kernel takes only modules that "
			      "are signed with a key that it trusts (module.sig_enforce)",
			      name);
	case EEXIST:
		return refuse("MODULE-EXISTS", "the module %s is loaded already", name);
	default:
		return system_error(errnum,
				    "cannot load the module %s (see the kernel's log, dmesg)",
				    name);
	}
}

struct error *host_load_module(const void *image, size_t size, const char *name)
{
	if (syscall(SYS_init_module, image, size, ""))
		return host_module_error(name, errno);
	return NULL;
}

struct error *host_unload_module(const char *name)
{
	/* One that a target's unloading took with it is gone already. */
	if (!syscall(SYS_delete_module, name, O_NONBLOCK) || errno == ENOENT)
		return NULL;
	if (errno == EPERM)
		TRY(host_require_root("unload modules"));
	if (errno == EWOULDBLOCK || errno == EBUSY)
		return refuse("MODULE-IN-USE", "the module %s is in use and stays loaded", name);
	return system_error(errno, "cannot unload the module %s", name);
}
