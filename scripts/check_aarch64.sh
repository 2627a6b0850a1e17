#!/usr/bin/env bash
# AArch64, without such a machine: the library and the program are built for it, each kernel holds against its
# definition, and training ends with the bytes it ends with here. QEMU runs what was built.
#
#   scripts/check_aarch64.sh [folder]     the folder is made anew; default build-aarch64
#
# CLEARHEAD: the program built for this machine, which has to have fused multiply-add (AVX2).
# Some tests of memory and of thread limits do not hold under QEMU, whose processes have more than
# the program's own; so only those of the kernels are run.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=${1:-build-aarch64}
native=${CLEARHEAD:-build/clearhead}
rm -rf "$folder"
meson setup "$folder" --cross-file scripts/aarch64.cross -Dtests=enabled -Dwerror=true \
    -Dfigures=disabled
kernels='kernels_fused kernels_gemm kernels_norm kernels_rows kernels_softmax'
# shellcheck disable=SC2046,SC2086 # words
ninja -C "$folder" clearhead $(printf 'tests/test_%s ' $kernels)
# shellcheck disable=SC2086
meson test -C "$folder" --no-rebuild --print-errorlogs $kernels

# Same bits as with AVX2: a few steps on the fused path, the general path, and a deeper model.
# (Not with GELU: it calls tanh, and the C libraries of two architectures round that differently.)
runs=$(mktemp -d)
trap 'rm -rf "$runs"' EXIT
train() { # NAME COMMAND...: the options of the current case
    "${@:2}" train --steps 6 --epoch-sequences 40 --test-sequences 4 --eval-every 0 \
        --out "$runs/$1" $options > /dev/null
}
while read -r options; do
    rm -rf "$runs"/*
    train here env CLEARHEAD_ISA=avx2 "$native"
    train there qemu-aarch64-static "$folder/clearhead"
    cmp "$runs/here/model.safetensors" "$runs/there/model.safetensors" ||
        { echo "train $options: other weights on AArch64 than with AVX2"; exit 1; }
done << END
--n 4
--n 4 --use-attn-result
--n 3 --n-layers 2 --n-heads 4 --d-model 72 --d-head 18 --attn-only=false --act-fn solu_ln
END
