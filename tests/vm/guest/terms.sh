#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What a pack's makers say of its use.

# shellcheck source=tests/vm/guest/common.sh
. ./common.sh
seventh=$(id_of seventh)
text_save vmlinux
refused "apply: a key that nobody trusts" SIGNATURE-UNKNOWN-KEY "*" kmend apply -q seventh.kmend
works "trust" "*" kmend key trust maker.pub
refused "verify: expired" PACK-EXPIRED "*2020-01-31*" kmend verify -q expired.kmend
refused "apply: expired" PACK-EXPIRED "*2020-01-31*" kmend apply -q expired.kmend
clean "expired"
works "apply the seventh" "$seventh: applied *" kmend apply -q seventh.kmend
refused "apply: the sixth after it" SERIAL-OLD "*fixes*" kmend apply -q sixth.kmend
works "undo the seventh" "$seventh: undone, *" kmend undo -q "$seventh"
refused "apply: the sixth, also after its undo" SERIAL-OLD "*fixes*" kmend apply -q sixth.kmend
works "apply the seventh again" "$seventh: applied *" kmend apply -q seventh.kmend
cp list forged
cp list.minisig forged.minisig
echo >>forged
refused "a list that was changed" SIGNATURE-INVALID "*" kmend withdraw forged
works "withdraw" "*" kmend withdraw list
kmend status --json >/tmp/status
show status /tmp/status
works "undo what was withdrawn" "$seventh: undone, *" kmend undo -q "$seventh"
refused "apply: withdrawn" PACK-WITHDRAWN "*" kmend apply -q seventh.kmend
clean "withdrawn"
text_same "terms" vmlinux
finish
