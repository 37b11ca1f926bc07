import math

import pytest

from p2p_attention.edits.window import SigmaWindow, Window


def sigma(percent: float) -> float:
    return 0.0 if percent >= 1 else 999999999.9 if percent <= 0 else 15 * (1 - percent)


def test_start_is_in_and_end_is_out():
    window = Window(0.2, 0.6).to_sigmas(sigma)
    assert sigma(0.2) in window and sigma(0.4) in window
    assert sigma(0.6) not in window and sigma(0.1) not in window


def test_float32_on_a_bound_counts_as_the_bound():
    window = Window(0.2, 0.6).to_sigmas(sigma)
    for rounding in (1 - 1e-6, 1 + 1e-6):
        assert sigma(0.2) * rounding in window and sigma(0.6) * rounding not in window


def test_whole_run():
    window = Window(0.0, 1.0).to_sigmas(sigma)
    assert 1e-6 in window and 15.0 in window


def test_empty_window_never_acts():
    for percent in (0.0, 0.5, 1.0):
        window = Window(percent, percent).to_sigmas(sigma)
        assert not any(level in window for level in (1e9, 15.0, 7.5, 0.1, 0.0))
    assert 0.0 not in SigmaWindow(0.0, 0.0)


@pytest.mark.parametrize("start, end", [(-0.1, 0.5), (0.0, 1.1), (math.nan, 0.5), (0.0, math.inf)])
def test_out_of_range_names_the_value(start, end):
    with pytest.raises(ValueError, match="must lie between"):
        Window(start, end)


def test_reversed_names_both():
    with pytest.raises(ValueError, match=r"start_percent 0\.8 comes after end_percent 0\.2"):
        Window(0.8, 0.2)
