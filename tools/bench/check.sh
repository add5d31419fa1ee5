#!/bin/sh
# Tests tessera bench: peers that are missing, right, wrong, silent, dead or talk nonsense, and the arithmetic of windows.
# check.sh TESSERA CHECK_WINDOWS
set -eu
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cp "$1" "$scratch/tessera"
cp "$2" "$scratch/check_windows"
cd "$scratch"
export TESSERA_DEVICE=host
failures=0

# expect NAME CODE TEXT ARGUMENT...: tessera bench ends with the code and says the text.
expect() {
    name=$1 code=$2 text=$3 got=0
    shift 3
    ./tessera bench "$@" >out 2>&1 || got=$?
    if [ "$got" != "$code" ] || ! grep -qF -- "$text" out; then
        echo "$name: exit code $got, expected $code and '$text'; it said:"
        cat out
        failures=$((failures + 1))
    fi
}

contest() {
    name=$1 code=$2 text=$3
    shift 3
    expect "$name" "$code" "$text" attention --peer ggml-cpu --shape 1,1,1,1,16 --runs 2 "$@"
}

# fake BEHAVIOUR: a peer that greets and answers as it should but for the commands that it is given. One key: o is v.
fake() {
    cat >tessera-peer-ggml <<END
#!/bin/sh
greeting='ok 0.0	a fake' problem='ok f32 0.001' run='ok 0.5' output='dd if=/proc/self/fd/3 of=/proc/self/fd/3 bs=64 skip=2 seek=3 count=1 conv=notrunc status=none'
$1
echo "\$greeting"
while read -r order rest; do
    case \$order in
    problem) echo "\$problem" ;;
    run) \${does:-:}; echo "\$run" ;;
    output) \$output; echo ok ;;
    esac
done
END
    chmod +x tessera-peer-ggml
}

contest "missing program" 2 tessera-peer-ggml
expect "auto leaves out what is missing" 0 "left out" attention --peer auto --shape 1,1,1,1,16 --runs 1

fake ""
contest "right" 0 "a fake" --json right.json
grep -q '"ratio_ours_to_peer":	[1-9]' right.json || { echo "right: no ratio in the JSON"; failures=$((failures + 1)); }
fake "output=:"
contest "output not written" 1 "WRONG: ggml-cpu" --json wrong.json --plot wrong.svg
grep -q '"ratio_ours_to_peer":	null' wrong.json || { echo "wrong: a ratio in the JSON"; failures=$((failures + 1)); }
grep -q 'wrong result' wrong.svg || { echo "wrong: the plot does not say so"; failures=$((failures + 1)); }
fake "output='dd if=/dev/zero of=/proc/self/fd/3 bs=64 seek=3 count=1 conv=notrunc status=none'"
contest "zeros" 1 "WRONG: ggml-cpu"

fake "greeting='error ggml has no cpu device here'"
contest "no device" 2 "ggml has no cpu device here"
fake "greeting=hello"
contest "odd greeting" 2 "not understood: 'hello'"
fake "exit 3"
contest "dead at once" 2 "it ended with status 3"
fake "problem='error flash attention of this shape is not supported'"
contest "unsupported" 1 "ggml-cpu failed: flash attention of this shape is not supported"
fake "problem='ok f32 soon'"
contest "odd problem" 1 "ggml-cpu failed: its answer is not understood"
fake "run='ok fast'"
contest "odd time" 1 "ggml-cpu failed: its answer is not understood"
fake "run='ok -1'"
contest "negative time" 1 "ggml-cpu failed: its answer is not understood"
fake "does='exit 7'"
contest "dead in a run" 1 "ggml-cpu failed: it ended with status 7" --json dead.json
grep -q '"failure":	"it ended with status 7"' dead.json || { echo "dead: not in the JSON"; failures=$((failures + 1)); }
fake "does='eval kill -SEGV \$\$'"
contest "crash in a run" 1 "ggml-cpu failed: it ended by signal 11"
fake "does='exec sleep 60'"
contest "silent" 1 "no answer in time" --peer-wait 1
fake "does='exec yes'"
contest "rubbish" 1 "ggml-cpu failed: its answer is not understood: 'y'"
fake "does='exec cat /dev/zero'"
contest "no end" 1 "ggml-cpu failed: its answer has no end"

