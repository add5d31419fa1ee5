#!/bin/sh
# Builds and runs every test: units, the conformance suite on host, Vulkan and OpenCL with the validation layers,
# the demo, the installed package; then units, suite and demo on the host under the sanitizers.
set -eu
cd "$(dirname "$0")/.."
cmake --preset dev -DTESSERA_REQUIRE_DEVICES=ON
cmake --build build/dev
ctest --preset dev
cmake --preset asan -DTESSERA_REQUIRE_DEVICES=ON
cmake --build build/asan
ctest --preset asan
# Each backend can be switched off, and takes its header and calls along.
cmake --preset release -B build/bare -DTESSERA_VULKAN=OFF -DTESSERA_OPENCL=OFF -DTESSERA_WERROR=ON
cmake --build build/bare
build/bare/tessera devices
tests/install.sh build/bare "$PWD"
