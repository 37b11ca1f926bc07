import pytest
import torch

from p2p_attention.attention.joint import JointLayout
from p2p_attention.attention.kept import Kept, keep_outside
from p2p_attention.attention.rows import Rows


def test_a_token_has_the_mean_of_its_patch():
    mask = torch.zeros(2, 1, 4, 6)
    mask[1, 0, :3, :2] = 1
    tokens = Kept(mask).tokens(2, torch.zeros(1, dtype=torch.float64))
    assert tokens.dtype == torch.float64
    assert tokens.tolist() == [[0.0] * 6, [1.0, 0.0, 0.0, 0.5, 0.0, 0.0]]


def test_a_patch_that_the_host_fills_up_goes_by_its_border():
    mask = torch.zeros(1, 1, 3, 5)
    mask[..., 2, 4] = 1
    assert Kept(mask).tokens(2, mask).tolist() == [[0.0, 0.0, 0.0, 0.0, 0.0, 1.0]]


@pytest.mark.parametrize("axis", [1, 2])
def test_the_pictures_tokens_alone_and_those_of_the_pairs_alone(axis):
    """Two prompts of a source, an edited target and a plain one; 2 text tokens, 3 of the image, 1 of padding."""
    rows = Rows(targets=2, plain=1)
    pairs = rows.in_every_prompt(2)
    assert pairs == ((0, 1, 1), (3, 4, 1))
    shape = (6, 6, 4) if axis == 1 else (6, 2, 6, 4)
    given = [torch.randn(shape, generator=torch.Generator().manual_seed(seed)) for seed in range(3)]
    before = [x.clone() for x in given]
    free = torch.tensor([[9.0, 9.0, 9.0], [0.0, 1.0, 0.5], [9.0, 9.0, 9.0]])
    made = keep_outside(free, pairs, JointLayout((0, 2), (2, 5), 6), *given, axis)
    for old, as_it_was, new in zip(given, before, made, strict=True):
        assert torch.equal(old, as_it_was)
        old, new = (x.movedim(axis, 1) for x in (old, new))
        for source, target in ((0, 1), (3, 4)):
            assert torch.equal(new[target, 2], old[source, 2]) and torch.equal(new[target, 3], old[target, 3])
            assert torch.allclose(new[target, 4], (old[source, 4] + old[target, 4]) / 2)
            assert torch.equal(new[target, [0, 1, 5]], old[target, [0, 1, 5]])
        assert torch.equal(new[[0, 2, 3, 5]], old[[0, 2, 3, 5]])
