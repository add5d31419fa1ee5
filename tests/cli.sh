#!/bin/sh
# The command as users meet it: exit codes, and files that bad input, an interrupt or a full disk must leave alone. cli.sh TESSERA DEMO
. "$(dirname "$0")/expect.sh"

expect 2 "expected devices" "$tessera" nonsense
expect 2 "unexpected argument 'foo'" "$tessera" devices foo
expect 2 "expected host, vulkan or opencl" "$tessera" conformance --require=foo
expect 2 "no file's name" "$tessera" attend "$demo/latent.safetensors" -o ""
expect 2 "'-' is no file's name" "$tessera" mask nat -o -
expect 2 "'m.jpg' has an unknown ending; expected .png" "$tessera" mask nat -o m.jpg
expect 2 "'t.npy' has an unknown ending; expected .safetensors" "$tessera" make-tensors --tokens 4 -o t.npy
expect 2 "'rates.png' has an unknown ending; expected .svg" "$tessera" bench attention --plot rates.png
cp "$demo/latent.safetensors" latent.safetensors

# Numbers: the option, what it was given, what was expected, however it was written.
expect 2 "argument --tokens is 'many'; expected a whole number, 1 or more" "$tessera" mask nat --tokens many
expect 2 "argument --tokens is ''; expected a whole number, 1 or more" "$tessera" mask nat --tokens=
expect 2 "argument --runs is '5x'; expected a whole number" "$tessera" bench attention -qn 5x
expect 2 "argument --runs is '5x'; expected a whole number" "$tessera" bench attention -n5x
expect 2 "argument --sinks is 99999999999; expected at most 2147483647" "$tessera" attend --sinks=99999999999
expect 2 "argument --mass is 'nan'; expected a number" "$tessera" make-tensors --mass nan
expect 2 "argument --fps is 0; expected 1 or more" "$tessera" decode --fps 0
expect 2 "argument --tokens is 0; expected 1 or more" "$tessera" recipes --tokens 0
expect 2 "--sinks: missing argument" "$tessera" attend --sinks
expect 2 "argument --head is -2; expected 0 or more" "$tessera" mask cswin --head -2
expect 0 "" "$tessera" mask cswin -q --head 0x3
expect 2 "an argument is empty" "$tessera" decode --model w.safetensors "" -o a.y4m

full_output() { "$tessera" "$@" >/dev/full; }
expect 1 "standard output cannot be written" full_output mask swin --json
expect 0 "" sh -c "'$tessera' recipes nat | true"

# The suite: a filter that fits nothing; a report of a part, which says so.
expect 2 "no case matches 'nope'" "$tessera" conformance --list -f nope
expect 2 "no case matches 'nope'" "$tessera" conformance -f nope
"$tessera" conformance -f 'attention/*' --junit part.xml >out 2>err &
while kill -0 $! && ! grep -q '^pass' out; do sleep 0.1; done
kill -INT $!
wait $!
[ $? = 130 ] && grep -q 'name="attention/' part.xml && grep -q '<error message="interrupted before ' part.xml &&
    [ "$(tail -1 part.xml)" = "</testsuite>" ] || { echo "an interrupted conformance: $(cat err) $(tail -2 part.xml)"; failed=1; }

# The environment.
if "$tessera" devices | grep -q '^opencl'; then
    expect 2 "TESSERA_EMULATE_DPAS is '7'; expected 8 or 16" env TESSERA_EMULATE_DPAS=7 "$tessera" conformance -d opencl -f memory/copies
fi

# Recipes: the same attention said in different ways, and what is wrong named with its place.
expect 2 "recipe 'nonsense' is neither a file" "$tessera" mask nonsense
expect 2 "expected one recipe" "$tessera" mask
echo '{"set":{"union":[{"causal":{}},{"neighborhood":{"window":[1,3,60]}}]}}' >bad.json
expect 2 "set.union[1].neighborhood.window[2] is 60; expected 1 to 52, the axis' extent" "$tessera" mask bad.json --grid 2,3,52
expect 2 "argument --grid is '2,x'" "$tessera" mask bad.json --grid 2,x
echo '{"set":{"causal":{}}}' >causal.json
expect 2 "tells no number of tokens" "$tessera" mask causal.json
expect 2 "argument --head is 1; expected 0 to 0" "$tessera" mask causal.json --tokens 9 --head 1
expect 2 "is the recipe" "$tessera" mask causal.json --tokens 9 -o causal.json
expect 2 "No such file" "$tessera" mask causal.json --tokens 9 -o there/is/none.png
expect 0 "" "$tessera" mask causal.json --tokens 100 --query-tile 10 --key-tile 10 --json -o causal.png
grep -q '"pairs":	5050,' out && grep -q '"full_tiles":	45,' out && grep -q '"partial_tiles":	10,' out || { echo "causal: $(cat out)"; failed=1; }
[ "$(head -c 8 causal.png | od -An -tx1 | tr -d ' ')" = 89504e470d0a1a0a ] || { echo "causal.png is no PNG"; failed=1; }
expect 0 "" "$tessera" mask cswin --head 3 -o cswin.png
grep -q "cswin: head 3 of 4, 784 queries, 784 keys, grid 1x28x28" out || { echo "cswin: $(cat out)"; failed=1; }
expect 0 "" "$tessera" mask swin -q
[ -s out ] && { echo "mask -q said: $(cat out)"; failed=1; }

