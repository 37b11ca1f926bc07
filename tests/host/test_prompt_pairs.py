"""Pairs of prompts as people write them, read by every family's encoder: what changed is found, and nothing else.

`make bench-prompts` does the same with 2,000 pairs made by chance, into docs/prompts.md, which says what is odd.
"""

import pytest

from lab.prompts.generated import generated
from lab.prompts.judge import Verdict, judge
from lab.prompts.pairs import written
from lab.prompts.reading import ENCODERS, encoder, read_pair

PAIRS = [*written(), *generated(300)]
FIRST_T5 = {"flux", "chroma", "cosmos"}  # knows no emoji, and few scripts and accents
TWO_READINGS = {"sd3", "anima"}


@pytest.mark.parametrize("name", ENCODERS)
def test_what_changed_is_found_and_nothing_else(name):
    clip, right = encoder(name), 0
    for example in PAIRS:
        judged = judge(example, read_pair(clip, example.source, example.target))
        said = (name, example, judged.said)
        assert judged.verdict is not Verdict.MISSPELT, said
        assert judged.verdict is not Verdict.LONGER or (name in TWO_READINGS and example.kind == "emoji"), said
        assert judged.verdict is not Verdict.ALIKE or name in FIRST_T5, said
        assert judged.verdict is not Verdict.OTHERWISE or name in FIRST_T5 or len(example.changes) > 1, said
        assert judged.met == judged.due, said
        right += judged.verdict is Verdict.AS_NAMED
    assert right > (0.85 if name in FIRST_T5 else 0.93) * len(PAIRS)
