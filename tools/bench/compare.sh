#!/bin/sh
# One table of ratios to ggml, as the speed goals name them: compare.sh TESSERA [FOLDER [OPTION...]]
# At least 2.5 x ggml-cpu on host and OpenCL, 1.5 x ggml-vulkan on Vulkan. FOLDER gets JSON and plots; options go to
# tessera bench. Exit code 1 if a ratio is below its goal or missing.
set -eu
[ $# -gt 0 ] || { echo "usage: $0 TESSERA [FOLDER [OPTION...]]" >&2; exit 2; }
tessera=$1 folder=${2:-}
shift $(($# > 1 ? 2 : 1))
[ -z "$folder" ] || mkdir -p "$folder"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM
long="--shape 1,4,4096,4096,64 --shape 1,4,4096,4096,128"
failed=0

# contest DEVICE PEER GOAL [SHAPES]: the rows of one device, each with its goal in front.
contest() {
    device=$1 peer=$2 goal=$3 shapes=${4:-} code=0
    shift $(($# > 3 ? 4 : 3))
    # shellcheck disable=SC2086 # the shapes are several arguments
    "$tessera" bench attention --quiet --device "$device" --peer "$peer" --shape 1,4,1024,1024,64 --shape 1,4,1024,1024,128 $shapes \
        ${folder:+--json "$folder/$device.json" --plot "$folder/$device.svg"} "$@" >"$scratch/out" || code=$?
    [ $code -lt 2 ] || exit $code
    awk -v goal="$goal" -v shown="$shown" '
        /^ *ratio / && !shown { print " goal" $0 }
        /^ *[0-9.]+ / || /^ *- / { printf "%5s%s\n", goal, $0; rows++; if ($1 + 0 < goal) low++ }
        /^WRONG|failed:/ { print }
        END { exit low > 0 || !rows }' "$scratch/out" || failed=1
    shown=1
}
shown=0
contest host ggml-cpu 2.5 "$long" "$@"
contest opencl ggml-cpu 2.5 "$long" "$@"
contest vulkan ggml-vulkan 1.5 "" "$@"
[ $failed = 0 ] && echo "every ratio reaches its goal" || echo "not every ratio reaches its goal"
exit $failed
