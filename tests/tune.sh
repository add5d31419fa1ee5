#!/bin/sh
# tessera tune and --explain, as a user meets them: COMMAND DEMO.
. "$(dirname "$0")/expect.sh"
export TESSERA_TUNING=
db=$scratch/tuning.json
short="$tessera tune -q --what attention --dim 16 --tokens 96 --seconds 1"
tune="$short --db $db"

expect 2 "argument --dim is '64;128'" "$tessera" tune -q --dim '64;128' --db "$db"
expect 2 "argument --type is 'f8'" "$tessera" tune -q --type f8 --db "$db"
expect 2 "argument --what is 'all of it'" "$tessera" tune -q --what 'all of it' --db "$db"
expect 2 "--quick and --full are both given" "$tessera" tune -q --quick --full --db "$db"
expect 2 "argument --tile is 'cubes'" "$tessera" tune -q --tile cubes --db "$db"
expect 2 "argument tile is simt; host has no such shapes" "$tessera" tune -q --device host --what conv --quick --tile simt --db "$db"
expect 2 "unexpected argument 'x'" "$tessera" tune -q x --db "$db"
[ -e "$db" ] && { echo "a refused run made a database"; failed=1; }

# What was timed is shown, and serves the next plan.
"$tessera" make-tensors -q --tokens 96 --heads 1 --head-dim 16 -o in.safetensors >out 2>err || { echo "make-tensors: $(cat err)"; failed=1; }
expect 0 "" "$tessera" attend -q in.safetensors --explain
says out "built in for"
says out "kernel     flash"
[ -e o.safetensors ] && { echo "--explain wrote a file"; failed=1; }
expect 0 "" $tune --plot bars.svg
says out "head 16, values 16, queries 17..256, keys 17..256"
says out "(default)"
says bars.svg "</svg>"
expect 0 "" env TESSERA_TUNING=$db "$tessera" attend -q in.safetensors --explain
says out "tuned on"
expect 0 "" env TESSERA_TUNING=$db "$tessera" attend -q in.safetensors --explain --json
says out '"why":	"tuned on'
expect 0 "" "$tessera" tune --show -q --db "$db"
says out "1 entries, 0 stale"
expect 0 "" $tune --json
says out '"problems"'
expect 0 "" "$tessera" tune --show -q --db "$db"
says out "1 entries, 0 stale"

# Another driver's entry is stale, and counts for nothing.
sed 's/"driver_version":	"[^"]*"/"driver_version":	"0.0.0"/' "$db" >old.json
expect 0 "" "$tessera" tune --show -q --db old.json
says out "1 entries, 1 stale"
says out "STALE: the driver was"
expect 0 "" env TESSERA_TUNING=old.json "$tessera" attend -q in.safetensors --explain
says out "ignored: the driver was"
says out "built in for"

# A damaged file is ignored with a warning, and is not written over.
head -c 300 "$db" >cut.json
cp cut.json kept.json
expect 0 "it is ignored" env TESSERA_TUNING=cut.json "$tessera" attend -q in.safetensors --explain
says out "built in for"
expect 2 "cut.json" $short --db cut.json
cmp -s cut.json kept.json || { echo "a damaged database was written over"; failed=1; }
expect 2 "tuning database '$scratch/cut.json/below.json'" $short --db "$scratch/cut.json/below.json"

# Ctrl-C keeps what was timed.
timeout --preserve-status -s INT 4 "$tessera" tune -q --full --what attention --dim 16,24,32,40,48,56,64,72 --tokens 300,900,1500 --db part.json >out 2>err
[ $? = 130 ] && grep -q "what was timed is kept" err || { echo "an interrupted tune: $(cat err)"; failed=1; }
expect 0 "" "$tessera" tune --show -q --db part.json
says out "flash: q f32 k f32 v f32, head 16"

# Decoders say why their convolutions are cut as they are.
expect 0 "" "$tessera" decode -q $model --explain --size 1,4,4
says out "a: built in for"
exit $failed
