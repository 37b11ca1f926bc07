"""How prompts are read in every family, with the host's tokenizers and encoders: words, columns, unequal lengths."""

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab import random_texts

from .graph import encode, reweight

PLAIN = "a red cat, sitting on a mat"
WORDS = ["a", "red", "cat", ",", "sitting", "on", "a", "mat"]
UNWEIGHTED = {"qwen", "zimage", "klein", "flux2", "krea2"} & {*random_texts.TEXTS}
DROPS = {"qwen", "krea2"}  # the beginning of a chat
KNOWS_ALL = sorted(UNWEIGHTED | {"aura", "lumina2", "wan"})


@pytest.fixture(scope="module", params=random_texts.TEXTS)
def reading(request):
    return request.param, random_texts.TEXTS[request.param]()


@pytest.fixture(scope="module")
def plan_of(part):
    """plan_of(clip, source, target): the conditioning and the plan that Encode Prompt Pair makes."""
    return lambda clip, source, *targets: part("p2p_attention.host.conditioning").encode_pair(clip, source, targets)


def spelled(read):
    return spelled_of(read.words)


def spelled_of(words):
    return [word.text for word in words]


def alone(clip, text, name="", length=0):
    """What the host gives for a prompt by itself [T, W]; of Anima, what its model gets from T5 in place of columns.

    Chroma's is padded as the host's T5TokenizerOptions does it, since its encoder sees its padding.
    """
    padded = {"tokenizer_options": {"t5xxl_min_length": length}} if name == "chroma" else {}
    ((cond, options), *_) = clip.encode_from_tokens_scheduled(clip.tokenize(text, **padded))
    return options["t5xxl_ids"][:, None] if "t5xxl_ids" in options else cond[0]


def differs(one, other):
    """The rows of two [T, W] in which they are not the same."""
    return {*torch.where((one != other).any(dim=-1))[0].tolist()}


def test_words_of_a_plain_prompt(reading, plan_of):
    _, plan = plan_of(reading[1], PLAIN, "a dog")
    assert spelled(plan.source) == WORDS and spelled(plan.prompts[0]) == ["a", "dog"]


def test_a_weight_that_is_no_number(reading):
    """Where the model makes the columns (Anima), it is in the weights only; encoders without weights read letters."""
    name, clip = reading
    if name in UNWEIGHTED:
        encode(clip, "(red:nan) cat", "a dog")
        return
    for source, target in (("(red:nan) cat", "a dog"), ("a dog", "(red:nan) cat")):
        with pytest.raises(ValueError, match="P2P Encode Prompt Pair: .*'\\(red:nan\\) cat' is not finite"):
            encode(clip, source, target)


def test_rows_are_what_the_host_gives_for_each_prompt(reading, plan_of):
    """Every column of every row, as in a conditioning of its own; the fill of shorter prompts is zeros, and told."""
    name, clip = reading
    positive, plan = plan_of(clip, PLAIN, "a dog")
    (cond, options), *_ = positive
    for row, (text, read) in enumerate(zip((PLAIN, "a dog"), (plan.source, *plan.prompts), strict=True)):
        if name == "anima":
            kept, ids = options["p2p_rows"][row]
            assert torch.equal(ids["t5xxl_ids"][:, None], alone(clip, text)) and kept.shape[0] == 1
            continue
        own = alone(clip, text, name, plan.tokens)
        fill = [i for i, token in enumerate(read.tokens) if token.role.value == "fill"]
        rest = [at for at in range(plan.tokens) if at not in fill]
        assert cond.shape[1] == len(read.tokens) == plan.tokens and len(rest) == len(own)
        assert not bool(cond[row, fill].any())
        torch.testing.assert_close(cond[row, rest], own, atol=2e-5, rtol=1e-4)
        if name == "qwen":
            assert options["attention_mask"][row].tolist() == [int(at in rest) for at in range(plan.tokens)]


