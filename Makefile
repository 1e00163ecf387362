# SPDX-License-Identifier: GPL-2.0
# `make` builds build/kmend. See README.md for the other goals.

BUILD ?= build
CC ?= gcc
CFLAGS ?= -O2 -g
WARN := -Wall -Wextra -Werror -Wno-unused-parameter -Wmissing-prototypes -Wstrict-prototypes
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE -Isrc -Iinclude $(WARN) $(CFLAGS) $(SAN)
LIBS := -lelf -ldw -lZydis -larchive -lzstd -lsodium -ljansson

SRCS := $(sort $(shell find src -name '*.c'))
OBJS := $(SRCS:%.c=$(BUILD)/%.o)
LIB_OBJS := $(filter-out $(BUILD)/src/main.o,$(OBJS))

.PHONY: all check test demo clean
all: $(BUILD)/kmend

$(BUILD)/kmend: $(OBJS)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

# The engine's source travels in the program: it is built for each kernel at create time.
ENGINE_TAR := $(BUILD)/engine.tar
ENGINE_SRCS := $(sort $(wildcard engine/*.[ch] engine/arch/*/*.[ch] include/kmend/*.h)) engine/Kbuild
$(ENGINE_TAR): $(ENGINE_SRCS)
	@mkdir -p $(@D)
	tar --sort=name --mtime=@0 --owner=0 --group=0 --mode=0644 --numeric-owner -cf $@ $^
$(BUILD)/src/extract/module.o: $(ENGINE_TAR)
$(BUILD)/src/extract/module.o: ALL_CFLAGS += -DENGINE_TAR='"$(ENGINE_TAR)"'

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# Unit tests: each tests/unit/NAME.c is one cmocka program, built with ASan and UBSan.
UNIT_SRCS := $(sort $(wildcard tests/unit/*.c))
SAN_BUILD := $(BUILD)/san
SAN_FLAGS := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
UNIT_BINS := $(UNIT_SRCS:tests/unit/%.c=$(SAN_BUILD)/unit/%)

.PHONY: unit
ifeq ($(SAN),)
unit:
	$(MAKE) SAN="$(SAN_FLAGS)" BUILD=$(SAN_BUILD) unit
else
unit: $(UNIT_SRCS:tests/unit/%.c=$(BUILD)/unit/%)
	@set -e; for t in $^; do echo "== $$t"; $$t; done

$(BUILD)/unit/%: $(BUILD)/tests/unit/%.o $(LIB_OBJS)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS) -lcmocka
.SECONDARY:
endif

clean:
	rm -rf $(BUILD)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
