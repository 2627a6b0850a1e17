#!/usr/bin/env bash
# Another C library, nothing optional, and no assertions: everything is built with musl, linked in, without
# figures, LAPACK and MPFI; what is refused is refused without assertions; and
# training ends with the bytes it ends with here.
#
#   scripts/check_musl.sh [folder]     the folder is made anew; default build-musl
#
# CLEARHEAD: the program built for this machine.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=${1:-build-musl}
native=${CLEARHEAD:-build/clearhead}
dependencies=build-musl-dependencies
CC=musl-gcc scripts/build_dependencies.sh "$dependencies" cmocka
rm -rf "$folder"
PKG_CONFIG_LIBDIR="$PWD/$dependencies/pkgconfig" meson setup "$folder" --native-file scripts/musl.native \
    -Dwerror=true -Dtests=enabled -Dfigures=disabled -Dlapack=disabled -Dmpfi=disabled -Db_ndebug=true
ninja -C "$folder" clearhead
# Not locale: musl has one locale, whose numbers have points. Not stopped_ask: it bounds a time, and musl
# takes its time to free the many small parts of a large result. Not failing_files: it stands between the
# program and its C library, which is linked in. Not endings, models, questions, failing_memory: they take long, and
# what they go through many times over others do once. Not the properties, whose numbers come out of the
# same kernels, but those of files and of text.
names=$(meson test -C "$folder" --no-rebuild --list --suite unit --suite golden --suite cli --suite tables |
    sed -n 's|.* / ||p' | sort -u |
    grep -vxE 'locale|stopped_ask|failing_files|endings|models|questions|failing_memory')
# shellcheck disable=SC2086 # words
meson test -C "$folder" --print-errorlogs $names data writing crash_points enclosure # builds what they need

# Same bits as with glibc: a few steps on the fused path, the general path, a deeper model, with kernels of
# either kind. (Not with GELU: it calls erf or tanh, which the two round differently.)
runs=$(mktemp -d)
trap 'rm -rf "$runs"' EXIT
train() { # NAME PROGRAM ISA: the options of the current case
    CLEARHEAD_ISA=$3 "$2" train --steps 20 --epoch-sequences 40 --test-sequences 4 \
        --out "$runs/$1" $options > /dev/null
}
while read -r options; do
    for isa in base avx2; do
        rm -rf "$runs"/*
        train here "$native" "$isa"
        train there "$folder/clearhead" "$isa"
        cmp "$runs/here/model.safetensors" "$runs/there/model.safetensors" ||
            { echo "train $options: other weights with musl than here, $isa kernels"; exit 1; }
    done
done << END
--n 4
--n 4 --use-attn-result
--n 3 --n-layers 2 --n-heads 4 --d-model 72 --d-head 18 --attn-only=false --act-fn solu_ln
--n 3 --attn-only=false --act-fn silu --schedule cosine
END
