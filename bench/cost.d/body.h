/* SPDX-License-Identifier: GPL-2.0 */
/* What the function does, in the kernel's module, in the update and in the live patch. */
#define COST_BODY(x) { barrier(); return 3 * (x) + 1; }

#define COST_UPDATE_ID "c057c057c057c057"
