// SPDX-License-Identifier: GPL-2.0
#include "pack/passphrase.h"
#include "util/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>

/* Reads a line, or returns EINTR as soon as one of the blocked signals is there. */
static int read_line(int tty, int signals, char *line, size_t size)
{
	struct pollfd fds[] = { { .fd = tty, .events = POLLIN },
				{ .fd = signals, .events = POLLIN } };
	size_t used = 0;
	ssize_t n;

	for (;;) {
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
			return errno;
		if (fds[1].revents)
			return EINTR;
		n = read(tty, line + used, size - used);
		if (n < 0 && errno != EINTR)
			return errno;
		if (!n)
			return ECANCELED;
		used += n > 0 ? n : 0;
		if (used && line[used - 1] == '\n') {
			line[used - 1] = '\0';
			return 0;
		}
		if (used == size)
			return EMSGSIZE;
	}
}

static int ask(int tty, int signals, const char *prompt, char *passphrase)
{
	struct termios shown, hidden;
	int err;

	if (tcgetattr(tty, &shown))
		return errno;
	hidden = shown;
	hidden.c_lflag &= ~ECHO;
	hidden.c_lflag |= ICANON | ECHONL;
	if (tcsetattr(tty, TCSAFLUSH, &hidden))
		return errno;
	if (dprintf(tty, "%s", prompt) < 0)
		err = errno;
	else
		err = read_line(tty, signals, passphrase, PASSPHRASE_SIZE);
	if (tcsetattr(tty, TCSAFLUSH, &shown) && !err)
		err = errno;
	return err;
}

struct error *passphrase_ask(const char *prompt, char passphrase[PASSPHRASE_SIZE])
{
	_cleanup_close_ int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	_cleanup_close_ int signals = -1;
	sigset_t fatal, before;
	int err;

	if (tty < 0)
		return system_error(errno, "no terminal to ask for the passphrase");
	/* They are delivered only once the terminal shows again what is typed. */
	sigemptyset(&fatal);
	sigaddset(&fatal, SIGHUP);
	sigaddset(&fatal, SIGINT);
	sigaddset(&fatal, SIGQUIT);
	sigaddset(&fatal, SIGTERM);
	signals = signalfd(-1, &fatal, SFD_CLOEXEC);
	if (signals < 0)
		return system_error(errno, "cannot ask for the passphrase");
	pthread_sigmask(SIG_BLOCK, &fatal, &before);
	err = ask(tty, signals, prompt, passphrase);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err ? system_error(err, "cannot read the passphrase") : NULL;
}
