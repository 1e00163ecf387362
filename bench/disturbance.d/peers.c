// SPDX-License-Identifier: GPL-2.0
/*
 * Two peers that notice when something on the way between them is lost or late.
 *
 *	peers serve PORT
 *		sends back what it gets, TCP and UDP
 *	peers ask ADDRESS PORT CONNECTIONS MS
 *		holds so many connections, over each of which a message goes and comes back all the time, makes a new one
 *		every 100 ms, and sends a datagram every 2 ms; after MS milliseconds prints one line of "name=value":
 *		connections that were lost or could not be made, messages, datagrams sent and lost, and the longest time
 *		in which no datagram came back
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_CONNECTIONS 256
#define DATAGRAM_US 2000
#define CONNECT_US 100000
#define LAST_US 1000000		/* for what is still under way at the end */

static struct sockaddr_in address;

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000ull + t.tv_nsec / 1000;
}

static int make_socket(int type)
{
	int fd = socket(AF_INET, type, 0), one = 1, room = 1 << 20;

	if (fd < 0)
		err(1, "socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	return fd;
}

/* ---- the one that serves ---- */

static void echo_datagram(int fd)
{
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	char data[64];
	ssize_t n = recvfrom(fd, data, sizeof(data), 0, (void *)&from, &len);

	if (n > 0 && sendto(fd, data, n, 0, (void *)&from, len) != n)
		warn("sendto");
}

/* Return: whether the connection is still there. */
static bool echo_message(int fd)
{
	char data[64];
	ssize_t n = read(fd, data, sizeof(data));

	return n > 0 && write(fd, data, n) == n;
}

static void serve(void)
{
	static struct pollfd fds[MAX_CONNECTIONS + 2];
	unsigned int i, count = 2;

	fds[0] = (struct pollfd){ .fd = make_socket(SOCK_STREAM), .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = make_socket(SOCK_DGRAM), .events = POLLIN };
	if (bind(fds[0].fd, (void *)&address, sizeof(address)) || listen(fds[0].fd, 128) ||
	    bind(fds[1].fd, (void *)&address, sizeof(address)))
		err(1, "bind");
	while (poll(fds, count, -1) > 0) {
		for (i = count; i-- > 2;) {
			if (!fds[i].revents || echo_message(fds[i].fd))
				continue;
			close(fds[i].fd);
			fds[i] = fds[--count];
		}
		if (fds[1].revents)
			echo_datagram(fds[1].fd);
		if (fds[0].revents && count < MAX_CONNECTIONS + 2)
			fds[count++] = (struct pollfd){ .fd = accept(fds[0].fd, NULL, NULL), .events = POLLIN };
	}
}

/* ---- the one that asks ---- */

static unsigned int lost_connections, messages, sent, received;
static uint64_t last_reply, longest_gap;

static int new_connection(void)
{
	int fd = make_socket(SOCK_STREAM);

	if (!connect(fd, (void *)&address, sizeof(address)))
		return fd;
	warn("connect");
	lost_connections++;
	close(fd);
	return -1;
}

static void send_message(struct pollfd *p)
{
	if (p->fd < 0 || write(p->fd, "message", 8) == 8)
		return;
	warn("write");
	lost_connections++;
	close(p->fd);
	p->fd = -1;
}

static void get_message(struct pollfd *p)
{
	char data[64];

	if (read(p->fd, data, sizeof(data)) > 0) {
		messages++;
		send_message(p);
		return;
	}
	warn("read");
	lost_connections++;
	close(p->fd);
	p->fd = -1;
}

static void get_datagrams(int fd)
{
	uint64_t now;
	char data[64];

	while (recv(fd, data, sizeof(data), MSG_DONTWAIT) > 0) {
		now = now_us();
		received++;
		if (last_reply && now - last_reply > longest_gap)
			longest_gap = now - last_reply;
		last_reply = now;
	}
}

static void ask(unsigned int count, unsigned int ms)
{
	static struct pollfd fds[MAX_CONNECTIONS + 1];
	uint64_t now = now_us(), end = now + ms * 1000ull, next_datagram = now, next_connect = now;
	unsigned int i;
	int fd;

	fds[count] = (struct pollfd){ .fd = make_socket(SOCK_DGRAM), .events = POLLIN };
	if (connect(fds[count].fd, (void *)&address, sizeof(address)))
		err(1, "connect");
	for (i = 0; i < count; i++) {
		fds[i] = (struct pollfd){ .fd = new_connection(), .events = POLLIN };
		send_message(&fds[i]);
	}
	for (; now < end + LAST_US; now = now_us()) {
		if (now < end && now >= next_datagram) {
			sent += send(fds[count].fd, &sent, sizeof(sent), 0) == sizeof(sent);
			next_datagram = now + DATAGRAM_US;
		}
		if (now < end && now >= next_connect) {
			fd = new_connection();
			if (fd >= 0)
				close(fd);
			next_connect = now + CONNECT_US;
		}
		poll(fds, count + 1, 1);
		for (i = 0; i < count; i++) {
			if (fds[i].fd >= 0 && fds[i].revents)
				get_message(&fds[i]);
		}
		get_datagrams(fds[count].fd);
	}
	printf("lost_connections=%u messages=%u datagrams=%u lost_datagrams=%u longest_gap_us=%llu\n", lost_connections,
	       messages, sent, sent - received, (unsigned long long)longest_gap);
}

int main(int argc, char **argv)
{
	bool serving = argc == 3 && !strcmp(argv[1], "serve");

	if (!serving && (argc != 6 || strcmp(argv[1], "ask") || atoi(argv[4]) > MAX_CONNECTIONS))
		errx(2, "usage: peers serve PORT | peers ask ADDRESS PORT CONNECTIONS MS");
	address.sin_family = AF_INET;
	address.sin_port = htons(atoi(argv[serving ? 2 : 3]));
	if (!serving && inet_pton(AF_INET, argv[2], &address.sin_addr) != 1)
		errx(2, "%s is no address", argv[2]);
	if (serving)
		serve();
	else
		ask(atoi(argv[4]), atoi(argv[5]));
	return 0;
}
