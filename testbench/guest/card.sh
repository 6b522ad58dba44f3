#!/bin/sh
# Makes what the guest needs to drive a card by VFIO, beside what make.sh made.
#
#   card.sh FOLDER PROGRAM STEPS FILE...    writes an initramfs to standard output
#
# FOLDER is make.sh's. PROGRAM is `ironwarp`, which goes there with the libraries that it needs.
# STEPS is a file with a line of arguments for each time that it is to run; the other files lie
# beside it in the guest, in /card.
set -eu

[ $# -ge 3 ] || { echo "usage: card.sh FOLDER PROGRAM STEPS FILE..." >&2; exit 1; }
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
folder=$1
program=$2
steps=$3
shift 3

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root/card/lib"
cp "$here/card-init.sh" "$root/card/init"
chmod 755 "$root/card/init"
cp "$steps" "$root/card/steps"
[ $# -eq 0 ] || cp "$@" "$root/card/"
cp "$program" "$root/card/ironwarp"
# The guest's own libraries may be older than those of this machine.
ldd "$program" | awk '{ for (i = 1; i <= NF; i++) if ($i ~ /^\//) print $i }' |
    while read -r library; do
        cp -L "$library" "$root/card/lib/"
    done
for program in "$root/card/ironwarp" "$root/card/test"; do
    [ ! -e "$program" ] || strip "$program" 2>/dev/null || true
done
cat "$folder/initramfs"
(cd "$root" && find card | "$folder/busybox" cpio -o -H newc 2>/dev/null) | gzip -1
