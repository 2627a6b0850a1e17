#!/bin/sh
# Formats: what is written is what programs read; what will be refused is refused before anything is
# computed; a format more is a file and a row.
. "$(dirname "$0")/../support/tap.sh"
cd "$folder" || exit 3
support=$CLH_SOURCE/tests/support
export CLH_FIGURES PYTHONPATH="$support" PYTHONDONTWRITEBYTECODE=1

"$WRITE_FORMATS" . 2> said
is 0 $? "a result with every kind of part is written in every format: $(cat said)"

truth() { # WHAT, then a Python program on stdin: each assertion holds
    is '' "$(python3 - 2>&1 | tail -n 1)" "$1"
}

truth 'CSV: a row for every number, as the csv module reads it' << 'END'
import csv
rows = list(csv.DictReader(open("sample.csv", newline="")))
assert list(rows[0]) == ["part", "input", "name", "step", "token", "position", "row", "field", "value", "low", "high", "unit"]
at = {(r["part"], r["input"], r["name"], r["step"], r["row"], r["token"], r["field"]): r for r in rows}
loss = at["numbers", "", "", "", "", "", "loss"]
assert (float(loss["value"]), float(loss["low"]), float(loss["high"]), loss["unit"]) == (0.00106393502, 0.0009, 0.0013, "nats/token")
assert at["numbers", "", "", "", "", "", "count"]["value"] == "13388280001"
assert at["numbers", "", "", "", "", "", "missing"]["value"] == ""
assert at["numbers", "", "", "", "", "", "word"]["value"] == 'a word, or "two"'
assert at["verdicts", "", "", "", "", "", "attends"]["value"] == "by position"
assert at["interventions", "held out", "none", "", "", "", "note"]["value"] == 'a, "b"\nc'
assert float(at["interventions", "held out", "zero", "", "", "", "loss"]["high"]) == 6.5
assert at["interventions", "other", "zero", "", "", "", "loss"]["value"] == ""
assert float(at["training", "", "", "500", "", "", "loss"]["value"]) > 0
assert at["training", "", "", "1", "", "", "accuracy"]["value"] == ""
assert len(at["gaps", "", "", "", "", "p", "gaps"]["value"].split()) == 120
assert at["gaps", "", "", "", "", " ", "gaps"]["value"] == " "
assert len(rows) == 6 + 2 + 4 * 6 + 11 * 2 + 44 * 2 + 3 * 3 + 245 + 3, len(rows)
assert all(None not in r.values() and None not in r for r in rows)
END
truth 'CSV of a table, an array, the numbers' << 'END'
import csv
table = list(csv.DictReader(open("interventions.csv", newline="")))
assert list(table[0]) == ["input", "name", "loss", "loss_low", "loss_high", "accuracy", "accuracy_low", "accuracy_high",
                          "letters", "slot_one", "slot_two", "note", "label", "heading", "absent"]
assert [r["heading"] for r in table] == ["held-out sequences", "", "other sequences", ""]
assert table[3]["absent"] == "no such input" and table[3]["loss"] == "" and table[2]["note"] == "x|y"
ids = list(csv.reader(open("ids.csv", newline="")))
assert ids == [["array", "row", "column", "value"], ["ids.chosen", "0", "0", "20"], ["ids.chosen", "0", "1", "0"],
               ["ids.chosen", "1", "0", "50"], ["ids.chosen", "1", "1", "30"]], ids
