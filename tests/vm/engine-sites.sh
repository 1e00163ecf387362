#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck source=tests/vm/engine/host.sh
. "$(dirname "$0")/engine/host.sh"
run_guest sites.sh
