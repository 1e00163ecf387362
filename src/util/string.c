// SPDX-License-Identifier: GPL-2.0
#include "util/string.h"
#include "util/memory.h"

#include <string.h>

#define SHOWN_LEN 100

/*
 * The character at *@p, which moves behind it; -1 where there is no valid
 * UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF).
 */
static long next_character(const unsigned char **p)
{
	static const long smallest[] = { 0, 0x80, 0x800, 0x10000 };
	unsigned char first = *(*p)++;
	int more;
	long c;

	if (first < 0x80)
		return first;
	if (first < 0xc2 || first > 0xf4)
		return -1;
	more = first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
	c = first & (0x3f >> more);
	for (int i = 0; i < more; i++, (*p)++) {
		if ((**p & 0xc0) != 0x80)
			return -1;
		c = c << 6 | (**p & 0x3f);
	}
	if (c < smallest[more] || (c >= 0xd800 && c < 0xe000) || c > 0x10ffff)
		return -1;
	return c;
}

bool string_is_plain(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;

	while (*p) {
		long c = next_character(&p);

		if ((c < 0x20 && c != '\t') || (c >= 0x7f && c < 0xa0))
			return false;
		if ((c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069))
			return false;
	}
	return true;
}

static bool is_printable_ascii(char c)
{
	return c >= 0x20 && c < 0x7f;
}

bool path_is_contained(const char *s)
{
	const char *part = s;

	if (strlen(s) > 255)
		return false;
	for (const char *p = s; *p; p++) {
		if (!is_printable_ascii(*p))
			return false;
	}
	for (;;) {
		size_t len = strcspn(part, "/");

		if (!len || (len == 1 && part[0] == '.') || (len == 2 && !strncmp(part, "..", 2)))
			return false;
		if (!part[len])
			return true;
		part += len + 1;
	}
}

char *string_escape(const char *s)
{
	size_t len = strnlen(s, SHOWN_LEN + 1), out = 0;
	/* Four bytes each, "..." and a NUL. */
	char *escaped = xmalloc(4 * SHOWN_LEN + 4);

	for (size_t i = 0; i < len && i < SHOWN_LEN; i++) {
		if (is_printable_ascii(s[i]))
			escaped[out++] = s[i];
		else
			out += sprintf(escaped + out, "\\x%02x", (unsigned char)s[i]);
	}
	strcpy(escaped + out, len > SHOWN_LEN ? "..." : "");
	return escaped;
}

bool starts_with(const char *s, const char *start)
{
	return !strncmp(s, start, strlen(start));
}

bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && !strcmp(s + n - m, end);
}
