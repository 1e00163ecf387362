# SPDX-License-Identifier: GPL-2.0
#
# all      build/kmend (the default)
# check    what needs no kernel: unit tests under ASan and UBSan, shellcheck, documented refusals
# test     check, the fuzzers for a short time, and the tests under kernels in virtual machines
# builds   the engine compiled for the oldest and the newest kernels on offer, each with its own compiler, and the tests of
#          updates on a kernel of another release, as root
# torture  the engine under a kernel built for it that looks for mistakes: KASAN, lockdep, lost memory, failing allocations;
#          TORTURE_ROUNDS of apply and undo, 1000; failing allocations when a module loads, the last TORTURE_FAULTS, all
# fuzz     the fuzzers alone, for FUZZ_SECONDS each
# demo     a real fix on a stock kernel, before and after; as root it installs what it needs
# man      the man pages, where scdoc is
# install  the program, man pages, completion, units and documents, below DESTDIR and PREFIX
# deb      a Debian package, in build/deb
# clean    away with build/

BUILD ?= build
CC ?= gcc
CFLAGS ?= -O2 -g
WARN := -Wall -Wextra -Werror -Wno-unused-parameter -Wmissing-prototypes -Wstrict-prototypes
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE -Isrc -Iinclude $(WARN) $(CPPFLAGS) $(CFLAGS) $(SAN)
LIBS := -lelf -ldw -lZydis -larchive -lzstd -lsodium -ljansson -lcrypto -lseccomp

SRCS := $(sort $(shell find src -name '*.c'))
OBJS := $(SRCS:%.c=$(BUILD)/%.o)
LIB_OBJS := $(filter-out $(BUILD)/src/main.o,$(OBJS))

PREFIX ?= /usr/local
BINDIR = $(PREFIX)/bin
DOCDIR = $(PREFIX)/share/doc/kmend
MANDIR = $(PREFIX)/share/man/man8
UNITDIR = $(PREFIX)/lib/systemd/system
BASHDIR = $(PREFIX)/share/bash-completion/completions
ZSHDIR = $(PREFIX)/share/zsh/site-functions

.PHONY: all check test builds torture fuzz demo man install deb clean
all: $(BUILD)/kmend

check: unit-programs
	@tests/run lint unit

test: all unit-programs fuzz-programs
	@tests/run lint unit fuzz vm

builds:
	@tests/run builds

torture: all
	@tests/run torture

fuzz: fuzz-programs
	@tests/run fuzz

demo:
	@tools/demo

