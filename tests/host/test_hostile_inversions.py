"""Nearly right edits of real pictures, with every method and solver, and without an inversion: the source of those that
are exact is the picture, or one message says what does not fit.
"""

from __future__ import annotations

from random import Random

import pytest
import torch

from lab.random_models import sd2, sd15
from lab.random_transformers import cross, joint

from .graph import control, encode, invert, node, prompt, sample, virtual
from .nearly_right import Draw, chain, prompts

UNETS = {"sd15": (sd15, (4, 16, 16)), "sd2": (sd2, (4, 16, 16))}
JOINT = {name: (16, 8, 8) for name in ("flux", "chroma", "qwen", "lumina2")}
CROSS = {"cosmos": (16, 8, 8), "wan": (16, 3, 8, 8)}
METHODS = ("direct", "aligned", "negative_prompt", "ddim")
EXACT = ("direct", "aligned", "virtual")
SAMPLERS = ("euler", "euler", "ddim", "heun", "dpmpp_2m")
NOT_FOR_INVERSIONS = ("euler_ancestral", "lcm", "dpm_2_ancestral", "dpm_adaptive")


@pytest.fixture(scope="module")
def models():
    """The models of a kind by name: (MODEL, CLIP, shape of a latent), made once."""
    made = {name: (*build(), shape) for name, (build, shape) in UNETS.items()}
    made |= {name: (*joint(name), shape) for name, shape in JOINT.items()}
    return made | {name: (*cross(name), shape) for name, shape in CROSS.items()}


def picture(draw: Draw, shape: tuple[int, ...]) -> dict:
    """A latent of one picture, now and then of two."""
    many = draw.one([1, 1, 1, 2], [0, 3])
    generator = torch.Generator().manual_seed(draw.random.randrange(3))
    made = torch.randn(many, *draw.one([shape], [(1, *shape[1:]), (*shape[:-1], 3)]), generator=generator)
    return {"samples": draw.one([made], [torch.zeros_like(made), made * torch.nan, made * 1e9])}


def edited(model, clip, latent, draw: Draw, kind: str, schedulers: tuple[str, ...], is_joint: bool) -> torch.Tensor:
    """A case: an inversion, and the run that begins from it."""
    asked, steps, scheduler = prompts(draw), draw.one([2, 3, 4, 6], [0, 1]), draw.one(schedulers)
    positive, edit = encode(clip, asked.source, asked.target)
    edit = chain(draw, edit, asked, is_joint, size=tuple(latent["samples"].shape[-2:]))
    cache = draw.one([0.0, 0.0, 1.0, 1e-5], [-1.0, float("nan"), 1e9])
    negative = prompt(clip)
    if kind == "virtual":
        steps = max(steps, 1)  # of which the sampler's input has at least one
        inversion, method = virtual(plain_source=draw.one([False, True])), "virtual"
    else:
        method = draw.one(METHODS)
        how = {
            "iterations": draw.one([0, 0, 1, 3], [-1, 21]),
            "solver": draw.one(["explicit", "implicit"], ["", "both"]),
            "steps_per_call": draw.one([1, 1, 2, 3, 10], [0, -1]),
        }
        inversion, own, error = invert(model, positive, latent, steps, scheduler, method, cache=cache, **how)
        assert error >= 0
        negative = own if method == "negative_prompt" else negative
    resolution = draw.one(["1/4", "1/2"])
    given = draw.one([latent], [picture(draw, tuple(latent["samples"].shape[1:]))])
    self_end = draw.number(0, 1)
    patched, batch = control(
        model, edit, given, 0.0, self_end, resolution=resolution, inversion=inversion, cache=max(cache, 0.0)
    )
    how = {"steps": draw.one([steps], [steps + 1]), "scheduler": draw.one([scheduler], ["karras", "exponential"])}
    how |= {"sampler": draw.one(SAMPLERS, NOT_FOR_INVERSIONS), "cfg": draw.one([1.0, 4.0, 7.5])}
    how |= {"denoise": draw.one([1.0], [0.5])}
    made = sample(patched, positive, draw.one([negative], [prompt(clip, "blurry")]), batch, **how)
    assert len(made) == edit.rows * len(given["samples"]) and bool(torch.isfinite(made).all())
    if method in EXACT:
        for source, wanted in zip(made[:: edit.rows], given["samples"], strict=True):
            wanted = wanted.view_as(source)
            assert float((source - wanted).norm() / wanted.norm()) <= 1e-5, "the source is not the picture"
    return made


@pytest.mark.parametrize(
    "kind, names, schedulers",
    [
        ("inversions of UNets", UNETS, ("normal", "karras", "simple")),
        ("inversions of joint attention", JOINT, ("simple", "normal")),
        ("inversions of cross-attention", CROSS, ("simple", "normal")),
    ],
)
@torch.inference_mode()
def test_inversions(kind, names, schedulers, models, tally):
    def case(random: Random):
        draw = Draw(random)
        model, clip, shape = models[draw.one(sorted(names))]
        return edited(model, clip, picture(draw, shape), draw, "inverted", schedulers, names is JOINT)

    tally.each(kind, 12, case)


@torch.inference_mode()
def test_virtual_inversions(models, tally):
    def case(random: Random):
        draw = Draw(random)
        name = draw.one(sorted(models))
        model, clip, shape = models[name]
        return edited(model, clip, picture(draw, shape), draw, "virtual", ("simple", "normal"), name in JOINT)

    tally.each("virtual inversions", 12, case)


@torch.inference_mode()
def test_inversions_of_another_graph(models, tally):
    """Links to the wrong socket: another model's inversion, a pair's as an inversion, nothing."""

    def case(random: Random):
        draw = Draw(random)
        first, second = (models[draw.one(["sd15", "sd2", "chroma", "qwen"])] for _ in range(2))
        positive, edit = encode(first[1], "a cat on a mat", "a dog on a mat")
        latent = picture(draw, first[2])
        inversion = invert(first[0], positive, latent, 2, "simple")[0]
        given = draw.one([inversion], [edit, positive, None, latent, 1.0])
        (edit,) = node("P2P_WordSwap", edit=edit)
        patched, batch = node(
            "P2P_AttentionController",
            model=draw.one([first[0], second[0]]),
            edit=edit,
            latent=draw.one([latent, picture(draw, second[2])]),
            inversion=given,
        )
        return sample(patched, positive, prompt(first[1]), batch, steps=2, scheduler="simple")

    tally.each("inversions of other graphs", 12, case)
