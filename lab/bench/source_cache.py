"""What the source cache saves: `python3 tools/host.py -m lab.bench.source_cache` writes docs/source_cache.md's tables.

Every figure is a ratio to the host's plain KSampler on the batch of source and target, which the edit without a cache
takes about as long as. The runs of a round are taken in turn in one process, and a figure is the median over the rounds
with its quartiles, of the wall's time and of the processor's, which other work on a shared machine disturbs less. One
step a run: all windows are open in it, so that all that can be stored is needed.
"""

from __future__ import annotations

import argparse
import gc
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..boot import add_host_option, boot, device_option, host_nodes
from .cost import PROMPT, ROOT, SWAPPED, _spread, machine
from .document import head_of
from .results import add_result_options, read_results, save_results

FOLDER = Path(__file__).parent
SHAPES = ("SD1.5 32×32", "SD1.5 64×64", "SDXL 32×32", "demo transformer 32×32")
BUDGET = 8 * 2**30
ROWS = {
    "alone": "the host's plain run of the target alone, the least that can be paid",
    "second": "second edit of a generated source",
    "recording": "recording",
    "direct": "first edit of a real picture, direct, without a cache",
    "inverted": "edit of a real picture, direct, after an inversion that recorded",
}
"""The runs that are measured, as the table calls them."""


class Bench:
    """Runs of one model at one size."""

    def __init__(self, built: tuple[Any, Any], size: tuple[int, int], steps: int) -> None:
        import torch

        from p2p_attention.edits.column_map import Kind
        from p2p_attention.edits.control import Control
        from p2p_attention.edits.injection import Injection
        from p2p_attention.edits.self_attention import SelfAttention
        from p2p_attention.edits.window import Window
        from p2p_attention.host.conditioning import encode_pair
        from p2p_attention.host.control import control_model
        from p2p_attention.host.inversion import invert_picture
        from p2p_attention.host.source_cache import CACHE
        from p2p_attention.source.inversion import Method

        self.torch, self.cache = torch, CACHE
        (self.model, clip), self.steps = built, steps
        self.negative = host_nodes().CLIPTextEncode().encode(clip, "blurry")[0]
        self.positive, plan = encode_pair(clip, PROMPT, (SWAPPED,))
        always = Window(0.0, 1.0)
        plan = plan.with_targets([target.with_injection(Injection(Kind.SWAP, always)) for target in plan.targets])
        channels = self.model.get_model_object("latent_format").latent_channels
        empty = {"samples": torch.zeros(1, channels, *size)}
        picture = {"samples": torch.randn(1, channels, *size, generator=torch.Generator().manual_seed(0))}

        def control(latent: dict[str, Any], budget: int, inversion: Any = None) -> tuple[Any, dict[str, Any]]:
            whole = Control(plan, SelfAttention(always), inversion, budget)
            return control_model(self.model, latent, whole)

        def invert(budget: int) -> Any:
            inverted = invert_picture(
                self.model, self.positive, picture, steps, "normal", Method.DIRECT, source_cache=budget
            )
            return inverted[0]

        generated = control(empty, BUDGET)
        plain = {key: generated[1][key] for key in ("samples", "batch_index")}
        both, target = self.positive, host_nodes().CLIPTextEncode().encode(clip, SWAPPED)[0]
        self.runs: dict[str, tuple[Any, dict[str, Any], Any]] = {
            "plain": (self.model, plain, both),
            "alone": (self.model, empty, target),
            "direct": (*control(picture, 0, invert(0)), both),
            "inverted": (*control(picture, BUDGET, invert(BUDGET)), both),
            "recording": (*generated, both),
            "second": (*generated, both),
        }

    def round(self) -> dict[str, tuple[float, float]]:
        """Seconds, and the processor's, of each run, in turn."""
        took = {}
        for name, run in self.runs.items():
            recorded = list(self.cache._recordings)
            if name == "recording":
                self.cache.clear()
            took[name] = self._time(*run)
            if name == "recording":
                self.cache._recordings = [*recorded[:1], *self.cache._recordings]
        return took

    def _time(self, model: Any, latent: dict[str, Any], positive: Any) -> tuple[float, float]:
        gc.collect()
        run: Callable[..., Any] = host_nodes().common_ksampler
        begun, worked = time.perf_counter(), time.process_time()
        run(model, 1, self.steps, 7.0, "euler", "normal", positive, self.negative, latent)
        if self.torch.cuda.is_available():
            self.torch.cuda.synchronize()
        return time.perf_counter() - begun, time.process_time() - worked


def measure(bench: Bench, rounds: int) -> dict[str, Any]:
    """Ratios to the plain run over rounds, after one that is not counted."""
    taken = []
    for number in range(rounds + 1):
        took = bench.round()
        print({name: f"{wall:.1f} s, {work:.1f} s of work" for name, (wall, work) in took.items()}, flush=True)
        if number:
            taken.append(took)
    made = {
        name: [_spread([took[name][kind] / took["plain"][kind] for took in taken]) for kind in (0, 1)] for name in ROWS
    }
    return {"ratios": made, "rounds": rounds, "steps": bench.steps, "bytes": bench.cache.bytes}


def report(results: dict[str, Any]) -> str:
    """The tables of docs/source_cache.md."""
    lines = []
    for where, shapes in results.items():
        for shape, made in shapes.items():
            lines += [f"\n### {shape}\n", f"{where}; {made['rounds']} rounds of {made['steps']} steps\n"]
            lines += ["| run | time | quartiles | processor time | quartiles |", "|---" * 5 + "|"]
            for name, title in ROWS.items():
                figures = [f"{middle:.3f} | {low:.3f} … {high:.3f}" for middle, low, high in made["ratios"][name]]
                lines.append(f"| {title} | {' | '.join(figures)} |")
    return "\n".join(lines) + "\n"


def demo_transformer(_: Any) -> tuple[Any, Any]:
    """The MODEL and CLIP of the pack's demo transformer, in fp32 as ever."""
    from p2p_attention.host.demo.model import Demo, load

    return load(Demo.TRANSFORMER)[:2]


def main() -> None:
    """Measure what is not measured yet, save, and write the document."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_host_option(parser)
    parser.add_argument("--shapes", default=",".join(SHAPES), help="with commas between")
    parser.add_argument("--rounds", type=int, default=7)
    add_result_options(parser, FOLDER / "source_cache.json", ROOT / "docs" / "source_cache.md")
    options = parser.parse_args()
    boot(options.host, *device_option())
    import torch

    from ..random_models import full_sd15, full_sdxl

    results = read_results(options)
    there = results.setdefault(machine(), {})
    dtype = torch.float16 if torch.cuda.is_available() else torch.float32
    for shape in map(str.strip, options.shapes.split(",")):
        if shape not in there:
            family, size = shape.rsplit(" ", 1)
            height, width = (int(side) for side in size.split("×"))
            built = {"SD1.5": full_sd15, "SDXL": full_sdxl, "demo transformer": demo_transformer}[family](dtype)
            steps = 20 if torch.cuda.is_available() or family.startswith("demo") else 1
            there[shape] = measure(Bench(built, (height, width), steps), options.rounds)
            save_results(options, results)
    missing = [shape for shape in SHAPES if shape not in there]
    options.document.write_text(head_of(options.document, "Source cache", missing) + "\n" + report(results))


if __name__ == "__main__":
    main()
