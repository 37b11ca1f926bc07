"""The source cache on every family of transformers: a second edit, and the edit of an inverted picture, compute their
targets only and give what the batch gives.
"""

import pytest
import torch

from lab.random_transformers import CROSS, JOINT, cross, joint

from .graph import blend, control, empty, encode, invert, prompt, refine, reweight, sample, swap, watch

SOURCE, SWAPPED, ADDED = "a cat on a mat", "a hippopotamus on a mat", "a big cat on a red mat"
STEPS = 3
EDITS = {
    "swap": (SWAPPED, lambda edit: swap(edit, end=1.0)),
    "refine, reweight": (ADDED, lambda edit: reweight(refine(edit), "red", 2.0)),
    "word windows": (SWAPPED, lambda edit: swap(edit, word_windows="mat: 0.0 - 0.3")),
    "blend": (SWAPPED, lambda edit: blend(swap(edit), "", threshold=0.3, start=0.0)),
    "watch": (SWAPPED, lambda edit: watch(swap(edit), "cat, hippopotamus")),
}


@pytest.fixture(scope="module", params=[*JOINT, *CROSS])
def family(request):
    """(model, clip, latent) of a family."""
    made, table = (joint, JOINT) if request.param in JOINT else (cross, CROSS)
    return *made(request.param), empty(table[request.param].latent)


pytestmark = pytest.mark.usefixtures("cache")


@pytest.fixture
def calls(family):
    """The number of rows of each call of the network."""
    seen: list[int] = []
    hook = (
        family[0]
        .get_model_object("diffusion_model")
        .register_forward_pre_hook(lambda module, inputs: seen.append(len(inputs[0])))
    )
    yield seen
    hook.remove()


def edited(family, target, edit, self_end=0.4, latent=None, inversion=None, cache=0.0, **options):
    """The rows of an edit of SOURCE, and the latent's findings."""
    model, clip, empty_latent = family
    pair = encode(clip, SOURCE, target)
    latent = empty_latent if latent is None else latent
    controlled = control(model, edit(pair.edit), latent, self_end=self_end, inversion=inversion, cache=cache)
    made = sample(controlled.model, pair.positive, prompt(clip), controlled.latent, **{"steps": STEPS, **options})
    return made, controlled.latent


def assert_equals(made, expected):
    """To the rounding of another batch shape, which is far below what the edit does."""
    error, effect = (made - expected).norm(), (expected[1:] - expected[:1]).norm()
    assert error <= 1e-4 * expected.norm() and error <= 1e-2 * effect, (error, expected.norm(), effect)


def targets_only(calls, whole):
    """Whether calls had half the rows of those of whole batches."""
    return sum(calls) * 2 == sum(whole) and len(calls) == len(whole)


@pytest.mark.parametrize("order", [(ADDED, "a dog on a mat"), ("a dog on a mat", "a cat")])
def test_prompts_filled_up_otherwise_than_in_the_recording(family, order):
    """The source is longer, as long or shorter than what else is in the batch, then and now."""
    for target in order:
        expected, _ = edited(family, target, refine)
        made, _ = edited(family, target, refine, cache=1.0)
        assert_equals(made, expected)


@pytest.mark.parametrize("what", EDITS)
def test_a_second_edit_equals_the_batchs_run(family, what, calls, part):
    target, edit = EDITS[what]
    expected, found = edited(family, target, edit)
    calls.clear()
    injects = swap if target == SWAPPED else refine
    first, _ = edited(family, target, lambda plan: watch(injects(plan, end=1.0), ""), self_end=1.0, cache=1.0)
    whole = list(calls)
    calls.clear()
    made, latent = edited(family, target, edit, cache=1.0)
    assert torch.equal(made[0], first[0]), "the source is the recorded one"
    assert_equals(made, expected)
    assert targets_only(calls, whole)
    if what == "watch":
        maps = part("p2p_attention.host.findings").watched_maps
        known, new = maps({**found, "samples": expected}), maps({**latent, "samples": made})
        assert [one.name for one in new] == [one.name for one in known]
        assert all(torch.allclose(one.map, other.map, rtol=1e-3) for one, other in zip(new, known, strict=True))


def test_recording_changes_nothing(family, cache):
    swapped = EDITS["swap"][1]
    expected, _ = edited(family, SWAPPED, swapped)
    made, _ = edited(family, SWAPPED, swapped, cache=1.0)
    assert torch.equal(made, expected) and cache.bytes > 0


def test_another_seed_is_another_source(family, calls, caplog):
    swapped = EDITS["swap"][1]
    expected, _ = edited(family, SWAPPED, swapped, seed=8)
    edited(family, SWAPPED, swapped, cache=1.0)
    whole = list(calls)[: len(calls) // 2]
    calls.clear()
    caplog.set_level("INFO")
    made, _ = edited(family, SWAPPED, swapped, cache=1.0, seed=8)
    assert torch.equal(made, expected) and calls == whole
    assert "where it was not, the latent differs" in caplog.text


def test_shorter_and_longer_prompts_have_their_own_masks(family, calls):
    """The target's prompt is longer than the source's, so that a family that masks has a mask for each."""
    longer = "a very big striped hippopotamus and a small dog on a red mat in the sun"
    expected, _ = edited(family, longer, refine)
    edited(family, longer, lambda plan: refine(plan, end=1.0), self_end=1.0, cache=1.0)
    calls.clear()
    assert_equals(edited(family, longer, refine, cache=1.0)[0], expected)


@pytest.mark.parametrize("method", ["direct", "aligned"])
@torch.inference_mode()  # as the host runs its nodes; Anima's model gets other inputs without
def test_an_inversion_records_what_its_run_needs(family, method, calls):
    """`direct` with one call more; and the edit of the picture computes its target only."""
    model, clip, latent = family
    noise = torch.rand(latent["samples"].shape, generator=torch.Generator().manual_seed(0))
    picture = {"samples": noise * 2 - 1}
    positive = encode(clip, SOURCE, SWAPPED).positive

    def run(cache):
        inversion = invert(model, positive, picture, steps=STEPS, scheduler="simple", method=method, cache=cache)
        inverting = list(calls)
        calls.clear()
        made, _ = edited(
            family, SWAPPED, swap, latent=picture, inversion=inversion[0], cache=cache, scheduler="simple", cfg=1.0
        )
        running = list(calls)
        calls.clear()
        return made, inverting, running

    expected = run(0.0)[0]
    made, inverting, running = run(1.0)
    assert inverting == [1] * (STEPS + (method == "direct"))
    assert_equals(made, expected)
    assert set(running) == {1}
