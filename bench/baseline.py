#!/usr/bin/env python3
"""Whether a build still says the same numbers: every question asked of five small runs.

    bench/baseline.py record build/clearhead old.json              # some minutes; --quick: one
    bench/baseline.py record build/clearhead old.json --keep kept  # runs and json stay in kept/
    bench/baseline.py compare old.json new.json --names renamed.tsv
    bench/baseline.py speed old/build/clearhead build/clearhead    # whole commands, in turn

A number's path is RUN/COMMAND/NAME/..., where an element of an array goes by the text that names it. An answer's
"numbers", "tables" and "arrays" are no part of it; an interval [value, low, high] and {"value", "low", "high"}
both become NAME, NAME/low and NAME/high. Beside what is printed: hashes of all weights and checkpoints, metrics,
sums of what files hold, exit codes, also of questions that do not fit.
A line of --names is OLD TAB NEW. An OLD that begins with ^ is a regular expression, whose groups NEW calls \\1
and on; any other is a prefix. Every line is applied, in order; without NEW the path is meant to be gone. NAME/half is
half the width of the interval of NAME.
compare exits with 1 when something moved or is gone.
"""

import argparse, array, hashlib, json, math, os, re, shlex, shutil  # noqa: E401
import statistics, struct, subprocess, sys, tempfile, time, zipfile  # noqa: E401
from functools import partial
from pathlib import Path

SEED = "--seed 0 --threads 1"
MLP = f"--n-layers 2 --attn-only=false {SEED}"
LINES = f"--data lines.jsonl --first-scored 8 --n-heads 2 {MLP}"  # "bare" holds none of them out
RUNS = {"notebook": SEED, "mlp": f"--n 3 --n-heads 4 --steps 40 --eval-every 10 {MLP}", "bare": f"--steps 5 {LINES}",
        "lines": f"--steps 60 --eval-every 20 --test-sequences 40 {LINES}",
        "unseen": f"--letters-unseen 10 --steps 100 {SEED}"}  # fmt: skip
PAIR = {"notebook": "--clean abcd --corrupt abce", "mlp": "--clean abc --corrupt abd",
        "lines": "--clean-text '> abcde edcba.' --corrupt-text '> abcdf fdcba.'"}  # fmt: skip
FROM = {"notebook": {"letters": "abcd"}, "mlp": {"letters": "abc"}, "lines": {"text": "> abcde edcba."}}

