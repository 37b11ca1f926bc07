"""The judge of pairs of prompts, and the pairs themselves."""

from types import SimpleNamespace

import pytest

from lab.prompts.generated import KINDS, generated
from lab.prompts.judge import Verdict, judge, located
from lab.prompts.pairs import Example, written
from p2p_attention.prompts.alignment import Change, WordRun
from p2p_attention.prompts.pair import Pair

from .prompts import prompt


def judged(marked, *runs):
    """What is said of a pair, aligned by the pack or as `runs` say: (change, source words, target words)."""
    example = Example("", marked)
    pair = Pair(prompt(example.source), prompt(example.target))
    if not runs:
        return judge(example, pair)
    before, after = iter(pair.source.words), iter(pair.target.words)
    made = [
        WordRun(change, tuple(next(before) for _ in range(m)), tuple(next(after) for _ in range(n)))
        for change, m, n in runs
    ]
    return judge(example, SimpleNamespace(source=pair.source, target=pair.target, runs=made))


def test_there_are_two_hundred_written_pairs_and_any_number_by_chance():
    pairs = written()
    assert len({example.marked for example in pairs}) == 200 and {example.kind for example in pairs} == set(KINDS)
    assert generated(50) == generated(50) != generated(50, seed=1)
    for example in (*pairs, *generated(500)):
        assert example.source != example.target and "{" not in example.source + example.target, example


def test_a_pair_in_one_line():
    example = Example("", "{A|The} {red |}cat{|, asleep}")
    assert (example.source, example.target) == ("A red cat", "The cat, asleep")
    assert [example.target[slice(*span)] for span in example.spans(1)] == ["The", "", ", asleep"]
    assert example.neighbours == [[0, 1], [2]]


def test_words_are_found_in_any_spelling():
    text = "Ein Bär, (rot:1.2)  Ｘ"
    places = located(["ein", "b<unk>r", ",", "rot", "x"], text)
    assert [text[slice(*place)] for place in places] == ["Ein", "Bär", ",", "rot", "Ｘ"]
    for wrong in (["ein", ",", "rot", "x"], ["ein", "bär", ",", "rot"], ["ein", "dog"]):
        with pytest.raises(ValueError):
            located(wrong, text)


def test_right_alignments():
    assert judged("a {red|blue} cat").verdict is Verdict.AS_NAMED
    assert judged("a {red |}cat").verdict is Verdict.AS_NAMED
    both = judged("a {red|blue} {cat|dog} sat")
    assert (both.verdict, both.due, both.met) == (Verdict.AS_NAMED, 2, 2)


def test_wrong_alignments_are_told():
    missed = judged("a {red|blue} cat", (Change.KEPT, 3, 3))
    assert missed.verdict is Verdict.ALIKE
    more = judged("a {red|blue} cat", (Change.KEPT, 1, 1), (Change.SWAPPED, 1, 1), (Change.SWAPPED, 1, 1))
    assert more.verdict is Verdict.LONGER and more.said
    together = judged("a {red|blue} {cat|dog}", (Change.KEPT, 1, 1), (Change.SWAPPED, 2, 2))
    assert (together.due, together.met) == (2, 0)


def test_another_way_to_say_the_same_is_told_apart():
    moved = judged("{a |}b{| a}", (Change.ADDED, 0, 1), (Change.KEPT, 1, 1), (Change.REMOVED, 1, 0))
    assert moved.verdict is Verdict.OTHERWISE