pattern = list(csv.DictReader(open("pattern.csv", newline="")))
assert len(pattern) == 2 * 12 * 12 and pattern[3 * 12 + 3] == {"array": "pattern", "head": "0", "query_pos": "s", "key_pos": "s", "value": "0.75"}
numbers = list(csv.DictReader(open("numbers.csv", newline="")))
assert [r["field"] for r in numbers] == ["loss", "share", "count", "missing", "word", "detail"]
END
truth 'JSON: numbers, tables, arrays inline, whole numbers in full' << 'END'
import json
r = json.load(open("sample.json"))
assert (r["question"], r["run"], r["step"], r["seed"], r["settings"]["metric"]) == ("sample", "runs/a, b", 500, 3, "loss")
assert r["numbers"]["count"]["value"] == 13388280001 and r["numbers"]["missing"]["absent"] == "no such thing, here"
assert r["tables"]["interventions"][3]["absent"] == "no such input"
assert r["arrays"]["pattern"]["values"][1][11][5] == 0.75 and r["arrays"]["ids.chosen"]["values"] == [[20, 0], [50, 30]]
assert [a["name"] for a in r["arrays"]["pattern"]["axes"]] == ["head", "query_pos", "key_pos"]
one = json.load(open("pattern.json"))
assert list(one["arrays"]) == ["pattern"] and one["tables"] == {} and one["numbers"] == {}
END
truth 'Markdown: each table has as many cells in each row as in its head' << 'END'
import re
text = open("sample.md").read()
assert text.startswith("### sample: runs/a, b, step 500, 20 held-out sequences\n")
blocks = [b.splitlines() for b in text.split("\n\n") if b.startswith("|")]
cells = lambda line: len(re.findall(r"(?<!\\)\|", line))
assert len(blocks) == 1 + 2 + 5 + 1, len(blocks)          # numbers; two groups; five tables; arrays
for block in blocks:
    assert re.fullmatch(r"\|(-+:?\|)+", block[1]), block[1]
    assert {cells(line) for line in block} == {cells(block[0])}, block
assert "| loss | 0.001064 [0.000900, 0.001300] | nats/token | mean loss \\| of all |" in text
assert "- By what does it attend? **by position** (accuracy 0.999, threshold 0.98)\n" in text
assert "| detail | -0.25 |" in text                          # in full
assert "*held-out sequences*\n\n| input |" in text and "left out: no such input |" in text
assert "**empty**: a table without rows; none: nothing is above 0.8\n" in text
only = open("training.md").read()
assert "**training**" in only and "interventions" not in only and "| number |" not in only
END
truth 'safetensors: arrays under their names, what was asked beside them' << 'END'
import json
from tensors import header, read
table, said, _ = header("sample.safetensors")
assert list(table)[:3] == ["by_position", "ids", "ids.chosen"] and set(table) == {
    "by_position", "ids", "ids.chosen", "pattern", "strip", "text"}
sizes = {"F64": 8, "I64": 8, "F32": 4}
assert all(row["data_offsets"][0] % sizes[row["dtype"]] == 0 for row in table.values())
assert table["pattern"]["shape"] == [2, 12, 12] and table["ids"]["dtype"] == "I64"
found = read("sample.safetensors")
assert found["ids.chosen"] == ([2, 2], (20, 0, 50, 30)) and found["pattern"][1][3 * 12 + 3] == 0.75
want = {"format": "pt", "question": "sample", "run": "runs/a, b", "step": "500", "seed": "3", "weights": "c0ffee",
        "version": "0.1.0", "metric": "loss", "list": "[1, 2]", "loss": "0.0010639350199999999", "word": 'a word, or "two"'}
assert {k: said[k] for k in want} == want, said
assert "left" not in said and "missing" not in said and json.loads(said["settings"])["count"] == 20
assert json.loads(said["axis.key_pos"])[4] == "M" and json.loads(said["axis.position"])[11] == "."
assert len([k for k in said if k.startswith("axis.key_pos")]) == 1     # two arrays share it
END
truth 'safetensors of a table: its columns; of one array; of those of any name' << 'END'
import json, math
from tensors import header, read
found, (_, said, _) = read("table.safetensors"), header("table.safetensors")
assert set(found) == {"interventions." + c for c in ["loss", "loss.low", "loss.high", "accuracy", "accuracy.low",
                      "accuracy.high", "letters", "slot_one", "slot_two"]}
