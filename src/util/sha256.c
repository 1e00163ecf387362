// SPDX-License-Identifier: GPL-2.0
#include "util/sha256.h"
#include "util/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

void sha256(const void *data, size_t size, uint8_t out[SHA256_SIZE])
{
	crypto_hash_sha256(out, data, size);
}

void sha256_begin(struct sha256 *s)
{
	crypto_hash_sha256_init(&s->state);
}

void sha256_add(struct sha256 *s, const void *data, size_t size)
{
	crypto_hash_sha256_update(&s->state, data, size);
}

void sha256_end(struct sha256 *s, uint8_t out[SHA256_SIZE])
{
	crypto_hash_sha256_final(&s->state, out);
}

struct error *sha256_file(const char *path, uint8_t out[SHA256_SIZE])
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char buffer[65536];
	struct sha256 s;
	ssize_t n;

	if (fd < 0)
		return system_error(errno, "cannot open %s", path);
	sha256_begin(&s);
	while ((n = read(fd, buffer, sizeof(buffer)))) {
		if (n > 0)
			sha256_add(&s, buffer, n);
		else if (errno != EINTR)
			return system_error(errno, "cannot read %s", path);
	}
	sha256_end(&s, out);
	return NULL;
}

void hex_encode(const void *data, size_t size, char *out)
{
	sodium_bin2hex(out, 2 * size + 1, data, size);
}

bool hex_decode(const char *hex, void *out, size_t size)
{
	size_t read;

	return strlen(hex) == 2 * size &&
	       !sodium_hex2bin(out, size, hex, 2 * size, NULL, &read, NULL) && read == size;
}
