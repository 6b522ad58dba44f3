#!/bin/busybox sh
# The guest's first process: starts siw on the network card, runs rping, tells the console what
# came of it in lines that begin with "guest:", and powers off.
#
# From the kernel's command line, where words with "=" become its environment:
#   ADDRESS  its own, with prefix length, such as 10.0.0.1/24
#   PEER     the peer's, pinged before rping starts; a server has none
#   RPING    the arguments of rping
#   LIMIT    seconds that rping gets
export PATH=/bin:/sbin:/usr/bin:/usr/sbin

say() { echo "guest: $*"; }
give_up() {
    say "failed: $*"
    /bin/busybox dmesg | /bin/busybox tail -n 30
    /bin/busybox poweroff -f
}

/bin/busybox mkdir -p /proc /sys /dev /run /var/run
busybox() { /bin/busybox "$@"; }
busybox mount -t proc proc /proc
busybox mount -t sysfs sys /sys
busybox mount -t devtmpfs dev /dev
while read -r module; do
    busybox insmod "/lib/modules/$module" || give_up "no module $module"
done </lib/modules/order

# By their paths, since busybox has an ip of its own.
/bin/ip link set lo up
/bin/ip addr add "$ADDRESS" dev eth0 || give_up "no network card"
/bin/ip link set eth0 up
/bin/rdma link add siw0 type siw netdev eth0 || give_up "siw does not start"
say "up: $(busybox uname -r), siw on $ADDRESS"

# Its neighbour must answer before rdma_resolve_addr asks for it, which waits two seconds only.
if [ -n "${PEER:-}" ]; then
    tries=0
    until busybox ping -c 1 -W 1 "$PEER" >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ $tries -lt 60 ] || give_up "$PEER does not answer a ping"
    done
    say "reached $PEER"
fi

# shellcheck disable=SC2086  # several words
busybox timeout "$LIMIT" rping $RPING >/run/rping 2>/run/errors &
process=$!
if [ -z "${PEER:-}" ]; then
    # Port 7174, in state LISTEN.
    until busybox grep -q ':1C06 [0-9A-F:]* 0A' /proc/net/tcp; do
        [ -d /proc/$process ] || give_up "rping does not listen: $(busybox cat /run/errors)"
        busybox usleep 20000
    done
    say "listening"
fi
wait $process
say "status $?"
# Its exit status is 0 even when it failed, so the different pings that it printed are counted.
say "pings $(busybox grep -o 'ping data: rdma-ping-[0-9]*:' /run/rping | busybox sort -u |
    busybox wc -l)"
while read -r line; do
    say "rping: $line"
done </run/errors
busybox dmesg | busybox grep -E 'siw: |Oops|BUG: ' | busybox grep -v taint | while read -r line; do
    say "kernel: $line"
done
say "done"
busybox poweroff -f
