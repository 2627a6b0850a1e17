"""A result's JSON in shell tests, and its schema.

    clearhead heads run --json | python3 result.py get patterns.induction.0.0.score
    python3 result.py check questions.json < result.json      # nothing said: it fits its schema

A path is a number's name, or table.key.key.column, as clh_result_number() takes it (the table's name is
needed here). Of what has an interval, PATH is the value, PATH.low and PATH.high its ends.
"""
import json
import math
import sys


def keys_of(part):
    return [key["name"] for key in part.get("keys", [])]


def rows_by_path(result, schema):
    for part in schema:
        if part["kind"] == "table":
            for row in result["tables"].get(part["name"], []):
                yield ".".join([part["name"]] + [str(row[k] if row[k] is not None else "")
                                                 for k in keys_of(part)]), row


def get(result, schema, path):
    if path in result and not isinstance(result[path], dict):
        return result[path]
    end = "value"
    for tail in ("low", "high"):
        if path.endswith("." + tail):
            path, end = path[:-len(tail) - 1], tail
    if path in result["numbers"]:
        return result["numbers"][path][end]
    if path in result["verdicts"]:
        return result["verdicts"][path]["answer"]
    for name, row in rows_by_path(result, schema):
        if path.startswith(name + ".") and path[len(name) + 1:] in row:
            value = row[path[len(name) + 1:]]
            return value[end] if isinstance(value, dict) else value
    sys.exit("no " + path)


def fields_of(part, names):
    """The part's fields, those by kind of token written out as far as `names` has them."""
    plain = [f for f in part["fields"] if "by" not in f]
    for field in part["fields"]:
        if "by" in field:
            ending = field["name"].lstrip("*")
            plain += [dict(field, name=n) for n in names
                      if n.endswith(ending) and n not in {f["name"] for f in plain}]
    return plain


def is_number(x):
    return x is None or (isinstance(x, (int, float)) and not isinstance(x, bool) and math.isfinite(x))


def check_value(where, field, value):
    if field["type"] == "text":
        assert value is None or isinstance(value, str), where
    elif "interval" in field:
        assert set(value) == {"value", "low", "high"}, where
        assert all(is_number(v) for v in value.values()), where
        if value["low"] is not None:
            assert value["low"] <= value["value"] <= value["high"], (where, value)
    else:
        assert is_number(value), (where, value)


def check_table(part, rows):
    keys, seen = part.get("keys", []), set()
    for row in rows:
        fields = fields_of(part, row)
        extra = set(row) - {f["name"] for f in fields} - {k["name"] for k in keys}
        assert extra <= {"label", "heading", "absent", "unit"}, (part["name"], extra)
        for key in keys:
            value = row[key["name"]]
            assert isinstance(value, str if key["type"] == "text" else int) or value is None, row
        name = tuple(row[key["name"]] for key in keys)
        assert name not in seen, (part["name"], name)
        seen.add(name)
        for field in fields:
            check_value((part["name"], name, field["name"]), field, row[field["name"]])


def shape_of(values):
    shape = []
    while isinstance(values, list):
        shape.append(len(values))
        values = values[0] if values else None
    return shape


def check_array(name, array, part):
    assert array["unit"] == part.get("unit"), name
    assert {"dtype", "unit", "axes", "bytes", "values"} == set(array), name
    for axis in array["axes"]:
        assert isinstance(axis["name"], str), (name, axis)
        if "labels" in axis:
            assert len(axis["labels"]) == axis["length"], (name, axis["name"])
    if array["values"] is not None:
        assert shape_of(array["values"]) == [a["length"] for a in array["axes"]], name


def part_of(arrays, name):
    """The part of that name, else the family it belongs to that says most of it: "*.ov" before "*"."""
    def fits(family):
        first, star, last = family.partition("*")
        return star and len(name) >= len(first + last) and name.startswith(first) and name.endswith(last)
    family = [p for p in arrays if p["name"] == name or fits(p["name"])]
    assert family, name
    return max(family, key=lambda p: (p["name"] == name, len(p["name"])))


def check(result, question):
    schema = question["result"]
    envelope = {"question", "run", "step", "version", "settings", "numbers", "tables", "verdicts",
                "arrays", "absent", "notes"}
    assert envelope <= set(result), envelope - set(result)
    assert set(result) - envelope <= {"seed", "weights", "sample", "over"}, set(result) - envelope
    assert result["question"] == question["name"]
    assert set(result["settings"]) == {s["name"] for s in question["settings"]}
    parts = {part["name"]: part for part in schema}
    numbers = {f["name"]: f for p in schema if p["kind"] == "numbers"
               for f in fields_of(p, result["numbers"])}
    verdicts = {f["name"]: f for p in schema if p["kind"] == "verdicts" for f in p["fields"]}
    assert set(result["numbers"]) == set(numbers)
    for name, number in result["numbers"].items():
        assert set(number) - {"absent"} == {"value", "low", "high", "unit"}, name
        assert number["unit"] == numbers[name].get("unit"), name
        if numbers[name]["type"] == "number":
            assert all(is_number(number[k]) for k in ("value", "low", "high")), name
        if "interval" not in numbers[name]:
            assert number["low"] is None and number["high"] is None, name
    assert set(result["verdicts"]) == set(verdicts)
    for name, verdict in result["verdicts"].items():
        assert set(verdict) == {"question", "answer", "by"}, name
    assert set(result["tables"]) == {p["name"] for p in schema if p["kind"] == "table"}
    for name, rows in result["tables"].items():
        check_table(parts[name], rows)
    arrays = [p for p in schema if p["kind"] == "array"]
    for name, array in result["arrays"].items():
        check_array(name, array, part_of(arrays, name))


def main():
    what, where = sys.argv[1:3]
    result = json.load(sys.stdin)
    if what == "get":
        questions = json.loads(open(sys.argv[3], encoding="utf-8").read()) if len(sys.argv) > 3 else None
        schema = next(q["result"] for q in questions if q["name"] == result["question"])
        value = get(result, schema, where)
        print(value if isinstance(value, str) else json.dumps(value))
    else:
        questions = json.loads(open(where, encoding="utf-8").read())
        check(result, next(q for q in questions if q["name"] == result["question"]))


main()
