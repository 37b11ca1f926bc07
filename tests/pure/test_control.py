import math
from fractions import Fraction

from p2p_attention.edits.control import SelfAttention
from p2p_attention.edits.window import Window


def test_a_quarter_of_the_latent_is_the_reference_codes_limit():
    quarter = SelfAttention(Window(0.0, 0.4))
    assert quarter.reaches((16, 16), (64, 64), math.ceil) and not quarter.reaches((32, 32), (64, 64), math.ceil)


def test_levels_halve_rounding_up_and_both_sides_count():
    quarter = SelfAttention(Window(0.0, 0.4))
    assert quarter.reaches((12, 17), (46, 65), math.ceil) and not quarter.reaches((12, 33), (46, 65), math.ceil)
    assert SelfAttention(Window(0.0, 0.4), Fraction(1)).reaches((64, 64), (64, 64), math.ceil)
