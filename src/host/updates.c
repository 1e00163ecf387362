// SPDX-License-Identifier: GPL-2.0
#include "host/private.h"
#include "live/parse.h"
#include "util/file.h"
#include "util/memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reads the file @name of update @id; *@text ends with a NUL. */
static struct error *read_attribute(const char *id, const char *name, char **text)
{
	_cleanup_free_ char *path = host_path(SYSFS "/updates/%s/%s", id, name);
	void *data;
	size_t size;

	TRY(file_read(path, HOST_TEXT_MAX, &data, &size));
	*text = data;
	return NULL;
}

static struct error *bad_attribute(const char *id, const char *name)
{
	return system_error(0, SYSFS "/updates/%s/%s is not what this kmend expects", id, name);
}

/* Reads a number, with a newline or not, in @base. */
static bool parse_number(const char *s, int base, uint64_t *value)
{
	char *end;

	if (!s || !strchr("0123456789abcdef", *s))
		return false;
	errno = 0;
	*value = strtoull(s, &end, base);
	return !errno && end > s && (!*end || *end == '\n');
}

unsigned int host_engine_abi(void)
{
	_cleanup_free_ char *path = host_path(SYSFS "/abi");
	_cleanup_free_ void *text = NULL;
	struct error *err;
	uint64_t abi;
	size_t size;

	err = file_read(path, 4096, &text, &size);
	error_free(err);
	return !err && parse_number(text, 10, &abi) ? abi : 0;
}

struct error *host_check_engine(void)
{
	unsigned int abi = host_engine_abi();

	if (abi && abi != KMEND_ABI)
		return refuse("ENGINE-ABI", "the engine that is loaded has ABI %u, and this program needs %u",
			      abi, KMEND_ABI);
	return NULL;
}

/* "NAME TARGET OLD NEW", the addresses in hex. */
static bool parse_function(char *line, struct host_function *f)
{
	char *save = NULL, *name, *target, *old, *new;

	name = strtok_r(line, " ", &save);
	target = strtok_r(NULL, " ", &save);
	old = strtok_r(NULL, " ", &save);
	new = strtok_r(NULL, " ", &save);
	if (!new || !parse_number(old, 16, &f->old_addr) || !parse_number(new, 16, &f->new_addr))
		return false;
	f->name = xstrdup(name);
	f->target = xstrdup(target);
	return true;
}

/* "N more" */
static bool parse_more(const char *line, size_t *more)
{
	int end = 0;

	return sscanf(line, "%zu more%n", more, &end) == 1 && end && !line[end];
}

static struct error *read_functions(struct host_update *u)
{
	_cleanup_free_ char *text = NULL;
	char *line, *save = NULL;
	size_t capacity = 0;

	TRY(read_attribute(u->id, "functions", &text));
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (parse_more(line, &u->more_functions))
			continue;
		array_grow(u->functions, u->function_count, capacity);
		if (!parse_function(line, &u->functions[u->function_count]))
			return bad_attribute(u->id, "functions");
		u->function_count++;
	}
	return NULL;
}

static struct error *read_state(struct host_update *u)
{
	_cleanup_free_ char *state = NULL, *pause = NULL;

	TRY(read_attribute(u->id, "state", &state));
	u->applied = !strcmp(state, "applied\n");
	if (!u->applied && strcmp(state, "loaded\n"))
		return bad_attribute(u->id, "state");
	TRY(read_attribute(u->id, "pause_ns", &pause));
	if (!parse_number(pause, 10, &u->pause_ns))
		return bad_attribute(u->id, "pause_ns");
	return NULL;
}

/* Whether the module @name is one of update @id: kmend_ID or kmend_ID_N. */
static bool is_update_module(const char *name, const char *id)
{
	_cleanup_free_ char *own = xasprintf("kmend_%s", id);
	size_t len = strlen(own);

	return !strncmp(name, own, len) && (!name[len] || name[len] == '_');
}

/* "MODULE in" or "MODULE out" */
static struct error *read_late(struct host_update *u)
{
	_cleanup_free_ char *text = NULL;
	char *line, *save = NULL, *state;
	size_t capacity = 0;

	TRY(read_attribute(u->id, "late", &text));
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		state = strchr(line, ' ');
		if (!state || (strcmp(state, " in") && strcmp(state, " out")))
			return bad_attribute(u->id, "late");
		array_grow(u->late, u->late_count, capacity);
		u->late[u->late_count++] = (struct host_late){ .module = xstrndup(line, state - line),
							       .in = !strcmp(state, " in") };
	}
	return NULL;
}

