#!/bin/sh
# Runs the conformance suite on one backend: suite.sh TESSERA BACKEND REQUIRED [OPTION...]. 77: no such device, and none required.
tessera=$1 backend=$2 required=$3
shift 3
if ! "$tessera" devices | grep -q "^$backend"; then
    echo "$backend: no device; skipped"
    [ "$required" = ON ] && exit 1
    exit 77
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
"$tessera" conformance --device "$backend" "$@" 2>"$log"
code=$?
cat "$log" >&2
if grep -q 'validation' "$log"; then
    echo "$backend: the validation layers spoke" >&2
    exit 1
fi
exit $code
