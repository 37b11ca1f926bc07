"""Alignment View, Window Preset, Compare, Contact Sheet: what people look at before and after a run."""

import pytest
import torch

from lab.random_transformers import cross, joint
from p2p_attention.edits.presets import JOINT_PRESETS, PRESETS

from .graph import encode, node, refine, reweight, swap

SOURCE = "a red circle on a blue background"


@pytest.fixture
def encoded(demo):
    """encoded("a red square …", more="…"): the edit of a pair, before any edit node."""

    def build(target, more="", source=SOURCE):
        return encode(demo.clip, source, target, more=more)[1]

    return build


def lines(edit):
    picture, text = node("P2P_AlignmentView", edit=edit)
    assert picture.shape[0] == len(edit.targets) and picture.shape[2:] == (760, 3)
    return text.splitlines()


def test_the_alignment_before_any_edit_says_what_to_connect(encoded):
    found = lines(encoded("a green square on a blue background"))
    assert found[1] == "no edit yet: connect P2P Word Swap, P2P Refine, or P2P Reweight with a strength other than 1"
    assert found[3:5] == ["red → green: swapped", "circle → square: swapped"]


def test_a_swap_of_unequal_tokens_shows_weights_and_windows(encoded):
    edit = encoded("a red hippopotamus on a white background")
    edit = swap(edit, end=0.8, word_windows="white: 0.1 - 0.3")
    found = lines(edit)
    assert found[:2] == ["a red hippopotamus on a white background", "P2P Word Swap 0 … 0.8"]
    pieces = len(edit.targets[0].prompt.words[2].positions)
    assert pieces > 1
    (swapped,) = (line for line in found if line.startswith("circle → "))
    assert swapped.count("+") == pieces - 1 and swapped.endswith(f": swapped, weight 1/{pieces}")
    assert "blue → white: swapped, 0.1 … 0.3" in found


def test_a_refinement_shows_own_maps_and_strengths(encoded):
    edit = encoded("a red striped circle on a background")
    edit = refine(edit, end=0.5)
    edit = reweight(edit, "striped", 2.0, end=0.8)
    found = lines(edit)
    assert "→ striped: added, own map, × 2 in 0 … 0.8" in found
    assert "blue →: removed" in found


def test_long_prompts_are_shortened_around_what_changed(encoded):
    many = ", ".join(["red"] * 200)
    edit = encoded(f"{many}, a square, {many}", source=f"{many}, a circle, {many}")
    found = lines(edit)
    assert "circle → square: swapped" in found and len(found) < 20
    assert sum("more …" in line for line in found) == 2


def test_a_prompt_of_nothing_but_changes_is_cut(encoded):
    edit = encoded(" ".join(["square"] * 900), source=" ".join(["circle"] * 700))
    picture, _ = node("P2P_AlignmentView", edit=edit)
    assert picture.shape[1] < 2000


def test_every_preset_gives_the_windows_that_it_names():
    for preset in ("keep the layout", "keep the shape", "free the shape"):
        cross, own, meaning = node("P2P_WindowPreset", preset=preset)
        assert 0 <= own < cross <= 1 and f"until {cross:g} " in meaning and f"until {own:g} " in meaning
    assert node("P2P_WindowPreset", preset="keep the layout")[:2] == (0.8, 0.4), "the nodes' defaults"


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_suits_the_model(preset):
    for model, presets in ((joint("flux")[0], JOINT_PRESETS), (cross("anima")[0], PRESETS)):
        found = node("P2P_WindowPreset", preset=preset, model=model)
        assert found[:2] == (presets[preset].cross_end, presets[preset].self_end)
        assert f"until {found[0]:g} " in found[2] and f"until {found[1]:g} " in found[2]


def test_compare_shows_source_target_and_difference(encoded):
    edit = encoded("a red square on a blue background", more="a green circle on a blue background")
    images = torch.rand(6, 32, 24, 3)
    sheets, sources, targets = node("P2P_Compare", images=images, edit=edit, difference_gain=2.0)
    assert torch.equal(sources, images[[0, 0, 3, 3]]) and torch.equal(targets, images[[1, 2, 4, 5]])
    factor = 8
    place = slice(12, 12 + 32 * factor), slice(12 + 2 * (24 * factor + 12), 3 * (24 * factor + 12))
    shown = sheets[1][place][::factor, ::factor]
    wanted = ((images[2] - images[0]).abs() * 2).clamp(0, 1)
    assert shown.shape == wanted.shape and float((shown - wanted).abs().max()) < 0.005


def test_a_sweep_of_two_settings_is_a_grid(encoded):
    edit = encoded("a red square on a blue background")
    edit = swap(edit, end=0.8, end_percent_sweep="0.2, 0.8")
    edit = reweight(edit, "square", 1.0, strength_sweep="0, 1, 2")
    colours = torch.linspace(0.1, 0.9, 7)
    images = colours.view(7, 1, 1, 1).expand(7, 192, 192, 3)
    (sheets,) = node("P2P_ContactSheet", images=images, edit=edit)
    assert sheets.shape[0] == 1
    width = 192 + 12
    first = sheets[0, 20, 20::width, 0]
    assert torch.allclose(first, torch.cat([colours[:1], colours[1:4]]), atol=0.005)
    below = sheets[0, :, 20 + width, 0]
    assert bool((torch.isclose(below, colours[4], atol=0.005)).sum() == 192), "the second window, below the first"


def test_the_wrong_number_of_pictures(encoded):
    edit = encoded("a red square on a blue background")
    for name, more in (("P2P_Compare", {"difference_gain": 1.0}), ("P2P_ContactSheet", {})):
        with pytest.raises(ValueError, match="there are 3 pictures where this edit makes 2 of each source"):
            node(name, images=torch.zeros(3, 8, 8, 3), edit=edit, **more)


def test_a_sweep_whose_alignment_is_one_has_one_picture(encoded):
    edit = encoded("a red square on a blue background", more="a green circle on a blue background")
    edit = swap(edit, end=0.8, end_percent_sweep="0.2, 0.8")
    picture, text = node("P2P_AlignmentView", edit=edit)
    assert picture.shape[0] == 2 and text.count("P2P Word Swap: end 0.2, end 0.8") == 2
    edit = reweight(edit, "square", 1.0, strength_sweep="0, 2")
    picture, text = node("P2P_AlignmentView", edit=edit)
    assert picture.shape[0] == 3 and "× 0 in" in text and "× 2 in" in text
