import pytest

from p2p_attention.edits.column_map import Kind
from p2p_attention.edits.window import Window
from p2p_attention.edits.word_windows import read_word_windows
from p2p_attention.prompts.pair import Pair

from .prompts import prompt

TARGET = prompt("a red car on a red road")


def read(text, source="a red car on a red road"):
    (windows,) = read_word_windows(text, Kind.REFINE, [Pair(prompt(source), TARGET)])
    return windows


@pytest.mark.parametrize("dash", ["-", " - ", "–", " to ", " … ", ".."])
def test_ways_to_write_a_window(dash):
    (car,) = read(f"car: 0.1{dash}0.4")
    assert car.window == Window(0.1, 0.4) and car.positions == (3,)


def test_several_lines_and_words():
    first, second = read("red#2, road: 0 - 1;\n\n car:0.5-0.5")
    assert first.positions == (6, 7) and second.window.is_empty


def test_nothing_written():
    assert read(" \n ; ") == ()


@pytest.mark.parametrize(
    "line, message",
    [
        ("car", "'car' cannot be read; write it as"),
        ("car 0.1 - 0.4", "cannot be read"),
        ("car: 0.0.1 - 0.4", "'car: 0.0.1 - 0.4' cannot be read"),
        ("car: 0.1 - 0.4, road: 0 - 1", "'car: 0.1 - 0.4, road: 0 - 1' holds several; write one a line"),
        ("car: 0.4 - 0.1", "'car: 0.4 - 0.1': start_percent 0.4 comes after end_percent 0.1"),
        ("car: 0 - 3", "end_percent is 3.0; it must lie between"),
        ("car: 0..0 - 1.2.3", "'car: 0..0 - 1.2.3'"),
        ("bus: 0 - 1", "'bus' does not occur in the target prompt. The words there are: a, red, car, on, road"),
    ],
)
def test_mistakes_are_quoted(line, message):
    with pytest.raises(ValueError) as error:
        read(line)
    assert message in str(error.value)


def test_words_that_were_added_have_no_window():
    with pytest.raises(ValueError, match="'car: 0 - 0.4' take nothing from the source"):
        read("car: 0 - 0.4", source="a red on a red road")
