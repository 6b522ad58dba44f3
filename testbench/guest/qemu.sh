#!/bin/sh
# Finds or fetches a QEMU that can plug in a device of another process (vfio-user-pci, QEMU 10.1).
#
#   qemu.sh FOLDER     leaves FOLDER/qemu, a program that takes QEMU's arguments
#
# The machine's own QEMU is used if it is new enough. Otherwise Debian's newer one, from the suite
# below, is unpacked into FOLDER with all its libraries; nothing is installed and root is not
# needed.
#
# Exit status: 0 it is there; 77 it cannot be had on this machine (the reason is printed).
set -eu

[ $# -eq 1 ] || { echo "usage: qemu.sh FOLDER" >&2; exit 1; }
mkdir -p "$1"
folder=$(CDPATH='' cd -- "$1" && pwd)
suite=trixie
newer=trixie-backports

say() { printf 'guest: %s\n' "$*" >&2; }
cannot() { say "no QEMU with vfio-user-pci: $*"; exit 77; }

# Whether the QEMU "$1" has the device.
has_device() { "$1" -device help 2>/dev/null | grep -q '"vfio-user-pci"'; }

if [ -x "$folder/qemu" ] && has_device "$folder/qemu"; then
    exit 0
fi
own=$(command -v qemu-system-x86_64 || true)
if [ -n "$own" ] && has_device "$own"; then
    ln -sf "$own" "$folder/qemu"
    exit 0
fi

for tool in apt-get dpkg-deb; do
    command -v $tool >/dev/null || cannot "it is Debian's, and this machine has no $tool"
done
[ "$(dpkg --print-architecture)" = amd64 ] || cannot "the package is for amd64"

# Where this machine gets Debian's packages.
mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Origin: Debian' \
    2>/dev/null | grep -v security | head -n 1)
[ -n "$mirror" ] || cannot "apt has no source of Debian's packages (try apt-get update)"

# An apt that knows nothing of this machine's packages, and changes none.
state=$folder/apt
rm -rf "$state" "$folder/system" "$folder/qemu"
mkdir -p "$state/lists/partial" "$state/archives/partial"
: >"$state/status"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
for name in $suite $newer; do
    echo "deb [arch=amd64 signed-by=$keyring] $mirror $name main"
done >"$state/sources.list"
apt() {
    apt-get -q -y -o Dir::State::lists="$state/lists" -o Dir::State::status="$state/status" \
        -o Dir::Cache="$state" -o Dir::Cache::archives="$state/archives" \
        -o Dir::Etc::sourcelist="$state/sources.list" -o Dir::Etc::sourceparts=/dev/null \
        -o Dir::Etc::preferencesparts=/dev/null -o APT::Architecture=amd64 \
        -o APT::Architectures=amd64 -o Debug::NoLocking=1 -o APT::Sandbox::User= "$@"
}
say "fetching QEMU and its libraries from $newer (about 50 MB)"
apt update >"$state/log" 2>&1 || cannot "$suite's lists cannot be fetched: see $state/log"
apt install --download-only --no-install-recommends -t $newer qemu-system-x86 >>"$state/log" 2>&1 ||
    cannot "its packages cannot be fetched: see $state/log"

system=$folder/system
mkdir -p "$system/usr/lib" "$system/usr/bin"
for name in bin lib lib64 sbin; do
    mkdir -p "$system/usr/$name"
    ln -s "usr/$name" "$system/$name"
done
for deb in "$state"/archives/*.deb; do
    dpkg-deb --fsys-tarfile "$deb" | tar -x --keep-directory-symlink -C "$system" \
        --exclude './usr/share/doc' --exclude './usr/share/locale' --exclude './usr/share/man'
done
rm -rf "$state/archives" "$state/lists"

# With the loader and the libraries that it was built for.
library=$system/usr/lib/x86_64-linux-gnu
cat >"$folder/qemu" <<END
#!/bin/sh
export QEMU_MODULE_DIR=$library/qemu
exec $library/ld-linux-x86-64.so.2 --library-path $library:$library/pulseaudio \\
    $system/usr/bin/qemu-system-x86_64 -L $system/usr/share/qemu -L $system/usr/share/seabios "\$@"
END
chmod 755 "$folder/qemu"
has_device "$folder/qemu" || cannot "$newer's has none, or does not run: try $folder/qemu --version"
say "made: $("$folder/qemu" --version | head -n 1)"
