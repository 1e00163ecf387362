// SPDX-License-Identifier: GPL-2.0
#include "cmd/target.h"

#include "diff/layout.h"
#include "extract/module.h"
#include "kmend/engine.h"
#include "util/memory.h"
#include "util/sha256.h"

#include <string.h>

static struct target *find_target(struct target_list *list, const char *name)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		if (!strcmp(list->targets[i].name, name))
			return &list->targets[i];
	list->targets = xreallocarray(list->targets, list->count + 1, sizeof(*list->targets));
	list->targets[list->count] = (struct target){ .name = name };
	return &list->targets[list->count++];
}

static void add_note(struct target_list *list, char *note)
{
	list->notes = xreallocarray(list->notes, list->note_count + 1, sizeof(*list->notes));
	list->notes[list->note_count++] = note;
}

static void move_notes(struct target_list *list, struct change *change)
{
	size_t i;

	for (i = 0; i < change->note_count; i++)
		add_note(list, change->notes[i]);
	change->note_count = 0;
}

static bool is_accepted(const char *name, char *const *accepted, size_t count)
{
	size_t i;

	for (i = 0; i < count && strcmp(accepted[i], name); i++)
		;
	return i < count;
}

static bool is_data(const struct change *c, const struct atom *a)
{
	return a->symbol && atom_size(a) && section_classify(a->section, c->module) == CLASS_DATA;
}

static void note_lost(struct target_list *list, const struct change *c)
{
	size_t i;

	for (i = 0; i < c->pre->atom_count; i++) {
		const struct atom *a = &c->pre->atoms[i];

		if (a->twin || !(is_data(c, a) || (atom_is_function(a) && a->symbol->bind != STB_LOCAL)))
			continue;
		list->lost = xreallocarray(list->lost, list->lost_count + 1, sizeof(*list->lost));
		list->lost[list->lost_count++] = (struct lost){ c->post, a, base_name(a->symbol->name) };
	}
}

/* Code elsewhere goes on using a variable where it was, and what a static one holds stays there. */
static struct error *check_data_moved(const struct change *c, const struct atom *a, const struct lost *lost,
				      const struct accepted *accepted)
{
	_cleanup_free_ char *base = base_name(atom_name(a));
	bool local = a->symbol->bind == STB_LOCAL && lost->atom->symbol->bind == STB_LOCAL;

	if (lost->from == c->post || strcmp(base, lost->name) || atom_is_function(lost->atom))
		return NULL;
	/* Of equal names two static ones may have, by chance. */
	if (local && (atom_size(a) != atom_size(lost->atom) || atom_starts_anew(a) ||
		      is_accepted(base, accepted->data, accepted->data_count)))
		return NULL;
	if (local)
		return refuse("DATA-MOVED",
			      "the patch moves %s from %s to %s, where it would start anew: what it holds stays where it is (--accept data:%s says that these are different things, or that nothing is lost)",
			      base, lost->from->name, c->post->name, base);
	return refuse("DATA-MOVED",
		      "the patch moves %s from %s to %s: code that it does not change goes on using the old one",
		      base, lost->from->name, c->post->name);
}

/* Code elsewhere goes on calling a function where it was: its new home would not be noticed. */
static struct error *check_function_moved(const struct change *c, const struct atom *a, const struct lost *lost)
{
	if (!atom_is_function(lost->atom) || strcmp(a->symbol->name, lost->atom->symbol->name))
		return NULL;
	return refuse("FUNCTION-MOVED",
		      "the patch moves %s to %s: code that it does not change goes on calling the old one",
		      a->symbol->name, c->post->name);
}

static struct error *check_moved(const struct target_list *list, const struct change *c,
				 const struct accepted *accepted)
{
	size_t i, k;

	for (i = 0; i < c->post->atom_count; i++) {
		const struct atom *a = &c->post->atoms[i];

		for (k = 0; a->state == ATOM_NEW && k < list->lost_count; k++) {
			if (change_is_new_global(c, a))
				TRY(check_function_moved(c, a, &list->lost[k]));
			if (is_data(c, a))
				TRY(check_data_moved(c, a, &list->lost[k], accepted));
		}
	}
	return NULL;
}

