"""What is said of prompts that are read otherwise than they may have been meant."""

import pytest

from p2p_attention.prompts.pair import Pair
from p2p_attention.prompts.remarks import remarks

from .prompts import prompt


def said(source, *targets):
    return remarks([Pair(prompt(source), prompt(target)) for target in targets])


@pytest.mark.parametrize(
    "foreign", ["{red|blue}", "<lora:detail:0.8>", "__colour__", "[red:blue:0.5]", "[red|blue]", "BREAK"]
)
def test_syntax_of_other_programs(foreign):
    (only,) = said("a red circle", f"a {foreign} circle")
    assert foreign in only and "read as words" in only


@pytest.mark.parametrize("usual", ["a (red:1.2) circle", r"a \{red\} circle", "a [red] circle", "snake__case break"])
def test_usual_prompts_are_no_news(usual):
    assert said(usual, f"{usual} on blue") == []


def test_an_empty_target_and_nothing_in_common():
    empty, apart = said("a red circle", "", "two cats")
    assert empty.startswith("target prompt 1 is empty") and apart.startswith("target prompt 2 has no word in common")
