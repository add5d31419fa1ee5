#!/bin/sh
# Wan 2.1's decoder, ours in turn with diffusers and stable-diffusion.cpp: decode.sh TESSERA [FOLDER [OPTION...]]
# FOLDER keeps what is built and drawn, and gets decode.json; options go to decode.py. Peers that are not there are left out by name.
#   PYTHON   the Python that has numpy, PyTorch, safetensors and diffusers; default python3
#   SDCPP    stable-diffusion.cpp's source tree; pip: from the source package of stable-diffusion-cpp-python; default: none
#   GGML_VULKAN=ON   its Vulkan device too; CMAKE_ARGS go to its build
set -eu
[ $# -gt 0 ] || { echo "usage: $0 TESSERA [FOLDER [OPTION...]]" >&2; exit 2; }
tessera=$1 folder=${2:-} python=${PYTHON:-python3} sdcpp=${SDCPP:-}
shift $(($# > 1 ? 2 : 1))
here=$(cd "$(dirname "$0")" && pwd)
if [ -z "$folder" ]; then
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    trap 'exit 130' INT TERM
fi
mkdir -p "$folder"
"$python" -c 'import numpy' || { echo "$0: $python has no numpy, which draws the weights" >&2; exit 2; }

if [ "$sdcpp" = pip ]; then
    if ! ls -d "$folder"/stable_diffusion_cpp_python-*/vendor >/dev/null 2>&1; then
        "$python" -m pip download -q --no-deps --no-binary stable-diffusion-cpp-python -d "$folder" stable-diffusion-cpp-python
        tar -xzf "$folder"/stable_diffusion_cpp_python-*.tar.gz -C "$folder"
    fi
    sdcpp=$(echo "$folder"/stable_diffusion_cpp_python-*/vendor/stable-diffusion.cpp)
fi

# build NAME OPTION...: sdcpp_decode in FOLDER/NAME.
build() {
    name=$1
    shift
    # shellcheck disable=SC2086 # CMAKE_ARGS are several arguments
    if ! cmake -S "$here/sdcpp" -B "$folder/$name" -DSDCPP="$(cd "$sdcpp" && pwd)" -DGGML_NATIVE=ON "$@" ${CMAKE_ARGS:-} >"$folder/$name.log" 2>&1 ||
        ! cmake --build "$folder/$name" -j "$(nproc)" --target sdcpp_decode >>"$folder/$name.log" 2>&1; then
        echo "$name: left out: it does not build: $(grep -m1 -i 'error' "$folder/$name.log"); see $folder/$name.log"
        return 1
    fi
}
if [ -z "$sdcpp" ]; then
    echo "sdcpp: left out: SDCPP is not set"
else
    ! build sdcpp-cpu || set -- --sdcpp "$folder/sdcpp-cpu/sdcpp_decode" "$@"
    if [ "${GGML_VULKAN:-OFF}" = ON ]; then
        ! build sdcpp-vulkan -DGGML_VULKAN=ON || set -- --sdcpp-vulkan "$folder/sdcpp-vulkan/sdcpp_decode" "$@"
    else
        echo "sdcpp-vk: left out: GGML_VULKAN is not ON"
    fi
fi
"$python" "$here/decode.py" "$tessera" --weights "$folder/wan21.safetensors" --json "$folder/decode.json" "$@"