static struct error *check_all_moved(const struct target_list *list, const struct accepted *accepted)
{
	size_t i, k;

	for (i = 0; i < list->count; i++)
		for (k = 0; k < list->targets[i].count; k++)
			TRY(check_moved(list, &list->targets[i].changes[k], accepted));
	return NULL;
}

static void note_past_name(char **past, const char *name, const char *how, const struct compiled *o,
			   const struct names *touched, const struct accepted *accepted)
{
	if (!*past && names_has(touched, name, strlen(name)) &&
	    !is_accepted(name, accepted->init, accepted->init_count))
		*past = xasprintf("%s in %s, which %s", name, o->name, how);
}

/* By any of its names, as what module_init() names is init_module, too. */
static void note_past_atom(struct target_list *list, const struct atom *a, const struct compiled *o,
			   const struct names *touched, const struct accepted *accepted)
{
	size_t i;

	for (i = 0; i < o->post->symbol_count; i++) {
		const struct symbol *s = o->post->symbols[i];
		_cleanup_free_ char *name = base_name(s->name);

		if (s->atom == a && s->value == a->start)
			note_past_name(&list->past, name,
				       a->twin ? "ran already" : "is new and comes too late to run", o, touched,
				       accepted);
	}
}

/* Code that the patch names; what changes only with what is inlined does not set up anything else. */
static struct error *note_past(struct target_list *list, struct change *c, const struct compiled *o,
			       const struct names *touched, const struct accepted *accepted)
{
	size_t i;

	list->hooked |= c->hook_count > 0;
	TRY(past_find(c, o->post_debug));
	for (i = 0; i < c->past_count; i++)
		note_past_atom(list, c->past[i], o, touched, accepted);
	for (i = 0; i < c->past_inlined.count; i++)
		note_past_name(&list->past, c->past_inlined.list[i], "ran already", o, touched, accepted);
	if (c->cpu_setup)
		note_past_name(&list->cpu_setup, atom_name(c->cpu_setup), "set up each CPU as it started", o, touched,
			       accepted);
	return NULL;
}

/* Whether @a ran already, or goes with what did. */
static bool is_past(const struct change *c, const struct atom *a)
{
	size_t i, len;

	for (i = 0; i < c->past_count; i++) {
		len = strlen(atom_name(c->past[i]));
		if (c->past[i] == a || (!strncmp(atom_name(a), atom_name(c->past[i]), len) &&
					!strcmp(atom_name(a) + len, ".cold")))
			return true;
	}
	return false;
}

/* What was set up by the old code may not be what the new code expects. */
static struct error *check_past(const struct target_list *list)
{
	const char *name;
	size_t i, k, n;

	if (list->cpu_setup && !list->hooked)
		return refuse("INIT-CHANGED",
			      "the patch changes %s: say in a hook what shall be done (kmend/hooks.h), or --accept init:%.*s where nothing has to be",
			      list->cpu_setup, (int)strcspn(list->cpu_setup, " "), list->cpu_setup);
	if (!list->past || list->hooked)
		return NULL;
	for (i = 0; i < list->count; i++)
		for (k = 0; k < list->targets[i].count; k++) {
			const struct change *c = &list->targets[i].changes[k];

			for (n = 0; n < c->replaced_count; n++) {
				name = atom_name(c->replaced[n]);
				if (is_past(c, c->replaced[n]))
					continue;
				return refuse("INIT-CHANGED",
					      "the patch changes %s, together with %s, which may rely on what it does now: say in a hook what shall be done (kmend/hooks.h), or --accept init:%.*s where nothing has to be",
					      list->past, name, (int)strcspn(list->past, " "), list->past);
			}
		}
	return NULL;
}

