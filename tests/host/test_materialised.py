"""E6: whole 20-step runs agree with the independent materialised implementation to 1e-5."""

import comfy.samplers
import pytest
import torch

from .graph import SIZES, blend, control, empty, encode, prompt, refine, reweight, sample, swap, watch
from .materialised import Blend, Edit, Moment, blended_euler, materialise

SAME = [(w, w) for w in ["on", "a", "mat"]]
CASES = {
    "equal": [("a", "a"), ("cat", "dog"), *SAME],
    "longer": [("a", "a"), ("cat", "hippopotamus"), *SAME],
    "shorter": [("a", "a"), ("hippopotamus", "cat"), *SAME],
    "two words": [("a", "the"), ("cat", "hippopotamus"), *SAME[:2], ("mat", "skateboarder")],
    "added": [("a", "a"), (None, "very"), (None, "big"), ("cat", "cat"), *SAME],
    "removed": [("a", "a"), ("big", None), ("cat", "cat"), *SAME],
    "a run of words": [("a", "a"), ("big cat", "hippopotamus"), *SAME],
}
SAME_CAT = [("a", "a"), ("cat", "cat"), *SAME]
STEPS, CROSS, SELF = 20, (0.0, 0.8), (0.0, 0.4)


def text(case: list, side: int) -> str:
    return " ".join(pair[side] for pair in case if pair[side])


