// SPDX-License-Identifier: GPL-2.0
/*
 * fexit fentry|fexit FUNCTION: has a BPF program that does nothing run at the
 * beginning or at the end of a function of the kernel; prints "ready", and then,
 * for each line that it reads, how often it ran.
 */
#include <errno.h>
#include <error.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/btf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define die(...) error(1, errno, __VA_ARGS__)

/* What follows a type of this kind. */
static size_t rest_of(const struct btf_type *t)
{
	size_t n = BTF_INFO_VLEN(t->info);

	switch (BTF_INFO_KIND(t->info)) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return 4;
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return n * sizeof(struct btf_member);
	case BTF_KIND_ENUM:
	case BTF_KIND_FUNC_PROTO:
		return n * 8;
	case BTF_KIND_DATASEC:
	case BTF_KIND_ENUM64:
		return n * 12;
	default:
		return 0;
	}
}

static uint32_t function_id(const char *wanted)
{
	int fd = open("/sys/kernel/btf/vmlinux", O_RDONLY);
	const struct btf_header *h;
	const char *at, *end, *names;
	struct stat st;
	uint32_t id;
	char *btf;

	if (fd < 0 || fstat(fd, &st) || !(btf = malloc(st.st_size)))
		die("/sys/kernel/btf/vmlinux");
	for (off_t done = 0, n; done < st.st_size; done += n) {
		n = read(fd, btf + done, st.st_size - done);
		if (n <= 0)
			die("/sys/kernel/btf/vmlinux");
	}
	close(fd);
	h = (const void *)btf;
	names = btf + h->hdr_len + h->str_off;
	at = btf + h->hdr_len + h->type_off;
	end = at + h->type_len;
	for (id = 1; at < end; id++) {
		const struct btf_type *t = (const void *)at;

		if (BTF_INFO_KIND(t->info) == BTF_KIND_FUNC && !strcmp(names + t->name_off, wanted))
			return id;
		at += sizeof(*t) + rest_of(t);
	}
	error(1, 0, "%s: not in the kernel's BTF", wanted);
	return 0;
}

static int load_program(const char *where, const char *function)
{
	/* r0 = 0; return */
	static const struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = { 0 };
	int prog, link;

	attr.prog_type = BPF_PROG_TYPE_TRACING;
	attr.expected_attach_type = strcmp(where, "fexit") ? BPF_TRACE_FENTRY : BPF_TRACE_FEXIT;
	attr.insns = (uintptr_t)nothing;
	attr.insn_cnt = sizeof(nothing) / sizeof(nothing[0]);
	attr.license = (uintptr_t)"GPL";
	attr.attach_btf_id = function_id(function);
	prog = syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
	if (prog < 0)
		die("the program cannot be loaded");
	memset(&attr, 0, sizeof(attr));
	attr.raw_tracepoint.prog_fd = prog;
	link = syscall(SYS_bpf, BPF_RAW_TRACEPOINT_OPEN, &attr, sizeof(attr));
	if (link < 0)
		die("the program cannot be attached");
	return prog;
}

static void print_count(int prog)
{
	char path[64], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", prog);
	f = fopen(path, "r");
	if (!f)
		die("%s", path);
	while (fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "run_cnt:", 8))
			printf("%d\n", atoi(line + 8));
	}
	fclose(f);
}

int main(int argc, char **argv)
{
	char line[16];
	int prog;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc != 3)
		error(2, 0, "usage: fexit fentry|fexit FUNCTION");
	prog = load_program(argv[1], argv[2]);
	puts("ready");
	while (fgets(line, sizeof(line), stdin))
		print_count(prog);
	return 0;
}