# "command options" or "label: command options"; the run's folder comes behind the command. {500|50} is the
# first number, with --quick the second; PAIR two sequences, OUT a file to write, EDITS a folder; <A|B> is A for
# an old program, which has no "questions", and else B.
EVERY = """eval; eval --count 60; heads; heads --measure abs; heads pattern: heads --pattern pattern.json; sample;
circuits; circuits --norm; circuits file: circuits --out OUT.safetensors; attention some: attention --count {400|40};
causal some: causal --count {200|20} --others {50|10}; scrub some: scrub --count {40|4}; attribute; attribute --split
layers; attribute --norm recomputed; attribute --lens: <attribute --lens|lens>; attribute --lens --norm frozen:
<attribute --lens|lens> --norm frozen; show; sample --free; sample --count 3; emergence; generalise some: generalise
--count {300|30}; figure --kind loss; figure --kind positions; figure --kind tokens; figure --kind thresholds
--threshold 0.5; figure --kind attention; patch: patch PAIR --attribution; patch metric: patch PAIR --metric
logit_diff:-2:a:b; patch file: patch PAIR --attribution --out OUT.safetensors; paths: paths PAIR <--eap --ig|--ig> 10;
paths edges: paths PAIR --edges *->logits; paths path: paths PAIR --path embed->L0H0.v->logits; paths file: paths PAIR
<--eap|--ig 1> --out OUT.safetensors; cache npz: cache --grads --out OUT.npz; cache: cache --grads --out
OUT.safetensors; cache --dry-run: <cache --dry-run|cache>; export: export --to OUT; cache some: cache --grads --metric
logit_diff:-2:a:b --names q,*pattern --positions 0:5,-1 --out OUT.npz; export folded: export --fold --to OUT; export
refactored: export --fold --refactor --to OUT"""
ALL = """loss,accuracy,whole,qk_token_mean_loss,qk_token_mean_accuracy,qk_position_mean_loss,qk_position_mean_accuracy,scores_position,
pattern_position,top_agrees,v_token_mean_accuracy,v_position_mean_accuracy,copies,copy_margin,copying_score,answer_mass,answer_top,
answer_possible,distinct_sources,prompt_mass,top_prompt,gap,gap_share,cue_token,loss_without_token,spaces_from,
letters_from,period_from,qk_from,ov_from,worst_share""".replace("\n", "")  # of answers
OVER = """eval --checkpoint 16; eval --checkpoints; heads --checkpoints; circuits --checkpoints; attribute
--checkpoints; attribute --lens --checkpoints: <attribute --lens|lens> --checkpoints; attention over: attention
--count 20 --checkpoints; patch over: patch PAIR --checkpoints; causal over: causal --count 20 --others 0
--checkpoints; generalise over: generalise --count 20 --checkpoints; edit over: edit --edits EDITS/zero.json --count
50 --checkpoints; paths over: paths PAIR --checkpoints; scrub over: scrub --hypothesis algorithm --count 20
--checkpoints"""
ASKED = {
    "notebook": f"""{EVERY}; {OVER}; answers; answers over: answers --count 20 --checkpoints; attention; causal;
generalise: generalise --count 2000; scrub; scrub own: scrub --hypothesis hypothesis.json --count 100; answers seeds:
answers --seeds 2 <|--numbers {ALL}>; figure; sample --letters aabb --free; attribute --letters psM1 --metric
logit_diff:-2:.:a; figure --letters psM1; circuits --kind none; figure --kind none; attention --head 1; eval
--checkpoint 3; edit; patch short: patch --clean abcd --corrupt abc; patch wrong: patch PAIR --metric none; scrub
--hypothesis none; patch none: patch; edit wrong key: edit --edits EDITS/key.json; edit wrong kind: edit --edits
EDITS/kind.json; sample --letters ab!d; heads --nothing; paths wrong: paths PAIR --path embed->L3H0.v; cache limit:
cache --limit 1k --out OUT.npz; eval --count 0; attribute --norm none""",
    "mlp": f"""{EVERY}; {OVER}; attention --layer 1 --head 1; attribute --split neurons: attribute --split neurons
<|--full>; answers; answers --seeds 2: answers --seeds 2 <|--numbers {ALL}>; eval --least 0.999; sample --letters
abcd; attention --layer 2""",
    "lines": f"""{EVERY}; eval --checkpoints; eval --data lines.jsonl; answers; generalise: generalise --count 2000;
patch letters: patch --clean abc --corrupt abd; paths letters: paths --clean abc --corrupt abd""",
    "bare": "eval --data lines.jsonl; heads; circuits; sample; show; answers; eval; attention; causal; scrub; attribute; emergence",
    "unseen": "eval; generalise: generalise --count 2000; answers; heads", "none": "eval; answers; show",  # a run that there is not
    "": """data --first 5; data --n 3 --letters sorted; data --split test --seed 1; data --n 5 --count; config; config
--n 5; --version; nothing; train --n 0; train --steps none; train --config none.json; data --nothing""",
}  # fmt: skip
TIMED = ["run --out fresh", "causal RUN", "answers RUN", f"patch RUN {PAIR['notebook']}", "--version",
         "edit RUN --count 2000 --edits edits/notebook/zero.json"]  # fmt: skip

Z, X, A = "blocks.0.attn.hook_z", "blocks.0.hook_resid_pre", "*.attn.hook_pattern"
FILE = {"site": X, "file": "../../runs/THIS/model.safetensors", "tensor": "blocks.0.ln1.w"}
EDITS = {  # the first word is the kind
    "zero": {"site": Z}, "zero some": {"site": A, "heads": [0], "positions": [5, -2]}, "add file": FILE, "set file": FILE,
    "set": {"site": Z, "value": 0.5}, "add": {"site": X, "value": 0.1, "positions": [3]}, "mean": {"site": A},
    "mean others": {"site": Z}, "resample": {"site": Z}, "resample pattern": {"site": A, "heads": [0]},
    "patch": {"site": X, "from": "FROM"}, "patch some": {"site": Z, "positions": [6, 7], "from": "FROM"}, "one_hot": {},
    "part position": {"site": "*.0.attn.hook_[qk]", "part": "position"}, "direct": {},
    "part token": {"site": "*.0.attn.hook_v", "part": "token", "norm": "frozen", "rest": "zero"},
    **{f"{kind} {s}": {"sources": s} for kind in ("only", "without") for s in "answer first_term strongest self all".split()},
    "only positions": {"sources": [0, 3]}, "without some": {"sources": "self", "positions": [4, 5, 6]},
    **{f"weights {c}": {"circuit": c, "step": 4} for c in "qk ov q k v o mlp embed pos_embed unembed ln".split()},
    "weights head": {"circuit": "ov", "heads": [0], "step": 4}, "weights site": {"circuit": "qk", "site": "*W_Q", "step": 0},
    "weights run": {"circuit": "embed", "from": "../../runs/THIS/checkpoints/step-00000004.safetensors"},
}  # fmt: skip

