/* SPDX-License-Identifier: GPL-2.0 */
/* The journal's side of its socket, in the made-up root of root.h. */
#ifndef KMEND_TESTS_JOURNAL_H
#define KMEND_TESTS_JOURNAL_H

#include "root.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static inline int listen_as_journal(void)
{
	_cleanup_free_ char *path = path_join(root_folder, "run/systemd/journal/socket");
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	put_text("run/systemd/journal/x", "");
	assert_true(fd >= 0 && strlen(path) < sizeof(at.sun_path));
	strcpy(at.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static inline char *receive(int fd, size_t *size)
{
	char *text = xcalloc(1, 1 << 17);
	ssize_t n = recv(fd, text, (1 << 17) - 1, MSG_DONTWAIT);

	assert_true(n > 0);
	*size = n;
	return text;
}

static inline void assert_field(const char *entry, const char *line)
{
	_cleanup_free_ char *whole = xasprintf("\n%s\n", line);

	if (!strstr(entry, whole))
		fail_msg("no line \"%s\" in:\n%s", line, entry);
}

#endif
