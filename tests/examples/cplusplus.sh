#!/bin/sh
# The headers are C++17 too, each alone and all of them, and a C++ program links with the shared
# library (TAP, run by the tests).
#
#   cplusplus.sh BUILD COMPILER [-fsanitize=...]     a build folder, whose compiler made it, and how
. "$(dirname "$0")/../support/tap.sh"
build=$1 made_by=$2 sanitize=${3:-}
include=$(realpath "$CLH_SOURCE/include")
cd "$folder" || exit 3

cat > program.cpp << 'END'
#include <clearhead/clearhead.h>

#include <iostream>
#include <vector>

int main()
{
    clh_error err{};
    clh_task_config config{};
    config.name = "permutations";
    const clh_task_setting settings[] = {{"n", "2"}, {nullptr, nullptr}};
    config.settings = settings;
    clh_task *task = nullptr;
    if (clh_task_open(&task, &config, &err) != CLH_OK)
        return std::cerr << err.message << '\n', 1;
    std::vector<uint32_t> room(clh_task_length_max(task));
    clh_sequence sequence{room.data(), room.size(), 0, 0};
    if (clh_task_draw(task, CLH_SPLIT_TRAIN, 0, &sequence, &err) != CLH_OK)
        return std::cerr << err.message << '\n', 1;
    std::cout << clh_version() << ' ' << sequence.length << ' ' << clh_status_text(CLH_EFORMAT) << '\n';
    clh_task_close(task);
}
END

tried=0
for compiler in g++ clang++; do
    command -v "$compiler" > found || continue
    tried=$((tried + 1))
    cpp() { # ARGUMENTS...: compile, saying what was wrong
        code=0
        "$compiler" -std=c++17 -Wall -Wextra -Wpedantic -Wconversion -Werror -I "$include" "$@" > log 2>&1 || code=$?
        [ "$code" = 0 ] || sed 's/^/# /' log
        return "$code"
    }
    for header in "$include"/clearhead/*.h; do
        name=$(basename "$header")
        echo "#include \"clearhead/$name\"" > alone.cpp
        ok "$(cpp -fsyntax-only alone.cpp > said; echo $?)" "$compiler: $name alone"
        cat said
    done
    # What sanitizers of one compiler instrument, the other cannot link.
    case "$sanitize $compiler $made_by" in
    ' '* | *' g++ gcc' | *' clang++ clang')
        # shellcheck disable=SC2086 # none is no word
        ok "$(cpp $sanitize program.cpp -o program -L "$build/src" -lclearhead "-Wl,-rpath,$build/src" \
            > said; echo $?)" "$compiler: a program links with the library"
        cat said
        clearhead=$folder/program
        runs 0
        is '0.1.0 8 bad file format' "$out" 'and runs' ;;
    esac
done
ok "$((tried == 0))" 'there is a C++ compiler'
finish