NAMES = "name variant input circuit edge site predicts type kind token verdict from to step seed layer head position".split()
LISTED = "destinations gaps seeds shape".split()  # texts of several numbers
SEEDS = {"votes": ["verdict", "answer"], "numbers": ["number"], "seeds": ["seed"]}  # keys of what --seeds makes
TEXTS = "verdict verdicts answer expected predicted status left_out absent".split()
digest = lambda data: hashlib.sha256(data).hexdigest()  # noqa: E731
SPAN, INTERVAL = {"name", "value", "low", "high", "unit"}, re.compile(r"(^|_)(loss|accuracy|recovered)$")


def places(items):
    """What each element of an array goes by: the fewest of NAMES that tell them apart, or its index."""
    keys, objects = [[] for _ in items], all(isinstance(one, dict) for one in items)
    for field in NAMES if objects else ():
        values = [one.get(field) for one in items]
        texts = [str("" if one is None else one).strip("[]").replace(", ", ".") for one in values]
        if (len(set(texts)) > 1 or len(items) == 1) and not any(isinstance(one, dict) for one in values):
            keys = [key + [text] * (text != "") for key, text in zip(keys, texts)]
        if all(keys) and len(set(map(tuple, keys))) == len(items):
            return ["/".join(key) for key in keys]
    return [str(at) for at in range(len(items))]


def by_label(values, axes):
    """An array's lists as objects of its axes' labels, but for the last axis."""
    if len(axes) < 2 or not isinstance(values, list):
        return values
    labels = axes[0].get("labels") or map(str, range(len(values)))  # "a,12" is position 12
    labels = [str(at) if label[1:] == f",{at}" else label for at, label in enumerate(labels)]
    return {label: by_label(one, axes[1:]) for label, one in zip(labels, values)}


def flatten(value, path, found, key="", top=False):
    """Adds {path: number} of everything in a JSON value, and of the few texts that are answers."""
    three = (path, path + "/low", path + "/high")
    if isinstance(value, dict) and set(value) <= SPAN and isinstance(value.get("value"), (int, float)):
        value = [value.get(part) for part in ("value", "low", "high")]
        found.update((name, one) for name, one in zip(three, value) if one is not None)
    elif isinstance(value, dict):
        if isinstance(value.get("values"), list) and "axes" in value:
            value = {**value, "values": by_label(value["values"], value["axes"])}
        for name, part in value.items():
            through = top and name in ("numbers", "tables", "arrays") and isinstance(part, (dict, list))
            if name != "seconds":
                flatten(part, path if through else f"{path}/{name}", found, name)
    elif isinstance(value, list):
        if len(value) == 3 and all(isinstance(one, (int, float)) for one in value) and INTERVAL.search(key):
            if "by_position" not in path and value[1] <= value[0] <= value[2]:
                found.update(zip(three, value))
                return
        for name, one in zip(places(value), value):
            flatten(one, f"{path}/{name}", found, key, top)
    elif isinstance(value, (int, float)) or isinstance(value, str) and (key in TEXTS or "/verdicts/" in path):
        found[path] = value


def keys_of(program):
    """{question: {table: names of its key columns}}, of a program that lists its questions."""
    told = subprocess.run([program, "questions", "--json"], capture_output=True, text=True)
    listed = json.loads(told.stdout) if told.returncode == 0 else []
    tables = {one["name"]: [part for part in one["result"] if part["kind"] == "table"] for one in listed}
    return {name: {t["name"]: [key["name"] for key in t["keys"]] for t in parts} for name, parts in tables.items()}


