#!/bin/sh
# Runs the conformance suite on one device: suite.sh TESSERA DEVICE REQUIRED [OPTION...], where DEVICE is BACKEND or
# BACKEND:DRIVER. 77: no such device, and none required.
tessera=$1 device=$2 required=$3
shift 3
backend=${device%%:*} driver=${device#"${device%%:*}"}
# A device's second line names its driver.
if ! "$tessera" devices | grep -A1 "^$backend" | grep -q "driver.*${driver#:}"; then
    echo "$device: no device; skipped"
    [ "$required" = ON ] && exit 1
    exit 77
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
"$tessera" conformance --device "$device" "$@" 2>"$log"
code=$?
cat "$log" >&2
if grep -q 'validation' "$log"; then
    echo "$device: the validation layers spoke" >&2
    exit 1
fi
exit $code
