#!/bin/sh
# The benches against peers on one machine, as a page that can be kept: record.sh TESSERA FOLDER [PEER...]
# FOLDER/README.md gets date, commit, machine, and each command with its table; plots lie beside it. Peers: ggml torch-cpu torch-cuda; without
# any, those that run here; one that is named and does not run is an error. TESSERA_COMMIT says the commit where git is not.
set -eu
[ $# -gt 1 ] || { echo "usage: $0 TESSERA FOLDER [ggml|torch-cpu|torch-cuda]..." >&2; exit 2; }
tessera=$1 folder=$2 page=$2/README.md
shift 2
named=$# failed=0
[ $# -gt 0 ] || set -- ggml torch-cpu torch-cuda
mkdir -p "$folder"
cores=$(nproc) model=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
commit=${TESSERA_COMMIT:-$(git -C "$(dirname "$0")" describe --always --dirty 2>/dev/null || echo unknown)}
{
    echo "# $(date -u +%Y-%m-%d), commit $commit"
    echo
    echo "$cores cores of ${model:-an unnamed CPU}, $(. /etc/os-release && echo "$PRETTY_NAME"), $("$tessera" --version)."
    echo 'Ratio: how many times faster than the peer; medians of runs in turn, after warm-up.'
} >"$page"

# run TITLE PLOT ARGUMENT...: a bench and its table, where its peer can be had.
run() {
    title=$1 plot=$2 code=0
    shift 2
    echo "$title" >&2
    "$tessera" bench "$@" --quiet ${plot:+--plot "$folder/$plot.svg"} >"$folder/out" 2>"$folder/err" || code=$?
    [ $code != 130 ] || exit 130
    if [ $code = 2 ]; then
        echo "$title: left out: $(tail -n 1 "$folder/err")" | tee -a "$page" >&2
        [ "$named" = 0 ] || failed=1
    else
        [ $code = 0 ] || failed=1
        { printf '\n## %s\n\n    tessera bench' "$title"; printf ' %s' "$@"; printf '\n\n'; sed 's/^/    /' "$folder/out"; } >>"$page"
        [ $code = 0 ] || { printf '\nIt failed:\n\n'; sed 's/^/    /' "$folder/err"; } >>"$page"
        [ -z "$plot" ] || printf '\n![%s](%s.svg)\n' "$title" "$plot" >>"$page"
    fi
    rm -f "$folder/out" "$folder/err"
}

short="--shape 1,4,1024,1024,64 --shape 1,4,1024,1024,128" long="--shape 1,4,4096,4096,64 --shape 1,4,4096,4096,128"
cards="--dtype f16"
for tokens in 4096 8192 16384 32768; do
    for dim in 64 128; do cards="$cards --shape 1,16,$tokens,$tokens,$dim"; done
done
# shellcheck disable=SC2086 # shapes are several arguments
for peer in "$@"; do
    case $peer in
    ggml)
        run "Host and ggml's CPU backend" ggml-host attention --device host --peer ggml-cpu --runs 15 $short $long
        run "OpenCL and ggml's CPU backend" ggml-opencl attention --device opencl --peer ggml-cpu --runs 15 $short $long
        run "Vulkan and ggml's Vulkan backend" ggml-vulkan attention --device vulkan --peer ggml-vulkan $short
        ;;
    torch-cpu)
        for device in host opencl; do
            run "$device and PyTorch's scaled_dot_product_attention" sdpa-$device attention --device $device --peer torch-sdpa --runs 15 $short $long
            run "$device and FlexAttention" flex-$device attention --device $device --peer torch-flex --runs 9 $short $long
            run "$device and FlexAttention, a 3-D window of NATTEN" "" attention --device $device --peer torch-flex --runs 5 \
                --grid 21,30,52 --window 7,9,13 --shape 1,2,32760,32760,64
            run "$device and FlexAttention, a 2-D window of NATTEN" "" attention --device $device --peer torch-flex --runs 9 \
                --grid 64,64 --window 13,13 --shape 1,4,4096,4096,64
        done
        ;;
    torch-cuda)
        for device in vulkan opencl; do
            for kind in torch-flash torch-cudnn; do
                run "$device and $kind" $kind-$device attention --device $device --peer $kind --runs 9 $cards
                run "$device and $kind, causal" "" attention --device $device --peer $kind --runs 9 --causal $cards
            done
            run "$device and FlexAttention on CUDA, a 3-D window of NATTEN" "" attention --device $device --peer torch-flex-gpu --runs 9 \
                --dtype f16 --grid 21,30,52 --window 7,9,13 --shape 1,16,32760,32760,128
        done
        ;;
    *) echo "$0: peer '$peer': expected ggml, torch-cpu or torch-cuda" >&2; exit 2 ;;
    esac
done
run "Convolutions of decoders, host" "" conv --device host
run "Convolutions of decoders, OpenCL" "" conv --device opencl
echo "$page"
exit $failed
