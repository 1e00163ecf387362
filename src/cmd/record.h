/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What goes to the journal: an entry for each update of each apply, boot, and
 * undo, done or refused; docs/status.md lists the fields.
 */
#ifndef KMEND_CMD_RECORD_H
#define KMEND_CMD_RECORD_H

#include "cmd/prove.h"
#include "host/host.h"

/*
 * That the pack @path was applied, or was not because of @err; @action: "apply"
 * or "boot".  @proof may be one that came as far as nothing.
 */
void record_apply(const char *action, const char *path, const struct proof *proof, uint64_t pause_ns,
		  const struct error *err);

/* That update @id was found applied and not installed, because its apply was killed, and is installed now. */
void record_found(const char *id, const struct host_record *record);

/* That update @id was found undone and still listed, because its undo was killed; @record may be empty. */
void record_undone(const char *id, const struct host_record *record);

/* That update @id was switched in @module as that loaded, or was not because of @err. */
void record_late(const char *id, const char *module, const struct error *err);

/* That update @id was undone, or was not because of @err; @record may be empty. */
void record_undo(const char *id, const struct host_record *record, uint64_t pause_ns,
		 const struct error *err);

/* That the key @key_id withdrew update @id. */
void record_withdrawn(const char *id, const char *key_id);

/* That the list @path was not taken, because of @err. */
void record_not_withdrawn(const char *path, const struct error *err);

/* That update @id was set aside. */
void record_set_aside(const char *id);

#endif
