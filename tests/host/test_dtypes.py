"""Half precision and weights stored in 8 bits, as the host casts them: how far the fused form is from the maps.

Both forms run in the same dtype, the maps themselves in float32, so what differs is where each form rounds.
"""

import numpy as np
import pytest
import torch

from lab.tally import SOAKING

from .graph import SIZES, control, empty, encode, prompt, refine, reweight, sample, swap
from .materialised import materialise
from .test_materialised import CASES, CROSS, EDITS, SELF, edit_by_hand, text

DTYPES = {"float16": torch.float16, "bfloat16": torch.bfloat16, "float8_e4m3fn": torch.float8_e4m3fn}
EPSILON = {"float16": 2**-10, "bfloat16": 2**-7, "float8_e4m3fn": 2**-7}
RANDOM_EDITS = 1000 if SOAKING else 15
TARGETS = 5


@pytest.fixture(scope="module", params=DTYPES)
def model(request):
    """(name of the dtype, MODEL, CLIP)."""
    from lab.random_models import sd15

    return request.param, *sd15(DTYPES[request.param])


@pytest.mark.parametrize(
    "edit_name, case", [("swap", "longer"), ("refine", "added"), ("swap + reweight", "longer"), ("reweight", "same")]
)
def test_fused_run_equals_materialised_run(edit_name, case, model, record_property):
    dtype, unet, clip = model
    pairs = {**CASES, "same": [("a", "a"), ("cat", "cat"), ("on", "on"), ("a", "a"), ("mat", "mat")]}[case]
    kind, weights = EDITS[edit_name]
    positive, edit = encode(clip, text(pairs, 0), text(pairs, 1))
    if kind:
        edit = kind(edit, *CROSS)
    for words, strength in weights.items():
        edit = reweight(edit, words, strength, *CROSS)
    shape = SIZES["sd15"]
    controlled, latent = control(unet, edit, empty(shape), *SELF, resolution="1/2")
    uncond = prompt(clip, "blurry")
    fused = sample(controlled, positive, uncond, latent)
    by_hand = edit_by_hand(unet, clip, pairs, shape, weights, refined=kind is refine)
    plain = [[positive[0][0], {k: v for k, v in positive[0][1].items() if k != "p2p_pair"}]]
    expected = sample(materialise(unet, by_hand), plain, uncond, latent)
    error = float((fused - expected).norm() / expected.norm())
    record_property("relative_error", error)
    print(f"{dtype}, {edit_name}: error {error:.1e}, {error / EPSILON[dtype]:.2f} of the dtype's rounding")
    assert error <= 4 * EPSILON[dtype]


def test_random_edits_give_numbers(model, tally):
    """Swaps and refines of random prompts, several of one source in a run, with random reweights."""
    dtype, unet, clip = model
    rng, words = np.random.default_rng(0), ("a", "cat", "hippopotamus", "on", "mat", "very")
    uncond = prompt(clip, "blurry")
    for number in range(RANDOM_EDITS // TARGETS):
        prompts: dict[str, None] = {}
        while len(prompts) <= TARGETS:
            prompts[" ".join(rng.choice(words, rng.integers(1, 8)))] = None
        source, target, *more = prompts
        positive, edit = encode(clip, source, target, more="\n".join(more))
        kind = swap if rng.random() < 0.5 else refine
        edit = kind(edit, end=float(rng.uniform(0.5, 1)))
        for word in sorted({*rng.choice(target.split(), 2)}):
            edit = reweight(edit, str(word), float(rng.uniform(-5, 5)), renormalise=bool(rng.random() < 0.3))
        controlled, latent = control(unet, edit, empty((4, 16, 16)), *SELF, resolution="1/2")
        made = sample(controlled, positive, uncond, latent, seed=number, steps=2)
        assert bool(torch.isfinite(made).all()), f"{dtype}: {list(prompts)} is not finite"
        tally.right(f"random edits in {dtype}", TARGETS)
