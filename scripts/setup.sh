#!/bin/sh
# Install what is missing for a purpose, and nothing else.
#
#   scripts/setup.sh build     to build the program
#   scripts/setup.sh test      also to test it
#   scripts/setup.sh wasm      to build the library for WebAssembly and run it (Node is enough, without npm)
#   scripts/setup.sh musl      to build it with another C library
#   scripts/setup.sh fuzz      to search with libFuzzer
#   scripts/setup.sh coverage  to measure which branches the tests take
#   scripts/setup.sh ci        all that .ci/run checks with
#
# Looks for each tool, header and library first: when all are there it needs neither network nor
# root. Installs with apt-get, through sudo when not root; says what to install where it cannot.
set -eu

purpose=${1:-build}
missing='' useful=''

need() { # PACKAGE TEST...: the package when the test fails
    package=$1
    shift
    "$@" > /dev/null 2>&1 || missing="$missing $package"
}
tool() { command -v "$1"; }
header() { printf '#include <%s>\n' "$1" | cc -E -xc -; }
library() { pkg-config --exists "$1"; }

# PACKAGE       FOUND BY
need gcc               tool cc
need libc6-dev         header stdio.h
need meson             tool meson
need ninja-build       tool ninja
need pkg-config        tool pkg-config
need libjansson-dev    library 'jansson >= 2.13'
need librandom123-dev  header Random123/philox.h
need libmd-dev         library 'libmd >= 1.0'
need libxxhash-dev     header xxhash.h
library 'cairo >= 1.16' > /dev/null 2>&1 || useful=' libcairo2-dev' # draws figure files
library 'lapacke >= 3.9' > /dev/null 2>&1 || useful="$useful liblapacke-dev" # decompositions by LAPACK
header mpfi.h > /dev/null 2>&1 || useful="$useful libmpfi-dev" # intervals, where double cannot decide
case $purpose in
build | wasm | musl) ;;
test | fuzz | coverage | ci)
    need libcmocka-dev library 'cmocka >= 1.1.5'
    need python3       tool python3
    need python3-numpy python3 -c 'import numpy'
    need g++           tool g++
    ;;
*)
    echo "setup.sh: purpose is $purpose, want build, test, fuzz, coverage, wasm, musl or ci" >&2
    exit 2
    ;;
esac
if [ "$purpose" = ci ]; then
    need clang           tool clang
    need clang-tidy      tool clang-tidy
    need clang-format    tool clang-format
    need cppcheck        tool cppcheck
    need groff-base      tool groff
    need valgrind        tool valgrind
fi
fuzzer() { echo 'int LLVMFuzzerTestOneInput(void); int LLVMFuzzerTestOneInput(void) { return 0; }' |
    clang -fsanitize=fuzzer -xc - -o /dev/null; }
if [ "$purpose" = fuzz ]; then
    need clang           tool clang
    need libclang-rt-dev fuzzer
fi
[ "$purpose" != coverage ] || need gcovr tool gcovr

wasm_header() { printf '#include <%s>\n' "$1" | clang-19 --target=wasm32-wasi -E -xc -; }
wasm_library() { test -e "$(clang-19 --target=wasm32-wasi -print-libgcc-file-name)"; }
need_wasm() {
    need clang-19                    tool clang-19
    need lld-19                      tool wasm-ld-19
    need libclang-rt-19-dev-wasm32   wasm_library
    need wasi-libc                   wasm_header stdio.h
    need nodejs                      node -e 'require("node:wasi")'
}
need_musl() {
    need musl-tools                  tool musl-gcc
}
[ "$purpose" != wasm ] || need_wasm
[ "$purpose" != musl ] || need_musl

# What builds for other platforms and runs it, some of it another architecture's packages: asked for last
# and for themselves, since not every mirror has them. .ci/run fails without.
here=$missing missing=''
arm() { PKG_CONFIG_LIBDIR=/usr/lib/aarch64-linux-gnu/pkgconfig pkg-config --exists "$1"; }
arm_header() { printf '#include <%s>\n' "$1" | aarch64-linux-gnu-gcc -E -xc -; }
if [ "$purpose" = ci ]; then
    need_wasm
    need_musl
    need gcc-aarch64-linux-gnu  tool aarch64-linux-gnu-gcc
    need libc6-dev-arm64-cross  arm_header stdio.h
    need qemu-user-static       tool qemu-aarch64-static
    need libcmocka-dev:arm64    arm 'cmocka >= 1.1.5'
    need libjansson-dev:arm64   arm 'jansson >= 2.13'
    need liblapacke-dev:arm64   arm 'lapacke >= 3.9'
    need libmd-dev:arm64        arm 'libmd >= 1.0'
fi
foreign=$missing missing=$here

[ -n "$missing$useful$foreign" ] || exit 0

# What cannot be installed is the end of it where it is needed, and said where it is not.
cannot() { # WHY
    if [ -z "$missing" ]; then
        [ -z "$useful" ] ||
            echo "setup.sh: going on without$useful: no figure files without cairo, decompositions of our own without LAPACKE, less decided without MPFI" >&2
        [ -z "$foreign" ] ||
            echo "setup.sh: going on without$foreign: not all platforms are then checked" >&2
        exit 0
    fi
    cat >&2 << END
setup.sh: not found, by the names of their Debian packages:$missing$useful$foreign
$1
END
    exit 3
}
command -v apt-get > /dev/null ||
    cannot "There is no apt-get: install what your system calls them (a C17 compiler, Meson >= 1.0, Ninja,
pkg-config, Jansson >= 2.13, libmd, Random123, xxhash, LAPACKE, MPFI, cairo; cmocka, Python 3 and g++ for
the tests), then try again."
root=''
if [ "$(id -u)" -ne 0 ]; then
    root=sudo
    command -v sudo > /dev/null ||
        cannot "Installing takes root or sudo. As root: apt-get install$missing$useful$foreign"
fi
echo "setup.sh: installing$missing$useful$foreign" >&2
install() { # PACKAGE...
    $root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -qq -y --no-install-recommends "$@" > /dev/null
}
# The first try may fail for want of package lists; the second tells what is wrong.
install_listed() { # PACKAGE...
    install "$@" 2> /dev/null || { $root apt-get update -qq > /dev/null && install "$@"; }
}
# shellcheck disable=SC2086 # words
[ -z "$missing$useful" ] || install_listed $missing $useful ||
    cannot "apt-get could not install them."
missing='' useful=''
[ -n "$foreign" ] || exit 0
known=$(dpkg --print-foreign-architectures)
$root dpkg --add-architecture arm64
# shellcheck disable=SC2086
install_listed $foreign || {
    # What has no arm64 would say so at every update.
    echo "$known" | grep -qx arm64 || $root dpkg --remove-architecture arm64 || true
    cannot "apt-get could not install them."
}
