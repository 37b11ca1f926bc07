"""Hostile input and long use: `make soak`, into docs/reliability.md.

First the hostile tests (tests/host, in a process of their own) with many cases of each kind, then many queue runs of
mixed workflows on one server: the first and the last run of each workflow must give the same pictures bit for bit, and
the server's resident memory must be flat after a warm-up (its slope over the runs is given with a 95 % confidence
interval). Finished parts are kept in the JSON file, so that an interrupted soak goes on where it stopped; --only has
the names of PARTS.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from .. import tools
from ..tally import environment
from .document import head_of
from .kept import Kept

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
STEPS = 6
WARM_UP = 0.3
HOSTILE_KINDS = 7
TESTS = {"nodes": "test_hostile.py", "workflows": "test_hostile_workflows.py", "half precision": "test_dtypes.py"}
PARTS = (*TESTS, "queue")
WEIGHTS = ROOT / "p2p_attention" / "host" / "demo" / "unet.safetensors"


def workflows() -> dict[str, dict]:
    """The shared workflows that need no file of the user's, with fewer steps."""
    made = {}
    for path in sorted((ROOT / "workflows" / "api").glob("*.json")):
        flow = json.loads(path.read_text())
        if any(node["class_type"] == "LoadImage" for node in flow.values()):
            continue
        for node in flow.values():
            if node["class_type"] == "KSampler":
                node["inputs"]["steps"] = STEPS
        made[path.stem] = flow
    return made


def with_seed(flow: dict, seed: int) -> dict:
    """A copy of a workflow with a seed."""
    copy = json.loads(json.dumps(flow))
    for node in copy.values():
        if "seed" in node["inputs"]:
            node["inputs"]["seed"] = seed
    return copy


def main() -> None:
    """Run what is not done yet, save, and write the document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000, help="hostile cases, over all kinds")
    parser.add_argument("--runs", type=int, default=500, help="queue runs")
    Kept.add_options(parser)
    parser.add_argument("--out", type=Path, default=FOLDER / "soak.json")
    parser.add_argument("--document", type=Path, default=ROOT / "docs" / "reliability.md")
    options = parser.parse_args()
    kept = Kept.of(options, options.out, {"cases": options.cases, "runs": options.runs}, WEIGHTS)
    for part, test in TESTS.items():
        if kept.wants("soak", part, part):
            kept.add("soak", part, hostile(test, -(-options.cases // HOSTILE_KINDS)))
    if kept.wants("soak", "queue", "queue"):
        kept.add("soak", "queue", queue(options.runs))
    made = kept.read().get("soak", {})
    missing = [part for part in PARTS if part not in made]
    options.document.write_text(f"{head_of(options.document, 'Reliability', missing)}\n\n{report(made)}\n")


def hostile(test: str, cases: int) -> dict[str, dict[str, int]]:
    """How so many cases of each of a test's kinds ended, by class; stops the program where one ended in none."""
    with tempfile.TemporaryDirectory() as folder:
        tally = Path(folder) / "tally.json"
        command = [sys.executable, "-m", "pytest", "-q", "--timeout=14400", f"tests/host/{test}"]
        if subprocess.call(command, env=environment(cases, tally), cwd=ROOT):
            sys.exit("a hostile case ended in neither a right result nor a message of ours; see above.")
        return json.loads(tally.read_text())


def queue(runs: int) -> dict[str, Any]:
    """Queue runs on one server: memory in MiB after each, and its slope."""
    import psutil

    flows = workflows()
    memory: list[float] = []
    first: dict[str, str] = {}
    tool = tools.load("server")
    with tempfile.TemporaryDirectory() as base, tool.serve(tool.make_base(Path(base))) as server:
        process, begun = psutil.Process(server.process.pid), time.perf_counter()
        for run in range(runs):
            name = list(flows)[run % len(flows)]
            last = run >= runs - len(flows)
            seed = 0 if run < len(flows) or last else run
            digest = pictures_digest(server, server.run(with_seed(flows[name], seed)))
            server.post("/history", {"clear": True})  # where the host keeps every workflow that ran
            memory.append(process.memory_info().rss / 2**20)
            if run < len(flows):
                first[name] = digest
            elif last and digest != first[name]:
                sys.exit(f"{name}: run {run + 1} gives other pictures than the first run of the same seed.")
            if run % 50 == 49:
                print(f"{run + 1} runs, {time.perf_counter() - begun:.0f} s, {memory[-1]:.0f} MiB", flush=True)
    return {"runs": runs, "workflows": list(flows), "MiB": [round(value, 1) for value in memory], **slope(memory)}


def report(results: dict[str, Any]) -> str:
    """The tables of docs/reliability.md."""
    lines: list[str] = []
    if counts := {kind: classes for part in TESTS for kind, classes in results.get(part, {}).items()}:
        total = sum(sum(kind.values()) for kind in counts.values())
        lines += [
            f"### Hostile input: {total:,} cases\n",
            "| kind | right | refused with a message of |",
            "|---|---|---|",
        ]
        for kind, classes in counts.items():
            told = {name.removeprefix("message of "): count for name, count in classes.items() if name != "right"}
            said = ", ".join(f"{name}: {count:,}" for name, count in sorted(told.items(), key=lambda item: -item[1]))
            lines.append(f"| {kind} | {classes.get('right', 0):,} | {said} |")
    if use := results.get("queue"):
        memory = use["MiB"]
        lines += [f"\n### Long use: {use['runs']} queue runs on one server\n"]
        lines.append(
            f"Workflows in turn: {', '.join(use['workflows'])}. The pictures of the first and the last run of each are "
            f"equal bit for bit. Resident memory was {memory[len(memory) // 3]:,.0f} MiB after a third of the runs and "
            f"{memory[-1]:,.0f} MiB at the end; over the last {1 - WARM_UP:.0%} of the runs its slope is "
            f"{use['slope']:+.3f} MiB a run (95 % confidence {use['low']:+.3f} … {use['high']:+.3f})."
        )
    return "\n".join(lines)


def pictures_digest(server: Any, outputs: dict) -> str:
    """One hash of all pictures that a run has saved."""
    saved = [picture for number in sorted(outputs) for picture in server.images(outputs[number])]
    return hashlib.sha256(b"".join(picture.tobytes() for picture in saved)).hexdigest()


def slope(memory: list[float]) -> dict[str, float]:
    """Memory's slope in MiB a run after the warm-up, with its 95 % confidence interval."""
    from scipy import stats

    flat = memory[int(len(memory) * WARM_UP) :]
    line = stats.linregress(range(len(flat)), flat)
    reach = float(stats.t.ppf(0.975, len(flat) - 2) * line.stderr)
    return {"slope": float(line.slope), "low": float(line.slope) - reach, "high": float(line.slope) + reach}


if __name__ == "__main__":
    main()
