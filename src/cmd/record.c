// SPDX-License-Identifier: GPL-2.0
#include "cmd/record.h"
#include "host/journal.h"
#include "util/memory.h"

#include <inttypes.h>
#include <syslog.h>

/* For those who look for them: `journalctl MESSAGE_ID=...`. */
#define MESSAGE_APPLY	  "c780deeb7a77432aa283a271f4423853"
#define MESSAGE_UNDO	  "a94df52beff546c7b69931fd04f19b04"
#define MESSAGE_SET_ASIDE "6c6566cf4bb24041a154772189dce1c7"

static int priority(const struct error *err)
{
	if (!err)
		return LOG_NOTICE;
	return err->kind == ERROR_REFUSED ? LOG_WARNING : LOG_ERR;
}

static void add_manifest(struct journal_entry *e, const struct manifest *m)
{
	size_t i, k;

	journal_add(e, "KMEND_DESCRIPTION", m->description);
	journal_add(e, "KMEND_RELEASE", m->release);
	for (i = 0; i < m->cve_count; i++)
		journal_add(e, "KMEND_CVE", m->cves[i]);
	for (i = 0; i < m->target_count; i++)
		for (k = 0; k < m->targets[i].function_count; k++)
			if (m->targets[i].functions[k].action == MANIFEST_REPLACE)
				journal_add(e, "KMEND_FUNCTION", m->targets[i].functions[k].name);
}

static void add_pause(struct journal_entry *e, uint64_t pause_ns)
{
	_cleanup_free_ char *text = xasprintf("%" PRIu64, pause_ns);

	if (pause_ns)
		journal_add(e, "KMEND_PAUSE_NS", text);
}

static void finish(struct journal_entry *e, const char *action, const char *id, const struct error *err)
{
	journal_add(e, "KMEND_ACTION", action);
	journal_add(e, "KMEND_UPDATE", id);
	journal_add_result(e, err);
	journal_add_who(e);
	journal_send(e);
}

void record_apply(const char *action, const char *path, const struct proof *proof, uint64_t pause_ns,
		  const struct error *err)
{
	const struct manifest *m = proof->pack ? proof->pack->manifest : NULL;
	struct journal_entry e;

	if (err)
		journal_begin(&e, priority(err), "%s was not applied: %s", m ? m->id : path, err->message);
	else
		journal_begin(&e, priority(err), "%s was applied: %s", m->id, m->description);
	journal_add(&e, "MESSAGE_ID", MESSAGE_APPLY);
	journal_add(&e, "KMEND_PACK", path);
	/* Only what a trusted key signed is said to be signed. */
	if (m)
		journal_add(&e, "KMEND_KEY",
			    proof->trust.state == TRUST_SIGNED ? proof->trust.key_id : "none");
	if (m)
		add_manifest(&e, m);
	add_pause(&e, pause_ns);
	finish(&e, action, m ? m->id : NULL, err);
}

void record_undo(const char *id, const struct host_record *record, uint64_t pause_ns,
		 const struct error *err)
{
	struct journal_entry e;

	if (err)
		journal_begin(&e, priority(err), "%s was not undone: %s", id ? id : "nothing", err->message);
	else
		journal_begin(&e, priority(err), "%s was undone", id);
	journal_add(&e, "MESSAGE_ID", MESSAGE_UNDO);
	if (record && record->manifest) {
		journal_add(&e, "KMEND_KEY", record->signed_by ? record->signed_by : "none");
		add_manifest(&e, record->manifest);
	}
	add_pause(&e, pause_ns);
	finish(&e, "undo", id, err);
}

void record_withdrawn(const char *id, const char *key_id)
{
	struct journal_entry e;

	journal_begin(&e, LOG_WARNING, "%s is withdrawn: a list says so that the key %s signed", id, key_id);
	journal_add(&e, "KMEND_KEY", key_id);
	finish(&e, "withdraw", id, NULL);
}

void record_set_aside(const char *id)
{
	struct journal_entry e;

	journal_begin(&e, LOG_WARNING,
		      "%s is set aside: the machine crashed or lost its power soon after it was applied", id);
	journal_add(&e, "MESSAGE_ID", MESSAGE_SET_ASIDE);
	finish(&e, "set-aside", id, NULL);
}