# q, k, v of 2 heads, 60 tokens, 16 channels and a slope for each head: the demo's latent under other names.
header='{"q":{"dtype":"F32","shape":[2,60,16],"data_offsets":[0,7680]},"k":{"dtype":"F32","shape":[2,60,16],"data_offsets":[7680,15360]},'
header="$header"'"v":{"dtype":"F32","shape":[2,60,16],"data_offsets":[15360,23040]},"slope":{"dtype":"F32","shape":[2],"data_offsets":[23040,23048]}}'
{
    printf "\\$(printf %o $((${#header} % 256)))\\$(printf %o $((${#header} / 256)))\\0\\0\\0\\0\\0\\0%s" "$header"
    tail -c 23048 latent.safetensors
} >qkv.safetensors
expect 0 "" "$tessera" attend -q qkv.safetensors -o full.safetensors
# Time limits change no bit; an interrupt in the middle writes nothing.
expect 2 "argument --submission-ms is '-3'" "$tessera" attend -q qkv.safetensors -o limited.safetensors --submission-ms -3
expect 2 "TESSERA_SUBMISSION_MS is '5 ms'" env TESSERA_SUBMISSION_MS='5 ms' "$tessera" attend -q qkv.safetensors -o limited.safetensors
for limit in none 0.01; do
    expect 0 "" "$tessera" attend -q qkv.safetensors -o limited.safetensors --submission-ms $limit
    cmp -s full.safetensors limited.safetensors || { echo "--submission-ms $limit: other bits"; failed=1; }
done
"$tessera" make-tensors -q -o long.safetensors --tokens 60000 --heads 4
timeout --preserve-status -s INT 2 "$tessera" attend -q --device host --submission-ms 20 long.safetensors -o broken-off.safetensors 2>err
[ $? = 130 ] && grep -q "interrupted; no file was written" err || { echo "an interrupted attend: $(cat err)"; failed=1; }
[ "$(ls | grep -c broken-off)" = 0 ] || { echo "an interrupted attend left $(ls)"; failed=1; }
# A file at its limit fails, and leaves none.
at_limit() { (ulimit -f 100 && exec "$tessera" make-tensors -q -o at_limit.safetensors --tokens 4000); }
expect 2 "File too large" at_limit
[ "$(ls -A | grep -c at_limit)" = 0 ] || { echo "make-tensors left $(ls -A)"; failed=1; }
rm -f long.safetensors limited.safetensors

# alike OPTIONS OPTIONS: the same output, and another one than without options.
alike() {
    eval "expect 0 '' \"\$tessera\" attend -q qkv.safetensors -o one.safetensors $1"
    eval "expect 0 '' \"\$tessera\" attend -q qkv.safetensors -o two.safetensors $2"
    cmp -s one.safetensors two.safetensors || { echo "attend $1 differs from attend $2"; failed=1; }
    cmp -s one.safetensors full.safetensors && { echo "attend $1 changes nothing"; failed=1; }
}
alike "--causal" "--recipe causal.json"

