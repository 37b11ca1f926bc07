"""Self- and cross-attention in transformers: E1 to E5 and E9, with the families' own classes at small widths."""

import pytest
import torch

from lab.random_transformers import CROSS, cross

from .graph import blend, control, empty, encode, prompt, refine, reweight, rows, sample, swap, watch

SOURCE, SWAPPED, ADDED = "a cat on a mat", "a hippopotamus on a mat", "a big cat on a red mat"
WINDOWS = [(0.8, 0.4), (1.0, 0.0), (0.0, 1.0)]
STEPS = 3
ROUNDING = 1e-5


@pytest.fixture(scope="module", params=CROSS)
def family(request):
    """(name, model, clip, latent) of a family."""
    model, clip = cross(request.param)
    return request.param, model, clip, empty(CROSS[request.param].latent)


@pytest.fixture(autouse=True)
def inference():
    """As the host runs its nodes; only then Anima's model makes its columns once a run."""
    with torch.inference_mode():
        yield


def plain(family, pair, count=2):
    """The run without an edit. Of Anima the host can make no batch of unlike prompts, so it is one without acts."""
    name, model, clip, latent = family
    if name != "anima":
        return sample(model, pair.positive, prompt(clip), rows(latent, count), steps=STEPS)
    controlled = control(model, pair.edit, latent, self_end=0.0)
    return sample(controlled.model, pair.positive, prompt(clip), controlled.latent, steps=STEPS)


def edited(family, pair, edit, self_end, **more):
    _, model, clip, latent = family
    controlled = control(model, edit, latent, self_end=self_end)
    return sample(controlled.model, pair.positive, prompt(clip), controlled.latent, steps=STEPS, **more)


def close(one, other):
    return float((one - other).norm() / other.norm()) <= ROUNDING


def test_e2_no_edit_is_each_prompts_own_run(family):
    """Prompts of unequal length too: no row sees another, nor what shorter ones are filled up with."""
    _, model, clip, latent = family
    pair = encode(clip, SOURCE, SWAPPED)
    made = edited(family, pair, pair.edit, 0.0)
    assert torch.equal(made, plain(family, pair))
    for row, text in enumerate((SOURCE, SWAPPED)):
        assert close(made[row : row + 1], sample(model, prompt(clip, text), prompt(clip), latent, steps=STEPS))


@pytest.mark.parametrize("windows", WINDOWS)
def test_e3_the_source_is_the_plain_runs_and_the_edit_acts(family, windows):
    cross_end, self_end = windows
    pair = encode(family[2], SOURCE, SWAPPED)
    made, expected = edited(family, pair, swap(pair.edit, end=cross_end), self_end), plain(family, pair)
    assert torch.equal(made[0], expected[0])
    assert not close(made[1], expected[1])


def test_e3_of_a_refine_with_reweights(family):
    pair = encode(family[2], SOURCE, ADDED)
    edit = reweight(reweight(refine(pair.edit), "red", 2.0), "cat", 0.5)
    made, expected = edited(family, pair, edit, 0.4), plain(family, pair)
    assert torch.equal(made[0], expected[0])
    assert not close(made[1], expected[1])


def test_renormalised_reweights(family):
    pair = encode(family[2], SOURCE, SWAPPED)
    weighted = reweight(swap(pair.edit), "mat", 3.0)
    kept = reweight(swap(pair.edit), "mat", 3.0, renormalise=True)
    made, other = (edited(family, pair, edit, 0.4) for edit in (weighted, kept))
    assert torch.equal(made[0], other[0]) and not close(made[1], other[1])


@pytest.mark.parametrize("windows", WINDOWS)
def test_e1_the_source_again_makes_the_source(family, windows, part):
    """Word Swap's own check for equal prompts is left out."""
    injection, window = part("p2p_attention.edits.injection"), part("p2p_attention.edits.window").Window
    pair = encode(family[2], SOURCE, SOURCE)
    same = injection.Injection(injection.Kind.SWAP, window(0.0, windows[0]))
    edit = pair.edit.with_targets(target.with_injection(same) for target in pair.edit.targets)
    made = edited(family, pair, edit, windows[1])
    assert close(made[1], made[0])


