#!/usr/bin/env bash
# WebAssembly: the library builds for it, and twenty steps of the notebook and two questions under Node end
# with every bit that they end with here.
#
#   scripts/check_wasm.sh [folder]     the folder is made anew; default build-wasm
#
# NATIVE: the same program built for this machine (default build/tests/wasm/twenty_steps). Both take the
# `base` kernels, which have no fused multiply-add: WebAssembly has none.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=${1:-build-wasm}
native=${NATIVE:-build/tests/wasm/twenty_steps}
dependencies=build-wasm-dependencies
cc='clang-19 --target=wasm32-wasi'
CC=$cc scripts/build_dependencies.sh "$dependencies"
rm -rf "$folder"
meson setup "$folder" --cross-file scripts/wasm.cross -Dpkg_config_path="$PWD/$dependencies/pkgconfig" \
    -Dwerror=true -Dtests=disabled -Dfigures=disabled -Dlapack=disabled -Dmpfi=disabled
ninja -C "$folder"
# By hand, since Meson takes the linker for another. 8 MB of stack, as elsewhere, below the data: to run out
# of it is a trap, not a wrong number.
# shellcheck disable=SC2086 # words
$cc -std=c17 -O2 -Wall -Wextra -Werror -Iinclude tests/wasm/twenty_steps.c \
    "$folder/src/libclearhead.a" "$dependencies/libjansson.a" "$dependencies/libmd.a" \
    -Wl,-z,stack-size=8388608 -Wl,--stack-first -o "$folder/twenty_steps.wasm"

runs=$(mktemp -d)
trap 'rm -rf "$runs"' EXIT
CLEARHEAD_ISA=base "$native" "$runs/here" > "$runs/here.txt"
node --no-warnings tests/wasm/run_wasi.mjs "$folder/twenty_steps.wasm" "$runs" /work/there > "$runs/there.txt"
cat "$runs/there.txt"
grep -q '^step 20: ' "$runs/here.txt" # it did what it is to do
cmp "$runs/here.txt" "$runs/there.txt"
for file in config.json model.safetensors checkpoints/optimizer-00000020.safetensors; do
    cmp "$runs/here/$file" "$runs/there/$file"
done
