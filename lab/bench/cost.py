"""What an edit costs: `make bench`. Each figure is a ratio to the host's plain KSampler on the same batch.

Two times are taken, the wall's and the processor's: other work on a shared machine disturbs the second less.

Plain and edited runs alternate in one process; a figure is the median over the pairs, with its quartiles. Peak memory
is the device's, or the process's resident set on a CPU, weights and all. Finished figures are kept in the JSON file, so
an interrupted bench goes on where it stopped (`--fresh` begins anew).
"""

from __future__ import annotations

import argparse
import gc
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from ..boot import add_host_option, boot, device_option, host_nodes
from .document import head_of
from .results import add_result_options, read_results, save_results

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
SHAPES = ("SD1.5 32×32", "SDXL 32×32", "SD1.5 64×64")
MORE_ON = SHAPES[0]
PROMPT = "a cat sitting on a red mat"
SWAPPED = "a hippopotamus sitting on a red mat"
REFINED = "a very fluffy cat sitting on a red mat"


@dataclass(frozen=True)
class Case:
    """One thing to measure: its name, the target prompts, and what turns the fresh plan into the edited one.

    On a CPU what is `more` than the usual edits is measured on one shape only.
    """

    name: str
    targets: tuple[str, ...]
    edit: Callable[[Any], Any]
    materialised: bool = False
    more: bool = False


