"""Nearly right edits on every family of models: the pictures are finite and as many as asked for, or one message says
what is wrong. Of every eighth case the source is compared with the run without an edit, bit for bit.
"""

from __future__ import annotations

from random import Random

import pytest
import torch

from lab.random_models import sd15, sdxl
from lab.random_transformers import CROSS, JOINT

from .family import family_of
from .graph import SIZES, control, empty, encode, prompt, sample
from .nearly_right import Draw, chain, latent, prompts, sampling, windows

UNETS = {"sd15": sd15, "sdxl": sdxl}


@pytest.fixture(scope="module", params=[*UNETS, *JOINT, *CROSS])
def family(request):
    """(name, MODEL, CLIP, shape of a latent, its negative)."""
    name = request.param
    if name in UNETS:
        return (name, *(made := UNETS[name]()), SIZES[name], prompt(made[1]))
    made = family_of(name)
    return name, made.model, made.clip, tuple(made.latent["samples"].shape[1:]), prompt(made.clip)


def edited(family, draw: Draw) -> torch.Tensor:
    """The rows of a case."""
    name, model, clip, shape, negative = family
    asked = prompts(draw)
    more = draw.one([""] * 6 + ["a dog in the snow"], ["\n\n", asked.source, "a\n" * 5])
    positive, edit = encode(clip, asked.source, asked.target, more=more)
    changed = chain(draw, edit, asked, name in JOINT, size=shape[-2:])
    start, pictures = windows(draw), latent(draw, shape)
    patched, batch = control(model, changed, pictures, *start, resolution=draw.one(["1/4", "1/2", "1"], ["x"]))
    how = sampling(draw, ("simple", "normal"))
    made = sample(patched, positive, negative, batch, **how)
    count = len(pictures["samples"])
    assert len(made) == changed.rows * count and bool(torch.isfinite(made).all())
    if draw.by(1 / 8) and changed.rows == edit.rows:
        unedited, batch = control(model, edit, pictures, 0.0, 0.0)
        plain = sample(unedited, positive, negative, batch, **how)
        assert torch.equal(made[:: changed.rows], plain[:: changed.rows]), "the source is not the plain run's"
    return made


@torch.inference_mode()
def test_edits(family, tally):
    def case(random: Random):
        return edited(family, Draw(random))

    tally.each(f"edits of {family[0]}", 8, case)


@torch.inference_mode()
def test_the_model_still_works(family):
    """After all of them: two runs of one edit are the same."""
    _, model, clip, shape, negative = family
    positive, edit = encode(clip, "a cat on a mat", "a dog on a mat")
    runs = [sample(*_linked(control(model, edit, empty(shape)), positive, negative), steps=2) for _ in range(2)]
    assert torch.equal(*runs)


def _linked(controlled, positive, negative):
    return controlled.model, positive, negative, controlled.latent
