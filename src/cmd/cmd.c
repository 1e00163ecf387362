// SPDX-License-Identifier: GPL-2.0
#include "cmd/cmd.h"
#include "util/log.h"

#include <errno.h>
#include <stdlib.h>

int cmd_exit_status;
bool cmd_json;

struct error *cmd_common_option(int c, char **argv)
{
	switch (c) {
	case 'J':
		cmd_json = true;
		return NULL;
	case 'q':
		log_set_level(LOG_QUIET);
		return NULL;
	case 'v':
		log_set_level(LOG_VERBOSE);
		return NULL;
	case ':':
		return usage_error("the option %s needs an argument", argv[optind - 1]);
	default:
		/* optopt is 0, or the option's value, where a long option is wrong. */
		if (optopt && argv[optind - 1][1] == '-')
			return usage_error("the option %s takes no argument", argv[optind - 1]);
		if (optopt)
			return usage_error("unknown option -%c", optopt);
		return usage_error("unknown option %s", argv[optind - 1]);
	}
}

struct error *cmd_parse_timeout(const char *s, unsigned int *seconds)
{
	return cmd_parse_seconds("--timeout", s, seconds);
}

struct error *cmd_parse_seconds(const char *option, const char *s, unsigned int *seconds)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(s, &end, 10);
	if (errno || *s < '0' || *s > '9' || *end || value > 86400)
		return usage_error("%s %s: not a number of seconds from 0 to 86400", option, s);
	*seconds = value;
	return NULL;
}

void cmd_print_json(json_t *json)
{
	json_dumpf(json, stdout, JSON_INDENT(2) | JSON_SORT_KEYS);
	putchar('\n');
	json_decref(json);
}
