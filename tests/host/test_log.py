"""Lines for a console that is not UTF-8."""

import io
import logging
import sys

import pytest

LINE = "Prompt-to-Prompt: 'a Katze' → 'ein Hündchen 고양이'; × 2 …"


class Console(io.TextIOWrapper):
    """A console of an encoding, as Windows and redirected logs have them."""

    def __init__(self, encoding):
        super().__init__(io.BytesIO(), encoding=encoding, errors="strict")


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "cp949"])
def test_a_line_reaches_a_console_that_lacks_its_signs(part, monkeypatch, encoding):
    console = Console(encoding)
    handler = logging.StreamHandler(console)
    failures = []
    handler.handleError = failures.append
    monkeypatch.setattr(sys, "stdout", console)
    monkeypatch.setattr(sys, "stderr", console)
    logging.getLogger().addHandler(handler)
    try:
        part("p2p_attention.host.log").warn(LINE)
    finally:
        logging.getLogger().removeHandler(handler)
    console.flush()
    written = console.buffer.getvalue().decode(encoding)
    assert not failures and "a Katze" in written and "->" in written and "x 2 ..." in written


def test_on_utf_8_the_line_is_as_it_is(part, monkeypatch):
    console = Console("utf-8")
    monkeypatch.setattr(sys, "stdout", console)
    monkeypatch.setattr(sys, "stderr", console)
    assert part("p2p_attention.host.log").printable(LINE) == LINE


def test_a_run_logs_by_it_alone(part):
    """Nothing in the pack calls logging by itself."""
    from pathlib import Path

    root = Path(part("p2p_attention").__file__).parent
    assert [f.name for f in root.rglob("*.py") if "logging." in f.read_text("utf-8")] == ["log.py"]
