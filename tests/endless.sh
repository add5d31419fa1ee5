#!/bin/sh
# 2000 frames through pipes: frames leave while latents still come, and the process does not grow. endless.sh TESSERA DEMO
set -u
tessera=$(realpath "$1") demo=$(realpath "$2")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"; kill $decoder 2>/dev/null' EXIT
cd "$scratch" || exit 1
export TESSERA_DEVICE=host

fail() {
    echo "$*"
    exit 1
}
rate=4 height=3 width=5 latents=501
frame_bytes=$((3 * 8 * height * 8 * width)) latent_bytes=$((4 * 16 * height * width))
tail -c 221184 "$demo/latent.safetensors" >numbers # nine latents of other numbers than zero: some 57 frames of this size

mkfifo in out
"$tessera" decode --model "$demo/weights.safetensors" - -o - --raw-shape 16,$height,$width --pipe-format rgb24 -q <in >out 2>errors &
decoder=$!
cat out >frames &
exec 3>in
resident() { sed -n 's/^VmRSS:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$decoder/status"; }
# feed FIRST LAST: latents, each cut from another place
feed() {
    n=$1
    while [ "$n" -lt "$2" ]; do
        tail -c +$((4 * (n % 997) + 1)) numbers | head -c $latent_bytes >&3
        n=$((n + 1))
    done
}
# Waits until what LATENTS make has left: without any later one.
await() {
    bytes=$((frame_bytes * (rate * $1 - 3))) tries=0
    while [ "$(stat -c %s frames)" -lt $bytes ]; do
        kill -0 $decoder 2>/dev/null || fail "decode ended early: $(cat errors)"
        tries=$((tries + 1))
        [ $tries -lt 1200 ] || fail "$1 latents went in, $(stat -c %s frames) bytes came out; expected $bytes"
        sleep 0.05
    done
}
feed 0 1
await 1
feed 1 50
await 50
begin=$(resident)
feed 50 $latents
await $latents
end=$(resident)
exec 3>&-
wait $decoder || fail "decode failed: $(cat errors)"
[ "$(stat -c %s frames)" = $((frame_bytes * (rate * latents - 3))) ] || fail "$(stat -c %s frames) bytes of frames"
[ $((100 * (end - begin))) -le "$begin" ] || fail "the process grew from $begin to $end KiB within $((rate * (latents - 50))) frames"
echo "$((rate * latents - 3)) frames, $begin KiB held at first and $end KiB at the end"
