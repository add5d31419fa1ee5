#!/bin/sh
# What tools/test.sh does within the Debian 13 root: builds with its compiler, runs the matrix tile model on its software driver with the
# validation layer, and the lab's quick form beside it.
set -eu
cd "$(dirname "$0")/../.."
build=build/debian13
cmake -S . -B $build -G Ninja -DCMAKE_BUILD_TYPE=Release -DTESSERA_TESTS=ON -DTESSERA_WERROR=ON -DTESSERA_HOST_WIDE=OFF
cmake --build $build --target tessera_tool tessera_lab_variants tessera_lab_layer tessera_lab_opencl test_bfloat test_bfloat_device

matrix() {
    export VK_DRIVER_FILES=/usr/share/vulkan/icd.d/lvp_icd.json TESSERA_GOLDEN="$PWD/tests/golden"
    # Those that share kernels: a driver compiles each for seconds. `tessera conformance --filter '*/matrix/*'` runs all.
    for cases in 'attention/matrix/set.*' 'attention/matrix/tile*' 'decode/taesd-original/matrix' 'golden/taesd/matrix' 'flow/selected/tile64-causal'; do
        echo "lavapipe: $cases"
        tests/suite.sh $build/tessera vulkan ON --quiet --validate --filter "$cases" || return 1
    done
    for way in memory reduced; do # as if the driver's layout were of no known kind
        echo "lavapipe: attention/matrix/layout*, statistics by $way"
        TESSERA_MATRIX_LAYOUT=$way tests/suite.sh $build/tessera vulkan ON --quiet --validate --filter 'attention/matrix/layout*' || return 1
    done
    # Matrices of bf16: their SPIR-V, and what it computes, said in words that this driver knows.
    $build/tests/test_bfloat && $build/tests/test_bfloat_device
}
matrix >$build/matrix.log 2>&1 &
code=0
# One card of each kind of compiler; of Intel's two code generators one each, where root.sh found their compiler, which Debian 13 itself has not.
# tools/lab/lab.sh by itself takes all.
intel=$(! command -v ocloc >/dev/null || echo gen9 xehpg)
# shellcheck disable=SC2086
devices=$(printf " --device %s" vega10 navi31 gfx1201 ampere adreno740 gfx1100 $intel)
# shellcheck disable=SC2086
LAB_BUILD=$build tools/lab/lab.sh --require $devices || code=$?
wait $! || code=$?
cat $build/matrix.log
exit $code
