#!/bin/sh
# decode and encode as users meet them: what latents are taken for, bad input, pipes, and what stays after an interrupt or on a full disk.
# decode.sh TESSERA DEMO
self=$(realpath "$0")
. "$(dirname "$0")/expect.sh"
decode="$tessera decode -q $model"
latents=221184 # bytes of the demo's, [1,16,9,16,24]
frame=73728    # bytes of one frame, 192x128

# make FILE NAME SHAPE BYTES: a safetensors file with the demo's numbers under another name and shape.
make() {
    header="{\"$2\":{\"dtype\":\"F32\",\"shape\":[$3],\"data_offsets\":[0,$4]}}"
    printf "\\$(printf %o $((${#header} % 256)))\\$(printf %o $((${#header} / 256)))\\0\\0\\0\\0\\0\\0%s" "$header" >"$1"
    tail -c "$4" latent.safetensors >>"$1"
}
# alike FILE FILE
alike() { cmp -s "$1" "$2" || { echo "$1 differs from $2"; failed=1; }; }
# bytes FILE N
bytes() { [ "$(wc -c <"$1")" = "$2" ] || { echo "$1 has $(wc -c <"$1") bytes; expected $2"; failed=1; }; }
gone() { [ ! -e "$1" ] || { echo "$1 was written"; failed=1; }; }

cp "$demo/latent.safetensors" latent.safetensors
cp "$demo/weights.safetensors" weights.safetensors
tail -c $latents latent.safetensors >latent.raw

# Bad arguments.
expect 2 "device 'host:1' is not there" $decode latent.safetensors -o a.y4m -d host:1
expect 2 "device 'host:7', which TESSERA_DEVICE names, is not there" env TESSERA_DEVICE=host:7 $decode latent.safetensors -o a.y4m
expect 2 "'latent.safetensors' is an input" $decode latent.safetensors -o latent.safetensors
expect 2 "'weights.safetensors' is an input" "$tessera" decode --model weights.safetensors latent.safetensors -o weights.safetensors
expect 2 "'a.y4m' is given twice" $decode latent.safetensors -o a.y4m -o a.y4m
expect 2 "No such file" $decode latent.safetensors -o there/is/none.y4m
expect 2 "unknown ending" $decode latent.safetensors -o a.gif
expect 2 "--precision is 'fp8'; expected auto, fp32 or fp16" $decode latent.safetensors -o a.y4m --precision fp8
expect 2 "--tiling is 'on'; expected exact or blended" $decode latent.safetensors -o a.y4m --tiling on
expect 2 "--tile goes with --tiling blended" $decode latent.safetensors -o a.y4m --tile 8
expect 2 "--memory-limit is 'much'" $decode latent.safetensors -o a.y4m --memory-limit much
expect 2 "--family is 'wan9'; expected" $decode latent.safetensors -o a.y4m --family wan9
expect 2 "--latents-space is 'odd'; expected normalized or raw" $decode latent.safetensors -o a.y4m --latents-space odd
expect 2 "--layout is 'cthx'" $decode latent.safetensors -o a.y4m --layout cthx
expect 2 "--chroma is 422; expected 420 or 444" $decode latent.safetensors -o a.y4m --chroma 422
expect 2 "--crf is 52; expected 0 to 51" $decode latent.safetensors -o a.y4m --crf 52
expect 2 "--fps is 1001" $decode latent.safetensors -o a.y4m --fps 1001
expect 2 "--pipe-format is 'avi'; expected y4m or rgb24" $decode latent.safetensors -o - --pipe-format avi
expect 2 "both write to standard output" $decode latent.safetensors -o - --json
expect 2 "expected one %d or %04d" $decode latent.safetensors -o %d%d.png
expect 2 "expected --model W, one latent" $decode -o a.y4m
expect 2 "--size is '9,16'" $decode --plan --size 9,16

# Bad files.
head -c 1000 weights.safetensors >short.safetensors
expect 2 "short.safetensors" "$tessera" decode --model short.safetensors latent.safetensors -o a.y4m
expect 2 "no family" "$tessera" decode --model latent.safetensors latent.safetensors -o a.y4m
make twelve.safetensors latent 12,9,16,24 165888
expect 2 "has shape [12,9,16,24]; the model wants 16 channels (cthw would be 12 channels, tchw would be 9 channels)" $decode twelve.safetensors -o a.y4m
make zero.safetensors latent 16,0,16,24 0
expect 2 "of shape [16,0,16,24] is empty; expected at least one frame" $decode zero.safetensors -o a.y4m
make clips.safetensors latent 3,16,3,16,24 $latents
expect 2 "has 3 clips (read as cthw); expected one, or --clip 1 to 3" $decode clips.safetensors -o a.y4m
expect 2 "argument --clip is 4; expected 1 to 3, as many clips as tensor 'latent' of" $decode clips.safetensors --clip 4 -o a.y4m
expect 2 "expected --tensor NAME" $decode weights.safetensors -o a.y4m
make nan.safetensors latent 16,9,16,24 $latents
printf '\0\0\300\177' | dd of=nan.safetensors bs=1 seek=$(($(wc -c <nan.safetensors) - 4)) conv=notrunc 2>/dev/null
expect 2 "latent frame 8 has nan; expected finite numbers" $decode nan.safetensors -o a.y4m
expect 2 "has 221184 bytes; --raw-shape 16,9,16,23 in f32 needs 211968" $decode latent.raw -o a.y4m --raw-shape 16,9,16,23
expect 2 "--raw-dtype is given without --raw-shape" $decode latent.safetensors -o a.y4m --raw-dtype f16
expect 2 "--raw-dtype is 'f8'" $decode latent.raw -o a.y4m --raw-shape 16,9,16,24 --raw-dtype f8
make packed.safetensors latent 1,3456,16 $latents
expect 2 "packed latents need --grid" $decode packed.safetensors -o a.y4m
expect 2 "--grid 9,16,23 goes with [N,C] of 3312 tokens" $decode packed.safetensors -o a.y4m --grid 9,16,23
make cube.safetensors latent 16,16,8,16 131072
expect 2 "can be read as cthw and as tchw; expected --layout cthw or --layout tchw" $decode cube.safetensors -o a.y4m
gone a.y4m

