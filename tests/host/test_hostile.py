"""Hostile input through the nodes: each case ends in a right result or in one clear message on the right node.

A seeded slice of what `make soak` runs in full (lab/tally.py).
"""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from .graph import control, encode, node, prompt, sample
from .hostile import ENDS, NAMED, PERCENTS, PROMPTS, SPANS, STRENGTHS, SWEEPS, WINDOW_LINES, hostile

SHAPE = (3, 16, 16)
SOURCE, TARGET = "a red circle on a blue circle", "a red striped circle on a green hippopotamus"


@pytest.fixture(scope="module")
def made(demo):
    """made(edit nodes…): encode, edit, control and sample two steps, and check what must hold of any result."""

    def run(source=SOURCE, target=TARGET, more="", edits=(), latent=None, windows=(0.0, 0.4), positive=None):
        pair, edit = encode(demo.clip, source, target, more=more)
        for name, inputs in edits:
            (edit,) = node(name, edit=edit, **inputs)
        node("P2P_AlignmentView", edit=edit)
        latent = latent or {"samples": torch.zeros(1, *SHAPE)}
        model, batch = control(demo.model, edit, latent, *windows, resolution="1/2")
        uncond = prompt(demo.clip)
        pair = positive(pair) if positive else pair
        samples = sample(model, pair, uncond, batch, steps=2)
        assert samples.shape[0] == edit.rows * latent["samples"].shape[0]
        if bool(torch.isfinite(latent["samples"]).all()):
            assert bool(torch.isfinite(samples).all()), "a picture that is not finite"
        return samples

    return run


SWAP = ("P2P_WordSwap", {"start_percent": 0.0, "end_percent": 0.8})


@hostile
@given(source=PROMPTS, target=PROMPTS, more=st.one_of(st.just(""), PROMPTS), refine=st.booleans())
def test_prompts(source, target, more, refine, made, tally):
    kind = "P2P_Refine" if refine else "P2P_WordSwap"
    tally.run("prompts", lambda: made(source, target, more if len(more) < 200 else "", [(kind, SWAP[1])]))


@hostile
@given(words=NAMED, strength=STRENGTHS, span=SPANS, sweep=SWEEPS, renormalise=st.booleans())
def test_reweights(words, strength, span, sweep, renormalise, made, tally):
    inputs = {"words": words, "strength": strength, "start_percent": span[0], "end_percent": span[1]}
    inputs |= {"strength_sweep": sweep, "renormalise": renormalise}
    tally.run("reweights", lambda: made(edits=[SWAP, ("P2P_Reweight", inputs)]))


@hostile
@given(span=SPANS, lines=WINDOW_LINES, sweep=ENDS, own=SPANS)
def test_windows(span, lines, sweep, own, made, tally):
    inputs = {"start_percent": span[0], "end_percent": span[1], "word_windows": lines, "end_percent_sweep": sweep}
    tally.run("windows", lambda: made(edits=[("P2P_WordSwap", inputs)], windows=own))


@hostile
@given(
    words=st.one_of(st.just(""), NAMED),
    exclude=st.one_of(st.just(""), NAMED),
    threshold=st.one_of(st.floats(0, 1), STRENGTHS),
    start=PERCENTS,
    softness=st.one_of(st.floats(0, 8), STRENGTHS),
    use=st.sampled_from(["mask only", "mask and words", "mask or words"]),
    mask=st.one_of(st.none(), st.lists(st.sampled_from([0, 1, 2, 3, 16, 33]), min_size=0, max_size=4)),
    value=st.sampled_from([0.0, 0.5, 1.0, -1.0, 7.0, math.nan, math.inf]),
)
def test_blends(words, exclude, threshold, start, softness, use, mask, value, made, tally):
    inputs = {"words": words, "exclude_words": exclude, "threshold": threshold, "start_percent": start}
    inputs |= {"softness": softness, "mask_use": use, "map_resolution": "1/2"}
    if mask is not None:
        inputs["mask"] = torch.full(mask, value)
    tally.run("blends", lambda: made(edits=[SWAP, ("P2P_LocalBlend", inputs)]))


@hostile
@given(
    shape=st.one_of(
        st.tuples(st.sampled_from([0, 1, 2, 3]), st.just(3), st.integers(1, 33), st.integers(1, 33)),
        st.lists(st.sampled_from([0, 1, 3, 4, 16]), max_size=5),
    ),
    value=st.sampled_from([0.0, 1.0, -50.0, math.nan, math.inf]),
    watched=st.booleans(),
)
def test_latents(shape, value, watched, made, tally):
    edits = [SWAP, *([("P2P_WatchWords", {"words": "", "map_resolution": "1/2"})] if watched else [])]
    latent = {"samples": torch.full(tuple(shape), value)}
    tally.run("latents", lambda: made(edits=edits, latent=latent))


@hostile
@given(
    rows=st.sampled_from([2, 2, 2, 0, 1, 3]),
    tokens=st.sampled_from([77, 77, 77, 0, 1, 154, 100]),
    area=st.sampled_from([None, (8, 8, 0, 0), (4, 16, 8, 0), (16, 16, 8, 8), ("percentage", 0.5, 0.5, 0.1, 0.2)]),
    mask=st.sampled_from([None, None, 1, 2, 3]),
    span=st.one_of(st.none(), SPANS),
    marked=st.sampled_from([True, True, False]),
    twice=st.booleans(),
    watched=st.booleans(),
)
def test_conditionings(rows, tokens, area, mask, span, marked, twice, watched, made, tally):
    def changed(positive):
        (cond, options), *_ = positive
        options = dict(options)
        if (rows, tokens) != (2, 77):
            cond = torch.zeros(rows, tokens, cond.shape[-1])
        if area:
            options["area"] = area
        if mask:
            options["mask"] = torch.ones(mask, 16, 16)
        if span and all(math.isfinite(value) for value in span):
            options |= {"start_percent": span[0], "end_percent": span[1]}
        if not marked:
            options.pop("p2p_pair")
        return [[cond, options]] * (2 if twice else 1)

    edits = [SWAP, *([("P2P_WatchWords", {"words": "", "map_resolution": "1/2"})] if watched else [])]
    tally.run("conditionings", lambda: made(edits=edits, positive=changed))
