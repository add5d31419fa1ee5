#!/bin/sh
# Builds and runs every test: units, the conformance suite on host, Vulkan and OpenCL with the validation layers,
# the demo, the installed package; units, suite and demo on the host under the sanitizers; then, in a Debian 13 root, the matrix tile model
# on a newer software driver and the vendor lab.
# TESSERA_REQUIRE_DEVICES=OFF: what this machine cannot do is skipped, by name.
set -eu
cd "$(dirname "$0")/.."
require=${TESSERA_REQUIRE_DEVICES:-ON}
mkdir -p build
tools/lab/root.sh >build/root.log 2>&1 & # made while the compiler is at work
root=$!
trap 'kill $root 2>/dev/null || true' EXIT

cmake --preset dev -DTESSERA_REQUIRE_DEVICES="$require"
cmake --build build/dev
ctest --preset dev
cmake --preset asan -DTESSERA_REQUIRE_DEVICES="$require"
cmake --build build/asan
ctest --preset asan
# Each backend can be switched off, and takes its header and calls along; so can the host's wide vectors.
cmake --preset release -B build/bare -DTESSERA_VULKAN=OFF -DTESSERA_OPENCL=OFF -DTESSERA_HOST_WIDE=OFF -DTESSERA_WERROR=ON
cmake --build build/bare
build/bare/tessera devices
tests/install.sh build/bare "$PWD"

code=0
wait $root || code=$?
trap - EXIT
if [ $code = 0 ]; then
    tools/lab/root.sh tools/lab/check.sh
else
    cat build/root.log
    [ $code = 77 ] && [ "$require" = OFF ]
    echo "matrix tile model on lavapipe, vendor lab: skipped"
fi
