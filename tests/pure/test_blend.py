import pytest
import torch

from p2p_attention.edits.local_blend import soften, threshold_map


def test_a_map_is_cut_at_a_share_of_its_maximum():
    heat = torch.zeros(4, 4)
    heat[1, 1], heat[3, 3] = 1.0, 0.4
    cut = threshold_map(heat, 0.5, (4, 4), grow=False)
    assert cut.sum() == 1 and cut[0, 1, 1] == 1
    assert threshold_map(heat, 0.3, (4, 4), grow=False).sum() == 2
    assert torch.equal(threshold_map(10 * heat, 0.5, (4, 4), grow=False), cut)


def test_it_grows_by_a_cell_of_the_map_and_fits_any_size():
    heat = torch.zeros(4, 5)
    heat[1, 1] = 1.0
    assert threshold_map(heat, 0.5, (4, 5)).sum() == 9
    assert threshold_map(heat, 0.5, (33, 41)).shape == (1, 33, 41)


def test_no_attention_is_no_mask():
    assert threshold_map(torch.zeros(4, 4), 0.0, (8, 8)).sum() == 0


@pytest.mark.parametrize("value", [0.0, 1.0])
@pytest.mark.parametrize("softness", [0.3, 1.0, 7.5])
def test_softening_leaves_all_and_nothing_exactly(value, softness):
    mask = torch.full((1, 5, 9), value)
    assert torch.equal(soften(mask, softness), mask)


def test_softening_keeps_the_middle_of_an_edge_and_its_order():
    mask = torch.cat([torch.ones(1, 6, 10), torch.zeros(1, 6, 10)], dim=2)
    soft = soften(mask, 1.5)[0, 3]
    assert bool((soft[1:] <= soft[:-1]).all()) and abs(float(soft[9] + soft[10]) - 1) < 1e-4


@pytest.mark.parametrize("softness", [5e-324, 1e-156, 0.05, 0.1])
def test_an_edge_softer_than_nothing_is_as_it_was(softness):
    mask = torch.zeros(1, 5, 9)
    mask[:, 2:, 3:] = 1
    assert torch.equal(soften(mask, softness), mask)