def written_out(case: list, clip, refined: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
    """The edit's matrix [77, 77] and own columns [77], by hand from the pairs of words of the case."""
    matrix, own = torch.zeros(77, 77), torch.zeros(77)
    matrix[0, 0] = 1
    i = j = 1
    for before, after in case:
        m, n = count(before, clip), count(after, clip)
        if before is None or (refined and after != before):
            own[j : j + n] = 1
        elif after is not None and m == n:
            matrix[i : i + m, j : j + n] = torch.eye(m)
        elif after is not None:
            matrix[i : i + m, j : j + n] = 1 / n
        i, j = i + m, j + n
    matrix[i, j] = 1
    for k in range(j + 1, 77):
        matrix[k if k > i else 76, k] = 1
    return matrix, own


def count(words: str | None, clip) -> int:
    """How many tokens some words are."""
    tokenizer = getattr(clip.tokenizer, getattr(clip.tokenizer, "clip", "clip_l")).tokenizer
    return 0 if words is None else len(tokenizer(words)["input_ids"]) - 2


def strengths(case: list, weights: dict[str, float], clip) -> torch.Tensor:
    """The strength of each target column [77]."""
    factors, j = torch.ones(77), 1
    for _, after in case:
        n = count(after, clip)
        factors[j : j + n] *= weights.get(after, 1.0)
        j += n
    return factors


def edit_by_hand(model, clip, pairs: list, shape: tuple, weights: dict[str, float], refined: bool = False) -> Edit:
    """The edit of a case in the windows of this file, for the materialised model."""
    to_sigma = model.get_model_object("model_sampling").percent_to_sigma
    matrix, own = written_out(pairs, clip, refined)
    return Edit(
        matrix=matrix,
        own=own,
        strength=strengths(pairs, weights, clip),
        late=torch.zeros(77),
        cross=(to_sigma(CROSS[0]), to_sigma(CROSS[1])),
        self_window=(to_sigma(SELF[0]), to_sigma(SELF[1])),
        self_pixels=shape[1] * shape[2] // 4,
        late_until=to_sigma(LATE),
    )


EDITS = {
    "swap": (swap, {}),
    "refine": (refine, {}),
    "swap with a word window": (swap, {}),
    "reweight": (None, {"mat": 2.5, "cat": -1.0}),
    "swap + reweight": (swap, {"hippopotamus": 3.0}),
    "refine + two reweights": (refine, {"hippopotamus": 0.0, "a": 1.5}),
    "refine + renormalised reweights": (refine, {"hippopotamus": -2.0, "mat": 3.0}),
}
LATE = 0.4
COMBINED = [(name, "longer") for name in EDITS if " " in name]
RUNS = [("swap", case) for case in CASES]
RUNS += [("refine", "added"), ("refine", "longer"), ("reweight", "same"), *COMBINED]
WIDE = [("swap", "longer"), ("refine", "added"), ("reweight", "same"), *COMBINED]


@pytest.fixture(scope="module")
def unedited_of():
    """unedited_of(size, case, run): what the run gives, once for all edits of a case."""
    made: dict[tuple[str, str], torch.Tensor] = {}

    def find(size, case, run):
        if (size, case) not in made:
            made[size, case] = run()
        return made[size, case]

    return find


@pytest.mark.parametrize(
    "size, edit_name, case",
    [(size, *run) for size in ("sd15", "sdxl") for run in RUNS]
    + [(size, *run) for size in ("sd15 wide", "sd2", "sdxl wide") for run in WIDE],
)
def test_fused_run_equals_materialised_run(size, edit_name, case, request, record_property, unedited_of):
    model, clip, _ = request.getfixturevalue(size.split()[0])
    pairs, shape = {**CASES, "same": SAME_CAT}[case], SIZES[size]
    kind, weights = EDITS[edit_name]
    positive, edit = encode(clip, text(pairs, 0), text(pairs, 1))
    if kind:
        late = f"mat: {LATE} - {CROSS[1]}" if "word window" in edit_name else ""
        edit = kind(edit, *CROSS, word_windows=late)
    for words, strength in weights.items():
        edit = reweight(edit, words, strength, *CROSS, renormalise="renormalised" in edit_name)
    controlled, latent = control(model, edit, empty(shape), *SELF, resolution="1/2")
    uncond = prompt(clip, "blurry")
    fused = sample(controlled, positive, uncond, latent, steps=STEPS)

    by_hand = edit_by_hand(model, clip, pairs, shape, weights, refined=kind is refine)
    if "word window" in edit_name:
        by_hand.late = strengths(pairs, {"mat": 2.0}, clip) - 1
    by_hand.renormalise = "renormalised" in edit_name
    reference = materialise(model, by_hand)
    plain = [[positive[0][0], {k: v for k, v in positive[0][1].items() if k != "p2p_pair"}]]
    expected = sample(reference, plain, uncond, latent, steps=STEPS)
    unedited = unedited_of(size, case, lambda: sample(model, plain, uncond, latent, steps=STEPS))

    error = float((fused - expected).norm() / expected.norm())
    effect = float((expected[1] - unedited[1]).norm() / unedited[1].norm())
    floor = float((fused[0] - expected[0]).norm() / expected[0].norm())
    record_property("relative_error", error)
    print(f"{size}, {edit_name}, {case}: error {error:.1e}, source row {floor:.1e}; the edit moves {effect:.1e}")
    assert effect > 1e-3, "the edit must do something for the comparison to mean anything"
    assert error <= 1e-5


@pytest.mark.parametrize("size", ["sd15", "sd15 wide", "sdxl", "sdxl wide"])
def test_a_local_blend_by_words_equals_the_materialised_one(size, request, part):
    """Swap, reweight and local blend together, against a sampler of the test's own; the words' maps too."""
    model, clip, _ = request.getfixturevalue(size.split()[0])
    pairs, shape, start = CASES["longer"], SIZES[size], 0.2
    threshold = 0.95 if "sdxl" in size else 0.6
    positive, edit = encode(clip, text(pairs, 0), text(pairs, 1))
    edit = swap(edit, *CROSS)
    edit = reweight(edit, "mat", 2.0)
    edit = blend(edit, "", threshold=threshold, start=start)
    edit = watch(edit, "cat, hippopotamus")
    controlled, latent = control(model, edit, empty(shape), *SELF, resolution="1/2")
    uncond = prompt(clip, "blurry")
    fused = sample(controlled, positive, uncond, latent, steps=STEPS)

    sampling = model.get_model_object("model_sampling")
    by_hand = edit_by_hand(model, clip, pairs, shape, {"mat": 2.0})
    moment = Moment()
    moment.blend = Blend(
        source=torch.eye(77)[2],
        target=strengths(pairs, {"hippopotamus": 2.0}, clip) - 1,
        layer=(-(-shape[1] // 4), -(-shape[2] // 4)),
        threshold=threshold,
        start=sampling.percent_to_sigma(start) * (1 + 1e-5),
    )
    guider = comfy.samplers.CFGGuider(materialise(model, by_hand, moment))
    plain = [[positive[0][0], {k: v for k, v in positive[0][1].items() if k != "p2p_pair"}]]
    guider.set_conds(plain, uncond)
    guider.set_cfg(4.0)
    sigmas = comfy.samplers.calculate_sigmas(sampling, "normal", STEPS)
    noise = comfy.sample.prepare_noise(latent["samples"], 7, latent["batch_index"])
    euler = comfy.samplers.KSAMPLER(blended_euler(moment))
    expected = guider.sample(noise, latent["samples"], euler, sigmas, disable_pbar=True, seed=7)

    error = float((fused - expected).norm() / expected.norm())
    open_share = float((expected[0] != expected[1]).any(dim=0).float().mean())
    print(f"{size}, local blend: error {error:.1e}; the mask lets through {open_share:.0%}")
    assert 0.02 < open_share < 0.98, "the mask must do something for the comparison to mean anything"
    assert torch.equal((fused[0] != fused[1]).any(dim=0), (expected[0] != expected[1]).any(dim=0))
    heats = part("p2p_attention.host.findings").watched_maps({**latent, "samples": fused})
    assert [(heat.row, heat.name) for heat in heats] == [(0, "cat, source"), (1, "hippopotamus, target")]
    for heat, wanted in zip(heats, torch.stack(moment.heat).mean(dim=0), strict=True):
        assert (heat.map - wanted).norm() <= 1e-4 * wanted.norm(), "to rounding, the mean over all steps and layers"
    assert error <= 1e-5
