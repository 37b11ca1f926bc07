from hypothesis import given
from hypothesis import strategies as st

from p2p_attention.prompts.alignment import Change, align
from p2p_attention.prompts.pair import Pair

from .prompts import prompt

WORDS = st.lists(st.sampled_from(["a", "cat", "dog*2", "hat*3", "red", ",", "the"]), max_size=12).map(" ".join)


def runs(source: str, target: str) -> list[tuple[str, str, str]]:
    found = align(prompt(source), prompt(target))
    return [(r.change.value, " ".join(w.text for w in r.source), " ".join(w.text for w in r.target)) for r in found]


def test_one_word_swapped():
    assert runs("a cat sat", "a dog sat") == [
        ("kept", "a", "a"),
        ("swapped", "cat", "dog"),
        ("kept", "sat", "sat"),
    ]


def test_words_after_a_longer_swap_keep_their_partners():
    assert runs("a cat sat down", "a dog*3 sat down")[-1] == ("kept", "sat down", "sat down")


def test_added_and_removed():
    assert [r[0] for r in runs("a cat sat", "a red cat")] == ["kept", "added", "kept", "removed"]


def test_a_word_of_other_tokens_that_spell_the_same_is_kept_by_itself():
    """Behind a space a vocabulary may have a word in one piece, and at a prompt's head in two."""
    assert runs("cat*2 sat down", "red cat sat down") == [
        ("added", "", "red"),
        ("kept", "cat", "cat"),
        ("kept", "sat down", "sat down"),
    ]
    pair = Pair(prompt("cat*2 sat"), prompt("red cat sat"))
    assert pair.differs and pair.changed.source == () and pair.changed.target == (1,)


def test_repeated_words_swap_in_their_own_place():
    assert runs("a cat and a cat", "a cat and a dog")[-1] == ("swapped", "cat", "dog")


@given(WORDS, WORDS)
def test_every_word_is_in_one_run_in_order(source, target):
    before, after = prompt(source), prompt(target)
    found = align(before, after)
    assert tuple(w for r in found for w in r.source) == before.words
    assert tuple(w for r in found for w in r.target) == after.words
    for run in found:
        if run.change is Change.KEPT:
            assert [w.identity for w in run.source] == [w.identity for w in run.target]
        assert (not run.source) == (run.change is Change.ADDED)
        assert (not run.target) == (run.change is Change.REMOVED)


@given(WORDS)
def test_same_words_are_all_kept(text):
    assert {run.change for run in align(prompt(text), prompt(text))} <= {Change.KEPT}
    assert not Pair(prompt(text), prompt(text)).differs


@given(WORDS, WORDS)
def test_differs_exactly_where_a_run_is_not_kept(source, target):
    changed = any(run.change is not Change.KEPT for run in align(prompt(source), prompt(target)))
    assert Pair(prompt(source), prompt(target)).differs == changed


def test_words_that_changed_are_where_a_blend_looks():
    words = Pair(prompt("a big cat*2 on a mat"), prompt("a dog on a red mat")).changed
    assert words.source == (2, 3, 4) and words.target == (2, 5)
    assert not Pair(prompt("a cat"), prompt("a cat")).changed