def by_keys(answer, keys):
    """Makes a result's rows go by the values of their keys, and its texts of several numbers lists."""
    counted, over = re.match(r"\d+ ", answer.get("sample", "")), answer.get("over")
    answer["sample"] = int(counted[0]) if counted else None
    for name, columns in (SEEDS if over else keys[answer["question"]]).items():
        rows = answer["tables"].get(name, [])
        for row in rows:
            row.update((k, [int(n) for n in re.findall(r"\d+", row[k])]) for k in LISTED if isinstance(row.get(k), str))
        named = {"/".join(str(row[column]) for column in columns): row for row in rows}
        if len(named) != len(rows):
            sys.exit(f"baseline.py: {answer['question']}: two rows of {name} have the same keys")
        answer["tables"][name] = named
    for one in answer["arrays"].values():
        one["shape"] = [axis["length"] for axis in one["axes"]]
    return answer


def by_rows(answer):
    """Names the numbers of the old program's lists as rows are: by step, layer and head, or position."""
    for at, column in (("step", "loss"), ("eval_step", "eval_loss"), ("eval_step", "token_accuracy")):
        if isinstance(answer.get(at), list):
            answer[column] = dict(zip(map(str, answer[at]), answer[column]))
    if isinstance(answer.get("by_position", {}).get("total"), list):
        answer["by_position"]["total"] = dict(zip(map(str, answer["positions"]), answer["by_position"]["total"]))
    for name in ("step", "eval_step", "positions", "mistakes"):
        if isinstance(answer.get(name), list):
            answer[name] = {str(number): number for number in answer[name]}
    if "threshold" in answer:
        answer["rows"] = {str(row["position"]): row for row in answer["rows"]}
    heads, first = answer.get("n_heads"), answer.get("first_destination")
    for pattern in answer.get("patterns", {}).values() if heads else ():
        pattern["scores"] = {f"{at // heads}/{at % heads}": one for at, one in enumerate(pattern["scores"])}
    for one in [answer, *answer["cues"].values()] if first is not None else ():
        for name in [name for name in one if name.endswith("by_destination")]:
            one[name] = {str(first + at): number for at, number in enumerate(one[name])}
    return answer


def renamed(answer, keys):
    if not isinstance(answer, dict):
        return answer
    return by_keys(answer, keys) if "tables" in answer else by_rows(answer)


def tensors(file):
    """{name: (kind, shape, bytes)} of a safetensors file, in the order of names."""
    data = file.read_bytes()
    start = 8 + struct.unpack("<Q", data[:8])[0]
    parts = sorted((name, one) for name, one in json.loads(data[8:start]).items() if name != "__metadata__")
    return {n: (p["dtype"], p["shape"], data[start:][slice(*p["data_offsets"])]) for n, p in parts}


def prepare(work):
    """Own sequences, a pattern, a hypothesis and the edits of each run: the same every time."""
    words = ["".join("abcdefgh"[byte % 8] for byte in hashlib.sha256(b"%d" % at).digest()[:5]) for at in range(200)]
    (work / "lines.jsonl").write_text("".join(f'"> {word} {word[::-1]}."\n' for word in words))
    (work / "pattern.json").write_text(json.dumps([[1], [0.5, 0.5], [0, 1]] + [[0.25, 0.75]] * 119))
    rules = [{"from": "*", "to": "*.q", "agree": "nothing"}, {"from": "embed", "to": "*.v", "agree": "token"}]
    mine = {"format": "clearhead-hypothesis-1", "name": "mine", "otherwise": "all", "rules": rules}
    (work / "hypothesis.json").write_text(json.dumps(mine))
    made = {name: [{"kind": name.split()[0], **edit}] for name, edit in EDITS.items()}
    made.update(none=[], key=[{"kind": "zero", "site": Z, "where": 1}], kind=[{"kind": "nothing"}])
    made["several"] = [made[name][0] for name in ("zero some", "part position", "only answer", "weights head")]
    for run in FROM:
        (work / "edits" / run).mkdir(parents=True)
        for name, edits in made.items():
            text = json.dumps(edits).replace('"FROM"', json.dumps(FROM[run])).replace("THIS", run)
            more = ', "reference": 20' if name == "mean others" else ""
            text = f'{{"format": "clearhead-edits-1", "edits": {text}{more}}}'
            (work / "edits" / run / f"{name}.json").write_text(text)


def words_of(command, run, quick=False, new=True):
    command = re.sub(r"<([^<|>]*)\|([^<|>]*)>", r"\2" if new else r"\1", command)
    command = re.sub(r"\{(\d+)\|(\d+)\}", r"\2" if quick else r"\1", command)
    command = command.replace("PAIR", PAIR.get(run, "")).replace("EDITS", f"edits/{run}").replace("OUT", "out/file")
    words = shlex.split(command)
    return [words[0], *([f"runs/{run}"] if run else []), *words[1:]]


