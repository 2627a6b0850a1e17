#!/bin/sh
# The ending of a file decides its format, in any case, in every command that writes one; one that names
# no format is refused before a run is opened.
. "$(dirname "$0")/../support/tap.sh"
. "$(dirname "$0")/../support/each_question.sh"
cd "$folder" || exit 3
export PYTHONPATH="$CLH_SOURCE/tests/support" PYTHONDONTWRITEBYTECODE=1

runs 0 train --n 3 --steps 6 --d-model 16 --d-head 8 --out run
runs 0 train --n 2 --steps 6 --d-model 16 --d-head 8 --out two # what is asked of whole domains is answered at once
write_edits
names="$(question_names) figure"

# refused OPTION FILE ARGUMENTS...: whatever the command, exit 2, the file named, nothing on the disk
refused() {
    option=$1 file=$2
    shift 2
    code=0
    "$clearhead" "$@" "--$option" "$file" > said 2>&1 || code=$?
    is "2 1 $before" "$code $(grep -cF -e "$file" said) $(find . | sort | cksum)" "$* --$option $file: $(tail -n 1 said)"
}
: > said
before=$(find . | sort | cksum)
for name in $names; do
    target=''
    asks_run "$name" && target=nowhere # that it is not there would be said only later
    for file in a.npy a.pt a.csv.gz a.npz2 a .npz a.gif a.npz/; do
        # shellcheck disable=SC2046,SC2086 # words
        refused out $file "$name" $(words "$name") $target $(settings "$name")
    done
    [ "$name" = figure ] && { refused out a.NPZ figure nowhere; refused out a.csv figure nowhere; continue; }
    # shellcheck disable=SC2046,SC2086
    refused figure a.csv "$name" $(words "$name") $target $(settings "$name")
    [ -z "$target" ] && continue
    for over in --checkpoints '--seeds 2' '--against nowhere'; do
        # shellcheck disable=SC2046,SC2086
        refused out a.npy "$name" $(words "$name") $target $over $(settings "$name")
    done
done

# What an ending makes is that, or the format is refused of such a result and nothing is written.
cat > kind.py << 'END'
import csv, json, sys, xml.dom.minidom
from tensors import header, read_npz
path = sys.argv[1]
with open(path, "rb") as file:
    data = file.read()
def image(magic):
    assert data.startswith(magic), data[:16]
{".npz": lambda: read_npz(path), ".safetensors": lambda: header(path), ".json": lambda: json.loads(data),
 ".csv": lambda: next(csv.reader(data.decode().splitlines())).index("value"),
 ".md": lambda: data.index(b"### "), ".txt": lambda: data.decode(), ".png": lambda: image(b"\x89PNG\r\n"),
 ".svg": lambda: xml.dom.minidom.parseString(data), ".pdf": lambda: image(b"%PDF-")}[path[path.rindex("."):].lower()]()
END
written=0
for name in $names; do
    target=''
    asks_run "$name" && case $name in robustness|necessity|repair|causal|loss|edit) target=two ;; *) target=run ;; esac
    for file in a.NPZ a.Safetensors a.JSON a.cSv a.MD a.Txt a.PNG a.Svg a.PDF; do
        code=0
        # shellcheck disable=SC2046,SC2086
        "$clearhead" "$name" $(words "$name") $target $(settings "$name") --out $file > said 2>&1 || code=$?
        if [ -e $file ]; then
            is '' "$(python3 kind.py $file 2>&1 | tail -n 1)" "$name --out $file"
            written=$((written + 1))
            rm $file
        else
            is 1 "$([ $code -ge 2 ] && grep -c "^clearhead $(typed "$name"): " said)" "$name --out $file is refused: $(tail -n 1 said)"
        fi
    done
done
is 1 $((written > 5 * $(echo "$names" | wc -w))) "most are written: $written"
finish
