#!/bin/sh
# The OpenCL devices of the lab: opencl.sh [DEVICE]..., for lab.sh, which sets build, out, quick and require.
# opencl.sh --one DEVICE: one of them.
set -eu
intel="gen9 xelp xehpg xehpc" amd="gfx906 gfx1030 gfx1100 gfx1200"
if [ "${1:-}" != --one ]; then
    cmake --build "$build" --target tessera_lab_opencl
    for device in ${@:-$intel $amd}; do
        case " $intel $amd " in *" $device "*) echo "$device" ;; esac
    done | xargs -r -P "$(nproc)" -n 1 "$0" --one
    exit
fi

device=$2
case " $intel " in *" $device "*) compiler=ocloc ;; *) compiler=clang-19 ;; esac
if ! command -v $compiler >/dev/null; then
    echo "$device: skipped: $compiler is not here"
    [ -z "$require" ]
    exit
fi
mkdir -p "$out/$device"
# Failures are rows of the table; also a program that a driver ended.
code=0
# shellcheck disable=SC2086
TESSERA_LAB_CARD=$device TESSERA_LAB="$out/$device" LD_LIBRARY_PATH="$build/lab/opencl" timeout 900 "$build/lab/tessera-lab-variants" $quick \
    --recipes tools/recipes opencl >"$out/$device/variants.jsonl" 2>"$out/$device/log" || code=$?
if ! tail -n 1 "$out/$device/variants.jsonl" | grep -q '"variant": "all"'; then
    echo "{\"variant\": \"all\", \"error\": \"the program ended with code $code behind the variant before this line\"}" >>"$out/$device/variants.jsonl"
    tail -n 5 "$out/$device/log"
fi
python3 -B tools/lab/opencl.py "$device" "$out/$device" "$out/$device/variants.jsonl" >"$out/$device.rows.jsonl"
echo "$device: $(wc -l <"$out/$device.rows.jsonl") kernels"
