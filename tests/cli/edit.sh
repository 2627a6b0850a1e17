#!/bin/sh
# clearhead edit (TAP, run by the tests).
. "$(dirname "$0")/../support/tap.sh"
cd "$folder" || exit 3

edits() { # FILE EDITS: a file of edits
    printf '{"format": "clearhead-edits-1", "edits": [%s]}' "$2" > "$1"
}
same() { # whether before and after in $out are the same numbers
    printf '%s\n' "$out" | python3 -c 'import json,sys; d=json.load(sys.stdin); print(d["before"] == d["after"])'
}

runs 0 train --n 2 --steps 5 --out run
edits none.json ''
runs 0 edit run --edits none.json --count 20 --json
is True "$(same)" 'no edit changes nothing'
edits zero.json '{"kind": "zero", "site": "blocks.0.attn.hook_z"}'
runs 0 edit run --edits zero.json --count 20 --json
is False "$(same)" 'an edit is made'
edits name.json '{"kind": "zero", "site": "blocks.0.attn.hook_patern"}'
runs 2 edit run --edits name.json
ok "$(printf '%s' "$err" | grep -q 'did you mean blocks.0.attn.hook_pattern?'; echo $?)" 'a hook that is not there'
edits key.json '{"kind": "zero", "sit": "*"}'
runs 2 edit run --edits key.json
ok "$(printf '%s' "$err" | grep -q 'unknown key sit; did you mean site'; echo $?)" 'an unknown key'
edits head.json '{"kind": "zero", "site": "blocks.0.attn.hook_z", "heads": [7]}'
runs 2 edit run --edits head.json
edits shape.json '{"kind": "one_hot", "site": "blocks.0.attn.hook_z"}'
runs 2 edit run --edits shape.json
edits site.json '{"kind": "zero"}'
runs 2 edit run --edits site.json
finish
