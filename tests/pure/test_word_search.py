import pytest

from p2p_attention.prompts.prompt import Piece, Role, Token
from p2p_attention.prompts.search import find_words

from .prompts import prompt, read


def named(words, *texts):
    return find_words(words, [prompt(text) for text in texts])


def test_every_occurrence_or_the_nth():
    assert named("cat", "a cat and a cat") == ((2, 5),)
    assert named("cat#2", "a cat and a cat") == ((5,),)


def test_phrases_several_words_case_and_tokens():
    assert named("Red  Cat, mat", "a red cat*1 on a mat") == ((2, 3, 6),)


def test_a_word_in_one_of_several_targets():
    assert named("dog", "a cat", "a dog") == ((), (2,))


def test_part_of_a_word_is_not_the_word():
    with pytest.raises(ValueError, match=r"'ca' does not occur in the target prompt\. The words there are: a, cat"):
        named("ca", "a cat")


def test_an_embedding_is_not_part_of_its_neighbours():
    vectors = (Piece(0, Token(Role.WORD, "x"), group=2), Piece(0, Token(Role.WORD, "y"), group=2))
    cat = Piece(0, Token(Role.WORD, 7, "cat"), "cat", ends=True)
    whole = read("", [(Piece(0, Token(Role.START)), *vectors, cat, Piece(0, Token(Role.END)))])
    assert find_words("cat", [whole]) == ((3,),)
    assert find_words("<embedding>", [whole]) == ((1, 2),)


def test_a_sharp_that_is_no_number():
    assert named("c#", "c# code") == ((1,),)


@pytest.mark.parametrize("words", ["", " , "])
def test_nothing_named(words):
    with pytest.raises(ValueError, match="no word is named"):
        named(words, "a cat")


@pytest.mark.parametrize("words", ["cat#0", "cat#x", "cat#-1"])
def test_a_number_that_is_none(words):
    with pytest.raises(ValueError, match="write a number from 1"):
        named(words, "a cat")


def test_a_number_too_high():
    with pytest.raises(ValueError, match="'cat' does not occur 3 times"):
        named("cat#3", "a cat")


def test_words_that_stand_apart_are_no_phrase():
    with pytest.raises(ValueError, match="'red car' does not occur as a phrase; put commas between .*'red, car'"):
        find_words("red car", [prompt("a red fast car")])


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("circel", "Did you mean 'circle'?"),
        ("Backgruond", "Did you mean 'background'?"),
        ("large cirlce", "Did you mean 'large circle'?"),
        ("circles", "Did you mean 'circle'?"),
    ],
)
def test_a_word_misspelled_is_guessed(words, meant):
    with pytest.raises(ValueError, match="does not occur") as refused:
        named(words, "a large circle on a background")
    assert str(refused.value).endswith(meant)


@pytest.mark.parametrize("words", ["dog", "circle#2", "large background", "x" * 5000, "a " * 5000])
def test_nothing_is_guessed_where_nothing_is_alike(words):
    with pytest.raises(ValueError, match="does not occur") as refused:
        named(words, "a large circle on a background")
    assert "Did you mean" not in str(refused.value)
