import math
from fractions import Fraction

from p2p_attention.host.backbones.pyramid import grid

QUARTER = Fraction(1, 4)


def test_levels_that_convolve_round_up():
    assert grid((64, 64), QUARTER, math.ceil) == (16, 16)
    assert grid((46, 65), QUARTER, math.ceil) == (12, 17)


def test_levels_that_pool_round_down():
    assert grid((46, 65), QUARTER, math.floor) == (11, 16)


def test_halving_level_by_level_is_the_same():
    for side in range(4, 200):
        up, down = (side + 1) // 2, side // 2
        assert grid((side, side), QUARTER, math.ceil)[0] == (up + 1) // 2
        assert grid((side, side), QUARTER, math.floor)[0] == down // 2
