#!/bin/busybox sh
# The guest's first process where a card is driven by VFIO: binds the card to vfio-pci, then runs
# `ironwarp` once for every line of /card/steps. What happens is told to the console in lines that
# begin with "guest:"; before each step it waits for a line on the console.
#
# A step that begins with "test" is for /card/test instead, which finds the card in CARD.
# In a step, the word CARD stands for the card's PCI function. A step that begins with "kill N" runs
# until it has said something and a line has come on the console, and N microseconds more; then it
# is killed (SIGKILL).
export PATH=/bin:/sbin:/usr/bin:/usr/sbin

say() { echo "guest: $*"; }
give_up() {
    say "failed: $*"
    /bin/busybox dmesg | /bin/busybox tail -n 30
    /bin/busybox poweroff -f
}

busybox() { /bin/busybox "$@"; }
loader="/card/lib/ld-linux-x86-64.so.2 --library-path /card/lib"
program="$loader /card/ironwarp"
ironwarp() { $program "$@"; }
# Runs `ironwarp` with the words behind the first, and kills it. Its status is that of the killed.
killed() {
    after=$1
    shift
    # Else what an earlier one has said would be taken for its.
    busybox rm -f /run/said
    $program "$@" >/run/said 2>&1 &
    process=$!
    until [ -s /run/said ]; do
        [ -d /proc/$process ] || break
        busybox usleep 1000
    done
    [ ! -s /run/said ] || say "works"
    read -r _
    busybox usleep "$after"
    kill -9 $process
    status=0
    wait $process || status=$?
    busybox head -n 3 /run/said
    return $status
}

busybox mkdir -p /proc /sys /dev /run
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
    case $step in
    "test "*) CARD=$card $loader /card/test ${step#test } ;;
    "kill "*) killed ${step#kill } ;;
    *) ironwarp $step ;;
    esac
    say "status $number $?"
    number=$((number + 1))
done 3</card/steps
ironwarp unbind "$card" || say "failed: the card cannot be given back"
busybox dmesg | busybox grep -E 'DMAR:.*fault|Oops|BUG: ' | while read -r line; do
    say "kernel: $line"
done
say "done"
busybox poweroff -f
