# Sourced by the tests of the command: COMMAND DEMO are realpaths, a scratch folder is the working one.
set -u
tessera=$(realpath "$1") demo=$(realpath "$2") failed=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 1
export TESSERA_DEVICE=host
model="--model $demo/weights.safetensors"

# expect CODE WORDS COMMAND...: the exit code, and what standard error says.
expect() {
    code=$1 words=$2
    shift 2
    "$@" >out 2>err
    got=$?
    if [ $got != "$code" ] || { [ -n "$words" ] && ! grep -qF -- "$words" err; }; then
        echo "$*: exit code $got, expected $code; '$words' expected in: $(cat err)"
        failed=1
    fi
}
# same FILE TEXT
same() { [ "$(cat "$1")" = "$2" ] || { echo "$1 was changed"; failed=1; }; }
# says FILE WORDS
says() { grep -qF -- "$2" "$1" || { echo "'$2' expected in $1: $(head -c 2000 "$1")"; failed=1; }; }