static struct error *add_object(struct target_list *list, const struct compiled *o,
				const struct names *touched, const struct accepted *accepted)
{
	struct change change = { .pre = o->pre, .post = o->post, .module = strcmp(o->target, "vmlinux"),
				 .accepted_data = accepted->data,
				 .accepted_data_count = accepted->data_count };
	struct target *t;
	struct error *err;

	if (!o->post)
		return refuse("FILE-DELETED", "the patch deletes %s, whose code runs", o->source);
	err = diff_objects(&change);
	note_lost(list, &change);
	/* Of a file that the patch adds nothing lives. */
	if (!err && change_acts(&change) && o->pre_debug)
		err = layout_compare(&change, o->pre_debug, o->post_debug, accepted->layouts,
				     accepted->layout_count);
	if (!err)
		err = note_past(list, &change, o, touched, accepted);
	move_notes(list, &change);
	if (err || !change_matters(&change)) {
		change_fini(&change);
		return err;
	}
	t = find_target(list, o->target);
	t->changes = xreallocarray(t->changes, t->count + 1, sizeof(*t->changes));
	t->objects = xreallocarray(t->objects, t->count + 1, sizeof(*t->objects));
	t->changes[t->count] = change;
	t->objects[t->count++] = o;
	return NULL;
}

static int target_order(const void *a, const void *b)
{
	const struct target *x = a, *y = b;
	bool x_kernel = !strcmp(x->name, "vmlinux"), y_kernel = !strcmp(y->name, "vmlinux");

	if (x->level != y->level)
		return x->level < y->level ? -1 : 1;
	return x_kernel != y_kernel ? y_kernel - x_kernel : strcmp(x->name, y->name);
}

static struct error *extract_target(struct target *t)
{
	size_t i;

	t->extraction = extraction_new();
	for (i = 0; i < t->count; i++)
		TRY(extract_change(t->extraction, &t->changes[i]));
	extract_finish(t->extraction);
	return output_image(t->extraction->out, &t->image, &t->image_size);
}

/* The new global function or variable @name of @t, as its objects call it, or NULL. */
static const char *find_added(const struct target *t, const char *name)
{
	size_t i;

	for (i = 0; i < t->count; i++) {
		const struct symbol *s = object_symbol(t->changes[i].post, name);

		if (s && s->atom && change_is_new_global(&t->changes[i], s->atom))
			return s->name;
	}
	return NULL;
}

static void add_export(struct target *t, const char *name)
{
	size_t i;

	for (i = 0; i < t->export_count; i++)
		if (!strcmp(t->exports[i], name))
			return;
	t->exports = xreallocarray(t->exports, t->export_count + 1, sizeof(*t->exports));
	t->exports[t->export_count++] = name;
}

struct user {
	struct target_list *list;
	struct target *target;
};

/* Where another target adds what @arg refers to, it exports that, and is loaded before. */
static struct error *find_provider(void *arg, const char *symbol)
{
	const struct user *u = arg;
	size_t i;

	for (i = 0; i < u->list->count; i++) {
		struct target *t = &u->list->targets[i];
		const char *name = t == u->target ? NULL : find_added(t, symbol);

		if (!name)
			continue;
		add_export(t, name);
		if (u->target->level <= t->level)
			u->target->level = t->level + 1;
		if (u->target->level >= u->list->count)
			return refuse("EXPORT-CIRCLE", "the patch makes %s and another module refer to each other",
				      u->target->name);
	}
	return NULL;
}

/* Once for each target settles the order: a chain is no longer than that. */
static struct error *order_targets(struct target_list *list)
{
	size_t i, k;

	for (i = 0; i < list->count; i++)
		for (k = 0; k < list->count; k++) {
			struct user u = { list, &list->targets[k] };

			TRY(output_each_undefined(list->targets[k].extraction->out, find_provider, &u));
		}
	qsort(list->targets, list->count, sizeof(*list->targets), target_order);
	return NULL;
}

/* Whether anything that runs is changed; what is new alone is not. */
static bool changes_anything(const struct target_list *list)
{
	size_t i, k;

	for (i = 0; i < list->count; i++)
		for (k = 0; k < list->targets[i].count; k++)
			if (change_acts(&list->targets[i].changes[k]))
				return true;
	return false;
}

