import pytest

from p2p_attention.edits.sweep import MOST, read_values


def test_numbers_with_commas_semicolons_or_lines():
    assert read_values(" -2, 0;2.5\n 1e-1,, ", "x") == (-2.0, 0.0, 2.5, 0.1)
    assert read_values("  ", "x") == ()


@pytest.mark.parametrize("text", ["0.2 … 0.8 / 4", "0.2...0.8/4", "0.2 .. 0.8 /4", " 0.2 to 0.8 / 4 "])
def test_a_range_is_as_many_values_at_equal_distances(text):
    assert read_values(text, "x") == (0.2, 0.4, 0.6, 0.8)


def test_ranges_go_down_below_zero_and_stand_beside_numbers():
    assert read_values("2 to -2 / 5; 7, .5...1./2", "x") == (2.0, 1.0, 0.0, -1.0, -2.0, 7.0, 0.5, 1.0)
    assert read_values("1e-2 to 1e-1 / 2", "x") == (0.01, 0.1)
    assert len(read_values(f"0 to 1 / {MOST}", "x")) == MOST


def test_what_is_none_is_quoted():
    with pytest.raises(ValueError, match="strength_sweep: 'two' is not a number"):
        read_values("1, two", "strength_sweep")
    with pytest.raises(ValueError, match="strength_sweep: 'low' is not a number"):
        read_values("low to 2 / 3", "strength_sweep")


@pytest.mark.parametrize("count", ["", "/", "/ 1", "/ 0", "/ -3", "/ 2.5", "/ many", f"/ {MOST + 1}", "/ 4 / 4"])
def test_a_range_says_how_many(count):
    with pytest.raises(ValueError, match=r"end: '0\.2 to 0\.8.*' does not say how many .* as in '0\.2 to 0\.8 / 4'"):
        read_values(f"0.2 to 0.8 {count}", "end")
