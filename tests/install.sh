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
# The command finds the recipes that are installed with it.
tessera=$(find "$scratch/usr" -name tessera -type f)
[ -z "$tessera" ] || (cd "$scratch" && "$tessera" mask swin --json | grep -q '"full_tiles"')
pc=$(dirname "$(find "$scratch/usr" -name tessera.pc)")
lib=$(dirname "$pc")
export PKG_CONFIG_PATH="$pc"
cc "$source/tools/embed_example/main.c" -o "$scratch/by_pkg" $(pkg-config --cflags --libs tessera) -lm
LD_LIBRARY_PATH=$lib "$scratch/by_pkg"
# The shared library gives out the public calls alone (A is a version's own name), the static one nothing but tsr_.
nm -D --defined-only "$lib/libtessera.so" | awk '$2 != "A" {sub(/@.*/, "", $3); print $3}' >"$scratch/symbols"
[ -s "$scratch/symbols" ] || { echo "nothing is exported" >&2; exit 1; }
while read -r symbol; do
    grep -q "\b$symbol(" "$scratch/usr/include/tessera"/*.h || { echo "$symbol is exported and not in an installed header" >&2; exit 1; }
done <"$scratch/symbols"
# And the other way round: a header whose calls this build does not have is not installed.
sed -n 's/^TSR_API .*[ *]\(tsr_[a-z0-9_]*\)(.*/\1/p' "$scratch/usr/include/tessera"/*.h >"$scratch/calls"
[ -s "$scratch/calls" ] || { echo "the installed headers declare nothing" >&2; exit 1; }
while read -r call; do
    grep -qx "$call" "$scratch/symbols" || { echo "$call is declared and not exported" >&2; exit 1; }
done <"$scratch/calls"
if nm -g --defined-only "$lib/libtessera.a" | awk 'NF == 3 && $3 !~ /^tsr_/ {print $3}' | grep .; then
    echo "the static library would meet an application's symbols" >&2
    exit 1
fi
if readelf -d "$lib/libtessera.so" | grep -E 'NEEDED.*(vulkan|OpenCL)'; then
    echo "a loader is linked; expected it to be opened at run time" >&2
    exit 1
fi
# pkg-config --static means the archive only where the shared library is not.
rm "$lib"/libtessera.so*
cc "$source/tools/embed_example/main.c" -o "$scratch/by_pkg_static" $(pkg-config --static --cflags --libs tessera)
"$scratch/by_pkg_static"
# A C++ program has the same inline functions as the C++ code sealed in the archive; each must keep its own.
cat >"$scratch/app.cpp" <<'END'
#include <cstdio>
#include <map>
#include <string>
#include <tessera/tessera.h>
int main()
{
    std::map<std::string, int> m;
    for (int i = 0; i < 99; i++) m[std::to_string(i)] = i;
    return m.size() == 99 && tsr_version() ? 0 : 1;
}
END
c++ "$scratch/app.cpp" -o "$scratch/app" $(pkg-config --static --cflags --libs tessera)
"$scratch/app"
# Each header compiles alone, in C and in C++.
for header in "$scratch/usr/include/tessera"/*.h; do
    printf '#include <tessera/%s>\nint main(void) { return TSR_OK; }\n' "$(basename "$header")" >"$scratch/header.c"
    cc -std=c11 -Wall -Wextra -Wpedantic -Werror -I"$scratch/usr/include" "$scratch/header.c" -fsyntax-only
    cc -x c++ -std=c++17 -Wall -Wextra -Wpedantic -Werror -I"$scratch/usr/include" "$scratch/header.c" -fsyntax-only
done
