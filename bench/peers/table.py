"""results.json as Markdown: one table, ratios to Clearhead in brackets."""
import os
import platform


def machine():
    """Processor, how many, system."""
    name = platform.machine()
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("model name"):
                name = line.split(":", 1)[1].strip()
                break
    return {"processor": name, "processors": os.cpu_count(),
            "system": f"{platform.system()} {platform.release().split('-')[0]}",
            "python": platform.python_version()}


def cell(value, reference, form, scale=1):
    """A number and how many times ours it is; a dash where it was not measured."""
    if value is None:
        return "–"
    text = form.format(value * scale)
    return text if reference in (None, value) else f"{text} ({value / reference:.3g}×)"


def find(row, *keys):
    for key in keys:
        if not isinstance(row, dict) or key not in row:
            return None
        row = row[key]
    return row


def columns(method):
    """Heading, keys into a row, format, scale."""
    ns, threads = (list(map(str, method[key])) for key in ("n", "threads"))
    for n in ns:
        for t in threads:
            plural = "" if t == "1" else "s"
            yield f"ms a step, n = {n}, {t} thread{plural}", ("time", n, t, "seconds"), "{:.3g}", 1e3
    if "4" in ns:
        for t in threads:
            plural = "" if t == "1" else "s"
            yield f"whole run, s, {t} thread{plural}", ("run", t, "seconds"), "{:.3g}", 1
        yield "again, compiled code kept, s", ("run", threads[0], "again"), "{:.3g}", 1
        yield "whole run, MB", ("run", threads[0], "memory_mb"), "{:.0f}", 1
    for n in ns:
        if n != "4":
            yield f"20 steps, MB, n = {n}", ("train", n, "memory_mb"), "{:.0f}", 1


def difference(row, method):
    """Largest relative difference of a loss from ours within the first 20 steps, over all n."""
    found = [find(row, "train", str(n), "apart") for n in method["n"]]
    found = [x for x in found if x is not None]
    return f"{max(found):.0e}" if any(found) else "–"


def best(rows, keys):
    """The fastest peer that is not ours at this column, as a ratio to ours."""
    reference = find(rows["clearhead"], *keys)
    theirs = [(find(row, *keys), row["label"]) for name, row in rows.items()
              if not name.startswith("clearhead") and find(row, *keys) is not None]
    if not theirs or not reference:
        return None
    value, label = min(theirs)
    return value / reference, label


def markdown(results):
    rows, method = results["peers"], results["method"]
    wanted = list(columns(method))
    lines = ["| | " + " | ".join(heading for heading, *_ in wanted) + " | loss apart |",
             "|---" + "|--:" * (len(wanted) + 1) + "|"]
    for row in rows.values():
        cells = [cell(find(row, *keys), find(rows["clearhead"], *keys), form, scale)
                 for _, keys, form, scale in wanted]
        lines.append(f"| {row['label']} | " + " | ".join(cells) + f" | {difference(row, method)} |")
    lines.append("")
    for heading, keys, *_ in wanted:
        found = best(rows, keys) if keys[0] == "time" or keys[-1] == "seconds" else None
        if found:
            lines.append(f"- {heading}: the fastest peer takes {found[0]:.3g}× our time ({found[1]}).")
    for name, row in rows.items():
        bad = [n for n, check in row["train"].items() if not check["same"]]
        if bad:
            lines.append(f"- **{name} was not timed at n = {', '.join(bad)}**: its losses differ.")
    m = results["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    lines += ["", f"{results['date']}; {m['processor']}, {m['processors']} processors, "
              f"{m['system']}; Python {m['python']}; {versions}; Clearhead's kernels: "
              f"{results['isa']}. Steps: median over {method['rounds']} x {method['seconds']:g} s; "
              f"whole runs: {method['steps']} steps, median of {method['runs']}. Load of the machine before: {results['load_before']:.1f}.", ""]
    return "\n".join(lines)