def test_a_word_stands_where_the_encoder_reads_it(reading, plan_of):
    """Another word of as many tokens changes the encoder's tokens just there."""
    name, clip = reading
    _, plan = plan_of(clip, "a red cat on a mat", "a red dog on a mat")
    before, after = clip.tokenize("a red cat on a mat"), clip.tokenize("a red dog on a mat")
    dropped = sum(len(chunk) for chunk in before[next(iter(before))]) - plan.tokens if name in DROPS else 0
    keys = {"sd3": ("l", "t5xxl"), "anima": ("t5xxl",), "flux": ("t5xxl",)}.get(name, tuple(before))
    ids = [[entry[0] for key in keys for chunk in tokens[key] for entry in chunk] for tokens in (before, after)]
    changed = {i - dropped for i, (one, other) in enumerate(zip(*ids, strict=True)) if one != other}
    pair = plan.targets[0].pair
    assert {*pair.changed.source} == {*pair.changed.target} == changed
    assert [run.change.value for run in pair.runs].count("swapped") == 1


def test_what_follows_an_added_word_is_kept(reading, plan_of):
    """At a prompt's head and in quotes a word may be other tokens than behind a space."""
    for source, target in (("1girl, red hair", "solo, 1girl, red hair"), ('a "special" cat', 'a "very special" cat')):
        _, plan = plan_of(reading[1], source, target)
        changes = {run.change.value for run in plan.targets[0].pair.runs}
        assert changes == {"kept", "added"}, (source, target)


def test_the_output_changes_from_the_word_on(reading, plan_of):
    """In a language model, which looks back only, a word changes the columns from its own on and none before it."""
    name, clip = reading
    if name not in UNWEIGHTED | {"lumina2"}:
        pytest.skip("its encoder looks both ways")
    positive, plan = plan_of(clip, "a red cat on a mat", "a red dog on a mat")
    rows = positive[0][0]
    assert min(differs(rows[0], rows[1])) == min(plan.targets[0].pair.changed.source)


def test_signs_scripts_and_emoji(reading, plan_of):
    """Signs are words of their own, what belongs together stays together, and every token has its place."""
    name, clip = reading
    text = 'two cats... (old) & "new", well-known: don\'t; ein Bär, кот'
    _, plan = plan_of(clip, text, "👩‍👩‍👧 🇩🇪 👍🏽")
    words = spelled(plan.source)
    for word in ("cats", "old", "new", "don't", "bär", "кот", "well-known", ";"):
        assert word in [known.casefold() for known in words] or "-" in word or name == "sd3", word
    if name in KNOWS_ALL:
        assert spelled(plan.prompts[0]) == ["👩‍👩‍👧", "🇩🇪", "👍🏽"]


@pytest.mark.parametrize("name", sorted(UNWEIGHTED - {"flux2"}))
def test_scripts_without_spaces_are_cut(name, plan_of):
    _, plan = plan_of(random_texts.TEXTS[name](), "一只红色的猫坐在垫子上", "一只红色的狗坐在垫子上")
    assert "猫" in spelled(plan.source) and "红色" in spelled(plan.source)
    assert [run.change.value for run in plan.targets[0].pair.runs].count("swapped") == 1
    assert len(plan.targets[0].pair.changed.source) == 1


def test_letters_that_a_vocabulary_does_not_know_are_marked_in_their_word(plan_of):
    """The mark is whole at a word's ends too; Anima's language model knows what T5 does not."""
    text = "Зимний лес"
    _, plan = plan_of(random_texts.chroma(), text, "a dog")
    assert spelled(plan.source)[0].startswith("<unk>") and spelled(plan.source)[0].endswith("<unk>")
    _, plan = plan_of(random_texts.anima(), text, "a dog")
    assert spelled(plan.source) == ["Зимний", "лес"]


def test_a_prompt_like_the_template_is_refused(plan_of):
    clip = random_texts.qwen_image()
    with pytest.raises(ValueError, match="own chat template. Write the prompt alone"):
        plan_of(clip, "<|im_start|>user\na cat<|im_end|>\n", "a dog")


