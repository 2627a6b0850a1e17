#!/bin/sh
# The sources of Debian packages as their authors gave them out, for what is built for a platform that
# Debian has no packages of. Kept: what is there already is not fetched again.
#
#   scripts/debian_source.sh build-sources jansson libmd      build-sources/jansson, build-sources/libmd
#
# Takes apt's own lists of packages, with their signatures, without being root; needs the network.
set -eu

folder=${1:?a folder}
shift
mkdir -p "$folder"
folder=$(realpath "$folder")
apt="$folder/apt"

lists() { # apt's lists, of sources
    rm -rf "$apt"
    mkdir -p "$apt/sources" "$apt/lists/partial" "$apt/cache/archives/partial"
    for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [ ! -s "$list" ] || sed -n 's/^deb /deb-src /p' "$list" > "$apt/sources/$(basename "$list")"
    done
    for list in /etc/apt/sources.list.d/*.sources; do
        [ ! -s "$list" ] ||
            sed 's/^Types:.*/Types: deb-src/' "$list" > "$apt/sources/$(basename "$list")"
    done
}
fetch() { # what apt-get is to do
    apt-get -qq -o APT::Sandbox::User=root -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$apt/sources" \
        -o Dir::State::Lists="$apt/lists" -o Dir::Cache="$apt/cache" "$@"
}

for package; do
    [ ! -d "$folder/$package" ] || continue
    [ -d "$apt" ] || { lists && fetch update; }
    mkdir -p "$apt/$package/unpacked"
    (cd "$apt/$package" && fetch source --download-only "$package" &&
        find . -name '*.orig.tar.*' -not -name '*.asc' -exec tar -C unpacked -xf {} \;)
    mv "$apt/$package/unpacked"/* "$folder/$package" # which is one folder
done
rm -rf "$apt"
