"""Nearly right local blends: by words, by what the prompts predict, by a mask, and the edit pasted into the source by
the mask of Blend Mask. Outside the mask of a run's last step the target is the source.
"""

from __future__ import annotations

from random import Random

import pytest
import torch
import torch.nn.functional as F

from lab.random_models import sd15
from lab.random_transformers import cross, joint

from .graph import blend_mask, control, encode, ksampler, node, prompt
from .nearly_right import NUMBERS, Draw, latent, mask_inputs, prompts, sampling

SHAPES = {"sd15": (4, 16, 16), "chroma": (16, 8, 8), "sd3": (16, 8, 8), "cosmos": (16, 8, 8)}


@pytest.fixture(scope="module")
def models():
    """(MODEL, CLIP) by name."""
    return {"sd15": sd15(), "cosmos": cross("cosmos"), "chroma": joint("chroma"), "sd3": joint("sd3")}


@pytest.mark.parametrize("by", ["words", "difference", "mask"])
@torch.inference_mode()
def test_masks(by, models, tally):
    def case(random: Random):
        draw = Draw(random)
        name, asked = draw.one(sorted(models)), prompts(draw)
        model, clip = models[name]
        positive, edit = encode(clip, asked.source, asked.target)
        if draw.by(0.9):
            (edit,) = node(draw.one(["P2P_WordSwap", "P2P_Refine"]), edit=edit, end_percent=draw.number(0.3, 1))
        inputs = {
            "threshold": draw.number(0, 0.95),
            "start_percent": draw.one([0.0, 0.2], NUMBERS),
            "softness": draw.one([0.0, 0.05, 0.5, 1.0, 3.0, 64.0], NUMBERS),
            "map_resolution": draw.one(["auto", "1/2"], ["1", "1/8"]),
            **mask_inputs(draw, asked, SHAPES[name][-2:], by),
        }
        (edit,) = node("P2P_LocalBlend", edit=edit, **inputs)
        patched, batch = control(model, edit, latent(draw, SHAPES[name]), 0.0, draw.number(0, 1))
        how = {**sampling(draw, ("simple", "normal")), "steps": draw.one([2, 3, 4], [1])}
        made = ksampler(patched, positive, prompt(clip), batch, **how)
        samples = made["samples"]
        assert len(samples) == len(batch["samples"]) and bool(torch.isfinite(samples).all())
        check_mask(draw, made, samples, edit.rows)
        return made

    tally.each(f"masks by {'what is predicted' if by == 'difference' else by}", 15, case)


def check_mask(draw: Draw, made: dict, samples: torch.Tensor, rows: int) -> None:
    """The mask is one for each target, and outside it nothing has changed; pasting by it gives pictures."""
    found = blend_mask(draw.one([made], [{"samples": samples}, {**made, "samples": samples + 1}]))
    sources = samples[::rows].repeat_interleave(rows - 1, dim=0)
    targets = torch.cat([samples[row::rows] for row in range(1, rows)])
    assert len(found) == len(targets)
    assert bool(((found >= 0) & (found <= 1)).all())
    if len(samples) == rows == 2:
        size = samples.shape[-2:]
        outside = F.adaptive_max_pool2d(found[:, None], size)[:, 0] == 0
        same = (sources == targets).flatten(1, -3).all(dim=1)
        assert bool(same[outside].all()), "the picture has changed outside the mask"
    weight = F.interpolate(found[:, None], samples.shape[-2:])[:, 0]
    weight = weight.view(len(weight), *(1,) * (samples.ndim - 3), *weight.shape[-2:])
    assert bool(torch.isfinite(sources * (1 - weight) + targets * weight).all())