def test_e5_strength_1_changes_nothing(family):
    pair = encode(family[2], SOURCE, SWAPPED)
    edit = swap(pair.edit)
    assert torch.equal(edited(family, pair, reweight(edit, "mat", 1.0), 0.4), edited(family, pair, edit, 0.4))


def test_e9_again_it_is_the_same(family):
    pair = encode(family[2], SOURCE, SWAPPED)
    edit = swap(pair.edit)
    assert torch.equal(edited(family, pair, edit, 0.4), edited(family, pair, edit, 0.4))


def test_outside_a_mask_the_targets_are_the_source(family):
    pair = encode(family[2], SOURCE, SWAPPED, more=ADDED)
    mask = torch.zeros(1, 8, 8)
    mask[..., :4] = 1
    made = edited(family, pair, blend(swap(pair.edit), start=0.0, mask=mask), 0.4)
    assert torch.equal(made[0], plain(family, pair, 3)[0])
    for row in (1, 2):
        assert torch.equal(made[0, ..., -1:], made[row, ..., -1:])
        assert not close(made[row, ..., :1], made[0, ..., :1])


@pytest.mark.parametrize(("find", "threshold"), [("words", 0.999), ("difference", 0.5)])
def test_a_mask_that_is_found(family, find, threshold):
    """Untrained attention is nearly flat, so words need a high threshold."""
    pair = encode(family[2], SOURCE, SWAPPED)
    how = {"words": "cat, hippopotamus"} if find == "words" else {"mask_from": "difference"}
    made = edited(family, pair, blend(swap(pair.edit), start=0.0, threshold=threshold, **how), 0.4)
    assert torch.equal(made[0], plain(family, pair)[0])
    alike = (made[0] == made[1]).flatten(0, -3).all(dim=0)
    assert bool(alike.any()) and not bool(alike.all())


def test_maps_of_words(family, part):
    """Every pixel's attention to a word, positive, in the patches' grid; reading changes nothing."""
    _, model, clip, latent = family
    pair = encode(clip, SOURCE, SWAPPED)
    edit = swap(pair.edit)
    controlled = control(model, watch(edit, "cat, hippopotamus"), latent)
    made = sample(controlled.model, pair.positive, prompt(clip), controlled.latent, steps=STEPS)
    maps = part("p2p_attention.host.findings").watched_maps({**controlled.latent, "samples": made})
    assert [(one.row, one.name) for one in maps] == [(0, "cat, source"), (1, "hippopotamus, target")]
    assert all(one.map.shape == (4, 4) and bool((one.map > 0).all()) for one in maps)
    assert torch.equal(made, edited(family, pair, edit, 0.4))


def test_several_targets(family):
    pair = encode(family[2], SOURCE, SWAPPED, more=ADDED)
    made = edited(family, pair, swap(pair.edit), 0.4)
    two = encode(family[2], SOURCE, SWAPPED)
    assert made.shape[0] == 3 and torch.equal(made[0], plain(family, pair, 3)[0])
    assert close(made[1], edited(family, two, swap(two.edit), 0.4)[1])


def test_a_picture_of_as_many_tokens_as_the_prompt(family):
    """Self-attention then has the shape of cross-attention; calls are counted."""
    name, model, clip, _ = family
    pair = encode(clip, SOURCE, SWAPPED)
    latent = empty((16, 2, 32, 32) if name == "wan" else (16, 64, 32))
    made = edited((name, model, clip, latent), pair, swap(pair.edit), 0.4)
    assert torch.equal(made[0], plain((name, model, clip, latent), pair)[0])
    assert not close(made[1], made[0])


@pytest.mark.parametrize("numbered", [True, False])
def test_calls_are_counted(part, numbered):
    """With the host's numbers of blocks, which put the count right after an attention that is no block's, or without
    them, as on older hosts.
    """
    place = part("p2p_attention.host.backbones.cross")._Place(2)
    seen = []
    for model_call in range(2):
        for block in range(3):
            for call in range(2 + (numbered and block == 1 and model_call == 0)):
                place.advance(block if numbered else None)
                seen.append((place.block % 3, place.call) if call < 2 else None)
    kept = [one for one in seen if one]
    assert [call for _, call in kept] == [0, 1] * 6
    assert [block for block, _ in kept] == [0, 0, 1, 1, 2, 2] * 2