# Ctrl-C while a peer is silent: soon over, no file, no process.
fake "echo \$\$ >pid; does='exec sleep 60'"
./tessera bench attention --peer ggml-cpu --shape 1,1,1,1,16 --json ended.json --plot ended.svg >out 2>&1 &
child=$!
for i in $(seq 100); do [ ! -s pid ] || break; sleep 0.1; done
sleep 0.5
kill -INT $child
code=0
wait $child || code=$?
[ "$code" = 130 ] || { echo "interrupted: exit code $code, expected 130"; failures=$((failures + 1)); }
for file in ended.* .*tmp* *tmp*; do [ ! -e "$file" ] || { echo "interrupted: left $file"; failures=$((failures + 1)); }; done
if kill -0 "$(cat pid)" 2>/dev/null; then echo "interrupted: the peer lives on"; failures=$((failures + 1)); fi

# Windows: the usual cases, and windows of one's own; sizes as small as they come.
windows() {
    name=$1
    shift
    expect "$name" 0 "time/dense" windows --seconds 1e-9 --runs 2 --json windows.json "$@"
    ./check_windows windows.json >out 2>&1 || { echo "$name:"; cat out; failures=$((failures + 1)); }
}
windows "usual windows" --head-dim 16 --plot windows.svg
for family in '"1-D"' '"1-D causal"' '"grid"' '"fitted"' '"natten"'; do
    grep -q "\"family\":	$family" windows.json || { echo "usual windows: no $family"; failures=$((failures + 1)); }
done
[ "$(grep -c '<line.*stroke-width="2"' windows.svg)" = 7 ] || { echo "windows.svg: expected lines through 3, 3, 3 and 2 points"; failures=$((failures + 1)); }
windows "own line" --grid 300 --window 17 --head-dim 8
windows "shares of a grid" --grid 7,12,9 --head-dim 8
windows "own window" --grid 6,10,13 --window 3,4,5 --stride 1,2,3 --dilation 2,1,2 --causal --heads 2 --head-dim 24 --dtype f16
cat >two.json <<END
{"name": "two", "grid": [4, 6, 5], "text_after": 3, "heads": [
    {"heads": "even", "set": {"union": [{"neighborhood": {"window": [3, 3, 3]}}, {"text": {}}]}},
    {"heads": "odd", "set": {"frames": {"causal": true}}}]}