# What files are taken for.
expect 0 "" $decode latent.safetensors -o a.y4m -o a.rgb -o a.safetensors --json
says out '"latents_space":	"normalized"'
says out '"layout":	"cthw"'
says out '"frames":	33,'
bytes a.rgb $((33 * frame))
expect 0 "" $decode nan.safetensors -o nan.rgb --allow-nan
cmp -s a.rgb nan.rgb && { echo "--allow-nan changes nothing"; failed=1; }
printf "\223NUMPY\1\0v\0%-117s\n" "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 16, 9, 16, 24), }" | cat - latent.raw >latent.npy
expect 0 "" $decode latent.npy -o b.rgb
alike a.rgb b.rgb
expect 0 "" $decode latent.raw -o b.rgb --raw-shape 16,9,16,24
alike a.rgb b.rgb
expect 0 "" $decode clips.safetensors -o b.rgb --clip 2
bytes b.rgb $((9 * frame))
make comfy.safetensors latent_tensor 1,16,9,16,24 $latents
expect 0 "" $decode comfy.safetensors -o b.rgb --json
says out '"latents_space":	"raw"'
make cache.safetensors latents_16x8x16_float32 16,16,8,16 131072
expect 0 "" $decode cache.safetensors -o cache.rgb
expect 0 "" $decode cube.safetensors -o b.rgb --layout cthw
alike cache.rgb b.rgb
expect 0 "" $decode cube.safetensors -o b.rgb --layout tchw
cmp -s cache.rgb b.rgb && { echo "--layout changes nothing"; failed=1; }
expect 0 "" $decode packed.safetensors -o b.rgb --grid 9,16,24
bytes b.rgb $((33 * frame))

# Streams give the bits of files; they end with a whole frame.
expect 0 "" $decode latent.raw -o file.y4m --raw-shape 9,16,16,24 --layout tchw
(cat latent.raw | $decode - --raw-shape 16,16,24 -o - >stream.y4m) || failed=1
alike file.y4m stream.y4m
{ echo "TESSERA-LATENTS C16 H16 W24 Df32 Snormalized" && cat latent.raw; } >stream.raw
(cat stream.raw | $decode - -o - --pipe-format rgb24 >stream.rgb) || failed=1
bytes stream.rgb $((33 * frame))
mkfifo in out.y4m
timeout 60 cat stream.raw >in &
timeout 60 cat out.y4m >fifo.y4m &
expect 0 "" timeout 60 $decode in -o out.y4m
wait
alike file.y4m fifo.y4m
cut_short() { head -c 60000 stream.raw | $decode - -o cut.y4m; }
expect 2 "ends within latent frame 2" cut_short
says err "the frames written until then play as 'cut.part.y4m'"
bytes cut.part.y4m $(($(head -1 file.y4m | wc -c) + 5 * (frame + 6)))
gone cut.y4m
no_header() { cat latent.raw | $decode - -o -; }
expect 2 "does not begin with 'TESSERA-LATENTS '" no_header
wrong_channels() { cat latent.raw | $decode - --raw-shape 12,16,32 -o -; }
expect 2 "standard input has 12 channels; the model wants 16" wrong_channels
read_little() { cat stream.raw | "$tessera" decode $model - -o - | head -c 100000 >little; }
expect 0 "its reader went away" read_little
bytes little 100000

# What would be allocated, and the layers; nothing is written.
expect 0 "" $decode latent.safetensors --plan --json
says out '"device_bytes":	'
expect 0 "" $decode --plan --size 9,16,24
says out "33 frames"
expect 0 "" $decode --explain --size 9,16,24
says out "TFLOP"