assert found["interventions.loss.high"][1][:3] == (0.002, 6.5, 0.5) and math.isnan(found["interventions.loss"][1][3])
assert json.loads(said["interventions.name"]) == ["none", "zero", "none", "zero"]
assert json.loads(said["interventions.note"]) == ['a, "b"\nc', None, "x|y", None]
assert read("chosen.safetensors") == {"ids.chosen": ([2, 2], (20, 0, 50, 30))}
assert list(read("any.safetensors")) == ["ids", "ids.chosen"]
END
truth 'npz: the same arrays, and numbers' << 'END'
from tensors import header, read, read_npz
found, said = read_npz("sample.npz")
same = read("sample.safetensors")
assert set(found) == set(same)
assert all(tuple(found[n][0]) == tuple(same[n][0]) for n in same)
assert all(list(found[n][1]) == list(same[n][1]) for n in same if n != "by_position")   # that has NaN
assert said == {k: v for k, v in header("sample.safetensors")[1].items() if k != "checksum"} # npz has CRC-32
numbers, _ = read_npz("numbers.npz")
assert set(numbers) == {"loss", "loss.low", "loss.high", "share", "share.low", "share.high", "count", "missing", "detail"}
assert [list(numbers[n][1]) for n in ("loss", "share.high", "count")] == [[0.00106393502], [0.625], [13388280001]]
assert tuple(numbers["loss"][0]) == ()
END
truth 'images are whole, and as large as they say' << 'END'
import os, struct, zlib
figures = os.environ["CLH_FIGURES"] == "yes"
for name in ("sample.png", "sample.svg", "sample.pdf"):
    assert os.path.exists(name) == figures, name
if figures:
    png = open("sample.png", "rb").read()
    at, raw = 8, b""
    while at < len(png):
        size, kind = struct.unpack(">I4s", png[at:at + 8])
        raw += png[at + 8:at + 8 + size] if kind == b"IDAT" else b""
        at += 12 + size
    width, height, depth, colour = struct.unpack(">IIBB", png[16:26])
    pixels = zlib.decompress(raw)
    channels = {2: 3, 6: 4}[colour]
    assert len(pixels) == height * (1 + channels * width) and len(set(pixels)) > 50
    svg = open("sample.svg").read()
    assert f'width="{width}px" height="{height}px"' in svg and svg.rstrip().endswith("</svg>")
    assert open("sample.pdf", "rb").read(5) == b"%PDF-"
END

# ---- A format more -------------------------------------------------------------------------------

is 1 "$(grep -c '^loss	0.00106393502$' sample.lines)" 'a format of the tests is written by the library'
is 1 "$(grep -c '^interventions.held out.zero.loss	3.25$' sample.lines)" 'with every number'
clearhead=$CLEARHEAD_MORE
runs 0 train --n 3 --steps 4 --d-model 16 --d-head 8 --out run
runs 0 heads -h
is '1 1' "$(printf '%s\n' "$out" | grep -c '\.lines') $(printf '%s\n' "$out" | grep -c -e '--lines  *a line for each')" \
    'help knows its endings and its flag'
runs 0 heads run --count 5 --lines
lines=$out
is 12 "$(printf '%s\n' "$lines" | grep -c '^patterns\..*	[0-9.e-]*$')" 'the command writes it to stdout'
runs 0 heads run --count 5 --out a.lines
is "$lines" "$(cat a.lines)" 'and to a file'
runs 0 heads run --count 5 --out a.LN
is "$lines" "$(cat a.LN)" 'by either ending'
runs 2 heads nowhere --lines --part patterns
is 'clearhead heads: lines show the whole result, want no part' "$err" 'its check is asked first'
runs 2 heads run --lines --csv
is 'clearhead heads: --csv and --lines are both given, want one of them' "$err" 'one format of stdout'
"$clearhead" docs --out docs 2> /dev/null && is 1 "$(grep -c 'heads.*-l lines' docs/*fish)" 'completion has it'
clearhead=$CLEARHEAD