/* What was accepted, and what any of the patched files declares: a type is one thing in all of them. */
static void all_layouts(const struct compilation *c, const struct accepted *accepted, struct accepted *all)
{
	size_t i;

	*all = *accepted;
	all->layouts = xcalloc(accepted->layout_count, sizeof(*all->layouts));
	for (i = 0; i < accepted->layout_count; i++)
		all->layouts[i] = accepted->layouts[i];
	for (i = 0; i < c->count; i++)
		if (c->objects[i].built && c->objects[i].post)
			declared_layouts(c->objects[i].pre, c->objects[i].post, &all->layouts, &all->layout_count);
}

/* Whether code that changes is, or may be, what uses the macros of the file @path. */
static bool uses_file(const struct target_list *list, const char *path)
{
	size_t len = strlen(path), i, k;

	for (i = 0; i < list->count; i++)
		for (k = 0; k < list->targets[i].count; k++)
			if (change_acts(&list->targets[i].changes[k]) &&
			    ((len > 2 && !strcmp(path + len - 2, ".h")) ||
			     !strcmp(list->targets[i].objects[k]->source, path)))
				return true;
	return false;
}

/* What lives may hold the old number, which is another thing's now, or was made with it. */
static struct error *check_values(struct target_list *list, const struct changed_values *values,
				  const struct accepted *accepted)
{
	size_t i;

	for (i = 0; i < values->count; i++) {
		const struct changed_value *v = &values->list[i];

		if (is_accepted(v->name, accepted->layouts, accepted->layout_count) || !uses_file(list, v->path))
			continue;
		if (v->renumbered)
			return refuse("LAYOUT-CHANGED",
				      "the patch changes the number of the macro %s in %s, which is another bit now, or has the number that another of its kind had: what lives may hold the old one (--accept layout:%s says that this was thought of)",
				      v->name, v->path, v->name);
		add_note(list, xasprintf("%s in %s was %s and is %s: what was made, or counted, with the old number stays as it is",
					 v->name, v->path, v->before, v->after));
	}
	return NULL;
}

static struct error *add_objects(struct target_list *list, const struct compilation *c,
				 const struct accepted *accepted)
{
	size_t i;

	for (i = 0; i < c->count; i++)
		if (c->objects[i].built)
			TRY(add_object(list, &c->objects[i], &c->touched, accepted));
	return NULL;
}

struct error *targets_extract(const struct compilation *c, const struct accepted *accepted,
			      struct target_list *list)
{
	struct accepted all;
	struct error *err;
	size_t i;

	*list = (struct target_list){ 0 };
	all_layouts(c, accepted, &all);
	err = add_objects(list, c, &all);
	free(all.layouts);
	if (err)
		return err;
	TRY(check_all_moved(list, accepted));
	TRY(check_past(list));
	TRY(check_values(list, &c->numbers, accepted));
	if (!changes_anything(list))
		return refuse("NOTHING-CHANGED", "the patch changes no running code: %s",
			      list->note_count ? list->notes[0] :
						 "with it and without it, the compiler makes the same");
	for (i = 0; i < list->count; i++)
		TRY(extract_target(&list->targets[i]));
	return order_targets(list);
}

void targets_fini(struct target_list *list)
{
	size_t i, k;

	for (i = 0; i < list->count; i++) {
		struct target *t = &list->targets[i];

		for (k = 0; k < t->count; k++)
			change_fini(&t->changes[k]);
		free(t->changes);
		free(t->objects);
		free(t->exports);
		extraction_free(t->extraction);
		free(t->image);
	}
	for (i = 0; i < list->note_count; i++)
		free(list->notes[i]);
	free(list->notes);
	for (i = 0; i < list->lost_count; i++)
		free(list->lost[i].name);
	free(list->lost);
	free(list->past);
	free(list->cpu_setup);
	free(list->targets);
	*list = (struct target_list){ 0 };
}

