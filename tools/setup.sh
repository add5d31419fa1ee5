#!/bin/sh
# Installs what Tessera needs on Debian 12 or 13, builds it, and decodes the demo.
#   tools/setup.sh          all of it
#   tools/setup.sh --deps   the packages alone
#   tools/setup.sh --lab    what tools/lab/root.sh needs besides
set -eu
cd "$(dirname "$0")/.."

build="gcc libc6-dev make cmake ninja-build pkg-config glslang-tools glslang-dev spirv-tools libvulkan-dev libvulkan-volk-dev opencl-headers libcjson-dev libpng-dev libpopt-dev libavformat-dev libavcodec-dev libavutil-dev libcmocka-dev g++ binutils"
run="libvulkan1 mesa-vulkan-drivers vulkan-validationlayers ocl-icd-libopencl1 pocl-opencl-icd"
[ "${1:-}" != --lab ] || build="mmdebstrap uidmap util-linux" run=""

missing=""
for package in $build $run; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
if [ -n "$missing" ]; then
    sudo=""
    [ "$(id -u)" = 0 ] || sudo=sudo
    export DEBIAN_FRONTEND=noninteractive
    $sudo apt-get update -q
    # shellcheck disable=SC2086
    $sudo apt-get install -q -y --no-install-recommends $missing
fi
case ${1:-} in --deps | --lab) exit 0 ;; esac

cmake --preset release
cmake --build build/release
build/release/tessera devices
build/release/tessera decode --model tests/data/demo/weights.safetensors tests/data/demo/latent.safetensors \
    -o demo.mp4 -o demo.y4m -o demo.png
echo "The demo: demo.mp4 (and demo.y4m), demo.png"
