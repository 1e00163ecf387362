/* SPDX-License-Identifier: GPL-2.0 */
/* Asking for a passphrase. */
#ifndef KMEND_PACK_PASSPHRASE_H
#define KMEND_PACK_PASSPHRASE_H

#include "util/error.h"

#include <stddef.h>

#define PASSPHRASE_SIZE 1024	/* bytes with the NUL; minisign's own limit */

/*
 * Shows @prompt on the controlling terminal and reads a line from it without
 * showing it.  @passphrase is the caller's to wipe with sodium_memzero().
 * Errors: system errors, such as that there is no terminal.
 */
struct error *passphrase_ask(const char *prompt, char passphrase[PASSPHRASE_SIZE]) __must_use;

#endif
