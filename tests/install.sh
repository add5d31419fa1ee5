#!/bin/sh
# Installs into a scratch folder and builds the embedding example against it: CMake and pkg-config, shared and static.
set -eu
build=$1 source=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cmake --install "$build" --prefix "$scratch/usr" >/dev/null
cmake -S "$source/tools/embed_example" -B "$scratch/build" -DCMAKE_PREFIX_PATH="$scratch/usr" >/dev/null
cmake --build "$scratch/build" >/dev/null
export TESSERA_DEVICE=host
"$scratch/build/example_tessera"
"$scratch/build/example_static"
pc=$(dirname "$(find "$scratch/usr" -name tessera.pc)")
sed -i "s|^prefix=.*|prefix=$scratch/usr|" "$pc/tessera.pc"
lib=$(dirname "$pc")
PKG_CONFIG_PATH=$pc cc "$source/tools/embed_example/main.c" -o "$scratch/by_pkg" $(PKG_CONFIG_PATH=$pc pkg-config --cflags --libs tessera) -lm
LD_LIBRARY_PATH=$lib "$scratch/by_pkg"
# Only the public calls leave the shared library, and it links no driver's loader.
if nm -D --defined-only "$lib/libtessera.so" | awk '{print $3}' | grep -v '^tsr_' | grep .; then
    echo "symbols other than tsr_ are exported" >&2
    exit 1
fi
for symbol in $(nm -D --defined-only "$lib/libtessera.so" | awk '$2 == "T" {print $3}'); do
    grep -q "$symbol(" "$source/engine/include/tessera/tessera.h" || { echo "$symbol is exported and not in tessera.h" >&2; exit 1; }
done
if readelf -d "$lib/libtessera.so" | grep -E 'NEEDED.*(vulkan|OpenCL)'; then
    echo "a loader is linked; expected it to be opened at run time" >&2
    exit 1
fi
printf '#include <tessera/tessera.h>\nint main(void) { return TSR_OK; }\n' >"$scratch/header.c"
cc -std=c11 -Wall -Wextra -Wpedantic -Werror -I"$scratch/usr/include" "$scratch/header.c" -o "$scratch/header" -fsyntax-only
cc -x c++ -std=c++17 -Wall -Wextra -Wpedantic -Werror -I"$scratch/usr/include" "$scratch/header.c" -fsyntax-only
