"""Whether two checkouts make the same pictures, bit for bit, from every shared workflow.

    python3 tools/host.py lab/compare_pictures.py --before /path/old --after /path/new

Each checkout's pack is loaded by a host process of its own, which runs the workflows of the first checkout node by
node: on the demo model, and on small random ones of SD1.5's and SDXL's shapes. Every picture, mask and latent that
any node gives is compared, in full precision. Ends with 1 if anything differs or runs in one of them only.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)  # not this folder, whose modules must not hide the host's

import torch
from PIL import Image, ImageDraw

from lab.boot import boot, host_nodes, load_pack

FAMILIES = ("demo", "sd15", "sdxl")
RANDOM_SIDE, RANDOM_STEPS = 128, 8
Found = dict[str, dict[str, Any]]


def main() -> int:
    """Run both checkouts and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, required=True, help="a checkout, whose workflows are run")
    parser.add_argument("--after", type=Path, required=True, help="the checkout to compare with it")
    parser.add_argument("--seeds", default="0", help="with commas between")
    parser.add_argument("--families", default=",".join(FAMILIES), help="with commas between")
    parser.add_argument("--only", default="", help="only workflows whose name holds this")
    parser.add_argument("--run", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        torch.save(run_checkout(options), options.run)
        return 0
    with tempfile.TemporaryDirectory(prefix="p2p-compare-") as folder:
        before, after = (_in_a_process(options, pack, Path(folder)) for pack in (options.before, options.after))
    rows = [compare(name, before.get(name, {}), after.get(name, {})) for name in {**before, **after}]
    print(table(rows))
    return int(not all(row.equal for row in rows))


def _in_a_process(options: argparse.Namespace, pack: Path, folder: Path) -> Found:
    """What `run_checkout` finds of a checkout, in a process of its own."""
    made = folder / "made.pt"
    command = [sys.executable, __file__, "--before", options.before, "--after", pack, "--run", made]
    command += ["--seeds", options.seeds, "--families", options.families, "--only", options.only]
    subprocess.run([str(part) for part in command], check=True)
    return torch.load(made)


def run_checkout(options: argparse.Namespace) -> Found:
    """By workflow, family and seed: every tensor of the graph, or under "message" why it did not run."""
    base = Path(tempfile.mkdtemp(prefix="p2p-base-"))
    (base / "input").mkdir()
    picture().save(base / "input" / "example.png")
    boot(os.environ["COMFYUI_PATH"], "--cpu", "--base-directory", str(base))
    asyncio.run(host_nodes().init_builtin_extra_nodes())
    load_pack(options.after.resolve())
    logging.getLogger().setLevel(logging.ERROR)  # not a remark for every edit that hardly shows on a random model
    from lab.api_graph import run, tensors

    found: Found = {}
    for name, family, seed, flow in flows(options):
        print(f"{options.after}: {name}, {family}, seed {seed}", file=sys.stderr, flush=True)
        try:
            found[f"{name} | {family} | {seed}"] = tensors(run(flow, loaded(flow, family)))
        except (ValueError, RuntimeError, AttributeError) as error:
            found[f"{name} | {family} | {seed}"] = {"message": f"{type(error).__name__}: {error}"}
    return found


def picture() -> Image.Image:
    """What is in the input folder for Load Image: a red circle on blue."""
    drawn = Image.new("RGB", (256, 256), "blue")
    ImageDraw.Draw(drawn).ellipse((40, 60, 200, 220), "red")
    return drawn


def flows(options: argparse.Namespace) -> Iterator[tuple[str, str, int, dict[str, Any]]]:
    """(workflow, family, seed, graph): the graphs as shared, for random models with their sizes and fewer steps."""
    for path in sorted((options.before / "workflows" / "api").glob("*.json")):
        if options.only not in path.stem:
            continue
        for family in options.families.split(","):
            for seed in map(int, options.seeds.split(",")):
                flow = json.loads(path.read_text("utf-8"))
                for inputs in (entry["inputs"] for entry in flow.values()):
                    if "seed" in inputs:
                        inputs["seed"] = seed
                    if family != "demo" and "steps" in inputs:
                        inputs["steps"] = RANDOM_STEPS
                    if family != "demo" and "batch_size" in inputs and isinstance(inputs["width"], int):
                        inputs |= {"width": RANDOM_SIDE, "height": RANDOM_SIDE}
                yield path.stem, family, seed, flow


def loaded(flow: dict[str, Any], family: str) -> dict[str, tuple[Any, ...]]:
    """What stands for the loader's outputs: nothing for the demo model, which its own node loads.

    A random model has no VAE; `ThreeChannels` stands for it.
    """
    if family == "demo":
        return {}
    model, clip = random_model(family)
    return {
        number: (model, clip, ThreeChannels())
        for number, entry in flow.items()
        if entry["class_type"] == "P2P_LoadDemoModel"
    }


@cache
def random_model(family: str) -> tuple[Any, Any]:
    """MODEL and CLIP of a family's shape."""
    from lab import random_models

    return getattr(random_models, family)()


class ThreeChannels:
    """Shows a latent [B, 4, h, w] as a picture [B, h, w, 3] and back, so that graphs run to their end without a VAE."""

    def decode(self, latent: torch.Tensor) -> torch.Tensor:
        """The first three channels."""
        return latent[:, :3].movedim(1, -1) / 2 + 0.5

    def encode(self, pixels: torch.Tensor) -> torch.Tensor:
        """The three channels and their mean, an eighth as large."""
        small = torch.nn.functional.avg_pool2d(pixels[..., :3].movedim(-1, 1), 8) * 2 - 1
        return torch.cat([small, small.mean(dim=1, keepdim=True)], dim=1)


@dataclass(frozen=True)
class Row:
    """One graph: how many tensors were compared, how many are equal, the largest difference, or what it said."""

    name: str
    compared: int
    same: int
    largest: float
    said: str = ""

    @property
    def equal(self) -> bool:
        """True if nothing differs."""
        return self.compared == self.same


def compare(name: str, before: dict[str, Any], after: dict[str, Any]) -> Row:
    """Compare what one graph made in both checkouts; a message in both is the same if it is equal to the letter."""
    messages = [made.get("message", "runs" if made else "is not there") for made in (before, after)]
    if messages != ["runs", "runs"]:
        same = int(messages[0] == messages[1])
        return Row(name, 1, same, 0.0, messages[0] if same else " / ".join(messages))
    same, largest, keys = 0, 0.0, {**before, **after}
    for key in keys:
        a, b = before.get(key), after.get(key)
        if a is None or b is None or a.shape != b.shape or a.dtype != b.dtype:
            largest = float("inf")
        elif torch.equal(a, b):
            same += 1
        else:
            largest = max(largest, float((a.double() - b.double()).abs().max()))
    return Row(name, len(keys), same, largest)


def table(rows: list[Row]) -> str:
    """The rows as a table, and the sum."""
    lines = ["| workflow | model | seed | tensors | equal | largest difference |", "|---|---|---|---|---|---|"]
    for row in rows:
        said = f"{row.largest:g}" if not row.said else row.said.splitlines()[0][:160]
        lines.append(f"| {row.name} | {row.compared} | {row.same} | {said} |")
    compared, same = sum(row.compared for row in rows), sum(row.same for row in rows)
    lines.append(f"\n{same} of {compared} are equal bit for bit, in {len(rows)} runs.")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
