"""What an edit asks of a GPU, counted without one: `python3 tools/host.py -m lab.bench.device` writes docs/device.md.

The runs of `lab.bench.cost` and of the source cache with full widths and sizes, their calls of the model made on fake
CUDA tensors (lab/fake_cuda.py). Counted are the bytes of all tensors on the device that live at the same time, at their
peak (torch's MemTracker), and the floating-point operations of matrix products, convolutions and attention (torch's
FlopCounterMode), each as a ratio to the host's plain run of the same batch. What an allocator and a kernel add is not.
"""

from __future__ import annotations

import argparse
import gc
import itertools
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from ..boot import PYTORCH_ATTENTION, add_host_option, boot, device_option, host_nodes
from .cost import FOLDER, PROMPT, ROOT, SWAPPED, cases
from .document import head_of
from .results import add_result_options, read_results, save_results

SHAPES = {
    "SD1.5 64×64": (4, (64, 64), 7.0),
    "SDXL 128×128": (4, (128, 128), 7.0),
    "Flux.1 128×128": (16, (128, 128), 1.0),
    "Qwen-Image 128×128": (16, (128, 128), 4.0),
    "Z-Image 128×128": (16, (128, 128), 1.0),
}
"""Channels and size of the latent, and guidance; transformers have the full width and one or two blocks."""
WHOLE = {"Flux.1": 11.9e9, "Qwen-Image": 20.4e9, "Z-Image": 6.15e9}
"""Weights of the published transformers, of which the few blocks here are a part."""
EDITS = (
    "swap",
    "swap, windows of single words",
    "refine, two reweights",
    "swap, local blend",
    "swap, changed word watched",
)
CACHED = {
    "alone": "the host's plain run of the target alone",
    "recording": "recording",
    "second": "second edit of a generated source",
    "direct": "first edit of a real picture, direct, without a cache",
}
BUDGET = 2**40


def built(family: str) -> tuple[Any, Any]:
    """MODEL and CLIP of a family in half precision."""
    import torch

    from ..random_models import full_sd15, full_sdxl
    from . import joint_cost

    if family in joint_cost.FAMILIES:
        return joint_cost.built(family)
    return {"SD1.5": full_sd15, "SDXL": full_sdxl}[family](torch.float16)


