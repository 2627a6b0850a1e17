#!/bin/sh
# What is installed suffices: the program with its pages, the library for others to build on
# (TAP, run by the tests).
#
#   install.sh BUILD COMPILER...      a build folder, and how it compiles
. "$(dirname "$0")/../support/tap.sh"
build=$1
shift
cd "$folder" || exit 3

if ! command -v meson > tools || ! command -v pkg-config > tools; then
    skip 'installation' 'wants meson and pkg-config'
    finish
    exit 0
fi
DESTDIR=$folder/root meson install -C "$build" --no-rebuild --quiet > log 2>&1
is 0 $? 'it installs into a folder'
there() { # END OF A PATH: one file, that is not empty
    is 1 "$(find root -path "*/$1" -size +0 | wc -l)" "$1"
}
there bin/clearhead
there share/man/man1/clearhead.1
there share/man/man1/clearhead-train.1
there share/bash-completion/completions/clearhead
there share/zsh/site-functions/_clearhead
there share/fish/vendor_completions.d/clearhead.fish
there libclearhead.a
is 3 "$(find root -name 'libclearhead.so*' | wc -l)" 'the shared library, under its name, its soname and for linkers'
is "$(cd "$CLH_SOURCE/include" && find clearhead -type f | sort)" \
    "$(cd root/*/*/include 2> log || cd root/*/include && find clearhead -type f | sort)" \
    'every public header, and nothing else'

# An example, as a stranger builds it: with nothing of ours but what is installed.
PKG_CONFIG_SYSROOT_DIR=$folder/root
PKG_CONFIG_PATH=$(dirname "$(find "$folder/root" -name clearhead.pc)")
export PKG_CONFIG_SYSROOT_DIR PKG_CONFIG_PATH
cp "$CLH_SOURCE/examples/01_train.c" .
# shellcheck disable=SC2046 # words
"$@" -std=c17 -Wall -Wextra -Werror 01_train.c -o 01_train \
    $(pkg-config --cflags --libs clearhead) > log 2>&1
is 0 $? 'an example compiles with the flags that pkg-config tells'
sed 's/^/# /' log
needs() { # PROGRAM: how it names our shared library
    readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(libclearhead.*\)\]/\1/p'
}
is libclearhead.so.0 "$(needs 01_train)" 'it is linked with the shared library'
LD_LIBRARY_PATH=$(dirname "$(find "$folder/root" -name libclearhead.so.0)")
export LD_LIBRARY_PATH
clearhead=$folder/01_train
runs 0 first
is 1 "$(printf '%s\n' "$out" | grep -c '^step 500: .* accuracy 1\.0000$')" 'and runs'

# The same with the static library, which brings what it stands on along.
# shellcheck disable=SC2046
"$@" -std=c17 -Wall -Wextra -Werror 01_train.c -o 01_static \
    $(pkg-config --cflags --libs clearhead-static) > log 2>&1
is 0 $? 'and with the static one'
sed 's/^/# /' log
is '' "$(needs 01_static)" 'which needs no library of ours'
clearhead=$folder/01_static
runs 0 second
is 0 "$(cmp first/model.safetensors second/model.safetensors > log 2>&1; echo $?)" 'both train the same bytes'
unset LD_LIBRARY_PATH
clearhead=$(find "$folder/root" -path '*/bin/clearhead')
runs 0 eval first --least 0.99
finish
