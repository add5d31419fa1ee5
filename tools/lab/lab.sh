#!/bin/sh
# The vendor lab: builds every kernel as users get it with the compilers of real cards, none of which need be there, and prints one table.
#   tools/lab/lab.sh [--full] [--accept] [--require] [--device NAME]...
# --full: all variants, not those of CI alone; --accept: all variants, and their numbers become those of table.tsv; --require: a device whose
# driver is not here is an error. On Debian 13: mesa-vulkan-drivers and mesa-drm-shim of its backports.
set -eu
cd "$(dirname "$0")/../.."
quick=--quick full="" accept="" require="" devices=""
while [ $# -gt 0 ]; do
    case $1 in
    --full) quick="" full=--full ;;
    --accept) quick="" full=--full accept=--accept ;;
    --require) require=1 ;;
    --device) devices="$devices $2" && shift ;;
    *) echo "usage: tools/lab/lab.sh [--full] [--accept] [--require] [--device NAME]..." >&2 && exit 2 ;;
    esac
    shift
done

build=${LAB_BUILD:-build/lab}
[ -f "$build/build.ninja" ] || cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DTESSERA_TESTS=OFF
cmake --build "$build" --target tessera_lab_variants tessera_lab_layer
out=$build/lab/out
rm -rf "$out"
mkdir -p "$out"

export build out quick require
# shellcheck disable=SC2086
tools/lab/vulkan.sh --list $devices | xargs -P "$(nproc)" -n 1 tools/lab/vulkan.sh || [ -z "$require" ]
[ ! -x tools/lab/opencl.sh ] || tools/lab/opencl.sh $devices
# shellcheck disable=SC2086
exec python3 tools/lab/table.py $full $accept --tsv "$out/table.tsv" "$out"/*.rows.jsonl