class Counter:
    """Counts runs of one model at one size, of so many calls of the model."""

    def __init__(self, made: tuple[Any, Any], shape: tuple[int, tuple[int, int], float], calls: int = 3) -> None:
        import torch

        import p2p_attention.host.sampling as sampling

        from ..fake_cuda import FakeCuda

        self.model, self.clip = made
        channels, size, self.cfg = shape
        self.empty = {"samples": torch.zeros(1, channels, *size)}
        self.fakes = FakeCuda(sampling, calls)
        self.negative = host_nodes().CLIPTextEncode().encode(self.clip, "blurry")[0]

    def edits(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """The usual edits, all windows open, and the plain run of their batch."""
        from p2p_attention.host.conditioning import encode_pair

        for case in (case for case in cases() if case.name in EDITS):
            positive, plan = encode_pair(self.clip, PROMPT, case.targets)
            model, latent = self._controlled(case.edit(plan))
            plain = self.count(self.model, positive, {"samples": latent["samples"].clone()})
            yield case.name, {"plain": plain, "edited": self.count(model, positive, latent)}

    def cached(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """The swap with a source cache, and of a real picture, and the plain run of source and target."""
        from p2p_attention.host.conditioning import encode_pair
        from p2p_attention.host.source_cache import CACHE

        swap = cases()[0]
        positive, plan = encode_pair(self.clip, PROMPT, swap.targets)
        model, latent = self._controlled(swap.edit(plan), budget=BUDGET)
        plain = self.count(self.model, positive, {"samples": latent["samples"].clone()})
        target = host_nodes().CLIPTextEncode().encode(self.clip, SWAPPED)[0]
        yield "alone", {"plain": plain, "edited": self.count(self.model, target, self.empty)}
        with found_again() as runs:
            yield "recording", {"plain": plain, "edited": self.count(model, positive, latent)}
            runs[-1].shelf.keep()
            yield "second", {"plain": plain, "edited": self.count(model, positive, latent)}
        CACHE.clear()
        model, latent = self._controlled(swap.edit(plan), inversion=self._inverted(positive))
        yield "direct", {"plain": plain, "edited": self.count(model, positive, latent)}

    def count(self, model: Any, positive: list, latent: dict[str, Any]) -> dict[str, float]:
        """Bytes at the peak, of them what is not the network's weights, and operations of one run."""
        import torch
        from torch.distributed._tools.mem_tracker import MemTracker
        from torch.utils.flop_counter import FlopCounterMode

        class Whole(MemTracker):
            """Without figures of single modules, which it takes with hooks that want gradients."""

            def _pre_fw_hook(self, module: Any, inputs: Any) -> None: ...

            def _post_fw_hook(self, module: Any, inputs: Any, outputs: Any) -> None: ...

        gc.collect()
        memory, work = Whole(), FlopCounterMode(display=False)
        network = model.get_model_object("diffusion_model")
        self.fakes.watching = [_tracking(memory, network), work]
        self.fakes.run(model, positive, self.negative, latent, self.cfg)
        peak = memory.get_tracker_snapshot("peak")[torch.device("cuda", 0)]["Total"]
        weights = sum(tensor.nbytes for tensor in (*network.parameters(), *network.buffers()))
        return {"peak": peak, "beside_weights": peak - weights, "operations": work.get_total_flops()}

    def _controlled(self, plan: Any, budget: int = 0, inversion: Any = None) -> tuple[Any, dict[str, Any]]:
        import torch

        from p2p_attention.edits.control import Control
        from p2p_attention.edits.self_attention import SelfAttention
        from p2p_attention.edits.window import Window
        from p2p_attention.host.control import control_model

        latent = self.empty if inversion is None else {"samples": torch.ones_like(self.empty["samples"])}
        return control_model(self.model, latent, Control(plan, SelfAttention(Window(0.0, 1.0)), inversion, budget))

    def _inverted(self, positive: list) -> Any:
        """An inversion of nothing in particular: what it holds does not change what is counted."""
        import comfy.sample
        import comfy.samplers
        import torch

        from p2p_attention.host.backbones.registry import backbone_of
        from p2p_attention.host.conditioning import first_prompt
        from p2p_attention.host.fingerprint import fingerprint, model_identity
        from p2p_attention.source.inversion import Inversion, Method
        from p2p_attention.source.trajectory import Trajectory

        sampling, steps = self.model.get_model_object("model_sampling"), self.fakes.calls + 1
        sigmas = comfy.samplers.calculate_sigmas(sampling, "simple", steps).tolist()
        picture = comfy.sample.fix_empty_latent_channels(self.model, torch.ones_like(self.empty["samples"]))
        clean = self.model.model.process_latent_in(picture)
        points = torch.stack([clean] * (steps + 1))
        trajectory = Trajectory(tuple(sigmas), points, points[1:], tuple(sigmas[:-1]))
        backbone = backbone_of(self.model)
        assert backbone is not None
        identity = model_identity(self.model, backbone)
        prompt = fingerprint(first_prompt(positive)[0][0])
        return Inversion(Method.DIRECT, trajectory, identity, prompt, f"{steps} steps of the scheduler simple", 0.0)


@contextmanager
def _tracking(memory: Any, network: Any) -> Iterator[None]:
    """Count a network's weights, which are on the device by then, and what follows."""
    memory.track_external(network)
    with memory:
        yield


@contextmanager
def found_again() -> Iterator[list[Any]]:
    """A source cache finds what it recorded by the order in which it is asked, for fake tensors have no values to
    compare, and keeps it in memory that no driver has pinned. Gives the list of the runs' `SourceRows`.
    """
    from p2p_attention.host import sampling
    from p2p_attention.host.fingerprint import Fingerprints
    from p2p_attention.host.source_cache import source_rows
    from p2p_attention.source import cache, shelf

    runs: list[Any] = []
    asked: Iterator[int] = iter(())

    def remembering(*args: Any, **kwargs: Any) -> Any:
        nonlocal asked
        asked = itertools.count()
        runs.append(make(*args, **kwargs))
        return runs[-1]

    make = source_rows
    with ExitStack() as stack:
        stack.enter_context(patch.object(sampling, "source_rows", remembering))
        stack.enter_context(patch.object(cache.Entry, "is_of", lambda entry, latent: True))
        stack.enter_context(patch.object(Fingerprints, "of", lambda *_: next(asked)))
        stack.enter_context(patch.object(shelf, "_to_host", lambda tensor: tensor.detach().to("cpu", copy=True)))
        yield runs


TITLES = ("run", "peak memory", "of it beside the weights", "operations")


def report(results: dict[str, Any]) -> str:
    """The tables of docs/device.md."""
    lines = []
    for shape, made in results.items():
        lines += [f"\n### {shape}\n", f"| {' | '.join(TITLES)} |", "|---" * len(TITLES) + "|"]
        for name, title in {**{name: name for name in EDITS}, **CACHED}.items():
            plain, edited = (_whole(shape, made[name][run]) for run in ("plain", "edited"))
            ratios = " | ".join(f"{edited[what] / plain[what]:.3f}" for what in plain)
            lines.append(f"| {title} | {ratios} |")
        plain = _whole(shape, made["swap"]["plain"])
        sizes = " | ".join(f"{plain[what] / 2**30:.2f} GiB" for what in ("peak", "beside_weights"))
        lines.append(f"| the plain run of source and target | {sizes} | {plain['operations'] / 1e12:.1f} TFLOP |")
    return "\n".join(lines) + "\n"


def _whole(shape: str, counted: dict[str, float]) -> dict[str, float]:
    """What was counted, with all weights of the model in the peak."""
    weights = 2 * WHOLE.get(shape.split()[0], 0)
    return {**counted, "peak": counted["beside_weights"] + weights} if weights else counted


def main() -> None:
    """Count what is not counted yet, save, and write the document."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_host_option(parser)
    parser.add_argument("--shapes", default=",".join(SHAPES), help="with commas between")
    add_result_options(parser, FOLDER / "device.json", ROOT / "docs" / "device.md")
    options = parser.parse_args()
    boot(options.host, *device_option(), PYTORCH_ATTENTION)
    results = read_results(options)
    for shape in map(str.strip, options.shapes.split(",")):
        if shape in results:
            continue
        counter = Counter(built(shape.split()[0]), SHAPES[shape])
        made = {}
        for runs in (counter.edits(), counter.cached()):
            for name, counted in runs:
                print(
                    shape,
                    name,
                    {key: f"{counted['edited'][key] / value:.4f}" for key, value in counted["plain"].items()},
                )
                made[name] = counted
        results[shape] = made
        save_results(options, results)
    missing = [shape for shape in SHAPES if shape not in results]
    options.document.write_text(head_of(options.document, "What a GPU would hold", missing) + "\n" + report(results))


if __name__ == "__main__":
    main()
