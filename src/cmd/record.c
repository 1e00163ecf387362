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

/* First what an entry must not be without, however long the rest is. */
static void add_head(struct journal_entry *e, const char *action, const char *id, const struct error *err)
{
	journal_add(e, "KMEND_ACTION", action);
	journal_add(e, "KMEND_UPDATE", id);
	journal_add_result(e, err);
	journal_add_who(e);
}

static void add_record(struct journal_entry *e, const struct host_record *record)
{
	journal_add(e, "KMEND_KEY", record->signed_by ? record->signed_by : "none");
	add_manifest(e, record->manifest);
}

/* The key that it says it is signed with, also where that is why it is refused. */
static const char *key_of(const struct trust_result *trust, const struct error *err)
{
	if (trust->state == TRUST_SIGNED || (err && *trust->key_id))
		return trust->key_id;
	return "none";
}

void record_apply(const char *action, const char *path, const struct proof *proof, uint64_t pause_ns,
		  const struct error *err)
{
	const struct manifest *m = proof->pack ? proof->pack->manifest : NULL;
	const char *how = proof->trust.state == TRUST_SIGNED ? "" : ", unsigned";
	struct journal_entry e;

	if (err)
		journal_begin(&e, priority(err), "%s was not applied: %s", m ? m->id : path, err->message);
	else
		journal_begin(&e, priority(err), "%s was applied%s: %s", m->id, how, m->description);
	journal_add(&e, "MESSAGE_ID", MESSAGE_APPLY);
	add_head(&e, action, m ? m->id : NULL, err);
	journal_add(&e, "KMEND_PACK", path);
	if (proof->pack)
		journal_add(&e, "KMEND_KEY", key_of(&proof->trust, err));
	add_pause(&e, pause_ns);
	if (m)
		add_manifest(&e, m);
	journal_send(&e);
}

void record_found(const char *id, const struct host_record *record)
{
	struct journal_entry e;

	journal_begin(&e, LOG_NOTICE, "%s was applied by a command that was killed; it is installed now", id);
	journal_add(&e, "MESSAGE_ID", MESSAGE_APPLY);
	add_head(&e, "apply", id, NULL);
	add_record(&e, record);
	journal_send(&e);
}

void record_undone(const char *id, const struct host_record *record)
{
	struct journal_entry e;

	journal_begin(&e, LOG_NOTICE, "%s was undone by a command that was killed; it is not installed any more", id);
	journal_add(&e, "MESSAGE_ID", MESSAGE_UNDO);
	add_head(&e, "undo", id, NULL);
	if (record->manifest)
		add_record(&e, record);
	journal_send(&e);
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
	add_head(&e, "undo", id, err);
	add_pause(&e, pause_ns);
	if (record && record->manifest)
		add_record(&e, record);
	journal_send(&e);
}

void record_withdrawn(const char *id, const char *key_id)
{
	struct journal_entry e;

	journal_begin(&e, LOG_WARNING, "%s is withdrawn: a list says so that the key %s signed", id, key_id);
	add_head(&e, "withdraw", id, NULL);
	journal_add(&e, "KMEND_KEY", key_id);
	journal_send(&e);
}

void record_not_withdrawn(const char *path, const struct error *err)
{
	struct journal_entry e;

	journal_begin(&e, priority(err), "nothing was withdrawn: %s", err->message);
	add_head(&e, "withdraw", NULL, err);
	journal_add(&e, "KMEND_LIST", path);
	journal_send(&e);
}

void record_late(const char *id, const char *module, const struct error *err)
{
	struct journal_entry e;

	if (err)
		journal_begin(&e, priority(err), "%s was not applied to the module %s, which does not load: %s", id,
			      module, err->message);
	else
		journal_begin(&e, LOG_NOTICE, "%s was applied to the module %s before it started", id, module);
	journal_add(&e, "MESSAGE_ID", MESSAGE_APPLY);
	add_head(&e, "late", id, err);
	journal_add(&e, "KMEND_MODULE", module);
	journal_send(&e);
}

void record_set_aside(const char *id)
{
	struct journal_entry e;

	journal_begin(&e, LOG_WARNING,
		      "%s is set aside: the machine crashed or lost its power soon after it was applied", id);
	journal_add(&e, "MESSAGE_ID", MESSAGE_SET_ASIDE);
	add_head(&e, "set-aside", id, NULL);
	journal_send(&e);
}
