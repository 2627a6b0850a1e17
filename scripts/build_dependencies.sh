#!/bin/sh
# What the library stands on, as static archives for a platform that Debian has no packages of, made from
# Debian's sources: Jansson, of libmd SHA-256, the headers of Random123 and xxhash; for tests cmocka.
#
#   CC='clang-19 --target=wasm32-wasi' scripts/build_dependencies.sh build-wasm-dependencies
#   CC=musl-gcc scripts/build_dependencies.sh build-musl-dependencies cmocka
#
# PKG_CONFIG_LIBDIR=FOLDER/pkgconfig finds them.
set -eu
cd "$(dirname "$0")/.."

folder=${1:?a folder}
tests=${2:-}
from=build-sources
scripts/debian_source.sh "$from" jansson libmd $tests
rm -rf "$folder"
mkdir -p "$folder/include" "$folder/pkgconfig" "$folder/objects"
folder=$(realpath "$folder")

archive() { # NAME VERSION OPTIONS... -- SOURCES...: with its file for pkg-config
    name=$1 version=$2 options=''
    shift 2
    while [ "$1" != -- ]; do
        options="$options $1"
        shift
    done
    shift
    mkdir "$folder/objects/$name"
    for source; do
        # shellcheck disable=SC2086 # words
        $CC -std=gnu17 -O2 -w -I "$folder/include" $options -c "$source" \
            -o "$folder/objects/$name/$(basename "$source" .c).o"
    done
    ${AR:-ar} rcs "$folder/lib$name.a" "$folder/objects/$name"/*.o
    cat > "$folder/pkgconfig/$name.pc" << END
Name: $name
Description: made from its Debian source package
Version: $version
Libs: -L$folder -l$name
Cflags: -isystem $folder/include
END
}

touch "$folder/objects/config.h" "$folder/objects/jansson_private_config.h" # -D says all
ln -s /usr/include/Random123 "$folder/include/Random123"
ln -s /usr/include/xxhash.h "$folder/include/xxhash.h"

sed 's/@json_inline@/inline/; s/@json_have_long_long@/1/; s/@json_have_localeconv@/1/
    s/@json_have_atomic_builtins@/1/; s/@json_have_sync_builtins@/0/' \
    "$from/jansson/src/jansson_config.h.in" > "$folder/include/jansson_config.h"
cp "$from/jansson/src/jansson.h" "$folder/include"
archive jansson "$(sed -n 's/^AC_INIT(\[jansson\], \[\([0-9.]*\)\].*/\1/p' "$from/jansson/configure.ac")" \
    -I"$from/jansson/src" -I"$folder/objects" -DHAVE_STDINT_H -DHAVE_ENDIAN_H -DHAVE_SYS_PARAM_H -DHAVE_UNISTD_H \
    -DHAVE_LOCALE_H -DHAVE_ATOMIC_BUILTINS -- "$from"/jansson/src/*.c

cp "$from"/libmd/include/sha2.h "$from"/libmd/include/sha256.h "$folder/include"
archive libmd "$(sed -n "s/^PACKAGE_VERSION='\(.*\)'/\1/p" "$from/libmd/configure")" \
    -I"$folder/objects" -DHAVE_UNISTD_H -- "$from/libmd/src/sha2.c" "$from/libmd/src/sha256hl.c"
mv "$folder/liblibmd.a" "$folder/libmd.a"
sed -i 's/-llibmd/-lmd/' "$folder/pkgconfig/libmd.pc"

[ -n "$tests" ] || exit 0
cp "$from"/cmocka/include/*.h "$folder/include"
archive cmocka "$(sed -n 's/^project(cmocka VERSION \([0-9.]*\).*/\1/p' "$from/cmocka/CMakeLists.txt")" \
    -I"$folder/objects" -DHAVE_INTTYPES_H -DHAVE_MALLOC_H -DHAVE_SETJMP_H -DHAVE_SIGNAL_H \
    -DHAVE_STDINT_H -DHAVE_STRINGS_H -DHAVE_TIME_H -DHAVE_UNISTD_H -DHAVE_STRUCT_TIMESPEC \
    -DHAVE_CLOCK_GETTIME -DHAVE_CLOCK_REALTIME -DHAVE_STRSIGNAL -DHAVE_SNPRINTF -DHAVE_VSNPRINTF \
    -- "$from/cmocka/src/cmocka.c"
