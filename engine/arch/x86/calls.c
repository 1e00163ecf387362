// SPDX-License-Identifier: GPL-2.0
/*
 * System calls that a thread can be taken out of: those that wait before they
 * do anything, so that they can begin again.  Who waits until an absolute time
 * or by a restart block waits no longer for it; with a relative timeout, the
 * time begins again.
 */
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/socket.h>
#include <asm/syscall.h>
#include <asm/unistd.h>
#include "text.h"

static const int waiting_calls[] = {
	__NR_read, __NR_pread64, __NR_readv, __NR_poll, __NR_ppoll, __NR_select, __NR_pselect6,
	__NR_epoll_wait, __NR_epoll_pwait, __NR_nanosleep, __NR_clock_nanosleep,
	__NR_restart_syscall, __NR_futex, __NR_wait4, __NR_waitid, __NR_pause,
	__NR_rt_sigsuspend, __NR_rt_sigtimedwait, __NR_accept, __NR_accept4, __NR_connect,
	__NR_open, __NR_openat, __NR_flock, __NR_msgrcv, __NR_msgsnd, __NR_semop,
	__NR_semtimedop, __NR_mq_timedreceive, __NR_mq_timedsend,
#ifdef __NR_epoll_pwait2
	__NR_epoll_pwait2,
#endif
};

/* Those of two ABIs have other numbers: x32's have another bit set. */
static bool is_native(struct task_struct *task)
{
	return !(task_thread_info(task)->status & TS_COMPAT);
}

bool call_restarts(struct task_struct *task, struct pt_regs *regs)
{
	unsigned long args[6];
	unsigned int i;
	int nr;

	if (!is_native(task))
		return false;
	nr = syscall_get_nr(task, regs);
	syscall_get_arguments(task, regs, args);
	/* These may have received a part of what they shall wait for. */
	if (nr == __NR_recvfrom)
		return !(args[3] & MSG_WAITALL);
	if (nr == __NR_recvmsg)
		return !(args[2] & MSG_WAITALL);
	for (i = 0; i < ARRAY_SIZE(waiting_calls); i++) {
		if (nr == waiting_calls[i])
			return true;
	}
	return false;
}
