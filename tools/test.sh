#!/bin/sh
# Builds and runs every test: units, the conformance suite on host, Vulkan and OpenCL with the validation layers,
# the demo, the installed package; units, suite and demo on the host under the sanitizers; and, in a Debian 13 root, the matrix tile model
# on a newer software driver and the vendor lab.
# TESSERA_REQUIRE_DEVICES=OFF: what this machine cannot do is skipped, by name.
set -eu
cd "$(dirname "$0")/.."
require=${TESSERA_REQUIRE_DEVICES:-ON}
mkdir -p build
tools/lab/root.sh >build/root.log 2>&1 & # made while the compiler is at work
root=$! sanitizers=""
trap 'kill $root $sanitizers 2>/dev/null || true' EXIT

cmake --preset dev -DTESSERA_REQUIRE_DEVICES="$require"
cmake --build build/dev
ctest --preset dev
cmake --preset asan -DTESSERA_REQUIRE_DEVICES="$require"
cmake --build build/asan

# Beside what follows.
ctest --preset asan >build/asan.log 2>&1 &
sanitizers=$!
# Each backend can be switched off, and takes its header and calls along; so can the host's wide vectors.
cmake --preset release -B build/bare -DTESSERA_VULKAN=OFF -DTESSERA_OPENCL=OFF -DTESSERA_HOST_WIDE=OFF -DTESSERA_WERROR=ON
cmake --build build/bare
build/bare/tessera devices
tests/install.sh build/bare "$PWD"

code=0
wait $root || code=$?
if [ $code = 0 ]; then
    tools/lab/root.sh tools/lab/check.sh
elif [ $code = 77 ] && [ "$require" = OFF ]; then
    echo "matrix tile model on lavapipe, vendor lab: skipped: $(cat build/root.log)"
else
    cat build/root.log >&2
    exit 1
fi

code=0
wait $sanitizers || code=$?
trap - EXIT
cat build/asan.log
exit $code
