// SPDX-License-Identifier: GPL-2.0
#include "cmd/key.h"
#include "host/host.h"
#include "pack/minisign.h"
#include "pack/passphrase.h"
#include "pack/trust.h"
#include "util/file.h"
#include "util/memory.h"

#include <getopt.h>
#include <jansson.h>
#include <sodium.h>
#include <stdbool.h>
#include <string.h>

struct key_options {
	bool no_password;
	bool json;
	const char *argument; /* the one that is no option, or NULL */
};

static struct error *check_absent(const char *path)
{
	if (file_exists(path))
		return refuse("KEY-EXISTS", "%s exists and is not overwritten", path);
	return NULL;
}

static struct error *ask_new_passphrase(char passphrase[PASSPHRASE_SIZE])
{
	char again[PASSPHRASE_SIZE];
	struct error *err;

	TRY(passphrase_ask("New passphrase: ", passphrase));
	if (!*passphrase)
		return refuse("KEY-PASSPHRASE",
			      "the passphrase is empty; --no-password makes a key without one");
	err = passphrase_ask("The same again: ", again);
	if (!err && strcmp(passphrase, again))
		err = refuse("KEY-PASSPHRASE", "the two passphrases differ");
	sodium_memzero(again, sizeof(again));
	return err;
}

static struct error *format_secret(const struct minisign_secret *secret, bool no_password,
				   char **text)
{
	char passphrase[PASSPHRASE_SIZE];
	struct error *err;

	if (no_password)
		return minisign_secret_format(secret, NULL, text);
	err = ask_new_passphrase(passphrase);
	if (!err)
		err = minisign_secret_format(secret, passphrase, text);
	sodium_memzero(passphrase, sizeof(passphrase));
	return err;
}

/* Both files or none. */
static struct error *write_pair(const char *secret_path, const char *secret,
				const char *public_path, const char *public)
{
	struct error *err;

	/* Again, since somebody may have taken a while to type a passphrase. */
	TRY(check_absent(secret_path));
	TRY(check_absent(public_path));
	TRY(file_write(public_path, public, strlen(public), 0644));
	err = file_write(secret_path, secret, strlen(secret), 0600);
	if (err)
		error_free(remove_tree(public_path));
	return err;
}

static struct error *key_generate(const struct key_options *options)
{
	const char *path = options->argument;
	_cleanup_free_ char *public_path = xasprintf("%s.pub", path);
	_cleanup_free_ char *secret_text = NULL, *public_text = NULL;
	char id[MINISIGN_ID_SIZE];
	struct minisign_public public;
	struct minisign_secret secret;
	struct error *err;

	TRY(check_absent(path));
	TRY(check_absent(public_path));
	TRY(minisign_generate(&public, &secret));
	err = format_secret(&secret, options->no_password, &secret_text);
	sodium_memzero(&secret, sizeof(secret));
	TRY(err);
	public_text = minisign_public_format(&public);
	err = write_pair(path, secret_text, public_path, public_text);
	sodium_memzero(secret_text, strlen(secret_text));
	TRY(err);
	minisign_id_format(public.id, id);
	printf("Key %s: the secret key is in %s, the public key in %s.\n", id, path, public_path);
	return NULL;
}

/* A folder that KMEND_TRUSTED names is for the system to guard. */
static struct error *check_may_change(void)
{
	return trust_is_machines() ? host_require_root("change which keys are trusted") : NULL;
}

static struct error *key_trust(const struct key_options *options)
{
	char id[MINISIGN_ID_SIZE];
	struct minisign_public key;

	TRY(check_may_change());
	TRY(trust_add(options->argument, &key));
	minisign_id_format(key.id, id);
	printf("Key %s is trusted.\n", id);
	return NULL;
}

static void list_text(const struct trusted_key *keys, size_t count)
{
	char id[MINISIGN_ID_SIZE];

	for (size_t i = 0; i < count; i++) {
		minisign_id_format(keys[i].public.id, id);
		printf("%s  %s  (%s)\n", id, keys[i].file, keys[i].public.comment);
	}
	if (!count)
		puts("No key is trusted.");
}

static void list_json(const struct trusted_key *keys, size_t count)
{
	json_t *array = json_array();
	char id[MINISIGN_ID_SIZE];

	for (size_t i = 0; i < count; i++) {
		minisign_id_format(keys[i].public.id, id);
		json_array_append_new(array, json_pack("{s:s, s:s, s:s}", "comment",
						       keys[i].public.comment, "file", keys[i].file,
						       "id", id));
	}
	json_dumpf(array, stdout, JSON_INDENT(2) | JSON_SORT_KEYS);
	putchar('\n');
	json_decref(array);
}

static struct error *key_list(const struct key_options *options)
{
	struct trusted_key *keys;
	size_t count;

	TRY(trust_list(&keys, &count));
	if (options->json)
		list_json(keys, count);
	else
		list_text(keys, count);
	trust_list_free(keys, count);
	return NULL;
}

static struct error *key_revoke(const struct key_options *options)
{
	TRY(check_may_change());
	TRY(trust_remove(options->argument));
	printf("Key %s is no longer trusted.\n", options->argument);
	return NULL;
}

static const struct key_command {
	const char *name;
	struct error *(*run)(const struct key_options *options);
	const char *argument; /* what it is called, NULL: there is none */
	const char *options; /* those that it takes */
} commands[] = {
	{ "generate", key_generate, "FILE", "W" },
	{ "trust", key_trust, "FILE.pub", "" },
	{ "list", key_list, NULL, "J" },
	{ "revoke", key_revoke, "KEYID", "" },
};

static const struct key_command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	}
	return NULL;
}

static struct error *parse(const struct key_command *command, int argc, char **argv,
			   struct key_options *options)
{
	static const struct option known[] = {
		{ "no-password", no_argument, NULL, 'W' },
		{ "json", no_argument, NULL, 'J' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	optind = 0; /* glibc's way to start anew */
	opterr = 0;
	while ((c = getopt_long(argc, argv, "W", known, NULL)) != -1) {
		if (c == '?' || !strchr(command->options, c))
			return usage_error("key %s: unknown option %s", command->name,
					   argv[optind - 1]);
		options->no_password |= c == 'W';
		options->json |= c == 'J';
	}
	if (command->argument && optind == argc)
		return usage_error("key %s: %s is missing", command->name, command->argument);
	if (command->argument)
		options->argument = argv[optind++];
	if (optind != argc)
		return usage_error("key %s: unexpected %s", command->name, argv[optind]);
	return NULL;
}

struct error *cmd_key(int argc, char **argv)
{
	struct key_options options = { 0 };
	const struct key_command *command;

	if (argc < 2)
		return usage_error("key: one of generate, trust, list, revoke is missing");
	command = find_command(argv[1]);
	if (!command)
		return usage_error("key: unknown command %s; known: generate, trust, list, revoke",
				   argv[1]);
	TRY(parse(command, argc - 1, argv + 1, &options));
	return command->run(&options);
}
