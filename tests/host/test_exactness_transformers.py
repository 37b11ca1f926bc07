"""E1 to E5 and E9 in transformers of every family, of both ways to attend, with their own classes at small widths."""

import pytest
import torch

from lab.random_transformers import CROSS, JOINT

from .family import ADDED, SOURCE, STEPS, SWAPPED, close, edited, family_of, plain
from .graph import blend, control, encode, prompt, refine, reweight, sample, swap, watch

WINDOWS = [(0.8, 0.4), (1.0, 0.0), (0.0, 1.0)]
ALIKE = [name for name in (*JOINT, *CROSS) if name not in ("chroma", "lumina2")]  # which see their fill

pytestmark = pytest.mark.usefixtures("inference")


@pytest.fixture(scope="module", params=(*JOINT, *CROSS))
def family(request, part):
    made = family_of(request.param)
    if made.name in ("zimage", "krea2"):  # of which the Controller makes shorter prompts what they are by themselves
        part("p2p_attention.host.backbones.registry").backbone_of(made.model).attach(made.model)
    return made


@pytest.mark.parametrize("emptied", [False, True])
def test_e2_no_edit_is_the_plain_run(family, emptied):
    """Nor is one whose window is empty."""
    pair = encode(family.clip, SOURCE, SWAPPED)
    edit = swap(pair.edit, end=0.0) if emptied else pair.edit
    assert torch.equal(edited(family, pair, edit, 0.0), plain(family, pair))


@pytest.mark.parametrize("name", ALIKE)
def test_e2_of_unequal_prompts(name):
    """Each is its own run: no row sees another, nor what shorter ones are filled up with."""
    family = family_of(name)
    pair = encode(family.clip, SOURCE, SWAPPED)
    made = edited(family, pair, pair.edit, 0.0)
    for row, text in enumerate((SOURCE, SWAPPED)):
        alone = sample(family.model, prompt(family.clip, text), prompt(family.clip), family.latent, steps=STEPS)
        assert close(made[row : row + 1], alone)


@pytest.mark.parametrize("windows", WINDOWS)
def test_e3_the_source_is_the_plain_runs_and_the_edit_acts(family, windows):
    cross_end, self_end = windows
    pair = encode(family.clip, SOURCE, SWAPPED)
    made, expected = edited(family, pair, swap(pair.edit, end=cross_end), self_end), plain(family, pair)
    assert torch.equal(made[0], expected[0])
    assert not close(made[1], expected[1])


def test_e3_of_a_refine_with_reweights(family):
    pair = encode(family.clip, SOURCE, ADDED)
    edit = reweight(reweight(refine(pair.edit), "red", 2.0), "cat", 0.5)
    made, expected = edited(family, pair, edit, 0.4), plain(family, pair)
    assert torch.equal(made[0], expected[0])
    assert not close(made[1], expected[1])


@pytest.mark.parametrize("windows", WINDOWS)
def test_e1_the_source_again_makes_the_source(family, windows, part):
    """Word Swap's own check for equal prompts is left out."""
    injection, window = part("p2p_attention.edits.injection"), part("p2p_attention.edits.window").Window
    pair = encode(family.clip, SOURCE, SOURCE)
    same = injection.Injection(injection.Kind.SWAP, window(0.0, windows[0]))
    edit = pair.edit.with_targets(target.with_injection(same) for target in pair.edit.targets)
    made = edited(family, pair, edit, windows[1])
    assert close(made[1], made[0])


def test_e5_strength_1_changes_nothing(family):
    pair = encode(family.clip, SOURCE, SWAPPED)
    edit = swap(pair.edit)
    for scale in ("map", "scores"):
        one = reweight(edit, "mat", 1.0, scale=scale)
        assert torch.equal(edited(family, pair, one, 0.4), edited(family, pair, edit, 0.4))


def test_e9_again_it_is_the_same(family):
    pair = encode(family.clip, SOURCE, SWAPPED)
    edit = swap(pair.edit)
    assert torch.equal(edited(family, pair, edit, 0.4), edited(family, pair, edit, 0.4))


def test_outside_a_mask_the_targets_are_the_source(family):
    pair = encode(family.clip, SOURCE, SWAPPED, more=ADDED)
    mask = torch.zeros(1, 8, 8)
    mask[..., :4] = 1
    made = edited(family, pair, blend(swap(pair.edit), start=0.0, mask=mask), 0.4)
    assert torch.equal(made[0], plain(family, pair, 3)[0])
    for row in (1, 2):
        assert torch.equal(made[0, ..., -1:], made[row, ..., -1:])
        assert not close(made[row, ..., :1], made[0, ..., :1])


def test_maps_of_words(family, part):
    """Every pixel's attention to a word, positive, in the patches' grid; reading changes nothing."""
    pair = encode(family.clip, SOURCE, SWAPPED)
    edit = swap(pair.edit)
    controlled = control(family.model, watch(edit, "cat, hippopotamus"), family.latent)
    made = sample(controlled.model, pair.positive, prompt(family.clip), controlled.latent, steps=STEPS)
    maps = part("p2p_attention.host.findings").watched_maps({**controlled.latent, "samples": made})
    assert [(one.row, one.name) for one in maps] == [(0, "cat, source"), (1, "hippopotamus, target")]
    assert all(one.map.shape == (4, 4) and bool((one.map > 0).all()) for one in maps)
    assert torch.equal(made, edited(family, pair, edit, 0.4))


def test_several_targets(family):
    pair, two = encode(family.clip, SOURCE, SWAPPED, more=ADDED), encode(family.clip, SOURCE, SWAPPED)
    made = edited(family, pair, swap(pair.edit), 0.4)
    assert made.shape[0] == 3 and torch.equal(made[0], plain(family, pair, 3)[0])
    if family.name != "lumina2":  # which sees what shorter prompts are filled up with
        assert close(made[1], edited(family, two, swap(two.edit), 0.4)[1])