static void note_loaded(struct host_update *u, const struct live_module *module)
{
	size_t i;

	for (i = 0; i < u->late_count; i++)
		if (!strcmp(u->late[i].module, module->name))
			u->late[i].loaded = strcmp(module->state, "Unloading") != 0;
}

static struct error *read_modules(struct host_update *u)
{
	_cleanup_free_ char *path = host_path("/proc/modules");
	_cleanup_free_ struct live_module *modules = NULL;
	_cleanup_free_ void *text = NULL;
	size_t size, count, capacity = 0, i;

	TRY(file_read(path, HOST_TEXT_MAX, &text, &size));
	TRY(modules_parse(text, size, &modules, &count));
	for (i = 0; i < count; i++) {
		note_loaded(u, &modules[i]);
		if (!is_update_module(modules[i].name, u->id))
			continue;
		array_grow(u->modules, u->module_count, capacity);
		u->modules[u->module_count++] = xstrdup(modules[i].name);
	}
	return NULL;
}

static struct error *read_update(struct host_update *u)
{
	_cleanup_free_ char *functions = host_path(SYSFS "/updates/%s/functions", u->id);

	TRY(read_state(u));
	TRY(read_late(u));
	TRY(read_modules(u));
	u->details_hidden = access(functions, R_OK) && errno == EACCES;
	if (u->details_hidden)
		return NULL;
	TRY(read_functions(u));
	return host_blockers_read(u->id, &u->blockers, &u->blocker_count);
}

static void update_free(struct host_update *u)
{
	size_t i;

	for (i = 0; i < u->function_count; i++) {
		free(u->functions[i].name);
		free(u->functions[i].target);
	}
	free(u->functions);
	for (i = 0; i < u->late_count; i++)
		free(u->late[i].module);
	free(u->late);
	host_blockers_free(u->blockers, u->blocker_count);
	names_free(u->modules, u->module_count);
	*u = (struct host_update){ 0 };
}

/* Adds the update @id, unless it is just coming or going: its folder stands before its files do, and goes after them. */
static struct error *add_update(const char *id, struct host_updates *out)
{
	_cleanup_free_ char *state = host_path(SYSFS "/updates/%s/state", id);
	struct host_update *u = &out->updates[out->count++];
	struct error *err;

	memcpy(u->id, id, sizeof(u->id));
	err = read_update(u);
	if (!err || file_exists(state))
		return err;
	error_free(err);
	update_free(u);
	out->count--;
	return NULL;
}

static struct error *read_all(char *const *names, size_t count, struct host_updates *out)
{
	size_t i;

	out->updates = xcalloc(count, sizeof(*out->updates));
	for (i = 0; i < count; i++) {
		if (!manifest_is_id(names[i]))
			return system_error(0, SYSFS "/updates/%s is not an update's id", names[i]);
		TRY(add_update(names[i], out));
	}
	return NULL;
}

struct error *host_updates_read(struct host_updates *out)
{
	_cleanup_free_ char *engine = host_path(SYSFS), *folder = host_path(SYSFS "/updates");
	unsigned int abi = host_engine_abi();
	struct error *err;
	char **names;
	size_t count;

	*out = (struct host_updates){ 0 };
	if (!file_exists(engine))
		return NULL;
	if (abi != KMEND_ABI)
		return system_error(0, "the engine that is loaded speaks ABI %u, this kmend ABI %u",
				    abi, KMEND_ABI);
	TRY(dir_list(folder, &names, &count));
	err = read_all(names, count, out);
	names_free(names, count);
	return err;
}

const struct host_update *host_updates_get(const struct host_updates *updates, const char *id)
{
	size_t i;

	for (i = 0; i < updates->count; i++)
		if (!strcmp(updates->updates[i].id, id))
			return &updates->updates[i];
	return NULL;
}

bool host_updates_applied(const struct host_updates *updates, const char *id)
{
	const struct host_update *u = host_updates_get(updates, id);

	return u && u->applied;
}

void host_updates_free(struct host_updates *updates)
{
	size_t i;

	for (i = 0; i < updates->count; i++)
		update_free(&updates->updates[i]);
	free(updates->updates);
	*updates = (struct host_updates){ 0 };
}
