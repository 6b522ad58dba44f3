#!/bin/sh
# Makes the Linux guest that serves as a peer: Debian's kernel with siw, and rdma-core's rping.
#
#   make.sh FOLDER     leaves FOLDER/vmlinuz, FOLDER/initramfs and FOLDER/busybox; at once if they
#                      are up to date
#
# Everything comes from the machine's own apt sources by `apt-get download`; nothing is installed
# and root is not needed. Debian ships no siw, so it is built from Debian's kernel source.
#
# Exit status: 0 made; 77 it cannot be made on this machine (the reason is printed); 1 it failed.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
[ $# -eq 1 ] || { echo "usage: make.sh FOLDER" >&2; exit 1; }
mkdir -p "$1"
folder=$(CDPATH='' cd -- "$1" && pwd)

say() { printf 'guest: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }
cannot() { say "cannot be made here: $*"; exit 77; }

# What the guest gets: the programs of these packages, and these modules with what they need.
programs="rdmacm-utils ibverbs-utils ibverbs-providers iproute2"
modules="virtio_pci virtio_net siw rdma_ucm ib_uverbs vfio-pci vfio_iommu_type1"

# Up to date: made by these scripts. Deleting FOLDER fetches newer packages.
stamp=$(cat "$here/make.sh" "$here/init.sh" | sha256sum | cut -d' ' -f1)
if [ "$(cat "$folder/stamp" 2>/dev/null)" = "$stamp" ]; then
    exit 0
fi

# ---- What this machine offers

for tool in apt-get apt-cache dpkg-deb; do
    command -v $tool >/dev/null || cannot "it has no $tool; Debian's packages are needed"
done
architecture=$(dpkg --print-architecture)
[ "$architecture" = amd64 ] || cannot "the guest is amd64, and its siw is built on $architecture"
for tool in make gcc xz tar gzip; do
    command -v $tool >/dev/null || cannot "please install $tool, to build siw"
done

# One reading of apt's lists: each package of "$@" and all below, a line "package needed ...".
depends() {
    apt-cache depends -i --recurse "$@" 2>/dev/null | awk '
        /^[^ ]/ { printf "%s%s", separator, $1; separator = "\n" }
        $1 == "Depends:" { printf " %s", $2 }
        END { print "" }'
}

kernel=$(depends linux-image-cloud-amd64 linux-headers-cloud-amd64)
image=$(echo "$kernel" | sed -n 's/^linux-image-cloud-amd64 //p')
headers=$(echo "$kernel" | sed -n 's/^linux-headers-cloud-amd64 //p')
[ -n "$image" ] && [ -n "$headers" ] ||
    cannot "apt knows no linux-image-cloud-amd64 (Debian's; try apt-get update)"
release=${image#linux-image-}
[ "$headers" = "linux-headers-$release" ] || cannot "apt offers $image but $headers"
source=linux-source-$(echo "$release" | cut -d. -f1-2)

# ---- Fetch

# Out of the lines of `depends`: "$1" and what they need, as far as the names match "$2".
closure() {
    awk -v wanted="$1" -v pattern="$2" '
        { for (i = 2; i <= NF; i++) if ($i ~ pattern) needs[$1] = needs[$1] " " $i }
        END {
            while (split(wanted, names, " ") > 0) {
                wanted = ""
                for (i in names) if (!seen[names[i]]++) {
                    print names[i]
                    wanted = wanted needs[names[i]]
                }
            }
        }'
}

# Fetches packages into the cache, unless they are there, and prints their files.
fetch() {
    # Asked in an empty folder: apt-get names only what it does not find.
    list=$(cd "$empty" && apt-get download --print-uris "$@" 2>"$folder/apt.log") ||
        cannot "$(head -n 1 "$folder/apt.log")"
    (cd "$packages" && apt-get -q download "$@" >"$folder/apt.log" 2>&1) ||
        cannot "apt-get could not fetch all packages: see $folder/apt.log"
    echo "$list" | awk -v folder="$packages" '{ print folder "/" $2 }'
}

packages=$folder/packages
empty=$folder/build
rm -rf "$empty" "$folder/stamp"
mkdir -p "$packages" "$empty"
say "fetching Debian's packages (about 180 MB)"
build_packages=$(echo "$kernel" | closure "$headers" '^linux-')
# shellcheck disable=SC2086  # a list
guest_packages=$(depends $programs | closure "$programs" '^(lib|zlib)')
kernel_debs=$(fetch "$image")
source_deb=$(fetch "$source")
# shellcheck disable=SC2086
build_debs=$(fetch $build_packages)
# shellcheck disable=SC2086
guest_debs=$(fetch busybox-static $guest_packages)

# ---- Unpack

build=$folder/build
mkdir -p "$build/headers" "$build/kernel"
say "unpacking"
for deb in $build_debs; do
    dpkg-deb -x "$deb" "$build/headers"
done
for deb in $kernel_debs; do
    dpkg-deb -x "$deb" "$build/kernel"
done

# A system whose /bin, /sbin and /lib are in /usr, whichever way the packages have it.
root=$build/root
for name in bin sbin lib lib64; do
    mkdir -p "$root/usr/$name"
    ln -s "usr/$name" "$root/$name"
done
for deb in $guest_debs; do
    dpkg-deb --fsys-tarfile "$deb" | tar -x -k --keep-directory-symlink -C "$root" \
        --exclude './usr/share' --exclude '*/gconv' --exclude '*/perl*' --exclude './lib/udev'
done

# ---- Build siw

# The headers' packages find each other by where they would be installed.
kernel_headers=$build/headers/usr/src/$headers
sed -i "s|/usr/src/|$build/headers/usr/src/|" "$kernel_headers/Makefile"
say "unpacking siw from $source"
dpkg-deb --fsys-tarfile "$source_deb" |
    tar -x -O --wildcards './usr/src/linux-source-*.tar.xz' |
    tar -x -J -C "$build" --strip-components=1 --wildcards '*/drivers/infiniband/sw/siw/*' ||
    fail "$source has no siw"
say "building siw for $release"
make -s -C "$kernel_headers" M="$build/drivers/infiniband/sw/siw" CONFIG_RDMA_SIW=m modules \
    >"$folder/siw.log" 2>&1 || fail "siw does not build: see $folder/siw.log"

# ---- Put the guest together

library=$build/kernel/lib/modules
[ -d "$library" ] || library=$build/kernel/usr/lib/modules
mkdir -p "$library/$release/extra"
cp "$build/drivers/infiniband/sw/siw/siw.ko" "$library/$release/extra/"
busybox=$root/usr/bin/busybox
"$busybox" depmod -b "${library%/lib/modules}" "$release"

# A module and, before it, the modules that it needs, as modules.dep has them.
needed() {
    awk -v wanted="$1.ko" '
        { path = $1; sub(/:$/, "", path); name = path; sub(/.*\//, "", name) }
        name == wanted || name == wanted ".xz" {
            for (i = NF; i > 1; i--) print $i
            print path
        }' "$library/$release/modules.dep"
}

target=$root/usr/lib/modules
mkdir -p "$target"
for module in $modules; do
    found=$(needed "$module")
    [ -n "$found" ] || fail "$release has no module $module"
    for path in $found; do
        name=$(basename "$path")
        [ -e "$target/$name" ] || { cp "$library/$release/$path" "$target/"; echo "$name"; }
    done
done >"$build/order"
mv "$build/order" "$target/order"

cp "$here/init.sh" "$root/init"
chmod 755 "$root/init"
(cd "$root" && find . | "$busybox" cpio -o -H newc 2>/dev/null) | gzip -1 >"$folder/initramfs"
cp "$build/kernel/boot/vmlinuz-$release" "$folder/vmlinuz"
cp "$busybox" "$folder/busybox"
rdma=$(dpkg-deb -f "$packages"/rdmacm-utils_*.deb Version | tail -n 1)
echo "$release, siw from $source $(dpkg-deb -f "$source_deb" Version), rdma-core $rdma" \
    >"$folder/about"
rm -rf "$build"
echo "$stamp" >"$folder/stamp"
say "made: $(cat "$folder/about")"