def cases() -> list[Case]:
    """The edits of the table, the usual materialised form, and one source with more and more targets."""
    from p2p_attention.edits.column_map import Kind
    from p2p_attention.edits.injection import Injection, WordWindow
    from p2p_attention.edits.local_blend import LocalBlend
    from p2p_attention.edits.reweight import Reweight
    from p2p_attention.edits.watched import Watched
    from p2p_attention.edits.window import Window
    from p2p_attention.prompts.search import find_words

    always = Window(0.0, 1.0)

    def each(change: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
        return lambda plan: plan.with_targets(change(plan, target) for target in plan.targets)

    def at(plan: Any, target: Any, word: str) -> tuple[int, ...]:
        return find_words(word, [target.prompt])[0]

    def swap(plan: Any, target: Any) -> Any:
        return target.with_injection(Injection(Kind.SWAP, always))

    def windows(plan: Any, target: Any) -> Any:
        own = WordWindow(at(plan, target, "mat"), Window(0.0, 0.0))
        return target.with_injection(Injection(Kind.SWAP, always, (own,)))

    def refine(plan: Any, target: Any) -> Any:
        target = target.with_injection(Injection(Kind.REFINE, always))
        target = target.with_reweight(Reweight(at(plan, target, "fluffy"), 2.0, always))
        return target.with_reweight(Reweight(at(plan, target, "red"), 0.5, always))

    def blend(plan: Any, target: Any) -> Any:
        return swap(plan, target).with_blend(LocalBlend(target.pair.changed, 0.3, always))

    def watch(plan: Any, target: Any) -> Any:
        word = Watched("hippopotamus", at(plan, target, "hippopotamus"), Fraction(1, 4))
        return replace(swap(plan, target), watched=(word,))

    colours = ("red", "blue", "green", "white", "black", "pink", "grey", "brown")
    prompts = tuple(SWAPPED.replace("red", colour) for colour in colours)
    made = [
        Case("swap", (SWAPPED,), each(swap)),
        Case("swap, windows of single words", (SWAPPED,), each(windows)),
        Case("refine, two reweights", (REFINED,), each(refine)),
        Case("swap, local blend", (SWAPPED,), each(blend)),
        Case("swap, changed word watched", (SWAPPED,), each(watch), more=True),
        Case("swap, materialised", (SWAPPED,), each(swap), materialised=True),
    ]
    return made + [Case(f"swap, {n} targets", prompts[:n], each(swap), more=True) for n in (2, 4, 8)]


class Bench:
    """Runs of one model at one size, on whatever device the host has."""

    channels, cfg = 4, 7.0

    def __init__(self, built: tuple[Any, Any], size: tuple[int, int], steps: int) -> None:
        import torch

        self.torch = torch
        self.model, self.clip = built
        self.size, self.steps = size, steps
        self.cuda = torch.cuda.is_available()

    def materialised(self) -> Any:
        """The MODEL with a word swap in the usual form, every map built."""
        from .materialised import materialise

        return materialise(self.model)

    def run(self, model: Any, positive: list, latent: dict) -> tuple[float, float, float]:
        """Seconds, processor seconds and peak memory in bytes of one run of the host's KSampler."""
        gc.collect()
        self._reset_peak()
        begun, worked = time.perf_counter(), time.process_time()
        options = (1, self.steps, self.cfg, "euler", "normal")
        host_nodes().common_ksampler(model, *options, positive, self.negative, latent)
        if self.cuda:
            self.torch.cuda.synchronize()
        return time.perf_counter() - begun, time.process_time() - worked, self._peak()

    def pairs(self, case: Case, count: int) -> Iterator[tuple[tuple[float, float, float], tuple[float, float, float]]]:
        """(plain, edited) runs, in turn; one of each goes before, unmeasured."""
        from p2p_attention.edits.control import Control
        from p2p_attention.edits.self_attention import SelfAttention
        from p2p_attention.edits.window import Window
        from p2p_attention.host.conditioning import encode_pair
        from p2p_attention.host.control import control_model

        self.negative = host_nodes().CLIPTextEncode().encode(self.clip, "blurry")[0]
        positive, plan = encode_pair(self.clip, PROMPT, case.targets)
        control = Control(case.edit(plan), SelfAttention(Window(0.0, 1.0)))
        empty = {"samples": self.torch.zeros(1, self.channels, *self.size)}
        controlled, latent = control_model(self.model, empty, control)
        plain_latent = {"samples": latent["samples"], "batch_index": latent["batch_index"]}
        edited = self.materialised() if case.materialised else controlled
        for number in range(count + 1):
            pair = self.run(self.model, positive, plain_latent), self.run(edited, positive, latent)
            if number:
                yield pair

    def _reset_peak(self) -> None:
        if self.cuda:
            self.torch.cuda.reset_peak_memory_stats()
        else:
            Path("/proc/self/clear_refs").write_text("5")

    def _peak(self) -> float:
        if self.cuda:
            return float(self.torch.cuda.max_memory_allocated())
        status = Path("/proc/self/status").read_text()
        return 1024.0 * int(status.split("VmHWM:")[1].split()[0])


def measure(bench: Bench, case: Case, count: int) -> dict[str, Any]:
    """The figures of one case: ratios of time and peak memory, and seconds of the plain run."""
    time_ratios, work_ratios, memory_ratios, plain_seconds, edited_seconds = [], [], [], [], []
    for (plain, plain_work, plain_peak), (edited, edited_work, edited_peak) in bench.pairs(case, count):
        time_ratios.append(edited / plain)
        work_ratios.append(edited_work / plain_work)
        memory_ratios.append(edited_peak / plain_peak)
        plain_seconds.append(plain)
        edited_seconds.append(edited)
        ratios = f"ratio {edited / plain:.3f}, of work {edited_work / plain_work:.3f}"
        print(f"    plain {plain:.2f} s, edited {edited:.2f} s, {ratios}", flush=True)
    return {
        "time": _spread(time_ratios),
        "processor": _spread(work_ratios),
        "memory": _spread(memory_ratios),
        "plain_seconds": statistics.median(plain_seconds),
        "seconds_per_edit": statistics.median(edited_seconds) / len(case.targets),
        "pairs": count,
        "steps": bench.steps,
    }


def _spread(values: list[float]) -> list[float]:
    """Median and quartiles."""
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return [round(value, 4) for value in (middle, low, high)]


def machine(dtype: str = "") -> str:
    """What the figures were measured on, in words; `dtype` where it is not fp16 on a GPU and fp32 on a CPU."""
    import torch

    if torch.cuda.is_available():
        return f"{torch.cuda.get_device_name()}, {dtype or 'fp16'}, torch {torch.__version__}"
    return f"CPU, {os.cpu_count()} cores ({_cpu()}), {dtype or 'fp32'}, torch {torch.__version__}"


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return platform.machine()


def report(results: dict[str, Any]) -> str:
    """The tables of docs/cost.md."""
    lines = []
    for where, shapes in results.items():
        for shape, made in shapes.items():
            lines += [f"\n### {shape}\n", where + "\n"]
            lines += ["| run | time | quartiles | processor time | quartiles | peak memory | seconds, plain |"]
            lines += ["|---" * 7 + "|"]
            for name in (case.name for case in cases() if case.name in made):
                figures = made[name]
                ratio, low, high = figures["time"]
                work, least, most = figures["processor"]
                memory, seconds = figures["memory"][0], figures["plain_seconds"]
                lines.append(
                    f"| {name} | {ratio:.3f} | {low:.3f} … {high:.3f} | {work:.3f} | {least:.3f} … {most:.3f} | "
                    f"{memory:.3f} | {seconds:.2f} |"
                )
            if "swap, 2 targets" in made:
                lines += ["\n| targets | seconds an edit | share of one target's | (N + 1) / 2N |", "|---|---|---|---|"]
                one = made["swap"]["seconds_per_edit"]
                for n in (1, 2, 4, 8):
                    name = "swap" if n == 1 else f"swap, {n} targets"
                    if name in made:
                        seconds = made[name]["seconds_per_edit"]
                        lines.append(f"| {n} | {seconds:.2f} | {seconds / one:.3f} | {(n + 1) / (2 * n):.3f} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure what is not measured yet, save, and write the document."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_host_option(parser)
    parser.add_argument("--shapes", default=",".join(SHAPES), help="with commas between")
    parser.add_argument("--only", default="", help="only the cases whose name holds this")
    parser.add_argument("--pairs", type=int, default=7)
    add_result_options(parser, FOLDER / "cost.json", ROOT / "docs" / "cost.md")
    options = parser.parse_args()
    boot(options.host, *device_option())
    import torch

    from ..random_models import full_sd15, full_sdxl

    results = read_results(options)
    there = results.setdefault(machine(), {})
    dtype = torch.float16 if torch.cuda.is_available() else torch.float32
    built: dict[str, Any] = {}
    for shape in options.shapes.split(","):
        family, size = shape.strip().split()
        height, width = (int(side) for side in size.split("×"))
        steps = 20 if torch.cuda.is_available() else 1
        done = there.setdefault(shape.strip(), {})
        for case in cases():
            more = case.more and shape.strip() != MORE_ON and not torch.cuda.is_available()
            if case.name in done or options.only not in case.name or more:
                continue
            if family not in built:
                built.clear()
                built[family] = {"SD1.5": full_sd15, "SDXL": full_sdxl}[family](dtype)
            print(f"{shape}, {case.name}", flush=True)
            done[case.name] = measure(Bench(built[family], (height, width), steps), case, options.pairs)
            save_results(options, results)
    everywhere = torch.cuda.is_available()
    wanted = [
        (shape, case.name) for shape in SHAPES for case in cases() if everywhere or not case.more or shape == MORE_ON
    ]
    missing = [f"{name} at {shape}" for shape, name in wanted if name not in there.get(shape, {})]
    options.document.write_text(head_of(options.document, "Cost", missing) + "\n" + report(results))


if __name__ == "__main__":
    main()
