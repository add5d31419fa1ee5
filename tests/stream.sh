#!/bin/sh
# tessera stream as users meet it: every recipe, constant memory, saved state, given tensors, Ctrl-C, bad input. stream.sh TESSERA RECIPES
set -u
tessera=$(realpath "$1") recipes=$(realpath "$2") failed=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 1
export TESSERA_DEVICE=host

fail() {
    echo "$*"
    failed=1
}
# expect CODE WORDS COMMAND...: the exit code, and what it says.
expect() {
    code=$1 words=$2
    shift 2
    "$@" >out 2>&1
    got=$?
    if [ $got != "$code" ] || { [ -n "$words" ] && ! grep -qF -- "$words" out; }; then fail "$*: exit code $got, expected $code; '$words' expected in: $(cat out)"; fi
}
# number KEY: of the report in out
number() { sed -n "s/.*\"$1\":[[:space:]]*\([-0-9.e+]*\).*/\1/p" out; }

for recipe in "$recipes"/*.json; do
    expect 0 '"flatness"' "$tessera" stream -q "$recipe" --grid 2,2 --frames 2 --heads 2 --heads-kv 1 --dim 16 -n 60 --json
    [ "$(number chunks)" = 60 ] || fail "$recipe: $(number chunks) chunks"
    [ "$(number tokens_kept)" -le "$(number capacity)" ] || fail "$recipe: $(number tokens_kept) of $(number capacity) tokens"
    # What the process holds may move by what an allocator keeps, not by what streams through: 60 chunks of 4 KiB and more.
    grown=$(($(number process_bytes_end) - $(number process_bytes_full)))
    [ $grown -lt 200000 ] || fail "$recipe: the process grew by $grown bytes"
done

recipe=$recipes/reward_forcing.json
small="--heads 2 --heads-kv 2 --dim 8 -q"
expect 0 "" "$tessera" stream "$recipe" $small -n 20 --save whole.safetensors
expect 0 "" "$tessera" stream "$recipe" $small -n 8 --save half.safetensors
expect 0 "" "$tessera" stream "$recipe" $small -n 12 --load half.safetensors --save both.safetensors
cmp -s whole.safetensors both.safetensors || fail "a stream that was saved half-way ends in another state"
expect 2 "another description" "$tessera" stream "$recipes/longlive.json" $small -n 1 --load half.safetensors
head -c 1000 half.safetensors >short.safetensors
expect 2 "short.safetensors" "$tessera" stream "$recipe" $small -n 1 --load short.safetensors

header='{"q":{"dtype":"F32","shape":[1,2,6,4],"data_offsets":[0,192]},"k":{"dtype":"F32","shape":[1,1,6,4],"data_offsets":[192,288]},"v":{"dtype":"F32","shape":[1,1,6,4],"data_offsets":[288,384]}}'
{
    printf "\\$(printf %o ${#header})\\0\\0\\0\\0\\0\\0\\0%s" "$header"
    head -c 384 /dev/zero
} >given.safetensors
expect 0 '"tokens_appended":' "$tessera" stream "$recipe" -q -i given.safetensors -n 30 --json
expect 2 "'given.safetensors' to save to is an input" "$tessera" stream "$recipe" -q -i given.safetensors -n 1 --save given.safetensors
expect 2 "the file has 6 tokens; expected at least a chunk of 16" "$tessera" stream "$recipe" -q -i given.safetensors -n 1 --grid 4,4

"$tessera" stream "$recipe" $small -n 0 --json --save end.safetensors >out 2>&1 &
sleep 0.5
kill -INT $!
wait $! || fail "interrupted: exit code $?, $(cat out)"
grep -q '"interrupted":.*true' out || fail "interrupted: $(cat out)"
expect 0 "" "$tessera" stream "$recipe" $small -n 1 --load end.safetensors

expect 2 "expected one recipe" "$tessera" stream
expect 2 "recipe 'none.json' is neither a file" "$tessera" stream none.json
expect 0 "" "$tessera" stream longlive $small -n 1 # by its name
echo '{"kinds": [{"sinks": 4}]}' >wrong.json
expect 2 "kinds.sinks is unknown" "$tessera" stream wrong.json
expect 2 "argument --dim is 1" "$tessera" stream "$recipe" --dim 1
expect 2 "argument --grid is '4x4'" "$tessera" stream "$recipe" --grid 4x4
expect 2 "argument --dtype is 'f8'" "$tessera" stream "$recipe" --dtype f8
expect 2 "at most the 6 that its window holds" "$tessera" stream "$recipe" --frames 7
expect 2 "available" "$tessera" stream "$recipe" --budget 10K
exit $failed