# Within a limit the frames are the same; below what can be done it says what can.
expect 0 "" $decode latent.safetensors -o b.rgb --memory-limit 6M --json
alike a.rgb b.rgb
cp out limited.json
expect 0 "" $decode latent.safetensors --memory-limit 6M --plan --json
[ "$(grep '"device_bytes"' out)" = "$(grep '"device_bytes"' limited.json)" ] || { echo "planned: $(cat out), allocated: $(cat limited.json)"; failed=1; }
expect 2 "the limit is 1048576" $decode latent.safetensors -o b.rgb --memory-limit 1M

# A full disk: what was written plays, under a name of its own. An older file is left alone.
expect 1 "output '/dev/full': No space left on device" $decode latent.safetensors -o /dev/full --pipe-format rgb24
echo old >limited.y4m
limited() {
    ulimit -f 1000 # blocks of 512 bytes
    $decode latent.safetensors -o limited.y4m
}
expect 1 "the frames written until then play as 'limited.part.y4m'" sh -c "$(sed -n '/^limited() {/,/^}/p' "$self"); decode='$decode'; limited"
same limited.y4m old
size=$(($(wc -c <limited.part.y4m) - $(head -1 limited.part.y4m | wc -c)))
[ $size -gt 0 ] && [ $((size % (frame + 6))) = 0 ] || { echo "limited.part.y4m has part of a frame: $size bytes"; failed=1; }
# A container that cannot hold the size is refused before anything is decoded.
if $decode latent.safetensors -o probe.mp4 2>/dev/null; then
    head -c 134400 latent.raw >wide.raw
    expect 2 "holds at most 16384x16384; the frames are 16800x8" $decode wide.raw --raw-shape 16,1,1,2100 -o wide.mp4
    gone wide.mp4
fi
mkdir small
full_disk() {
    mount -t tmpfs -o size=2400k tmpfs small 2>/dev/null || return 77
    for i in 1 2 3 4 5 6 7 8 9 10; do cat latent.raw; done | $decode - --raw-shape 16,16,24 --crf 0 -o small/a.mp4 2>small.err
    cp small/a.part.mp4 .
    ls -A small >small.list
}
if [ -e probe.mp4 ] && unshare -rm true 2>/dev/null; then
    unshare -rm sh -c "$(sed -n '/^full_disk() {/,/^}/p' "$self"); decode='$decode'; full_disk"
    if [ $? != 77 ]; then
        says small.err "play as 'small/a.part.mp4'"
        same small.list a.part.mp4
        grep -aq moov a.part.mp4 || { echo "a.part.mp4 has no index"; failed=1; }
    fi
fi

# An interrupt that comes before the end leaves an older series as it was.
echo old >0000.png
echo old >0001.png
$decode latent.safetensors -o %04d.png 2>err &
sleep 0.1
kill -INT $! 2>/dev/null
wait $!
case $? in
130) same 0000.png old && same 0001.png old ;;
0) ;; # it was done before
*) echo "interrupted: $(cat err)"; failed=1 ;;
esac
ls -A | grep -q '^\.tmp' && { echo "left behind: $(ls -A)"; failed=1; }
# A stream that is interrupted ends there, and its file is whole.
mkfifo endless
(while cat latent.raw; do :; done) >endless 2>/dev/null &
timeout --preserve-status -s INT 1 $decode endless --raw-shape 16,16,24 -o stream.y4m 2>err
[ $? = 130 ] && [ -s stream.y4m ] && [ ! -e stream.part.y4m ] || { echo "an interrupted stream: $(ls stream*) $(cat err)"; failed=1; }
expect 0 "" $decode latent.safetensors -o f%d.png -o a.png
[ "$(ls f*.png | wc -l)" = 33 ] || { echo "expected 33 frames: $(ls)"; failed=1; }

# Frames back to latents.
encode="$tessera encode -q $model"
expect 2 "expected --model W, frames and -o" $encode f%d.png
expect 2 "'a.y4m' is an input" $encode a.y4m -o a.y4m
expect 2 "no frame 0 or 1 is there" $encode none%d.png -o e.safetensors
expect 2 "No such file" $encode none.y4m -o e.safetensors
expect 2 "is no YUV4MPEG2 stream" $encode - -o e.safetensors </dev/null
expect 2 "no [T,3,H,W] or [3,H,W]" $encode latent.safetensors -o e.safetensors
gone e.safetensors
for frames in a.y4m f%d.png a.safetensors; do
    expect 0 "" $encode $frames -o e.safetensors --json
    says out '"latents":	9,'
    head -c 100 e.safetensors >head
    says head '"shape":[1,16,9,16,24]'
done
expect 0 "" $encode a.safetensors -o raw.safetensors --latents-space raw
expect 0 "" $decode raw.safetensors -o b.rgb --json
says out '"latents_space":	"raw"'
expect 0 "" $decode e.safetensors -o c.rgb
[ "$(cmp -l b.rgb c.rgb | wc -l)" -lt $((frame / 10)) ] || { echo "raw and normalized latents do not decode to the same"; failed=1; }
head -c $((12 + $(head -1 a.y4m | wc -c) + frame)) a.y4m >cut.y4m
expect 2 "ends within frame 1: 0 of" $encode cut.y4m -o e.safetensors
exit $failed