# Tensors with structure: attend takes them; the seed decides.
make="$tessera make-tensors -q"
expect 2 "expected either --grid T,H,W or --tokens N" $make -o made.safetensors
expect 2 "expected either --grid T,H,W or --tokens N" $make -o made.safetensors --grid 2,3,4 --tokens 24
expect 2 "argument --text goes with --grid" $make -o made.safetensors --tokens 24 --text 1
expect 2 "argument --grid is '2,0,4'" $make -o made.safetensors --grid 2,0,4
expect 2 "argument --kv-heads is 3; expected a divisor of 8 heads" $make -o made.safetensors --tokens 24 --kv-heads 3
expect 2 "argument --head-dim is 7; expected 8 to 1024" $make -o made.safetensors --tokens 24 --head-dim 7
expect 2 "argument --mass is 1; expected 0 to 0.99" $make -o made.safetensors --tokens 24 --mass 1
expect 2 "argument --dtype is 'f8'; expected f32, f16 or bf16" $make -o made.safetensors --tokens 24 --dtype f8
expect 2 "unexpected argument 'foo'" $make -o made.safetensors --tokens 24 foo
expect 2 "expected -o OUT.safetensors" $make --tokens 24
[ -e made.safetensors ] && { echo "a refused make-tensors left a file"; failed=1; }
expect 0 "" $make -o made.safetensors --grid 3,5,7 --text 4 --heads 4 --kv-heads 2 --head-dim 24 --batch 2
expect 0 "" $make -o again.safetensors --grid 3,5,7 --text 4 --heads 4 --kv-heads 2 --head-dim 24 --batch 2 --seed 1
expect 0 "" $make -o other.safetensors --grid 3,5,7 --text 4 --heads 4 --kv-heads 2 --head-dim 24 --batch 2 --seed 2
cmp -s made.safetensors again.safetensors && ! cmp -s made.safetensors other.safetensors || { echo "make-tensors: the seed does not decide"; failed=1; }
expect 0 "" "$tessera" attend -q made.safetensors -o two.safetensors
expect 0 "" $make -o half.safetensors --tokens 61 --dtype bf16
expect 0 "" "$tessera" attend -q half.safetensors -o two.safetensors --causal
expect 0 "" "$tessera" make-tensors -o made.safetensors --tokens 61 --heads 2
grep -q "key head 1  slash" out || { echo "make-tensors: $(cat out)"; failed=1; }

# A look at the map: every row's probabilities add up to 1, so all keys together get as much as there are rows.
expect 2 "argument --block-sums is '4'" "$tessera" attend qkv.safetensors -o looks.safetensors --block-sums 4
expect 2 "argument --map-rows is '1,x'" "$tessera" attend qkv.safetensors -o looks.safetensors --map-rows 1,x
expect 2 "argument rows[1] is 60; expected one of 60 queries (from --map-rows)" "$tessera" attend qkv.safetensors -o looks.safetensors --map-rows 1,60
[ -e looks.safetensors ] && { echo "a refused look left a file"; failed=1; }
expect 0 "" "$tessera" attend -q qkv.safetensors -o looks.safetensors --causal --key-sums --block-sums 60,60 --map-rows 0,59
for words in '"key_sums":{"dtype":"F32","shape":[1,2,60]' '"block_sums":{"dtype":"F32","shape":[1,2,1,1]' '"map_rows":{"dtype":"F32","shape":[1,2,2,60]'; do
    grep -aqF "$words" looks.safetensors || { echo "$words is not in the file"; failed=1; }
done
alike "--causal" "--mask 'q >= kv'"
alike "--window 9,4" "--set '{\"window\":{\"left\":9,\"right\":4}}'"
alike "--window 7,0 --sinks 3" "--set '{\"streaming\":{\"sinks\":3,\"window\":8}}'"
alike "--document-lengths 20,40" "--mask 'q < 20 == kv < 20'"
alike "--set '{\"frames\":{\"left\":1,\"right\":0}}' --grid 5,3,4" "--mask 'kt <= qt && kt >= qt - 1' --grid 5,3,4"
alike "--set '{\"causal\":{}}' --document-lengths 30,30 --mask 'kv != 2'" "--mask 'q >= kv && q / 30 >= 1 == kv / 30 >= 1 && kv != 2'"
echo '{"heads":[{"heads":0,"set":{"causal":{}}},{"heads":1,"set":{"window":{"left":5,"right":5}}}],"scale":0.5}' >heads.json
alike "--recipe heads.json" "--mask '(h == 0 && q >= kv) || (h == 1 && abs(q - kv) <= 5)' --scale 0.5"
alike "--recipe heads.json --sinks 2" "--mask 'kv < 2 || (h == 0 && q >= kv) || (h == 1 && abs(q - kv) <= 5)' --scale 0.5"
echo '{"segments":{"queries":[0,20,60]}, "set":{"causal":{}}}' >segments.json
alike "--recipe segments.json" "--causal --document-lengths 20,40"
attend="$tessera attend qkv.safetensors -o two.safetensors"
expect 0 "density 0.5" $attend --causal
expect 0 "tiles 0 full of 2" $attend --recipe causal.json
expect 0 "" $attend --score 'score + slope[h] * weight * (kv - q)' --scalar weight=2 --json
grep -q '"waste"' out || { echo "attend --json: $(cat out)"; failed=1; }
cmp -s two.safetensors full.safetensors && { echo "attend --score changes nothing"; failed=1; }
expect 2 "argument --scalar is 'weight'" $attend --mask 'q > weight' --scalar weight
expect 2 "set.expression: line 1, column" $attend --mask 'q > '
expect 2 "score: line 1, column" $attend --score 'score + nothing'
expect 2 "set.document has 'lengths' of 61 tokens; expected 60, the keys" $attend --document-lengths 20,41
expect 2 "argument --document-lengths is '20;40'" $attend --document-lengths '20;40'
expect 2 "expected 64: 0 tokens of text and the grid 4x4x4" $attend --recipe causal.json --grid 4,4,4
expect 2 "--recipe and --set are both given" $attend --recipe causal.json --set '{}'
expect 2 "argument --sinks is -1" $attend --sinks -1
expect 2 "argument splits is 200; expected 0 to 128 (from --splits)" $attend --splits 200
expect 2 "expected f32, f16 or bf16 (from --out-dtype)" $attend --out-dtype i8
LC_ALL=C sed 's/\("k":{"dtype":"F32","shape":\)\[2,60,16\]/\1[2,30,32]/' qkv.safetensors >wide.safetensors
expect 2 "argument k.shape is [1,2,30,32]; expected [1,2,30,16] (from tensor 'k' of the file" "$tessera" attend wide.safetensors -o two.safetensors
expect 2 "argument --grid is given without" $attend --grid 3,4,5

