// SPDX-License-Identifier: GPL-2.0
#include "build/kit.h"

#include "build/tool.h"
#include "util/file.h"
#include "util/memory.h"
#include "util/process.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

static bool is_folder(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

static struct error *read_line(const char *path, char **line)
{
	void *data;
	size_t size;

	TRY(file_read(path, CONFIG_MAX, &data, &size));
	*line = data;
	(*line)[strcspn(*line, "\n")] = '\0';
	return NULL;
}

/* The "6.1" of "6.1.0-56-cloud-amd64": Debian names the source package by it. */
static char *series_of(const char *release)
{
	const char *dot = strchr(release, '.');

	dot = dot ? strchr(dot + 1, '.') : NULL;
	return dot ? xstrndup(release, dot - release) : xstrdup(release);
}

/* The first of @a and @b that exists, or NULL; takes both over. */
static char *first_existing(char *a, char *b)
{
	if (file_exists(a)) {
		free(b);
		return a;
	}
	free(a);
	if (file_exists(b))
		return b;
	free(b);
	return NULL;
}

static struct error *from_folder(const char *name, struct kit *kit)
{
	_cleanup_free_ char *folder = NULL, *release = NULL, *version = NULL;

	if (is_folder(name)) {
		folder = xstrdup(name);
	} else {
		_cleanup_free_ char *cache = cache_dir();

		folder = xasprintf("%s/kernels/%s", cache, name);
	}
	release = path_join(folder, "release");
	if (!file_exists(release))
		return refuse("KIT-INCOMPLETE",
			      "%s is no kernel kit: it holds no file \"release\" (tools/kernel fetch makes one)",
			      folder);
	TRY(read_line(release, &kit->release));
	version = path_join(folder, "version");
	if (file_exists(version))
		TRY(read_line(version, &kit->version));
	kit->config = path_join(folder, "config");
	kit->headers = path_join(folder, "headers");
	kit->source = first_existing(path_join(folder, "source"), path_join(folder, "source.tar.xz"));
	return NULL;
}

static struct error *from_machine(struct kit *kit)
{
	_cleanup_free_ char *series = NULL;
	struct utsname uts;

	if (uname(&uts))
		return system_error(0, "the running kernel does not tell its release");
	kit->release = xstrdup(uts.release);
	kit->version = xstrdup(uts.version);
	series = series_of(uts.release);
	kit->config = xasprintf("/boot/config-%s", uts.release);
	kit->headers = xasprintf("/lib/modules/%s/build", uts.release);
	kit->source = first_existing(xasprintf("/usr/src/linux-source-%s", series),
				     xasprintf("/usr/src/linux-source-%s.tar.xz", series));
	return NULL;
}

static void override(char **path, const char *with)
{
	if (!with)
		return;
	free(*path);
	*path = realpath(with, NULL);
	if (!*path)
		*path = xstrdup(with);
}

static struct error *check_parts(const struct kit *kit)
{
	_cleanup_free_ char *series = series_of(kit->release);
	_cleanup_free_ char *symvers = path_join(kit->headers, "Module.symvers");

	if (!file_exists(kit->config))
		return refuse("KIT-INCOMPLETE",
			      "the configuration of kernel %s is missing: %s (package linux-image-%s, or --config)",
			      kit->release, kit->config, kit->release);
	if (!kit->source || !file_exists(kit->source))
		return refuse("KIT-INCOMPLETE",
			      "the source of kernel %s is missing%s%s (package linux-source-%s, or --source)",
			      kit->release, kit->source ? ": " : "", kit->source ? kit->source : "",
			      series);
	if (!file_exists(symvers))
		return refuse("KIT-INCOMPLETE",
			      "the headers of kernel %s are missing: %s (package linux-headers-%s, or --headers)",
			      kit->release, symvers, kit->release);
	return NULL;
}

/* CONFIG_CC_VERSION_TEXT="gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0" (init/Kconfig). */
static struct error *read_compiler(struct kit *kit)
{
	static const char key[] = "CONFIG_CC_VERSION_TEXT=\"";
	_cleanup_free_ void *data = NULL;
	size_t size;
	char *text, *end;

	TRY(file_read(kit->config, CONFIG_MAX, &data, &size));
	text = strstr(data, key);
	end = text ? strchr(text + sizeof(key) - 1, '"') : NULL;
	if (!end)
		return refuse("KIT-INCOMPLETE", "%s does not tell the kernel's compiler (%.*s)",
			      kit->config, (int)sizeof(key) - 3, key);
	text += sizeof(key) - 1;
	kit->compiler_text = xstrndup(text, end - text);
	kit->compiler = xstrndup(text, strcspn(kit->compiler_text, " "));
	return NULL;
}

/* "x86_64-linux-gnu-gcc-14" comes in the package gcc-14. */
static const char *compiler_package(const struct kit *kit)
{
	const char *gcc = strstr(kit->compiler, "gcc");

	return gcc ? gcc : kit->compiler;
}

static struct error *check_compiler(const struct kit *kit)
{
	const char *argv[] = { kit->compiler, "--version", NULL };
	const char *env[] = { "LC_ALL=C", NULL };
	struct process_options opts = { .argv = argv, .env_add = env, .merge_stderr = true };
	const char *where = kit->toolchain ? kit->toolchain : "this machine";
	_cleanup_free_ char *output = NULL;
	struct error *err;
	int status;

	err = tool_run(kit, &opts, &status, &output);
	/* Then it is bubblewrap that could not be run, not the compiler. */
	if (err && kit->toolchain)
		return err;
	if (err || status) {
		error_free(err);
		return refuse("COMPILER-MISSING",
			      "kernel %s was compiled with \"%s\", and %s is not installed%s%s (package %s; for a kernel of another release, --toolchain)%s%s",
			      kit->release, kit->compiler_text, kit->compiler, kit->toolchain ? " in " : "",
			      kit->toolchain ? kit->toolchain : "", compiler_package(kit),
			      output && *output ? ": " : "", output ? output : "");
	}
	output[strcspn(output, "\n")] = '\0';
	if (strcmp(output, kit->compiler_text))
		return refuse("COMPILER-MISMATCH",
			      "kernel %s was compiled with \"%s\", and %s has \"%s\" (install that version of package %s, or --toolchain for a kernel of another release)",
			      kit->release, kit->compiler_text, where, output, compiler_package(kit));
	return NULL;
}

struct error *kit_open(const struct kit_options *options, struct kit **out)
{
	struct kit *kit = xcalloc(1, sizeof(*kit));
	struct error *err;

	err = options->kernel ? from_folder(options->kernel, kit) : from_machine(kit);
	if (!err) {
		struct stat st;

		override(&kit->config, options->config);
		override(&kit->source, options->source);
		override(&kit->headers, options->headers);
		override(&kit->toolchain, options->toolchain);
		if (!kit->version)
			kit->version = xstrdup("");
		err = check_parts(kit);
		kit->source_is_tarball = kit->source && !stat(kit->source, &st) && S_ISREG(st.st_mode);
	}
	if (!err)
		err = read_compiler(kit);
	if (!err)
		err = check_compiler(kit);
	if (err) {
		kit_free(kit);
		return err;
	}
	*out = kit;
	return NULL;
}

void kit_free(struct kit *kit)
{
	if (!kit)
		return;
	free(kit->release);
	free(kit->version);
	free(kit->config);
	free(kit->source);
	free(kit->headers);
	free(kit->toolchain);
	free(kit->compiler);
	free(kit->compiler_text);
	free(kit);
}
