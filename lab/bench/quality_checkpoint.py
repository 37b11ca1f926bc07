"""The quality bench on a checkpoint and edits of the user's own: what can be measured without a judge.

`make bench-quality CHECKPOINT=sd15.safetensors PROMPTS=pairs.json`. Pictures are generated and edited, or, from a
folder in PIE-Bench's layout, inverted (method direct) and edited. What must be kept is what lies outside PIE-Bench's
mask; of generated pictures, what lies outside the changed words: where neither the source's map of them nor the
target's exceeds 0.3 of its maximum in a run that keeps the layout. Local blend's mask is made the same way, so of
generated pictures it keeps that by its making.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from p2p_attention.edits.column_map import Kind

from .pie_bench import OwnEdit, read_edits
from .quality_edits import LAYOUT, PLAIN, WAYS
from .quality_metrics import psnr
from .quality_report import cell, figure_interval, save_sheet, table
from .sampler import Sampler

DEMO_INPUT = (64, 3, 3, 3)
INPUT_KEY = "model.diffusion_model.input_blocks.0.0.weight"
SHOWN = 8
Figures = dict[str, dict[str, dict[str, list[list[float]]]]]
COLUMNS = ("source PSNR", "kept PSNR", "change", "seconds")


@dataclass(frozen=True, eq=False)
class OwnResult:
    """One edit in one way: source and target picture [H, W, 3] in 0 … 1, and the figures."""

    way: str
    source: np.ndarray
    target: np.ndarray
    figures: dict[str, float]


def measure_own(options: argparse.Namespace, document: Path, out: Path) -> None:
    """Measure all edits in all ways, print the table, and write it, the figures and a contact sheet."""
    edits = read_edits(options.prompts)[: options.pairs]
    sampler = load_sampler(options.checkpoint, options.size, options.steps, options.cfg)
    several = len({edit.kind for edit in edits}) > 1
    figures: Figures = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    rows: list[tuple[str, Sequence[np.ndarray]]] = []
    for number, edit in enumerate(edits):
        made = list(measure_edit(sampler, edit, options.seeds or 1))
        for label in ("all", edit.kind) if several and edit.kind else ("all",):
            _append(figures[label], made)
        if number < SHOWN:
            first = {result.way: result for result in reversed(made)}
            pictures = [first[LAYOUT].source, *(first[way.name].target for way in WAYS)]
            rows.append((f"{edit.source}   to   {edit.target}", pictures))
        print(f"{number + 1} of {len(edits)}: {edit.source} → {edit.target}", flush=True)
    results = {
        label: {way: {name: _interval(name, pairs) for name, pairs in there.items()} for way, there in ways.items()}
        for label, ways in figures.items()
    }
    settings = {"checkpoint": str(options.checkpoint), "prompts": str(options.prompts), "edits": len(edits)}
    settings |= {"seeds": options.seeds or 1, "steps": options.steps, "cfg": options.cfg}
    out.write_text(json.dumps({"settings": settings, "results": results}, indent=1, ensure_ascii=False) + "\n")
    save_sheet(["source", *(way.name for way in WAYS)], rows, document.with_suffix(".png"))
    text = "\n\n".join(f"### {label.capitalize()}\n\n{own_table(ways)}" for label, ways in results.items())
    head = f"# {options.checkpoint.name} on {options.prompts.name}\n\n{(__doc__ or '').partition('. ')[2].strip()}"
    document.write_text(f"{head}\n\n{text}\n\n### First edits\n\n![first seeds]({document.stem}.png)\n")
    print(f"\n{text}\n\nWritten to {document}, {out} and {document.with_suffix('.png')}.")


def _append(ways: dict[str, dict[str, list[list[float]]]], made: Sequence[OwnResult]) -> None:
    """Put the figures of one edit's pictures with those of the edits before."""
    for way in WAYS:
        there = [result.figures for result in made if result.way == way.name]
        for name in COLUMNS:
            if values := [figures[name] for figures in there if name in figures]:
                ways[way.name][name].append(values)


def _interval(figure: str, pairs: Sequence[Sequence[float]]) -> dict[str, Any]:
    """The interval of the values of each pair of prompts, which need not be equally many."""
    return figure_interval(figure, [float(np.mean(values)) for values in pairs], sum(map(len, pairs)))


