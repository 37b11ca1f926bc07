import torch
from hypothesis import given
from hypothesis import strategies as st

from p2p_attention.edits.column_map import Kind, map_columns
from p2p_attention.prompts.pair import Pair
from p2p_attention.prompts.prompt import Role

from .prompts import prompt

WORDS = st.lists(st.sampled_from(["a", "cat", "dog*2", "hat*3", "red", ",", "the"]), max_size=9).map(" ".join)
LENGTH = 12


def swap(source, target):
    return map_columns(Kind.SWAP, Pair(source, target))


def test_refine_leaves_swapped_words_their_own_columns():
    columns = map_columns(Kind.REFINE, Pair(prompt("a cat sat", LENGTH), prompt("a big dog sat", LENGTH)))
    assert columns.has_source.tolist() == [1, 1, 0, 0, 1] + [1] * (LENGTH - 5)
    assert columns.weights[3, 4] == 1 and columns.weights[2].sum() == 0


def test_unequal_swap_shares_the_sum_and_leaves_later_words_alone():
    columns = swap(prompt("a cat*2 sat", LENGTH), prompt("a dog*3 sat", LENGTH)).weights
    assert torch.equal(columns[2:4, 2:5], torch.full((2, 3), 1 / 3, dtype=torch.float64))
    assert columns[4, 5] == 1 and columns[:, 5].sum() == 1


def test_a_kept_word_of_other_tokens_shares_its_sum_under_refine_too():
    columns = map_columns(Kind.REFINE, Pair(prompt("cat*2 sat", LENGTH), prompt("red cat sat", LENGTH)))
    assert columns.weights[1:3, 2].tolist() == [1, 1] and columns.weights[3, 3] == 1
    assert columns.has_source[1:4].tolist() == [0, 1, 1]


def test_equal_swap_is_one_to_one():
    columns = swap(prompt("a cat*2 sat", LENGTH), prompt("a dog*2 sat", LENGTH)).weights
    assert torch.equal(columns, torch.eye(LENGTH, dtype=torch.float64))


def test_added_words_have_no_source_and_removed_words_go_nowhere():
    added = swap(prompt("a cat", LENGTH), prompt("a red cat", LENGTH))
    assert added.has_source.tolist() == [1, 1, 0, 1] + [1] * (LENGTH - 4)
    removed = swap(prompt("a red cat", LENGTH), prompt("a cat", LENGTH))
    assert removed.weights[2].sum() == 0 and removed.has_source.all()


def test_padding_takes_its_own_place_or_the_last_padding():
    columns = swap(prompt("a red cat", LENGTH), prompt("cat", LENGTH)).weights
    assert columns[LENGTH - 1, 3] == 1, "the source has a word at 3, so its last padding answers"
    assert columns[5, 5] == 1


def test_padding_of_a_full_source_chunk_shares_its_end():
    columns = swap(prompt("a b c d", 6), prompt("a b", 6)).weights
    assert columns[5].tolist() == [0, 0, 0, 1, 0.5, 0.5]


def test_chunks_keep_their_own_start_end_and_padding():
    before, after = prompt("a b c d e", 5), prompt("a b c x e", 5)
    columns = swap(before, after).weights
    assert torch.equal(columns, torch.eye(10, dtype=torch.float64))


@given(WORDS, WORDS)
def test_mass_of_words_is_kept(source, target):
    """No column of a word is used twice, and a swapped run passes on exactly what its source run had."""
    before, after = prompt(source, LENGTH * 3), prompt(target, LENGTH * 3)
    columns = swap(before, after)
    words = [p for w in before.words for p in w.positions]
    assert (columns.weights[words].sum(dim=1) <= 1 + 1e-12).all()
    assert set(columns.has_source.tolist()) <= {0.0, 1.0}
    for role in (Role.START, Role.END):
        for i, j in zip(before.positions(0, role), after.positions(0, role), strict=True):
            assert columns.weights[i, j] == 1


@given(WORDS)
def test_same_prompt_is_the_identity(text):
    columns = swap(prompt(text, LENGTH * 3), prompt(text, LENGTH * 3))
    assert torch.equal(columns.weights, torch.eye(len(columns.weights), dtype=torch.float64))
    assert columns.has_source.all()