# ---- Refused before anything is computed: before the run is even opened --------------------------

runs 2 heads nowhere --figure a.gif
is 'clearhead heads: a.gif has no ending that names a format, want one of .txt, .json, .csv, .md, .npz, .safetensors, .png, .svg, .pdf' \
    "$err" 'an unknown ending'
runs 2 heads nowhere --figure a.csv
is 'clearhead heads: --figure is a.csv, want an image: .png, .svg or .pdf' "$err" 'no image'
runs 2 heads nowhere --part patterrns --json
is 'clearhead heads: there is no part patterrns in this result, did you mean patterns' "$err" 'an unknown part'
runs 3 heads nowhere --out no/such/a.csv
is 'clearhead heads: cannot write no/such/a.csv: No such file or directory' "$err" 'no folder'
runs 2 heads nowhere --checkpoints --part patterns --out a.csv
is 'clearhead heads: there is no part patterns in this result, want one such as steps' "$err" \
    'a part that the table over checkpoints has not'
if [ "$CLH_FIGURES" = yes ]; then
    runs 3 heads nowhere --figure no/such/a.png
    is 'clearhead heads: cannot write no/such/a.png: No such file or directory' "$err" 'no folder for an image'
    runs 2 heads nowhere --seeds 2 --part votes --figure a.png
    is 'clearhead heads: part votes is not drawn, want one of: numbers' "$err" 'a part that is not drawn'
else
    runs 3 heads nowhere --figure a.png
    is 1 "$(printf '%s' "$err" | grep -c libcairo2-dev)" 'no cairo: said before the run is opened'
fi
is '' "$(ls ./*.gif a.csv a.png no 2> /dev/null)" 'nothing was written'

# ---- A stdout that cannot be written takes no figure away ----------------------------------------

over='--count 5 --checkpoints --numbers induction.0.0.score'
# shellcheck disable=SC2086 # words
draws good.png heads run $over --figure
# shellcheck disable=SC2086
runs 0 heads run $over --out good.csv
is 5 "$(grep -c '^steps,[0-4],induction.0.0.score,' good.csv)" 'a row for each checkpoint'
if [ -e /dev/full ]; then
    # shellcheck disable=SC2086
    "$clearhead" heads run $over --out full.csv > /dev/full 2> said
    is '3 1' "$? $(grep -c stdout said)" 'a full disk is a failure'
    is 0 "$(cmp good.csv full.csv > /dev/null 2>&1; echo $?)" 'the file that was asked for is whole'
    if [ "$CLH_FIGURES" = yes ]; then
        # shellcheck disable=SC2086
        "$clearhead" heads run $over --figure full.png > /dev/full 2> said
        is 3 $? 'a full disk is a failure'
        is 0 "$(cmp good.png full.png > /dev/null 2>&1; echo $?)" 'the figure is drawn from the numbers'
    fi
fi
# shellcheck disable=SC2086
"$clearhead" heads run $over --out head.csv | head -n 1 > first
is 0 "$(cmp good.csv head.csv > /dev/null 2>&1; echo $?)" 'a reader that goes away takes no file away'
is 1 "$(wc -l < first | xargs)" 'and had what it wanted'

# ---- What the terminal shows ---------------------------------------------------------------------

runs 0 heads run --count 5 --checkpoints --numbers induction.0.0.score --terminal
is '1 1' "$(printf '%s\n' "$out" | grep -c '^heads over checkpoints$') $(printf '%s\n' "$out" | grep -c '^run, 5 held-out sequences, over checkpoints$')" \
    'a curve over training, in characters'
runs 0 heads run --count 5 --csv --part patterns
is 'pattern,layer,head,score,even' "$(printf '%s\n' "$out" | head -n 1)" 'one table as CSV'
runs 0 heads run --count 5 --markdown
is 1 "$(printf '%s\n' "$out" | grep -c '^| pattern | layer | head | score | even |$')" 'Markdown on stdout'
finish
