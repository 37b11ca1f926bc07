"""The figures on a contact sheet: how far a picture is from its source, and how well the rest is kept."""

import logging

import pytest
import torch

from .graph import control, empty, ksampler, node, prompt, swap, watch

SOURCE, TARGET = "a red circle on a blue background", "a green circle on a blue background"


@pytest.fixture
def figures(part):
    return part("p2p_attention.pictures.figures")


@pytest.fixture
def encoded(demo):
    """The edit of a pair, and of one prompt more, each with its plain picture."""
    prompts = {"source_prompt": SOURCE, "target_prompt": TARGET, "more_targets": "a red circle on a white background"}
    return node("P2P_EncodePromptPair", clip=demo.clip, **prompts, also_without_edit=True)


@pytest.fixture
def run(demo, encoded):
    """(samples, pictures, edit) of a run in which words are watched, or none."""

    def sampled(words=None, pictures=1):
        positive, edit = encoded
        edit = swap(edit, end=0.8) if words is None else watch(swap(edit, end=0.8), words, resolution="1/2")
        latent = {"samples": torch.zeros(pictures, 3, 32, 32)} if pictures > 1 else empty((3, 32, 32))
        model, batch = control(demo.model, edit, latent, self_end=0.4, resolution="1/2")
        made = ksampler(model, positive, prompt(demo.clip), batch)
        return made, (made["samples"].movedim(1, -1) / 2 + 0.5).clamp(0, 1), edit

    return sampled


def test_of_two_pictures(figures):
    source, target = torch.zeros(8, 8, 3), torch.zeros(8, 8, 3)
    target[:, 4:] = 0.5
    keep = torch.zeros(8, 8, dtype=torch.bool)
    assert str(figures.compare(source, target, None)) == "distance 0.354"
    assert str(figures.compare(source, target, keep)) == "distance 0.354", "nothing is to be kept"
    keep[:, :5] = True  # a fifth of it differs by 1/2
    assert str(figures.compare(source, target, keep)) == "kept 13.0 dB, distance 0.354"
    assert figures.compare(source, source, keep) == figures.Figures(0.0, 60.0)


def test_what_is_kept_is_outside_the_words_of_the_edit(figures, part, encoded):
    """A swapped word's maps of source and target count, another's and another target's do not; a plain picture is
    measured where its edit is.
    """
    edit = encoded[1]
    red, circle, blue = (edit.source.words[place].positions for place in (1, 2, 5))

    def of(row, positions, *places):
        heat = torch.full((4, 4), 0.02)
        for place in places:
            heat[place] = 0.1
        return part("p2p_attention.run.record").NamedMap(row, "a word", positions, heat)

    maps = [of(0, red, (0, 0)), of(1, red, (0, 1)), of(0, blue, (3, 3)), of(2, blue, (3, 2)), of(1, circle, (1, 1))]
    maps.append(of(3, red, (2, 2)))  # the first target's plain picture
    kept = figures.kept_by_words(edit, maps, (4, 4))
    for keep, places in zip(kept, ({(0, 0), (0, 1)}, {(3, 3), (3, 2)}) * 2, strict=True):
        assert {tuple(place) for place in (~keep).nonzero().tolist()} == places
    assert figures.kept_by_words(edit, maps[-2:], (4, 4)) == [None] * 4, "no word of an edit is watched"
    assert [keep is None for keep in figures.kept_by_words(edit, maps[:1], (4, 4))] == [False, True] * 2


def test_an_edit_keeps_more_than_the_plain_picture(figures, demo):
    prompts = {"source_prompt": SOURCE, "target_prompt": "a red square on a blue background"}
    positive, edit = node("P2P_EncodePromptPair", clip=demo.clip, **prompts, also_without_edit=True)
    edit = watch(swap(edit, end=0.8), "circle, square", resolution="1/2")
    model, batch = control(demo.model, edit, empty((3, 32, 32)), self_end=0.4, resolution="1/2")
    made = ksampler(model, positive, prompt(demo.clip), batch)
    pictures = (made["samples"].movedim(1, -1) / 2 + 0.5).clamp(0, 1)
    maps = made["p2p_record"].of(made["samples"]).maps
    keeps = figures.kept_by_words(edit, maps, (32, 32))
    edited, plain = (figures.compare(pictures[0], pictures[1 + n], keeps[n]) for n in (0, 1))
    assert edited.kept > plain.kept + 1


def test_they_stand_below_the_pictures_and_what_lacks_is_said(run, caplog):
    samples, pictures, edit = run("red, green")
    (bare,) = node("P2P_ContactSheet", images=pictures, edit=edit)
    with caplog.at_level(logging.WARNING):
        (told,) = node("P2P_ContactSheet", images=pictures, edit=edit, samples=samples)
        assert told.shape[2] == bare.shape[2] and told.shape[1] > bare.shape[1], "a line more"
        assert "is watched" not in caplog.text
        for words in ("circle", None):
            caplog.clear()
            samples, pictures, edit = run(words)
            node("P2P_ContactSheet", images=pictures, edit=edit, samples=samples)
            assert "P2P Contact Sheet: none of the words that the edit is about is watched" in caplog.text


def test_each_source_of_a_batch_has_its_own(figures, part, run):
    samples, pictures, edit = run("red, green", pictures=2)
    (sheets,) = node("P2P_ContactSheet", images=pictures, edit=edit, samples=samples)
    maps = samples["p2p_record"].of(samples["samples"]).maps
    of_rows = part("nodes.contact_sheet").of_rows
    first, second = (of_rows(maps, range(start, start + 5)) for start in (0, 5))
    assert sheets.shape[0] == 2 and {one.row for one in first} == {one.row for one in second}
    keeps = [figures.kept_by_words(edit, own, (32, 32))[0] for own in (first, second)]
    assert not torch.equal(*keeps)
