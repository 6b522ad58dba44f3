#!/bin/busybox sh
# The guest's first process where a card is driven by VFIO: binds the card to vfio-pci, then runs
# `ironwarp` once for every line of /card/steps. What happens is told to the console in lines that
# begin with "guest:"; before each step it waits for a line on the console.
#
# In a step, the word CARD stands for the card's PCI function.
export PATH=/bin:/sbin:/usr/bin:/usr/sbin

say() { echo "guest: $*"; }
give_up() {
    say "failed: $*"
    /bin/busybox dmesg | /bin/busybox tail -n 30
    /bin/busybox poweroff -f
}

busybox() { /bin/busybox "$@"; }
ironwarp() { /card/lib/ld-linux-x86-64.so.2 --library-path /card/lib /card/ironwarp "$@"; }

busybox mkdir -p /proc /sys /dev
busybox mount -t proc proc /proc
busybox mount -t sysfs sys /sys
busybox mount -t devtmpfs dev /dev
busybox stty -F /dev/console -echo
while read -r module; do
    busybox insmod "/lib/modules/$module" || give_up "no module $module"
done </lib/modules/order
say "up: $(busybox uname -r)"

ironwarp devices
card=$(ironwarp devices | busybox head -n 1 | busybox cut -d ' ' -f 1)
[ -n "$card" ] || give_up "there is no card"
ironwarp bind "$card" || give_up "the card cannot be bound"
say "interfaces: $(busybox ls /dev/vfio /dev/iommu 2>/dev/null | busybox tr '\n' ' ')"

cd /card || give_up "there is no /card"
number=0
while read -r step <&3; do
    say "step $number"
    read -r _
    step=$(echo "$step" | busybox sed "s/CARD/$card/")
    # shellcheck disable=SC2086  # several words
    ironwarp $step
    say "status $number $?"
    number=$((number + 1))
done 3</card/steps
ironwarp unbind "$card" || say "failed: the card cannot be given back"
busybox dmesg | busybox grep -E 'DMAR:.*fault|Oops|BUG: ' | while read -r line; do
    say "kernel: $line"
done
say "done"
busybox poweroff -f
