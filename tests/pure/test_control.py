import math
from fractions import Fraction

from p2p_attention.attention.site import Attends, AttentionSite
from p2p_attention.edits.self_attention import SelfAttention
from p2p_attention.edits.window import Window
from p2p_attention.host.backbones.pyramid import Pyramid

PYRAMID = Pyramid(math.ceil)


def reached(injection: SelfAttention, layer: tuple[int, int], latent: tuple[int, int]) -> bool:
    return PYRAMID.within(AttentionSite(Attends.SELF, layer, latent), injection.resolution)


def test_a_quarter_of_the_latent_is_the_reference_codes_limit():
    quarter = SelfAttention(Window(0.0, 0.4))
    assert reached(quarter, (16, 16), (64, 64)) and not reached(quarter, (32, 32), (64, 64))


def test_levels_halve_rounding_up_and_both_sides_count():
    quarter = SelfAttention(Window(0.0, 0.4))
    assert reached(quarter, (12, 17), (46, 65)) and not reached(quarter, (12, 33), (46, 65))
    assert reached(SelfAttention(Window(0.0, 0.4), Fraction(1)), (64, 64), (64, 64))