# Without scdoc, which only makes man pages of their source, there are none.
PAGES := $(if $(shell command -v scdoc),$(patsubst %.scd,$(BUILD)/%,$(wildcard man/*.scd)))
man: $(PAGES)
	@$(if $(PAGES),,echo "scdoc is not installed: no man pages")

$(BUILD)/man/%: man/%.scd
	@mkdir -p $(@D)
	scdoc <$< >$@.part && mv $@.part $@

install: all man
	install -d $(addprefix $(DESTDIR),$(BINDIR) $(DOCDIR)/examples $(MANDIR) $(UNITDIR) $(BASHDIR) $(ZSHDIR))
	install $(BUILD)/kmend $(DESTDIR)$(BINDIR)/
	install -m 0644 README.md LICENSE docs/*.md $(DESTDIR)$(DOCDIR)/
	install examples/motd $(DESTDIR)$(DOCDIR)/examples/
	$(if $(PAGES),install -m 0644 $(PAGES) $(DESTDIR)$(MANDIR)/)
	for unit in systemd/*; do \
		sed 's|/usr/bin/|$(BINDIR)/|' $$unit >$(DESTDIR)$(UNITDIR)/$${unit##*/} && \
		chmod 0644 $(DESTDIR)$(UNITDIR)/$${unit##*/} || exit; done
	install -m 0644 completion/kmend.bash $(DESTDIR)$(BASHDIR)/kmend
	install -m 0644 completion/_kmend $(DESTDIR)$(ZSHDIR)/

# In a copy, as Debian's tools leave their files in and beside the folder.
deb:
	rm -rf $(BUILD)/deb
	mkdir -p $(BUILD)/deb/kmend
	tar -cf - --exclude=./$(BUILD) --exclude=./.git . | tar -xf - -C $(BUILD)/deb/kmend
	cd $(BUILD)/deb/kmend && env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL dpkg-buildpackage -b -us -uc
	rm -rf $(BUILD)/deb/kmend

$(BUILD)/kmend: $(OBJS)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

# The engine's source travels in the program, and the headers for patches: they are compiled for each kernel.
SOURCE_TAR := $(BUILD)/source.tar
SOURCE_SRCS := $(sort $(wildcard engine/*.[ch] engine/arch/*/*.[ch] include/kmend/*.h)) engine/Kbuild
$(SOURCE_TAR): $(SOURCE_SRCS)
	@mkdir -p $(@D)
	tar --sort=name --mtime=@0 --owner=0 --group=0 --mode=0644 --numeric-owner -cf $@ $^
$(BUILD)/src/build/source.o: $(SOURCE_TAR)
$(BUILD)/src/build/source.o: ALL_CFLAGS += -DSOURCE_TAR='"$(SOURCE_TAR)"'

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# Unit tests: each tests/unit/NAME.c is one cmocka program, built with ASan and UBSan.
UNIT_SRCS := $(sort $(wildcard tests/unit/*.c))
SAN_BUILD := $(BUILD)/san
SAN_FLAGS := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
UNIT_BINS := $(UNIT_SRCS:tests/unit/%.c=$(SAN_BUILD)/unit/%)

.PHONY: unit unit-programs
unit: unit-programs
	@tests/run unit

ifeq ($(SAN),)
unit-programs:
	$(MAKE) SAN="$(SAN_FLAGS)" BUILD=$(SAN_BUILD) unit-programs
else
unit-programs: $(UNIT_SRCS:tests/unit/%.c=$(BUILD)/unit/%)

$(BUILD)/unit/%: $(BUILD)/tests/unit/%.o $(LIB_OBJS)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS) -lcmocka
.SECONDARY:
endif

# Fuzzers: each tests/fuzz/NAME.c becomes build/fuzz/NAME. They want clang with its libFuzzer; without, none is built.
FUZZ_SRCS := $(sort $(wildcard tests/fuzz/*.c))
FUZZ_BUILD := $(BUILD)/fuzzed
FUZZ_FLAGS := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
HAVE_FUZZER = $(shell echo 'int LLVMFuzzerTestOneInput(const char *d, unsigned long n) { return !d && n; }' | \
	clang -fsanitize=fuzzer,address,undefined -x c -o /dev/null - 2>/dev/null && echo yes)

.PHONY: fuzz-programs
ifeq ($(FUZZING),)
fuzz-programs:
	$(if $(HAVE_FUZZER),$(MAKE) FUZZING=y CC=clang SAN="$(FUZZ_FLAGS)" BUILD=$(FUZZ_BUILD) \
		OUT=$(BUILD)/fuzz fuzz-programs,@echo "no clang with libFuzzer: no fuzzers")
else
fuzz-programs: $(FUZZ_SRCS:tests/fuzz/%.c=$(OUT)/%)

$(OUT)/bind $(OUT)/match: LDFLAGS += -Wl,--wrap=live_read
$(OUT)/%: $(BUILD)/tests/fuzz/%.o $(LIB_OBJS)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -fsanitize=fuzzer $(LDFLAGS) -o $@ $^ $(LIBS)
endif

# Programs of benchmarks that use the program's own stages.
BENCH_SRCS := bench/objects.c bench/prove.c bench/mutate.c
.PHONY: bench-programs
bench-programs: $(BENCH_SRCS:%.c=$(BUILD)/%)

# That what neither of them links still compiles is seen by both.
check: $(FUZZ_SRCS:%.c=$(BUILD)/%.o)
check test: $(BENCH_SRCS:%.c=$(BUILD)/%.o)

$(BUILD)/bench/mutate: LDFLAGS += -Wl,--wrap=live_read
$(BUILD)/bench/%: $(BUILD)/bench/%.o $(LIB_OBJS)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

clean:
	rm -rf $(BUILD)

-include $(shell find $(BUILD) -name '*.d' -type f 2>/dev/null)