def add_run(run, folder, found):
    flatten([json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()], f"{run}/metrics", found)
    for file in folder.rglob("*.safetensors"):
        parts = (f"{name} {kind} {shape}\n".encode() + data for name, (kind, shape, data) in tensors(file).items())
        found[f"{run}/weights/{file.name}"] = digest(b"".join(parts))
        if "--data" not in RUNS[run]:  # whose path stands in the file
            found[f"{run}/files/{file.name}"] = digest(file.read_bytes())


def add_answer(run, label, told, out, keys, found):
    """Adds what a command printed and what the files that it wrote hold."""
    found[f"{run}/{label}/exit"] = told.returncode
    try:
        answer = [renamed(json.loads(one), keys) for one in re.split(r"\n(?=[{[])", told.stdout.strip())]
        flatten(answer[0] if len(answer) == 1 else answer, f"{run}/{label}", found, top=True)
    except json.JSONDecodeError:
        found[f"{run}/{label}/text"] = told.stdout.strip()
    for file in out.glob("*.npz"):
        with zipfile.ZipFile(file) as archive:
            found.update((f"{run}/{label}/npz/{name}", digest(archive.read(name))) for name in archive.namelist())
    for file in out.rglob("*.safetensors"):
        for name, (kind, shape, data) in tensors(file).items():
            numbers = array.array({"F32": "f", "F64": "d", "I64": "q", "I32": "i"}[kind], data)
            finite, path = [one for one in numbers if math.isfinite(one)], f"{run}/{label}/file/{name}"
            found.update({f"{path}/sha256": digest(f"{shape}\n".encode() + data), f"{path}/sum": math.fsum(finite),
                          f"{path}/largest": max(map(abs, finite), default=0), f"{path}/finite": len(finite)})  # fmt: skip


def questions(run):
    """{label: command} of a run."""
    lines = [" ".join(line.split()) for line in ASKED[run].split(";")]
    for name in (*EDITS, "none", "several") if run in FROM else ():
        lines.append(f"edit {name}: edit --edits 'EDITS/{name}.json' --count {{200|20}}")
    return {line.rpartition(": ")[0] or line: line.rpartition(": ")[2] for line in lines}


def record(asked):
    found, program = {}, os.path.abspath(asked.program)
    keys = keys_of(program)
    with tempfile.TemporaryDirectory() as made:
        work = Path(asked.keep or made).resolve()
        (work / "runs").mkdir(parents=True)
        prepare(work)
        call = partial(subprocess.run, cwd=work, capture_output=True, text=True)
        for run in RUNS:
            call([program, "train", *RUNS[run].split(), "--out", f"runs/{run}"]).check_returncode()
            add_run(run, work / "runs" / run, found)
        for run, label, command in [(run, *one) for run in ASKED for one in questions(run).items()]:
            shutil.rmtree(work / "out", ignore_errors=True)
            (work / "out").mkdir()
            if not (asked.quick and run == "mlp" and "--checkpoints" in command):
                told = call([program, *words_of(command, run, asked.quick, bool(keys)), "--json"])
                add_answer(run or "program", label, told, work / "out", keys, found)
                kept = work / "json" / (run or "program") / re.sub("[^A-Za-z0-9._-]+", "_", f"{label}.json")
                kept.parent.mkdir(parents=True, exist_ok=True)
                kept.write_text(told.stdout)
    whole = {"format": "clearhead-baseline-1", "quick": asked.quick, "values": found}
    Path(asked.out).write_text(json.dumps(whole, indent=0))
    print(f"{len(found)} values: {asked.out}")


def rules_of(name):
    """[(pattern, its replacement, "\0" for none)] of a table of names."""
    rows = [line.partition("\t")[::2] for line in Path(name).read_text().splitlines() if line[:1] not in ("", "#")]
    rules = [(o, n) if o[0] == "^" else ("^" + re.escape(o), n.replace("\\", r"\\")) for o, n in rows]
    return [(re.compile(old), new or "\0") for old, new in rules]


def differs(old, new, asked, room):
    if isinstance(old, str) or isinstance(new, str) or old != old or new != new:
        return str(old) != str(new)
    return old != new and not abs(old - new) <= max(asked.atol, room, asked.rtol * max(abs(old), abs(new)))


