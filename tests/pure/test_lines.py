"""Edits of single words, a line each."""

import pytest

from p2p_attention.edits.lines import read_lines
from p2p_attention.errors import EditError


def test_every_kind_of_line():
    read = read_lines("striped: strength 2\n red, car : STRENGTH -.5; car: 0.0 - 0.4\n\nblend: square\nblend")
    assert read.strengths == (("striped", 2.0), ("red, car", -0.5))
    assert read.windows == "car: 0.0 - 0.4" and read.blends == ("square", "")


@pytest.mark.parametrize(
    "line, why",
    [
        ("striped strength 2", "cannot be read. Write 'striped: strength 2', 'car: 0.0 - 0.4' or 'blend: car'"),
        ("striped: strength much", "cannot be read"),
        ("car: 0.4", "cannot be read; write it as 'car: 0.0 - 0.4'"),
        ("car: 0.4 - 0.1", "comes after"),
    ],
)
def test_a_line_that_cannot_be_read(line, why):
    with pytest.raises(EditError, match=why.replace(".", r"\.")):
        read_lines(line)
