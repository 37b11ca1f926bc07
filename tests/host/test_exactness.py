"""E1 to E4 and E9 of the method: what must be equal bit for bit."""

import pytest
import torch

from .graph import SIZES, control, empty, encode, prompt, reweight, rows, sample

PROMPTS = {
    "demo": ("a red circle on a blue background", "a red square on a blue background"),
    "sd15": ("a cat on a mat", "a hippopotamus on a mat"),
}
PROMPTS |= dict.fromkeys(("sd2", "sdxl"), PROMPTS["sd15"])
ADDED = {"demo": "a large red circle on a blue background"} | dict.fromkeys(
    ("sd15", "sd2", "sdxl"), "a big cat on a mat"
)
WINDOWS = [(0.0, 0.8, 0.0, 0.4), (0.2, 0.5, 0.1, 1.0), (0.0, 1.0, 0.0, 0.0)]

pytestmark = pytest.mark.parametrize("size", SIZES)


@pytest.fixture
def family(size, request):
    """(name, model, clip, latent) of a size."""
    name = size.split()[0]
    model, clip = request.getfixturevalue(name)[:2]
    return name, model, clip, empty(SIZES[size])


@pytest.fixture
def controlled(part, family):
    """Build the edited graph up to the sampler; Word Swap's own check for equal prompts is left out.

    `unit` names words to reweight with a strength of 1.
    """
    _, model, clip, latent = family
    edits, windows = part("p2p_attention.edits.injection"), part("p2p_attention.edits.window")

    def build(source, target, swap=None, self_window=(0.0, 0.0), unit=None):
        positive, edit = encode(clip, source, target)
        if swap:
            injection = edits.Injection(edits.Kind.SWAP, windows.Window(*swap))
            edit = edit.with_targets(target.with_injection(injection) for target in edit.targets)
        if unit:
            edit = reweight(edit, unit, 1.0)
        patched, batch = control(model, edit, latent, *self_window, resolution="1/2")
        return patched, positive, batch

    return build


@pytest.mark.parametrize("windows", WINDOWS)
def test_e1_identical_prompts_make_identical_rows(family, controlled, windows):
    name, _, clip, _ = family
    source, _ = PROMPTS[name]
    model, positive, latent = controlled(source, source, windows[:2], windows[2:])
    made = sample(model, positive, prompt(clip), latent)
    assert torch.equal(made[0], made[1])


def test_e2_without_edits_or_with_empty_windows_every_row_is_the_plain_run(family, controlled):
    name, plain, clip, latent = family
    for swap in (None, (0.5, 0.5)):
        model, positive, batch = controlled(*PROMPTS[name], swap)
        expected = sample(plain, positive, prompt(clip), rows(latent, 2))
        assert torch.equal(sample(model, positive, prompt(clip), batch), expected)


@pytest.mark.parametrize("windows", WINDOWS)
def test_e3_the_source_row_is_the_plain_run(family, controlled, windows):
    name, plain, clip, latent = family
    model, positive, batch = controlled(*PROMPTS[name], windows[:2], windows[2:])
    expected = sample(plain, positive, prompt(clip), rows(latent, 2))
    made = sample(model, positive, prompt(clip), batch)
    assert torch.equal(made[0], expected[0])
    assert not torch.equal(made[1], expected[1]), "the edit must do something"
    alone = [[positive[0][0][:1], {k: v[:1] if torch.is_tensor(v) else v for k, v in positive[0][1].items()}]]
    single = sample(plain, alone, prompt(clip), latent)
    assert (made[0] - single[0]).norm() <= 1e-4 * single.norm()


def test_e3_holds_with_both_terms(family, controlled):
    """An added word keeps its own column, which takes an extra row: the source row still equals the plain run's."""
    name, plain, clip, latent = family
    model, positive, batch = controlled(PROMPTS[name][0], ADDED[name], (0.0, 0.8), (0.0, 0.4))
    expected = sample(plain, positive, prompt(clip), rows(latent, 2))
    made = sample(model, positive, prompt(clip), batch)
    assert torch.equal(made[0], expected[0])
    assert not torch.equal(made[1], expected[1])


def test_e4_unconditional_rows_are_those_of_the_plain_run(family, controlled):
    name, plain, clip, latent = family
    model, positive, batch = controlled(*PROMPTS[name], (0.0, 1.0), (0.0, 1.0))
    seen: dict[str, list] = {}

    def watched(key, patched):
        clone = patched.clone()

        def keep(arguments):
            seen.setdefault(key, []).append(arguments["conds_out"][1].clone())
            return arguments["conds_out"]

        clone.set_model_sampler_pre_cfg_function(keep)
        return clone

    sample(watched("edited", model), positive, prompt(clip), batch, steps=1)
    sample(watched("plain", plain), positive, prompt(clip), rows(latent, 2), steps=1)
    assert len(seen["edited"]) == len(seen["plain"]) == 1
    assert torch.equal(seen["edited"][0], seen["plain"][0])


def test_e9_again_and_after_a_cancelled_run(family, controlled):
    name, plain, clip, latent = family
    model, positive, batch = controlled(*PROMPTS[name], (0.0, 0.8), (0.0, 0.4))
    before = sample(plain, positive, prompt(clip), rows(latent, 2))
    first = sample(model, positive, prompt(clip), batch)

    class Cancelled(BaseException):
        pass

    def cancel(arguments):
        raise Cancelled

    broken = model.clone()
    broken.set_model_sampler_post_cfg_function(cancel)
    with pytest.raises(Cancelled):
        sample(broken, positive, prompt(clip), batch)

    assert torch.equal(sample(model, positive, prompt(clip), batch), first)
    assert torch.equal(sample(plain, positive, prompt(clip), rows(latent, 2)), before)


@pytest.mark.parametrize("swap", [(0.0, 0.8), None])
def test_e5_a_strength_of_one_changes_nothing(family, controlled, swap):
    name, _, clip, _ = family
    source, target = PROMPTS[name]
    word = "red" if name == "demo" else "mat"

    def run(unit):
        model, positive, batch = controlled(source, target if swap else source, swap, unit=unit)
        return sample(model, positive, prompt(clip), batch)

    assert torch.equal(run(word), run(None))


def test_e5_alone_on_unequal_prompts(family, controlled):
    name, plain, clip, latent = family
    model, positive, batch = controlled(*PROMPTS[name], unit="a")
    expected = sample(plain, positive, prompt(clip), rows(latent, 2))
    assert torch.equal(sample(model, positive, prompt(clip), batch), expected)
