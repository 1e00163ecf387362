#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Enrolls the machine's key as shim does once its owner has agreed: in the UEFI variable that the kernel reads at boot
# (security/integrity/platform_certs/load_uefi.c). Its form is that of UEFI 2.10, 32.4.1 (EFI_SIGNATURE_LIST).

variable=/sys/firmware/efi/efivars/MokListRT-605dab50-e046-4300-abb6-3dd810dd8b23

# le32 NUMBER
le32()
{
	for shift in 0 8 16 24; do
		# shellcheck disable=SC2059 # an escape is meant
		printf "\\$(printf %03o $(($1 >> shift & 255)))"
	done
}

size=$(wc -c <enrolled.crt)
modprobe efivarfs
mount -t efivarfs efivarfs /sys/firmware/efi/efivars || exit 1
{
	le32 7                                                                   # kept, for boot services and at run time
	printf '\241\131\300\245\344\224\247\112\207\265\253\025\134\053\360\162' # EFI_CERT_X509_GUID
	le32 $((16 + 12 + 16 + size))                                            # SignatureListSize
	le32 0                                                                   # SignatureHeaderSize
	le32 $((16 + size))                                                      # SignatureSize
	printf '\120\253\135\140\106\340\000\103\253\266\075\330\020\335\213\043' # SignatureOwner
	cat enrolled.crt
} >/tmp/variable
# One write makes the variable; dd gives it as one.
dd if=/tmp/variable of="$variable" bs=64k 2>/dev/null