def compare(asked):
    old, new = (json.loads(Path(name).read_text()) for name in (asked.old, asked.new))
    if old.pop("quick") != new.pop("quick"):
        sys.exit("baseline.py: only one was recorded with --quick")
    old, new = old["values"], new["values"]
    names, rules = {path: path for path in old}, rules_of(asked.names) if asked.names else []
    for pattern, name in rules:
        names = {path: pattern.sub(name, now, count=1) for path, now in names.items()}
    half = {path: [new.get(path[:-4] + end) for end in ("low", "high")] for path in names.values() if "/half" in path}
    half = {path: ends for path, ends in half.items() if None not in ends}
    new.update((path, (high - low) / 2) for path, (low, high) in half.items())
    both = [path for path in old if names[path] in new]
    room = {path: 5e-9 * max(map(abs, ends)) for path, ends in half.items()}  # both have nine digits
    moved = [path for path in both if differs(old[path], new[names[path]], asked, room.get(names[path], 0))]
    moved = [f"{path}\t{str(old[path])[:80]}\t{str(new[names[path]])[:80]}" for path in moved]
    gone = [path for path in old if names[path] not in new and "\0" not in names[path]]
    for title, rows in (("moved", moved), ("gone", gone), ("new", sorted(set(new) - set(names.values())))):
        print(f"{title}: {len(rows)}", *rows[: asked.most], sep="\n  ")
        print(f"  ... and {len(rows) - asked.most} more\n" if len(rows) > asked.most else "", end="")
    print(f"meant to be gone: {len(old) - len(both) - len(gone)}\nthe same: {len(both) - len(moved)}")
    return 1 if moved or gone else 0


def speed(asked):
    pinned = ["taskset", "-c", "0"] if shutil.which("taskset") else []
    programs = [os.path.abspath(name) for name in (asked.old, asked.new)]
    with tempfile.TemporaryDirectory() as work:
        prepare(Path(work))
        for at, program in enumerate(programs):
            subprocess.run([program, "train", "--out", f"runs/{at}"], cwd=work, check=True, capture_output=True)
        print(f"{'command':26} {'old, s':>8} {'new, s':>8} {'new / old':>9}  quartiles")
        for command in TIMED:
            times = ([], [])
            for at in (0, 1) * asked.rounds:
                shutil.rmtree(f"{work}/fresh", ignore_errors=True)
                words = [f"runs/{at}" if word == "RUN" else word for word in shlex.split(command)]
                start = time.perf_counter()
                told = subprocess.run([*pinned, programs[at], *words], cwd=work, capture_output=True, text=True)
                times[at].append(time.perf_counter() - start)
                told.check_returncode()
            low, middle, high = statistics.quantiles([new / old for old, new in zip(*times)], n=4)
            old, new = map(statistics.median, times)
            label = re.sub(" (RUN|--(edits|out|clean|corrupt) [^ ]*)", "", command)
            print(f"{label:26} {old:8.4f} {new:8.4f} {middle:9.3f}  {low:.3f} {high:.3f}", flush=True)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    kinds = parser.add_subparsers(required=True, metavar="KIND")
    one = kinds.add_parser("record", help="ask a program everything and write its numbers")
    one.add_argument("--quick", action="store_true", help="fewer sequences; compares with a quick one only")
    one.add_argument("--keep", metavar="FOLDER", help="leave runs and json in this new folder")
    two = kinds.add_parser("compare", help="what moved, what is gone, what is new")
    two.add_argument("--names", metavar="TABLE.tsv", help="renamed paths, OLD TAB NEW")
    two.add_argument("--rtol", type=float, default=1e-5, help="a larger relative difference moved (1e-5)")
    two.add_argument("--atol", type=float, default=0, help="a smaller difference never did (0)")
    two.add_argument("--most", type=int, default=40, help="rows listed of each kind (40)")
    three = kinds.add_parser("speed", help="times of whole commands, two programs in turn")
    three.add_argument("--rounds", type=int, default=7, help="of each command, at least 2 (7)")
    for kind, act, names in ((one, record, "program out"), (two, compare, "old new"), (three, speed, "old new")):
        kind.set_defaults(act=act)
        for name in names.split():
            kind.add_argument(name)
    return parser.parse_args()


if __name__ == "__main__":
    wanted = arguments()
    sys.exit(wanted.act(wanted))
