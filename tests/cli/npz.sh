#!/bin/sh
# Zip files that any reader takes: Python's, NumPy's, unzip's, and one that goes front to back and so
# needs every size before the bytes.
. "$(dirname "$0")/../support/tap.sh"
cd "$folder" || exit 3
export PYTHONPATH="$CLH_SOURCE/tests/support" PYTHONDONTWRITEBYTECODE=1

"$WRITE_ZIP" . 2> said
is 0 $? "zip files are written: $(cat said)"

truth() { # WHAT, then a Python program on stdin: each assertion holds
    is '' "$(python3 - 2>&1 | tail -n 1)" "$1"
}

for name in small large; do
    FILE=$name truth "$name: names, bytes and sums" << 'END'
import os, zipfile
with zipfile.ZipFile(os.environ["FILE"] + ".zip") as file:
    assert file.testzip() is None
    assert {m.filename: file.read(m) for m in file.infolist()} == {
        "empty": b"", "first": b"123456789", "été": b"summer, and the name says so"}
    assert file.getinfo("first").CRC == 0xCBF43926          # the check value of CRC-32
    assert all(m.date_time == (1980, 1, 1, 0, 0, 0) and m.external_attr >> 16 == 0o100644 for m in file.infolist())
END
done
truth 'sizes stand before the bytes, whoever reads front to back' << 'END'
from tensors import zip_members
want = [("empty", b""), ("first", b"123456789"), ("été", b"summer, and the name says so")]
for name, wide in (("small.zip", 0), ("large.zip", 2)):
    found = list(zip_members(name))
    assert [(m["name"], m["bytes"]) for m in found] == want
    assert sum(m["zip64"] for m in found) == wide
assert len(list(zip_members("many.zip"))) == 65536
END
truth 'more members than 16 bits count' << 'END'
import zipfile
with zipfile.ZipFile("many.zip") as file:
    assert len(file.infolist()) == 65536 and file.testzip() is None
    assert file.read("65535") == b"65535"
END
for name in small large many; do
    if command -v unzip > /dev/null; then
        unzip -tqq $name.zip > said 2>&1
        is 0 $? "unzip takes $name.zip $(head -n 1 said)"
    else
        skip "unzip takes $name.zip" 'no unzip'
    fi
done
finish
