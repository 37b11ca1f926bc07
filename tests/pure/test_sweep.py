import pytest

from p2p_attention.edits.sweep import read_values


def test_numbers_with_commas_semicolons_or_lines():
    assert read_values(" -2, 0;2.5\n 1e-1,, ", "x") == (-2.0, 0.0, 2.5, 0.1)
    assert read_values("  ", "x") == ()


def test_what_is_none_is_quoted():
    with pytest.raises(ValueError, match="strength_sweep: 'two' is not a number"):
        read_values("1, two", "strength_sweep")
