"""Joint attention in every family of transformers: E1 to E5 and E9, with the families' own classes at small widths."""

import sys

import comfy.model_management
import pytest
import torch

from lab.random_transformers import JOINT, joint

from .graph import blend, control, empty, encode, prompt, refine, reweight, rows, sample, swap, watch

SOURCE, SWAPPED, ADDED = "a cat on a mat", "a hippopotamus on a mat", "a big cat on a red mat"
WINDOWS = [(0.8, 0.4), (1.0, 0.0), (0.0, 1.0)]
STEPS = 3
ROUNDING = 1e-5


@pytest.fixture(scope="module", params=JOINT)
def family(request, pack):
    """(model, clip, latent) of a family."""
    model, clip = joint(request.param)
    if request.param == "zimage":  # of which the Controller fills shorter prompts up as the model would by itself
        sys.modules[f"{pack.__name__}.p2p_attention.host.backbones.z_image"].fill_up(model)
    return model, clip, empty(JOINT[request.param].latent)


def plain(family, positive, count=2):
    model, clip, latent = family
    return sample(model, positive, prompt(clip), rows(latent, count), steps=STEPS)


def edited(family, pair, edit, self_end):
    model, clip, latent = family
    controlled = control(model, edit, latent, self_end=self_end)
    return sample(controlled.model, pair.positive, prompt(clip), controlled.latent, steps=STEPS)


def close(one, other):
    return float((one - other).norm() / other.norm()) <= ROUNDING


@pytest.mark.parametrize("self_end", [0.0, 1.0])
def test_e2_no_edit_is_the_plain_run(family, self_end):
    pair = encode(family[1], SOURCE, SWAPPED)
    if self_end:
        with_swap = swap(pair.edit, end=0.0)
        assert torch.equal(edited(family, pair, with_swap, 0.0), plain(family, pair.positive))
    else:
        assert torch.equal(edited(family, pair, pair.edit, 0.0), plain(family, pair.positive))


@pytest.mark.parametrize("windows", WINDOWS)
def test_e3_the_source_is_the_plain_runs_and_the_edit_acts(family, windows):
    cross_end, self_end = windows
    pair = encode(family[1], SOURCE, SWAPPED)
    made, expected = edited(family, pair, swap(pair.edit, end=cross_end), self_end), plain(family, pair.positive)
    assert torch.equal(made[0], expected[0])
    assert not close(made[1], expected[1])


def test_e3_of_a_refine_with_reweights(family):
    pair = encode(family[1], SOURCE, ADDED)
    edit = reweight(reweight(refine(pair.edit), "red", 2.0), "cat", 0.5)
    made, expected = edited(family, pair, edit, 0.4), plain(family, pair.positive)
    assert torch.equal(made[0], expected[0])
    assert not close(made[1], expected[1])


@pytest.mark.parametrize("windows", WINDOWS)
def test_e1_the_source_again_makes_the_source(family, windows, part):
    """Word Swap's own check for equal prompts is left out."""
    injection, window = part("p2p_attention.edits.injection"), part("p2p_attention.edits.window").Window
    pair = encode(family[1], SOURCE, SOURCE)
    same = injection.Injection(injection.Kind.SWAP, window(0.0, windows[0]))
    edit = pair.edit.with_targets(target.with_injection(same) for target in pair.edit.targets)
    made = edited(family, pair, edit, windows[1])
    assert close(made[1], made[0])


def test_e5_strength_1_changes_nothing(family):
    pair = encode(family[1], SOURCE, SWAPPED)
    edit = swap(pair.edit)
    assert torch.equal(edited(family, pair, reweight(edit, "mat", 1.0), 0.4), edited(family, pair, edit, 0.4))


def test_e9_again_it_is_the_same(family):
    pair = encode(family[1], SOURCE, SWAPPED)
    edit = swap(pair.edit)
    assert torch.equal(edited(family, pair, edit, 0.4), edited(family, pair, edit, 0.4))


def test_outside_a_mask_the_target_is_the_source(family):
    pair = encode(family[1], SOURCE, SWAPPED)
    mask = torch.zeros(1, 8, 8)
    mask[..., :4] = 1
    made = edited(family, pair, blend(swap(pair.edit), start=0.0, mask=mask), 0.4)
    assert torch.equal(made[0], plain(family, pair.positive)[0])
    assert torch.equal(made[0, ..., -1:], made[1, ..., -1:])
    assert not close(made[1, ..., :1], made[0, ..., :1])


def test_maps_of_words(family, part):
    """Every pixel's attention to a word, positive, in the patches' grid; reading changes nothing."""
    model, clip, latent = family
    pair = encode(clip, SOURCE, SWAPPED)
    edit = swap(pair.edit)
    controlled = control(model, watch(edit, "cat, hippopotamus"), latent)
    made = sample(controlled.model, pair.positive, prompt(clip), controlled.latent, steps=STEPS)
    maps = part("p2p_attention.host.findings").watched_maps({**controlled.latent, "samples": made})
    assert [(one.row, one.name) for one in maps] == [(0, "cat, source"), (1, "hippopotamus, target")]
    assert all(one.map.shape == (4, 4) and bool((one.map > 0).all()) for one in maps)
    assert torch.equal(made, edited(family, pair, edit, 0.4))


def test_several_targets(family):
    pair = encode(family[1], SOURCE, SWAPPED, more=ADDED)
    made = edited(family, pair, swap(pair.edit), 0.4)
    alone = edited(family, (two := encode(family[1], SOURCE, SWAPPED)), swap(two.edit), 0.4)
    assert made.shape[0] == 3 and torch.equal(made[0], plain(family, pair.positive, 3)[0])
    if two.positive[0][0].shape == pair.positive[0][0][:2].shape:
        assert close(made[1], alone[1])


ALIKE = ("qwen", "flux2", "zimage", "flux", "aura", "sd3")


@pytest.mark.parametrize("name", ALIKE)
def test_rows_are_their_prompts_own_runs(name):
    """Prompts of unequal length without an edit: what fills the shorter one up changes nothing of it."""
    model, clip = joint(name)
    latent, pair = empty(JOINT[name].latent), encode(clip, SOURCE, SWAPPED)
    controlled = control(model, pair.edit, latent, self_end=0.0)
    made = sample(controlled.model, pair.positive, prompt(clip), controlled.latent, steps=STEPS)
    for row, text in enumerate((SOURCE, SWAPPED)):
        assert close(made[row : row + 1], sample(model, prompt(clip, text), prompt(clip), latent, steps=STEPS))


def test_an_interrupt_is_heard_within_a_call(family):
    """In the next attention after it."""
    model, clip, latent = family
    seen = []

    def interrupting(function, *args, **kwargs):
        seen.append(kwargs)
        comfy.model_management.interrupt_current_processing()
        return function(*args, **kwargs)

    pair, clone = encode(clip, SOURCE, SWAPPED), model.clone()
    clone.model_options["transformer_options"]["optimized_attention_override"] = interrupting
    controlled = control(clone, swap(pair.edit), latent)
    with pytest.raises(comfy.model_management.InterruptProcessingException):
        sample(controlled.model, pair.positive, prompt(clip), controlled.latent, steps=STEPS)
    assert len(seen) <= 3  # of an edited call up to three: the rows', their text's, and what is added