/* The id is made of what the update consists of, so equal updates have equal ids. */
static void make_id(const struct target_list *list, struct manifest *m)
{
	uint8_t digest[SHA256_SIZE];
	struct sha256 hash;
	char hex[SHA256_HEX_SIZE];
	size_t i, k;

	sha256_begin(&hash);
	sha256_add(&hash, m->release, strlen(m->release) + 1);
	sha256_add(&hash, m->version, strlen(m->version) + 1);
	sha256_add(&hash, m->description, strlen(m->description) + 1);
	for (i = 0; i < m->onto_count; i++)
		sha256_add(&hash, m->onto[i], KMEND_ID_LEN);
	for (i = 0; i < list->count; i++) {
		const struct target *t = &list->targets[i];

		sha256_add(&hash, t->name, strlen(t->name) + 1);
		sha256_add(&hash, t->image, t->image_size);
		for (k = 0; k < t->count; k++)
			sha256_add(&hash, t->objects[k]->pre_image, t->objects[k]->pre_size);
	}
	sha256_end(&hash, digest);
	hex_encode(digest, SHA256_SIZE, hex);
	memcpy(m->id, hex, KMEND_ID_LEN);
	m->id[KMEND_ID_LEN] = '\0';
}

struct symbol_list {
	struct manifest_target *mt;
	const struct target_list *all;
	const struct target *t;
	const struct symvers *symvers;
	const char *engine_symvers;
};

/* Whether the object has a static of this name, which is not what others mean by it. */
static bool has_static(const struct object *obj, const char *name)
{
	const struct symbol *s = obj ? object_symbol(obj, name) : NULL;

	return s && s->bind == STB_LOCAL;
}

/* Whether what runs as this name is the object's own, which the patch makes everybody's: it drops a "static". */
static bool has_made_global(const struct target *t, size_t i, const char *name)
{
	const struct symbol *s = object_symbol(t->changes[i].post, name);

	return s && s->bind != STB_LOCAL && s->atom && s->atom->twin && has_static(t->objects[i]->pre, name);
}

/*
 * The object of @t with which the symbol @name is looked for: best one that refers
 * to it; where that has a static of this name, or had, another one.  NULL: all have.
 */
static const char *object_of(const struct target *t, const char *name)
{
	const char *found = NULL;
	size_t i;

	for (i = 0; i < t->count; i++)
		if (has_made_global(t, i, name))
			return t->objects[i]->name;
	for (i = 0; i < t->count; i++) {
		if (has_static(t->objects[i]->pre, name) || has_static(t->changes[i].post, name))
			continue;
		if (object_symbol(t->changes[i].post, name))
			return t->objects[i]->name;
		found = t->objects[i]->name;
	}
	return found;
}

/* Lines of Module.symvers: CRC, name, module and so on, with a tab between. */
static bool engine_exports(const char *symvers, const char *name)
{
	_cleanup_free_ char *field = xasprintf("\t%s\t", name);

	return strstr(symvers, field) != NULL;
}

/*
 * Lists one undefined symbol of the update that must be bound; the module
 * loader knows the exported ones, those that the update exports among them.
 */
static struct error *list_symbol(void *arg, const char *symbol)
{
	struct symbol_list *l = arg;
	const char *colon = strchr(symbol, EXTRACT_SEPARATOR), *object;
	struct manifest_symbol *s;
	size_t i;

	if (!colon && (symvers_has(l->symvers, symbol) || engine_exports(l->engine_symvers, symbol)))
		return NULL;
	for (i = 0; !colon && i < l->all->count; i++)
		if (find_added(&l->all->targets[i], symbol))
			return NULL;
	object = colon ? NULL : object_of(l->t, symbol);
	if (!colon && !object)
		return refuse("STATIC-AMBIGUOUS",
			      "the patch uses %s of another file, and nothing tells it from the static of that name in %s",
			      symbol, l->t->objects[0]->name);
	l->mt->symbols = xreallocarray(l->mt->symbols, l->mt->symbol_count + 1, sizeof(*l->mt->symbols));
	s = &l->mt->symbols[l->mt->symbol_count++];
	s->symbol = xstrdup(symbol);
	s->name = xstrdup(colon ? colon + 1 : symbol);
	s->object = colon ? xstrndup(symbol, colon - symbol) : xstrdup(object);
	return NULL;
}

