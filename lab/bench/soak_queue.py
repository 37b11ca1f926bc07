"""Long use: many queue runs of all shared workflows on one server, with the source cache on.

The first and the last run of each workflow must give the same pictures bit for bit. In between the host is asked to
unload its models, to free its memory, both, between two runs and in the middle of one. At the end nothing of the pack
may be alive that was not before the first run.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from .. import tools
from ..api_graph import Flow
from ..loaders import with_demo_model

ROOT = Path(__file__).parents[2]
PROBE = Path(__file__).parent / "soak_probe"
STEPS = 4
SIDE = 128
BUDGET = 0.05
WARM_UP = 0.3
PATIENCE = 60
LOOK = 25
UNLOAD, FREE = {"unload_models": True}, {"unload_models": True, "free_memory": True}


def workflows() -> dict[str, Flow]:
    """The shared workflows with few steps and the source cache on; those for models of one's own have the demo's."""
    made = {}
    for path in sorted((ROOT / "workflows" / "api").rglob("*.json")):
        flow = with_demo_model(json.loads(path.read_text()))
        for node in flow.values():
            inputs = node["inputs"]
            if node["class_type"] == "LoadImage":
                inputs["image"] = "soak.png"
            elif node["class_type"].startswith("Empty"):
                inputs |= {"width": SIDE, "height": SIDE}
            if isinstance(inputs.get("steps"), int):
                inputs["steps"] = STEPS
            if "source_cache" in inputs:
                inputs["source_cache"] = BUDGET
        made[path.stem] = flow
    return made


def with_seed(flow: Flow, seed: int) -> Flow:
    """A copy of a workflow with a seed."""
    copy: Flow = json.loads(json.dumps(flow))
    for node in copy.values():
        if "seed" in node["inputs"]:
            node["inputs"]["seed"] = seed
    return copy


def queue(runs: int) -> dict[str, Any]:
    """Queue runs on one server: memory in MiB after each, and its slope; what is alive at the end. RuntimeError for
    pictures that are not the same.
    """
    import psutil
    from PIL import Image

    flows, memory, first, states, asked = workflows(), [], {}, [], 0
    tool = tools.load("server")
    with tempfile.TemporaryDirectory() as base:
        folder = tool.make_base(Path(base))
        (folder / "custom_nodes" / PROBE.name).symlink_to(PROBE, target_is_directory=True)
        with tool.serve(folder) as server:
            process, begun = psutil.Process(server.process.pid), time.perf_counter()
            server.upload(Image.linear_gradient("L").resize((SIDE, SIDE)).convert("RGB"), "soak.png")
            before = _alive(server)
            for run in range(runs):
                name = list(flows)[run % len(flows)]
                last = run >= runs - len(flows)
                known = run < len(flows) or last
                if run in (0, runs - len(flows)):
                    _freed(server)
                seed = run if not known else 0
                disturb = None if known or run % 5 else _once(partial(server.post, "/free", FREE))
                digest = pictures_digest(server, server.run(with_seed(flows[name], seed), disturb))
                server.post("/history", {"clear": True})  # where the host keeps every workflow that ran
                asked += disturb is not None
                if not known and run % 7 == 0:
                    asked += 1
                    server.post("/free", UNLOAD if run % 2 else FREE)
                memory.append(process.memory_info().rss / 2**20)
                if run < len(flows):
                    first[name] = digest
                elif last and digest != first[name]:
                    raise RuntimeError(f"{name}: run {run + 1} gives other pictures than the first of the same seed.")
                if run % LOOK == LOOK - 1:
                    states.append(_alive(server))
                    print(f"{run + 1} runs, {time.perf_counter() - begun:.0f} s, {memory[-1]:.0f} MiB", flush=True)
            left = _freed(server)["alive"]
    more = {kind: n - before["alive"].get(kind, 0) for kind, n in left.items() if n > before["alive"].get(kind, 0)}
    rounded = [round(value, 1) for value in memory]
    most, *used = (round(n / 2**20, 1) for n in (max(at["stored"] for at in states), *(at["used"] for at in states)))
    held = {"budget": BUDGET * 1024, "stored": most, "asked_to_free": asked, "left": more}
    return {"runs": runs, "workflows": list(flows), **held, "used": used, "MiB": rounded, **slope(memory)}


def pictures_digest(server: Any, outputs: dict) -> str:
    """One hash of all pictures that a run has saved or shown."""
    saved = [
        picture
        for number in sorted(outputs)
        if "images" in outputs[number]
        for picture in server.images(outputs[number])
    ]
    return hashlib.sha256(b"".join(picture.tobytes() for picture in saved)).hexdigest()


def slope(memory: list[float]) -> dict[str, float]:
    """Memory's slope in MiB a run after the warm-up, with its 95 % confidence interval."""
    from scipy import stats

    flat = memory[int(len(memory) * WARM_UP) :]
    line = stats.linregress(range(len(flat)), flat)
    reach = float(stats.t.ppf(0.975, len(flat) - 2) * line.stderr)
    return {"slope": float(line.slope), "low": float(line.slope) - reach, "high": float(line.slope) + reach}


def _alive(server: Any) -> dict[str, Any]:
    return json.loads(server.get("/soak/alive"))


def _freed(server: Any) -> dict[str, Any]:
    """What is alive after the host has unloaded all; the host does it when it has no run to do."""
    server.post("/free", FREE)
    for _ in range(PATIENCE):
        time.sleep(1)
        if not (found := _alive(server))["stored"]:
            break
    return found


def _once(do: Callable[[], Any]) -> Callable[[str, int, int], None]:
    """A progress callback that does something at its first call."""
    done: list[bool] = []

    def progress(node: str, value: int, most: int) -> None:
        if not done:
            done.append(True)
            do()

    return progress
