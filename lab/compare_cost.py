"""Whether an edit costs the same in two checkouts, run in turn in one process.

    python3 tools/host.py lab/compare_cost.py --before /path/old --after /path/new

The edits are made by the packs' own nodes, on a full-width random model of SD1.5's shape at 32×32 latents. What counts
is the processor's time: other work on the machine disturbs it least. A figure is the median of the ratios of
neighbouring runs, with their quartiles.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)  # not this folder, whose modules must not hide the host's

import torch

from lab.boot import boot, device_option, host_nodes, load_pack

SOURCE = "a cat sitting on a red mat"
SWAPPED, REFINED = "a hippopotamus sitting on a red mat", "a very fluffy cat sitting on a red mat"
WHOLE = {"start_percent": 0.0, "end_percent": 1.0}


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, required=True)
    parser.add_argument("--after", type=Path, required=True)
    parser.add_argument("--pairs", type=int, default=8)
    options = parser.parse_args()
    boot(os.environ["COMFYUI_PATH"], *device_option())
    packs = {name: load_pack(getattr(options, name).resolve()) for name in ("before", "after")}
    from lab.random_models import full_sd15

    built = full_sd15(torch.float32)
    print("| edit | after / before | quartiles |\n|---|---|---|")
    for name in ("swap", "refine, two reweights", "swap, local blend"):
        runs = {which: controlled(pack, name, *built) for which, pack in packs.items()}
        ratios = [b / a for a, b in _pairs(runs, options.pairs)]
        low, middle, high = statistics.quantiles(ratios, n=4)
        print(f"| {name} | {middle:.3f} | {low:.3f} … {high:.3f} |", flush=True)


def controlled(pack: ModuleType, case: str, model: Any, clip: Any) -> tuple[Any, ...]:
    """The sampler's inputs for an edit, by the nodes of a pack."""
    nodes = {cls.define_schema().node_id: cls for cls in sys.modules[f"{pack.__name__}.nodes"].NODES}

    def node(name: str, **inputs: Any) -> Any:
        return nodes[name].execute(**inputs).result

    target = REFINED if case.startswith("refine") else SWAPPED
    positive, edit = node("P2P_EncodePromptPair", clip=clip, source_prompt=SOURCE, target_prompt=target)
    if target is REFINED:
        (edit,) = node("P2P_Refine", edit=edit, **WHOLE)
        for word, strength in (("fluffy", 2.0), ("red", 0.5)):
            (edit,) = node("P2P_Reweight", edit=edit, words=word, strength=strength, **WHOLE)
    else:
        (edit,) = node("P2P_WordSwap", edit=edit, **WHOLE)
    if case.endswith("blend"):
        (edit,) = node("P2P_LocalBlend", edit=edit, words="", threshold=0.3, start_percent=0.0)
    latent = {"samples": torch.zeros(1, 4, 32, 32)}
    window = {"self_start_percent": 0.0, "self_end_percent": 1.0}
    patched, expanded = node("P2P_AttentionController", model=model, edit=edit, latent=latent, **window)
    (negative,) = host_nodes().CLIPTextEncode().encode(clip, "blurry")
    return patched, positive, negative, expanded


def _pairs(runs: dict[str, tuple[Any, ...]], count: int) -> Iterator[tuple[float, float]]:
    """Processor seconds (before, after) of runs in turn, which of them first by turns; one of each goes unmeasured."""
    for number in range(count + 1):
        order = ("before", "after") if number % 2 else ("after", "before")
        took = {name: _seconds(*runs[name]) for name in order}
        if number:
            yield took["before"], took["after"]


def _seconds(model: Any, positive: Any, negative: Any, latent: dict[str, Any]) -> float:
    gc.collect()
    worked = time.process_time()
    host_nodes().common_ksampler(model, 1, 1, 7.0, "euler", "normal", positive, negative, latent)
    return time.process_time() - worked


if __name__ == "__main__":
    main()
