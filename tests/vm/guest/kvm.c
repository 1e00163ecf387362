// SPDX-License-Identifier: GPL-2.0
/*
 * kvm NUMBER [irqchip]: a virtual machine of a page, that makes the hypercall NUMBER and halts. Prints what the call returned
 * and what is in a register that it never wrote: "returned 0, r15 0". With an interrupt controller of the kernel's it
 * does not halt, but writes to a port.
 */
#include <errno.h>
#include <error.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#define CODE 0x1000

/* In real mode: vmmcall; out %al, $0x80; hlt */
static const unsigned char code[] = { 0x0f, 0x01, 0xd9, 0xe6, 0x80, 0xf4 };

static int call(int fd, unsigned long request, void *argument, const char *what)
{
	int result = ioctl(fd, request, argument);

	if (result < 0)
		error(2, errno, "%s", what);
	return result;
}

static void set_registers(int cpu, unsigned long number)
{
	struct kvm_regs regs = { .rip = CODE, .rflags = 2, .rax = number };
	struct kvm_sregs sregs;

	call(cpu, KVM_GET_SREGS, &sregs, "KVM_GET_SREGS");
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	call(cpu, KVM_SET_SREGS, &sregs, "KVM_SET_SREGS");
	call(cpu, KVM_SET_REGS, &regs, "KVM_SET_REGS");
}

static void *map(int fd, size_t size)
{
	void *address = mmap(NULL, size, PROT_READ | PROT_WRITE, fd < 0 ? MAP_SHARED | MAP_ANONYMOUS : MAP_SHARED, fd, 0);

	if (address == MAP_FAILED)
		error(2, errno, "mmap");
	return address;
}

int main(int argc, char **argv)
{
	struct kvm_userspace_memory_region memory = { .guest_phys_addr = CODE, .memory_size = 4096 };
	int kvm = open("/dev/kvm", O_RDWR), vm, cpu;
	struct kvm_regs regs;
	struct kvm_run *run;

	if (argc < 2)
		error(2, 0, "usage: kvm NUMBER [irqchip]");
	if (kvm < 0)
		error(2, errno, "/dev/kvm");
	vm = call(kvm, KVM_CREATE_VM, NULL, "KVM_CREATE_VM");
	if (argc > 2)
		call(vm, KVM_CREATE_IRQCHIP, NULL, "KVM_CREATE_IRQCHIP");
	memory.userspace_addr = (unsigned long)memcpy(map(-1, 4096), code, sizeof(code));
	call(vm, KVM_SET_USER_MEMORY_REGION, &memory, "KVM_SET_USER_MEMORY_REGION");
	cpu = call(vm, KVM_CREATE_VCPU, NULL, "KVM_CREATE_VCPU");
	run = map(cpu, call(kvm, KVM_GET_VCPU_MMAP_SIZE, NULL, "KVM_GET_VCPU_MMAP_SIZE"));
	set_registers(cpu, strtoul(argv[1], NULL, 0));
	call(cpu, KVM_RUN, NULL, "KVM_RUN");
	if (run->exit_reason != KVM_EXIT_IO || run->io.port != 0x80)
		error(2, 0, "the virtual machine ended with %u", run->exit_reason);
	call(cpu, KVM_GET_REGS, &regs, "KVM_GET_REGS");
	printf("returned %lld, r15 %#llx\n", regs.rax, regs.r15);
	return 0;
}
