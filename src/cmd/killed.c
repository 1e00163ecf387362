// SPDX-License-Identifier: GPL-2.0
#include "cmd/killed.h"
#include "cmd/record.h"
#include "host/host.h"
#include "host/probation.h"
#include "host/seen.h"
#include "host/store.h"
#include "host/undoing.h"
#include "util/file.h"
#include "util/log.h"
#include "util/memory.h"

#include <string.h>

struct found {
	struct host_updates loaded;
	struct probation probation;
	struct store store;
	const char **ids;	/* switched and not listed */
	size_t count;
	bool *unsigned_ones;	/* which of them no trusted key had signed */
	bool running;		/* the engine is at a switch */
	char **undoing;		/* what an undo was about */
	size_t undoing_count;
};

static bool is_listed(const struct found *f, const char *id)
{
	const struct store_update *u = store_get(&f->store, id);

	return u && !u->set_aside && !u->until_reboot;
}

/* *@whole: a record tells of update @id. */
static struct error *read_signed(const char *id, bool *whole, bool *is_unsigned)
{
	struct host_record record;
	struct error *err;

	err = host_record_read(id, &record);
	*whole = record.manifest;
	*is_unsigned = !record.signed_by;
	host_record_free(&record);
	return err;
}

struct error *applied_note_serials(const struct host_updates *loaded)
{
	struct host_record record;
	struct error *err = NULL;
	size_t i;

	for (i = 0; i < loaded->count && !err; i++) {
		const struct manifest *m;

		if (!loaded->updates[i].applied)
			continue;
		err = host_record_read(loaded->updates[i].id, &record);
		m = record.manifest;
		if (!err && m && m->channel && *m->channel)
			err = seen_note_serial(record.signed_by, m->channel, m->serial);
		host_record_free(&record);
	}
	return err;
}

static struct error *find(struct found *f)
{
	size_t i;

	/* First: what ends later is not seen as ended before. */
	TRY(host_switch_running(&f->running));
	TRY(host_updates_read(&f->loaded));
	TRY(undoing_read(&f->undoing, &f->undoing_count));
	TRY(probation_read(&f->probation));
	TRY(store_read(&f->store));
	TRY(applied_note_serials(&f->loaded));
	if (!f->probation.this_boot)
		return NULL;
	f->ids = xcalloc(f->probation.count, sizeof(*f->ids));
	f->unsigned_ones = xcalloc(f->probation.count, sizeof(*f->unsigned_ones));
	for (i = 0; i < f->probation.count; i++) {
		const char *id = f->probation.ids[i];
		_cleanup_free_ char *pack = store_find(id);
		bool whole, is_unsigned;

		if (!pack || !host_updates_applied(&f->loaded, id) || is_listed(f, id))
			continue;
		TRY(read_signed(id, &whole, &is_unsigned));
		if (!whole)
			continue;
		f->unsigned_ones[f->count] = is_unsigned;
		f->ids[f->count++] = id;
	}
	return NULL;
}

/* Lists them, which goes on record. */
static struct error *install(const struct found *f)
{
	struct host_record record;
	size_t i;

	if (!f->count)
		return NULL;
	TRY(store_install(f->ids, f->count, false, f->unsigned_ones));
	for (i = 0; i < f->count; i++) {
		struct error *err = host_record_read(f->ids[i], &record);

		if (!err && record.manifest)
			record_found(f->ids[i], &record);
		error_free(err);
		host_record_free(&record);
	}
	return NULL;
}

struct error *undone_drop(const char *const *ids, size_t count)
{
	struct error *err;
	size_t i;

	for (i = 0; i < count; i++) {
		err = host_refusal_remove(ids[i]);
		if (err)
			log_info("kmend: %s", err->message);
		error_free(err);
	}
	TRY(probation_drop(ids, count));
	return store_drop(ids, count);
}

/*
 * Drops what was switched out, which goes on record.  What is applied yet the
 * undo did not come to, and it stays.
 */
static struct error *drop_undone(const struct found *f)
{
	_cleanup_free_ const char **ids = xcalloc(f->undoing_count + 1, sizeof(*ids));
	struct host_record record;
	size_t count = 0, i;

	if (!f->undoing_count || f->running)
		return NULL;
	for (i = 0; i < f->undoing_count; i++)
		if (!host_updates_applied(&f->loaded, f->undoing[i]))
			ids[count++] = f->undoing[i];
	TRY(undone_drop(ids, count));
	for (i = 0; i < count; i++) {
		error_free(host_record_read(ids[i], &record));
		record_undone(ids[i], &record);
		host_record_free(&record);
	}
	return undoing_end((const char *const *)f->undoing, f->undoing_count);
}

/* Of what is loaded the packs stay: an apply or undo may be tried again. */
static struct error *prune(const struct host_updates *loaded)
{
	_cleanup_free_ const char **ids = xcalloc(loaded->count, sizeof(*ids));
	size_t i;

	for (i = 0; i < loaded->count; i++)
		ids[i] = loaded->updates[i].id;
	return store_prune(ids, loaded->count);
}

struct error *killed_finish(void)
{
	struct found f = { 0 };
	struct error *err;

	err = find(&f);
	if (!err)
		err = install(&f);
	if (!err)
		err = drop_undone(&f);
	if (!err)
		err = prune(&f.loaded);
	free(f.ids);
	free(f.unsigned_ones);
	names_free(f.undoing, f.undoing_count);
	store_free(&f.store);
	probation_free(&f.probation);
	host_updates_free(&f.loaded);
	return err;
}