def own_table(ways: dict[str, Any]) -> str:
    """A row for each way of editing."""
    rows = [[name, *(cell(figures.get(column), column) for column in COLUMNS)] for name, figures in ways.items()]
    return table(["", "source PSNR", "kept PSNR", "change where it may change", "seconds a picture"], rows)


def load_sampler(checkpoint: Path, size: int, steps: int, cfg: float) -> Sampler:
    """A checkpoint of the host's, or weights of the demo model's own form, whose pictures have one size only.

    Raises ValueError for one without text encoder or VAE.
    """
    if _is_demo(checkpoint):
        from ..discs.model import SIDE, load

        return Sampler(*load(checkpoint), (SIDE, SIDE), Fraction(1, 2), Fraction(1, 2), steps, cfg)
    import comfy.sd

    model, clip, vae, *_ = comfy.sd.load_checkpoint_guess_config(str(checkpoint))
    if model is None or clip is None or vae is None:
        raise ValueError(f"{checkpoint} must hold the model, its text encoder and its VAE.")
    return Sampler(model, clip, vae, (size, size), Fraction(1, 4), Fraction(1, 4), steps, cfg)


def _is_demo(checkpoint: Path) -> bool:
    """True for weights of the demo model's own form, by the shape of the UNet's first layer, which takes pixels."""
    from safetensors import safe_open

    if checkpoint.suffix != ".safetensors":
        return False
    with safe_open(checkpoint, "pt") as file:
        return INPUT_KEY in file.keys() and tuple(file.get_slice(INPUT_KEY).get_shape()) == DEMO_INPUT  # noqa: SIM118


def measure_edit(sampler: Sampler, edit: OwnEdit, seeds: int) -> Iterator[OwnResult]:
    """One edit in all ways: so many generated pictures, or the one that it names."""
    if edit.picture is not None and edit.mask is not None:
        yield from _of_picture(sampler, edit, edit.picture, edit.mask)
    else:
        yield from _generated(sampler, edit, seeds)


def _generated(sampler: Sampler, edit: OwnEdit, seeds: int) -> Iterator[OwnResult]:
    layout = next(way for way in WAYS if way.name == LAYOUT)
    watched = sampler.edit(edit.prompts, Kind.SWAP, layout, seeds, edit.seed, watch=True)
    for way in WAYS:
        begun = time.perf_counter()
        if way == PLAIN:
            targets = sampler.plain(edit.target, seeds, edit.seed)
        else:
            targets = sampler.edit(edit.prompts, Kind.SWAP, way, seeds, edit.seed).targets
        seconds = (time.perf_counter() - begun) / seeds
        for source, target, words in zip(watched.sources, targets, watched.words, strict=True):
            yield OwnResult(way.name, source, target, _figures(source, target, words, seconds))


def _of_picture(sampler: Sampler, edit: OwnEdit, path: Path, mask: np.ndarray) -> Iterator[OwnResult]:
    picture, mask = read_picture(path, sampler.size), fitted(mask, sampler.size)
    begun = time.perf_counter()
    inverted = sampler.invert(picture[None], edit.prompts)
    inversion = time.perf_counter() - begun
    for way in WAYS:
        begun = time.perf_counter()
        made = sampler.edit_inverted(inverted, edit.prompts, Kind.SWAP, way)
        figures = _figures(picture, made.targets[0], mask, inversion + time.perf_counter() - begun)
        yield OwnResult(way.name, picture, made.targets[0], {"source PSNR": psnr(made.sources[0], picture), **figures})


def _figures(before: np.ndarray, after: np.ndarray, words: np.ndarray, seconds: float) -> dict[str, float]:
    """PSNR in dB of what is kept, mean absolute change of the rest; neither where there is no such pixel."""
    figures = {"seconds": seconds}
    if not words.all():
        figures["kept PSNR"] = psnr(after, before, ~words)
    if words.any():
        figures["change"] = float(np.abs(after - before)[words].mean())
    return figures


def read_picture(path: Path, size: tuple[int, int]) -> np.ndarray:
    """A picture's file at (height, width): [H, W, 3] in 0 … 1."""
    from PIL import Image

    with Image.open(path) as image:
        fit = image.convert("RGB").resize(size[::-1], Image.Resampling.LANCZOS)
    return np.asarray(fit, np.float32) / 255


def fitted(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A mask [S, S] of bool at (height, width), true for a pixel of which it covers any part."""
    return F.adaptive_max_pool2d(torch.from_numpy(mask)[None].float(), size)[0].bool().numpy()
