#!/bin/sh
# Runs a command where the newest software drivers and the compilers of real cards are: in a Debian 13 root with backports, which is made
# where there is none yet, or on this machine where it is that itself.
#   tools/lab/root.sh COMMAND [ARGUMENT...]   in the source tree, at the path it has outside; exit code 77: no root can be made here
#   tools/lab/root.sh                         makes the root alone and prints where it is
# TESSERA_ROOT13 names the folder of the root; without it: one in the user's cache folder.
set -eu
root=${TESSERA_ROOT13:-${XDG_CACHE_HOME:-$HOME/.cache}/tessera/debian13}
tree=$(cd "$(dirname "$0")/../.." && pwd)

build="gcc libc6-dev libstdc++-14-dev cmake ninja-build pkg-config python3 glslang-tools glslang-dev spirv-tools libvulkan-dev libvulkan-volk-dev opencl-headers libcjson-dev libcmocka-dev libpng-dev libpopt-dev"
drivers="mesa-vulkan-drivers mesa-drm-shim vulkan-validationlayers pocl-opencl-icd"
compilers="clang-19 libclc-19"
elsewhere="intel-opencl-icd libggml-dev libggml0-backend-vulkan" # Debian 12 alone has the first, backports the others

here() {
    grep -q '^VERSION_CODENAME=trixie' /etc/os-release && dpkg-query -W -f='${Version}' mesa-vulkan-drivers 2>/dev/null | grep -q bpo || return 1
    for package in $build $drivers $compilers; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || return 1
    done
}

cannot() {
    echo "$0: no Debian 13 root can be made here: $1" >&2
    exit 77
}

# The Debian mirror of this machine's own package sources.
mirror() {
    name=$(. /etc/os-release && echo "$VERSION_CODENAME")
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
        awk -v name="$name" '$2 == name && $3 == "main" { print $1; exit }'
}

preferences() {
    for package in 'src:mesa 990 trixie-backports' 'src:ggml 990 trixie-backports' '* 50 bookworm'; do
        set -f
        set -- $package
        set +f
        printf 'Package: %s\nPin: release n=%s\nPin-Priority: %s\n\n' "$1" "$3" "$2"
    done
}

make_root() {
    command -v mmdebstrap >/dev/null || [ "$(id -u)" != 0 ] || "$tree/tools/setup.sh" --lab >&2
    command -v mmdebstrap >/dev/null || cannot "mmdebstrap is missing (tools/setup.sh --lab installs it)"
    from=$(mirror)
    [ -n "$from" ] || cannot "the package sources of this machine name no Debian mirror"
    $inner rm -rf "$root.part"
    preferences >"$root.pref"
    mmdebstrap --quiet --variant=apt --include="$(echo $build $drivers $compilers $elsewhere | tr ' ' ',')" \
        --aptopt='Acquire::Languages "none"' --dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' --setup-hook="copy-in '$root.pref' /etc/apt/preferences.d" \
        trixie "$root.part" "deb $from trixie main" "deb $from trixie-backports main" "deb $from bookworm main" >&2
    rm "$root.pref"
    mkdir -p "$root"
    $inner rm -rf "$root"
    mv "$root.part" "$root"
    echo "$stamp" >"$root.stamp"
}

if here; then
    [ $# -gt 0 ] || exec echo /
    exec "$@"
fi

# Mounts of a name space of its own go with the last process in it.
command -v unshare >/dev/null || cannot "unshare is missing"
inner=
[ "$(id -u)" = 0 ] || inner="unshare --user --map-auto --map-root-user"
$inner unshare --mount true 2>/dev/null || cannot "neither root nor allowed to have name spaces of its own (unshare --map-auto)"

mkdir -p "$(dirname "$root")"
stamp=$(cksum <"$0")
exec 9>"$root.lock"
flock 9
[ "$(cat "$root.stamp" 2>/dev/null)" = "$stamp" ] || make_root
flock -u 9
exec 9>&-
[ $# -gt 0 ] || exec echo "$root"

exec $inner unshare --mount --propagation private sh -c '
    root=$1 tree=$2
    shift 2
    for folder in /proc /sys /dev; do mount --rbind $folder "$root$folder"; done
    mount -t tmpfs none "$root/tmp"
    mkdir -p "$root$tree"
    mount --bind "$tree" "$root$tree"
    exec env -u LD_LIBRARY_PATH -u LD_PRELOAD HOME=/root XDG_CACHE_HOME=/root/.cache PATH=/usr/sbin:/usr/bin:/sbin:/bin \
        chroot "$root" sh -c "cd \"\$0\" && exec \"\$@\"" "$tree" "$@"' sh "$root" "$tree" "$@"
