import pytest

from p2p_attention.prompts.prompt import Piece, Prompt, Role, Token

from .prompts import prompt, read


def test_words_are_found_by_their_ends():
    words = prompt("a cat*3 sat").words
    assert [word.positions for word in words] == [(1,), (2, 3, 4), (5,)]


def test_words_cross_chunks():
    words = prompt("a cat*3 sat", length=4).words
    assert [word.positions for word in words] == [(1,), (2, 5, 6), (9,)]


def test_vectors_of_one_embedding_are_one_word_and_neighbours_stay_apart():
    vectors = [Piece(0, Token(Role.WORD, name), group=group) for name, group in [("x", 2), ("y", 2), ("z", 3)]]
    cat = Piece(0, Token(Role.WORD, 7, "cat"), "cat", ends=True)
    whole = read("", [(Piece(0, Token(Role.START)), *vectors, cat, Piece(0, Token(Role.END)))])
    assert [word.positions for word in whole.words] == [(1, 2), (3,), (4,)]


def test_a_filled_prompt_keeps_its_words():
    short = prompt("a cat", length=6)
    after, before = short.filled(8), short.filled(8, left=True)
    assert [word.positions for word in after.words] == [(1,), (2,)] and after.positions(0, Role.FILL) == [6, 7]
    assert [word.positions for word in before.words] == [(3,), (4,)] and before.positions(0, Role.FILL) == [0, 1]


def test_encoders_side_by_side_have_sections():
    chunks = tuple((Token(Role.PADDING),) * length for length in (3, 3, 2))
    assert Prompt("", chunks, (), (2, 1)).sections == (range(6), range(6, 8))
    with pytest.raises(ValueError, match="cannot be dealt out"):
        Prompt("", chunks, (), (2,))