# Recipes whose schedule comes from the data.
cat >steps.json <<'END'
{"parameters": {"keep": 0.25}, "inputs": {"slope": {"shape": [1, 1, 1, "H"]}, "gate": {"shape": [1, "H", 1, 1], "default": 1}},
 "steps": {"pooled_q": {"pool": {"of": "q", "tiles": 10}}, "pooled_k": {"pool": {"of": "k", "tiles": 10}},
   "map": {"dot": {"a": "pooled_q", "b": "pooled_k"}},
   "chosen": {"select": {"of": "map", "share": "keep", "round": "ceil", "pin": "row == column"}},
   "part": {"attend": {"select": "chosen", "tiles": 10}},
   "o": "gate * part"}}
END
expect 0 "density 0.333" $attend --recipe steps.json
expect 0 "density 0.5," $attend --recipe steps.json --parameter keep=0.5
expect 0 "" $attend --recipe steps.json --parameter keep=1 --compare-dense --json
grep -q '"density":	1,' out && grep -q '"density_by_head":	\[1, 1\]' out && grep -q '"relative_l1":	\(0,\|[0-9.]*e-\)' out || { echo "attend of steps: $(cat out)"; failed=1; }
expect 0 "relative L1" $attend --recipe steps.json --compare-dense
expect 0 "dense, causal" $attend --set '{"streaming":{"sinks":3,"window":8}}' --compare-dense
expect 2 "argument parameters[0] is 'kept'; the recipe has no parameter of that name (from --parameter)" $attend --recipe steps.json --parameter kept=1
expect 2 "argument --parameter is given without a recipe with steps" $attend --recipe causal.json --parameter keep=1
expect 2 "argument --sinks is given beside a recipe with steps" $attend --recipe steps.json --sinks 2
sed 's/"slope"/"slop"/' steps.json >input.json
expect 2 "argument inputs has no 'slop'; the recipe needs it, [1,1,1,2]" $attend --recipe input.json
sed 's/pooled_k", /pooled_k", "c": 1, /; s/"b": "pooled_k"/"b": "poled_k"/' steps.json >typo.json
expect 2 "line 3: steps.map.dot.b has 'poled_k' at column 1, which is not known; expected a step" $attend --recipe typo.json
expect 0 "" "$tessera" mask steps.json --tensors qkv.safetensors -o steps.png
grep -q "chosen: 2 heads, 6 rows, 6 columns" out || { echo "mask of steps: $(cat out)"; failed=1; }
[ "$(head -c 4 steps.png | tail -c 3)" = PNG ] || { echo "mask of steps wrote no picture"; failed=1; }
expect 0 "" "$tessera" mask steps.json --tensors qkv.safetensors --step map --parameter keep=0.5
grep -q "^head 1 .*1.0000 of" out || { echo "mask of a map: $(cat out)"; failed=1; }
expect 2 "expected --tensors IN.safetensors" "$tessera" mask steps.json
expect 2 "argument --head is 2; expected 0 to 1" "$tessera" mask steps.json --tensors qkv.safetensors --head 2
expect 2 "argument --step is given beside a recipe without steps" "$tessera" mask causal.json --tokens 9 --step map
expect 0 "" "$tessera" recipes swin
grep -q "0.0156  1x56x56" out || { echo "recipes: $(cat out)"; failed=1; }
expect 0 "" "$tessera" recipes sla nat --tokens 512 --grid 28,28 --json
grep -q '"shape":	"512"' out && grep -q '"shape":	"1x28x28"' out && [ "$(grep -c '"density"' out)" = 2 ] || { echo "recipes: $(cat out)"; failed=1; }
expect 2 "there is no recipe 'nonsense'" "$tessera" recipes nat nonsense
expect 2 "argument --tokens is -1" "$tessera" recipes --tokens -1

exit $failed