static void describe_sayings(const struct target *t, struct manifest_target *mt)
{
	static const char *const hook_kinds[] = { KMEND_HOOK_NAMES };
	static const char *const kinds[] = { [DECLARED_OVERWRITE] = "overwrite", [DECLARED_KEEP] = "keep",
					     [DECLARED_LAYOUT] = "layout" };
	const struct extraction *x = t->extraction;
	size_t i, k, count = 0;

	mt->hooks = xcalloc(x->hook_count, sizeof(*mt->hooks));
	mt->hook_count = x->hook_count;
	for (i = 0; i < x->hook_count; i++)
		mt->hooks[i] = (struct manifest_hook){ xstrdup(hook_kinds[x->hooks[i].kind]),
						       xstrdup(x->hooks[i].name),
						       xstrdup(x->hooks[i].object) };
	for (i = 0; i < t->count; i++)
		count += t->changes[i].declaration_count;
	mt->declarations = xcalloc(count, sizeof(*mt->declarations));
	for (i = 0; i < t->count; i++) {
		for (k = 0; k < t->changes[i].declaration_count; k++) {
			const struct declaration *d = &t->changes[i].declarations[k];

			mt->declarations[mt->declaration_count++] =
				(struct manifest_declaration){ xstrdup(kinds[d->kind]), xstrdup(d->name),
							       xstrdup(t->objects[i]->name) };
		}
	}
}

static struct error *describe_target(const struct target_list *all, const struct target *t,
				     const char *module, const struct symvers *symvers,
				     const char *engine_symvers, struct pack *pack,
				     struct manifest_target *mt)
{
	struct symbol_list list = { mt, all, t, symvers, engine_symvers };
	struct extraction *x = t->extraction;
	size_t i;

	mt->name = xstrdup(t->name);
	mt->module = xstrdup(module);
	mt->file = xasprintf("new/%s.ko", t->name);
	mt->objects = xcalloc(t->count, sizeof(*mt->objects));
	mt->object_count = t->count;
	for (i = 0; i < t->count; i++) {
		mt->objects[i].name = xstrdup(t->objects[i]->name);
		mt->objects[i].pre = xasprintf("pre/%s", t->objects[i]->name);
		pack_add(pack, mt->objects[i].pre, t->objects[i]->pre_image, t->objects[i]->pre_size);
	}
	mt->functions = xcalloc(x->function_count, sizeof(*mt->functions));
	mt->function_count = x->function_count;
	for (i = 0; i < x->function_count; i++) {
		const struct extracted_function *f = &x->functions[i];

		mt->functions[i].name = xstrdup(f->name);
		mt->functions[i].object = xstrdup(f->object);
		mt->functions[i].action = f->added ? MANIFEST_ADD : MANIFEST_REPLACE;
	}
	describe_sayings(t, mt);
	return output_each_undefined(x->out, list_symbol, &list);
}

struct error *targets_pack(struct target_list *list, const struct kit *kit,
			   const struct symvers *symvers, const char *engine_symvers, struct pack *pack)
{
	_cleanup_free_ struct module_source *sources = xcalloc(list->count, sizeof(*sources));
	struct manifest *m = pack->manifest;
	struct error *err;
	size_t i;

	make_id(list, m);
	m->notes = take_ptr(list->notes);
	m->note_count = list->note_count;
	list->note_count = 0;
	m->targets = xcalloc(list->count, sizeof(*m->targets));
	for (i = 0; i < list->count; i++) {
		struct target *t = &list->targets[i];
		_cleanup_free_ char *name = i ? xasprintf("kmend_%s_%zu", m->id, i) :
						xasprintf("kmend_%s", m->id);

		m->target_count = i + 1;
		TRY(describe_target(list, t, name, symvers, engine_symvers, pack, &m->targets[i]));
		m->stays_loaded |= t->extraction->escapes;
		sources[i] = (struct module_source){ .id = m->id, .target = t->name,
						     .name = m->targets[i].module,
						     .object = t->image, .object_size = t->image_size,
						     .exports = t->exports, .export_count = t->export_count };
	}
	err = modules_build(kit, engine_symvers, sources, list->count);
	for (i = 0; i < list->count; i++) {
		if (!err)
			pack_add(pack, m->targets[i].file, sources[i].ko, sources[i].ko_size);
		free(sources[i].ko);
	}
	return err;
}