END
windows "recipe" --recipe two.json --head-dim 16 --heads 2
expect "recipe by another grid" 0 "recipe two, 143x143" windows --recipe two.json --head-dim 16 --runs 1 --grid 4,7,5
expect "recipe and window" 2 "expected one of them" windows --recipe two.json --grid 8 --window 3
expect "no recipe" 2 "neither a file" windows --recipe none.json
echo '{"set": {"window": {"left": 3, "right": 0}}}' >free.json
expect "recipe without tokens" 2 "--tokens N" windows --recipe free.json
expect "recipe with tokens" 0 "recipe free.json, 70x70" windows --recipe free.json --tokens 70 --runs 1 --head-dim 8
expect "tokens without recipe" 2 "--tokens is for --recipe" windows --tokens 7
expect "axes" 2 "each of the grid's 2 axes" windows --grid 8,8 --window 3
expect "no number" 2 "expected T,H,W, each 1 or more" windows --grid 8,x
expect "four axes" 2 "expected T,H,W" windows --grid 2,2,2,2
expect "no tokens" 2 "each 1 or more" windows --grid 0
expect "many tokens" 2 "fewer than 2^31 tokens" windows --grid 65536,65536
expect "window without grid" 2 "--grid beside --window" windows --window 3
expect "stride without window" 2 "--window beside --grid" windows --grid 8 --stride 2
expect "window beyond grid" 2 "expected at most 8" windows --grid 8 --window 9
expect "stride beyond window" 2 "expected at most the window" windows --grid 8 --window 3 --stride 4
expect "dilation" 2 "expected at least the window" windows --grid 8,8 --window 3,3 --dilation 1,4
expect "no seconds" 2 "more than 0" windows --seconds 0
expect "heads" 2 "expected 1 or more" windows --heads -1
expect "many heads" 2 "expected 1 to 1024" windows --heads 1025
expect "shape of windows" 2 "--shape is for bench attention" windows --shape 1,1,1,1,16
expect "window of attention" 2 "--grid and --window together" attention --window 3
expect "shape of a grid" 2 "expected the grid's 6 tokens" attention --grid 2,3 --window 2,2 --shape 1,1,7,7,16
expect "window beyond grid of attention" 2 "expected at most 2" attention --grid 2,3 --window 3,3
fake ""
expect "peer without windows" 1 "it has no windows" attention --grid 2,3 --window 2,2 --shape 1,1,6,6,16 --runs 1 --peer ggml-cpu
sed 's/    problem)/    problem) echo "$rest" >told;/' tessera-peer-ggml >tessera-peer-torch
chmod +x tessera-peer-torch
expect "peer with windows" 1 "WRONG: torch-flex" attention --grid 2,3 --window 2,2 --stride 1,2 --shape 1,1,6,6,16 --runs 1 --peer torch-flex
grep -q '^1 1 6 6 16 f32 0 window 1 2 3 1 2 2 1 1 2 1 1 1 0 0 0$' told || { echo "peer with windows: it was told '$(cat told)'"; failures=$((failures + 1)); }
expect "surplus of windows" 2 "unexpected" windows more

expect "unknown peer" 2 "torch-flex-gpu or auto" attention --peer other
expect "no keys" 2 "each 1 or more" attention --shape 1,1,1,0,16
expect "head dim" 2 "D at most 1024" attention --shape 1,1,1,1,1025
# Given and chosen tiles.
expect "usual tiles" 0 "time/dense" sparse --seconds 1e-9 --runs 2 --head-dim 16 --json sparse.json --plot sparse.svg
[ "$(grep -c '"tiles":	"chosen"' sparse.json)" = 4 ] || { echo "sparse.json: expected 4 cases that choose"; failures=$((failures + 1)); }
[ "$(grep -c '<line.*stroke-width="2"' sparse.svg)" = 9 ] || { echo "sparse.svg: expected lines through 4, 4 and 4 points"; failures=$((failures + 1)); }
expect "tiles with structure" 0 "realistic tensors" sparse --tokens 700 --runs 1 --head-dim 24 --heads 2 --dtype f16 --tensors realistic
expect "tensors" 2 "expected random or realistic" sparse --tensors zeros
expect "few channels" 2 "expected 8 to 1024" sparse --tensors realistic --head-dim 4
expect "grid of tiles" 2 "--grid is for bench attention and windows" sparse --grid 8
expect "too large" 2 "are available" attention --shape 1,4,1000000000,1000000000,64
expect "overflow" 2 "overflow" attention --shape 9000000000,9000000000,9000000000,1,64
expect "runs" 2 "expected 1 to 100" attention --runs 0
expect "wait" 2 "expected 1 or more seconds" attention --peer-wait 0
expect "K/V type" 2 "expected f32, f16 or bf16" attention --peer-kv f8
expect "no folder" 2 "cannot be written" attention --json none/a.json
expect "plot is a folder" 2 "not a regular file" attention --plot .
expect "one file twice" 2 "expected two files" attention --json a --plot a
expect "surplus" 2 "unexpected" attention more
expect "nothing" 2 "expected attention, windows, sparse, conv or decode"
expect "another's option" 2 "--peer is for bench attention" decode --peer auto
exit $((failures > 0))