def test_weights_are_read_or_said_not_to_be(reading, caplog):
    """What a family does with (word:1.3) is what it says."""
    name, clip = reading
    pair = encode(clip, "a (red:1.3) cat", "a (red:1.3) dog")
    said = [record.getMessage() for record in caplog.records if "letter by letter" in record.getMessage()]
    if name in UNWEIGHTED:
        assert "'(red:1.3)' is read letter by letter" in said[0] and said[0].endswith("connect P2P Reweight.")
        reweight(pair.edit, "red", 1.3)
    else:
        assert not said and 1.3 in pair.edit.source.words[1].weights


@pytest.mark.parametrize("name", ["sd3", "anima"])
def test_two_readings_meet_in_words_that_one_knows_in_part(name, plan_of):
    _, plan = plan_of(random_texts.TEXTS[name](), "красный кот сидит", "красный пёс сидит")
    changes = [(run.change.value, *map(spelled_of, (run.source, run.target))) for run in plan.targets[0].pair.runs]
    assert changes == [
        ("kept", ["красный"], ["красный"]),
        ("swapped", ["кот"], ["пёс"]),
        ("kept", ["сидит"], ["сидит"]),
    ]


@pytest.mark.parametrize("name", ["sd3", "anima"])
def test_signs_that_t5_does_not_know_stay_apart(name, plan_of):
    _, plan = plan_of(random_texts.TEXTS[name](), "a cat with 🦊 💀", "a dog")
    assert spelled(plan.source) == ["a", "cat", "with", "🦊", "💀"]


def test_tags_without_a_space_between_are_words(reading, plan_of):
    """Some vocabularies have a comma in one piece with the first letters after it."""
    _, plan = plan_of(reading[1], "white dress,pixel art,trending", "white dress,oil painting,trending")
    for word in ("dress", "pixel", "art", "trending"):
        assert word in spelled(plan.source), spelled(plan.source)


def test_sd3_with_some_encoders(plan_of):
    for loaded, columns in (({"t5": False}, 77), ({"clip_l": False, "clip_g": False}, 77), ({"clip_l": False}, 154)):
        positive, plan = plan_of(random_texts.sd3(**loaded), PLAIN, "a dog")
        assert positive[0][0].shape[1] == plan.tokens == columns and spelled(plan.source) == WORDS


def test_sd3_swaps_each_encoders_columns_by_themselves(plan_of, part):
    """A word of one token in CLIP and two in T5, swapped for one of two and one: nothing crosses over."""
    maps = part("p2p_attention.edits.column_map")
    _, plan = plan_of(random_texts.sd3(), "a cat on a hippopotamus " + "very " * 70, "a hippopotamus on a cat")
    columns = maps.map_columns(maps.Kind.SWAP, plan.targets[0].pair).weights
    sections = plan.source.sections
    assert [len(section) for section in sections] == [154, plan.tokens - 154]
    for section in sections:
        inside = torch.zeros(plan.tokens, dtype=torch.bool)
        inside[section.start : section.stop] = True
        assert not bool(columns[inside][:, ~inside].any())


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=40)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(source=TEXT, target=TEXT)
@pytest.mark.parametrize("name", ["zimage", "flux2", "lumina2", "aura", "anima", "sd3"])
def test_any_text_has_a_word_for_every_token(name, source, target, part, readers):
    clip = readers(name)
    base, registry = part("p2p_attention.prompts.prompt"), part("p2p_attention.host.encoders.registry")
    for text in (source, target):
        tokens = clip.tokenize(text, return_word_ids=True)
        reader = registry.reader_of(clip, tokens)
        (tokens,) = reader.pad(clip, [tokens])
        columns = sum(map(len, next(iter(tokens.values())))) + (len(tokens["t5xxl"][0]) if name == "sd3" else 0)
        try:
            read = reader.read(clip, text, tokens, columns)
        except ValueError as error:
            assert "chat template" in str(error)
            continue
        covered = sorted(at for word in read.words for at in word.positions)
        assert covered == [i for i, token in enumerate(read.tokens) if token.role is base.Role.WORD]


@pytest.fixture(scope="module")
def readers():
    made = {}
    return lambda name: made.setdefault(name, random_texts.TEXTS[name]())
