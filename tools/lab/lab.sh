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

python3 -B tools/lab/test_lab.py -q
build=${LAB_BUILD:-build/lab}
[ -f "$build/build.ninja" ] || cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DTESSERA_TESTS=OFF -DTESSERA_HOST_WIDE=OFF
targets="tessera_lab_variants tessera_lab_layer"
! ninja -C "$build" -t query tessera-peer-ggml >/dev/null 2>&1 || targets="$targets tessera_peer_ggml" # where ggml is
# shellcheck disable=SC2086
cmake --build "$build" --target $targets
out=$build/lab/out
rm -rf "$out"
mkdir -p "$out"

export build out quick require
# shellcheck disable=SC2086
tools/lab/vulkan.sh --list $devices | xargs -r -P "$(nproc)" -n 1 tools/lab/vulkan.sh || [ -z "$require" ]
[ ! -x tools/lab/opencl.sh ] || tools/lab/opencl.sh $devices
# shellcheck disable=SC2086
exec python3 -B tools/lab/table.py $full $accept --tsv "$out/table.tsv" --plot "$out/ggml.svg" "$out"/*.rows.jsonl
