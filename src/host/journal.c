// SPDX-License-Identifier: GPL-2.0
#include "host/journal.h"
#include "host/private.h"
#include "util/file.h"
#include "util/memory.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <syslog.h>

#define SOCKET	  "/run/systemd/journal/socket"
#define ENTRY_MAX (64u << 10)

/* A journal that does not read must not keep apply from its end. */
#define PATIENCE 2 /* seconds */

static void append(struct journal_entry *e, const void *data, size_t size)
{
	while (e->capacity - e->size < size) {
		e->capacity = e->capacity ? 2 * e->capacity : 1024;
		e->data = xreallocarray(e->data, e->capacity, 1);
	}
	memcpy(e->data + e->size, data, size);
	e->size += size;
}

void journal_add(struct journal_entry *e, const char *name, const char *value)
{
	size_t len = value ? strlen(value) : 0;
	uint64_t size = len;
	uint8_t le[8];
	int i;

	if (!value || e->size + strlen(name) + len + sizeof(le) + 3 > ENTRY_MAX)
		return;
	append(e, name, strlen(name));
	if (!strchr(value, '\n')) {
		append(e, "=", 1);
	} else {
		for (i = 0; i < 8; i++, size >>= 8)
			le[i] = size;
		append(e, "\n", 1);
		append(e, le, sizeof(le));
	}
	append(e, value, len);
	append(e, "\n", 1);
}

void journal_begin(struct journal_entry *e, int priority, const char *fmt, ...)
{
	_cleanup_free_ char *number = xasprintf("%d", priority);
	va_list args;

	*e = (struct journal_entry){ .priority = priority };
	va_start(args, fmt);
	e->message = xvasprintf(fmt, args);
	va_end(args);
	journal_add(e, "MESSAGE", e->message);
	journal_add(e, "PRIORITY", number);
	journal_add(e, "SYSLOG_IDENTIFIER", "kmend");
}

void journal_add_who(struct journal_entry *e)
{
	_cleanup_free_ char *uid = xasprintf("%ju", (uintmax_t)getuid());
	_cleanup_free_ char *path = host_path("/proc/self/loginuid");
	_cleanup_free_ void *login = NULL;
	struct error *err;
	size_t size;

	journal_add(e, "KMEND_UID", uid);
	err = file_read(path, 64, &login, &size);
	/* (uid_t)-1: nobody logged in. */
	if (!err && size && strtoul(login, NULL, 10) != UINT32_MAX)
		journal_add(e, "KMEND_LOGIN_UID", login);
	error_free(err);
	journal_add(e, "KMEND_SUDO_USER", getenv("SUDO_USER"));
}

void journal_add_result(struct journal_entry *e, const struct error *err)
{
	journal_add(e, "KMEND_RESULT", !err ? "done" : err->kind == ERROR_REFUSED ? "refused" : "failed");
	if (!err)
		return;
	journal_add(e, "KMEND_CODE", err->code);
	journal_add(e, "KMEND_ERROR", err->message);
}

/* Whether the journal took it. */
static bool send_to_journal(const struct journal_entry *e)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	_cleanup_free_ char *path = host_path(SOCKET);
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = PATIENCE };

	if (fd < 0 || strlen(path) >= sizeof(to.sun_path))
		return false;
	strcpy(to.sun_path, path);
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)))
		return false;
	return sendto(fd, e->data, e->size, MSG_NOSIGNAL, (struct sockaddr *)&to, sizeof(to)) ==
	       (ssize_t)e->size;
}

void journal_send(struct journal_entry *e)
{
	if (!send_to_journal(e) && !host_has_root()) {
		openlog("kmend", 0, LOG_DAEMON);
		syslog(e->priority, "%s", e->message);
		closelog();
	}
	free(e->data);
	free(e->message);
	*e = (struct journal_entry){ 0 };
}
