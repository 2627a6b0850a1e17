#!/bin/sh
# Install what is missing for a purpose, and nothing else.
#
#   scripts/setup.sh build     to build the program
#   scripts/setup.sh test      also to test it
#   scripts/setup.sh ci        also what .ci/run checks with
#
# Looks for each tool, header and library first: when all are there it needs neither network nor
# root. Installs with apt-get, through sudo when not root; says what to install where there is no
# apt-get.
set -eu

purpose=${1:-build}
missing=''

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
need libcairo2-dev     library 'cairo >= 1.16'
case $purpose in
build) ;;
test | ci)
    need libcmocka-dev library 'cmocka >= 1.1.5'
    need python3       tool python3
    ;;
*)
    echo "setup.sh: purpose is $purpose, want build, test or ci" >&2
    exit 2
    ;;
esac
if [ "$purpose" = ci ]; then
    need clang           tool clang
    need clang-tidy      tool clang-tidy
    need clang-format    tool clang-format
    need cppcheck        tool cppcheck
    need universal-ctags tool ctags
    need groff-base      tool groff
fi

[ -n "$missing" ] || exit 0
if ! command -v apt-get > /dev/null; then
    cat >&2 << END
setup.sh: not found, by the names of their Debian packages:$missing
Install what your system calls them (a C17 compiler, Meson >= 1.0, Ninja, pkg-config, jansson,
Random123, cairo; cmocka for the tests), then try again.
END
    exit 3
fi
root=''
if [ "$(id -u)" -ne 0 ]; then
    root=sudo
    if ! command -v sudo > /dev/null; then
        echo "setup.sh: as root: apt-get install$missing" >&2
        exit 3
    fi
fi
echo "setup.sh: installing$missing" >&2
install() {
    # shellcheck disable=SC2086 # words
    $root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing >&2
}
install || { $root apt-get update -qq >&2 && install; }
