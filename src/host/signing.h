/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The signature of a module, for kernels that take only signed ones: made by
 * the machine's own key, the one that dkms and the distribution's packages use
 * and that the owner of the machine enrols (MOK).
 */
#ifndef KMEND_HOST_SIGNING_H
#define KMEND_HOST_SIGNING_H

#include "util/error.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether the running kernel says that it takes signed modules only:
 * module.sig_enforce (CONFIG_MODULE_SIG_FORCE sets it, too), or lockdown.  The
 * latter cannot be told where securityfs is not mounted.
 */
bool signing_demanded(void);

/* A key and its certificate. */
struct signer;

/*
 * The machine's key.  Errors: the refusal MODULE-SIGNATURE where there is none,
 * KEY-INVALID where it is not usable or others could have written it.
 */
struct error *signer_open(struct signer **signer) __must_use;
void signer_free(struct signer *signer);

/* The file of its certificate. */
const char *signer_certificate(const struct signer *signer);

/* @image with the signature appended; *@signed_image is the caller's to free. */
struct error *signer_sign(const struct signer *signer, const void *image, size_t size, void **signed_image,
			  size_t *signed_size) __must_use;

#endif
