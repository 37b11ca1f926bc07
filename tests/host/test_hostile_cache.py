"""Nearly right edits in a row with the source cache on: each gives what the batch gives, whatever was recorded, dropped
for want of room, broken off, or unloaded by the host between two runs or in the middle of one.
"""

from __future__ import annotations

from random import Random
from typing import Any

import comfy.model_management
import pytest
import torch

from lab.random_models import sd15, sdxl
from lab.random_transformers import cross, joint

from .graph import control, empty, encode, noting, prompt, sample
from .nearly_right import Draw, chain, prompts

SHAPES = {"sd15": (4, 16, 16), "sdxl": (4, 16, 16), "chroma": (16, 8, 8), "qwen": (16, 8, 8), "wan": (16, 3, 8, 8)}
BUDGETS = (1.0, 1.0, 1e-3, 1e-4, 1e-5)
ODD_BUDGETS = (-1.0, -1e-9, 1e9, float("nan"), float("inf"))
HOW = {"steps": 3, "scheduler": "simple"}


class BrokenOffError(Exception):
    """Another pack's exception."""


@pytest.fixture(scope="module")
def models():
    """(MODEL, CLIP) by name."""
    made = {name: joint(name) for name in ("chroma", "qwen")}
    return {"sd15": sd15(), "sdxl": sdxl(), "wan": cross("wan"), **made}


def disturbed(draw: Draw, model: Any) -> tuple[Any, bool]:
    """The model, with something that happens in the middle of its run, and whether the run is broken off by it."""
    happens = draw.one(["nothing", "nothing", "nothing", "unload", "free memory", "break off"])
    if happens == "nothing":
        return model, False
    at, calls = draw.random.randrange(3), [0]

    def disturb(arguments: dict) -> None:
        calls[0] += 1
        if calls[0] - 1 != at:
            return
        if happens == "unload":
            comfy.model_management.unload_all_models()
        elif happens == "free memory":
            comfy.model_management.free_memory(1e30, torch.device("cpu"))
            comfy.model_management.soft_empty_cache()
        else:
            raise BrokenOffError

    return noting(model, disturb)[0], happens == "break off"


@pytest.mark.parametrize("name", SHAPES)
@torch.inference_mode()
def test_edits_in_a_row(name, models, tally, cache):
    model, clip = models[name]
    negative = prompt(clip)

    def case(random: Random):
        cache.clear()
        draw, largest = Draw(random, chance=0.02), 0.0
        first, seed = prompts(draw), draw.random.randrange(3)
        for _ in range(2):
            asked = prompts(draw) if draw.by(0.2) else first
            positive, edit = encode(clip, asked.source, asked.target)
            edit = chain(draw, edit, asked, name in ("chroma", "qwen"), size=SHAPES[name][-2:])
            windows, cfg = (0.0, draw.number(0, 1)), draw.one([1.0, 4.0])
            budget = draw.one(BUDGETS, ODD_BUDGETS)
            how = {**HOW, "cfg": cfg, "seed": seed, "sampler": draw.one(["euler", "heun", "dpmpp_2m", "lcm"])}
            disturbing, breaks = disturbed(draw, model)
            try:
                patched, batch = control(disturbing, edit, empty(SHAPES[name]), *windows, cache=budget)
                made = sample(patched, positive, negative, batch, **how)
            except BrokenOffError:
                assert breaks
                continue
            largest = max(largest, budget)
            assert cache.bytes <= largest * 2**30
            expected = sample(*_plain(control(model, edit, empty(SHAPES[name]), *windows), positive, negative), **how)
            assert_equals(made, expected, loose=_decides(edit))
            if draw.by(0.3):
                draw.one([comfy.model_management.unload_all_models, comfy.model_management.soft_empty_cache])()
        return True

    tally.each(f"source cache, {name}", 8, case)


def _plain(controlled, positive, negative):
    return controlled.model, positive, negative, controlled.latent


def _decides(edit) -> bool:
    """True for an edit in which rounding can decide about a pixel: of a local blend's mask."""
    return any(target.blends for target in edit.targets)


def assert_equals(made: torch.Tensor, expected: torch.Tensor, loose: bool) -> None:
    """To the rounding of another batch shape; with a mask's threshold in it, up to a few pixels."""
    assert made.shape == expected.shape and bool(torch.isfinite(made).all())
    error = (made - expected).abs()
    off = (error > 1e-3 * expected.abs().amax()).float().mean()
    assert float(off) <= (0.1 if loose else 0.0), f"{float(off):.1%} of the numbers are off, {float(error.max()):.1e}"
