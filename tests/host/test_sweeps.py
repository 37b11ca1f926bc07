"""A sweep is one batch with one source row: each picture is the one that its value alone makes."""

import pytest
import torch

from .graph import SIZES, control, empty, encode, prompt, refine, reweight, sample

SOURCE, TARGET = "a red circle on a blue background", "a large striped red circle on a blue background"


@pytest.fixture
def run(request):
    def build(size="demo", refined=None, reweights=(), more=""):
        model, clip = request.getfixturevalue(size)[:2]
        positive, edit = encode(clip, SOURCE, TARGET, more=more)
        if refined is not None:
            edit = refine(edit, **refined)
        for inputs in reweights:
            edit = reweight(edit, **inputs)
        patched, latent = control(model, edit, empty(SIZES[size]), self_end=0.4, resolution="1/2")
        return sample(patched, positive, prompt(clip), latent), edit

    return build


def assert_close(row, alone):
    assert (row - alone).norm() <= 1e-4 * alone.norm()


@pytest.mark.parametrize("size", ["demo", "sd15", "sdxl"])
def test_strengths(run, size):
    values = [-2.0, 0.0, 3.0]
    made, edit = run(size, {"end": 0.8}, [{"words": "striped", "strength_sweep": "-2, 0; 3"}])
    assert made.shape[0] == 4
    assert [target.settings for target in edit.targets] == [("striped × -2",), ("striped × 0",), ("striped × 3",)]
    for row, value in enumerate(values, start=1):
        alone, _ = run(size, {"end": 0.8}, [{"words": "striped", "strength": value}])
        assert_close(made[row], alone[1])
        assert_close(made[0], alone[0])
    assert (made[1] - made[3]).norm() > 1e-2 * made[1].norm()


def test_ends_times_strengths_times_targets(run):
    made, edit = run(
        refined={"end_percent_sweep": "0.2, 0.8"},
        reweights=[{"words": "circle", "strength_sweep": "0.5, 2"}],
        more="a red circle on a green background",
    )
    assert made.shape[0] == 9 and [target.row for target in edit.targets] == [1] * 4 + [2] * 4
    alone, _ = run(refined={"end": 0.8}, reweights=[{"words": "circle", "strength": 0.5}])
    assert_close(made[3], alone[1])


def test_the_given_conditioning_is_left_as_it_was(run, demo):
    positive, _ = encode(demo.clip, SOURCE, TARGET)
    before = positive[0][0].clone()
    run(reweights=[{"words": "striped", "strength_sweep": "0, 2"}])
    assert torch.equal(positive[0][0], before)


def test_what_is_no_number(run):
    with pytest.raises(ValueError, match="P2P Reweight: strength_sweep: 'much' is not a number"):
        run(reweights=[{"words": "striped", "strength_sweep": "1, much"}])
    with pytest.raises(ValueError, match="P2P Refine: end_percent_sweep is 3"):
        run(refined={"end_percent_sweep": "0.3, 3"})
    with pytest.raises(ValueError, match="P2P Reweight: strength is nan"):
        run(reweights=[{"words": "striped", "strength_sweep": "nan"}])
