"""What the nodes after a run show of themselves: the picture that they give, as the host's own preview."""

import base64

import folder_paths
import nodes
import pytest
import torch
from PIL import Image

from .graph import blend, control, empty, encode, ksampler, prompt, swap, watch


@pytest.fixture(scope="module")
def run(demo):
    """(samples, edit) of a short run with a blend and watched words."""
    positive, edit = encode(
        demo.clip, "a large red circle on a blue background", "a large white circle on a red background"
    )
    edit = watch(blend(swap(edit), "circle"), "circle")
    patched, batch = control(demo.model, edit, empty((3, 32, 32)))
    return ksampler(patched, positive, prompt(demo.clip), batch, steps=4), edit


@pytest.mark.parametrize(
    ("name", "inputs"),
    [
        ("P2P_BlendMask", {"samples"}),
        ("P2P_AttentionMaps", {"samples", "images", "over_the_picture", "label"}),
        ("P2P_Compare", {"images", "edit"}),
        ("P2P_ContactSheet", {"images", "edit"}),
    ],
)
def test_a_node_shows_what_it_gives(run, name, inputs):
    samples, edit = run
    known = {
        "samples": samples,
        "edit": edit,
        "images": torch.rand(2, 64, 64, 3),
        "over_the_picture": True,
        "label": True,
    }
    kind = nodes.NODE_CLASS_MAPPINGS[name]
    made = kind.execute(**{key: known[key] for key in inputs})
    shown, given = made.ui.as_dict()["images"], made.result[0]
    assert kind.OUTPUT_NODE and len(shown) == len(given) and {entry["type"] for entry in shown} == {"temp"}
    with Image.open(f"{folder_paths.get_temp_directory()}/{shown[0]['filename']}") as picture:
        assert picture.size == (given.shape[2], given.shape[1])


def test_each_map_says_whose_it_is_and_where(run):
    """For the editor, which shows a word's maps beside the word."""
    kind = nodes.NODE_CLASS_MAPPINGS["P2P_AttentionMaps"]
    made = kind.execute(samples=run[0], images=torch.rand(2, 64, 64, 3), over_the_picture=True, label=True)
    told = [file["p2p_map"] for file in made.ui.as_dict()["images"]]
    assert [(one["name"], one["row"]) for one in told] == [("circle, source", 0), ("circle, target", 1)]
    assert [one["above_label"] for one in told] == [64 / 78] * 2
    masks = made.result[1]
    for one, mask in zip(told, masks, strict=True):
        cells, size = levels(one["shares"]), (one["shares"]["height"], one["shares"]["width"])
        assert 0 < one["shares"]["most"] <= 1, "a share of the attention"
        assert torch.allclose(torch.nn.functional.adaptive_avg_pool2d(mask[None], size)[0], cells, atol=0.1)


def levels(shares):
    """A map as the editor gets it, in 0 … 1 of its most."""
    there = torch.tensor(list(base64.b64decode(shares["levels"])))
    return there.view(shares["height"], shares["width"]) / 255


def test_a_map_as_few_numbers(part):
    grid = part("p2p_attention.pictures.grid").grid
    small = torch.tensor([[0.0, 0.25, 0.5], [0.125, 0.05, 0.0]])
    told = grid(small)
    assert (told["width"], told["height"], told["most"]) == (3, 2, 0.5)
    assert torch.allclose(levels(told) * told["most"], small, atol=0.5 / 255 / 2 + 1e-6)
    large = torch.rand(64, 40)
    told = grid(large)
    assert (told["width"], told["height"]) == (16, 16) and len(told["levels"]) < 400
    assert abs(float(levels(told).mean()) * told["most"] - float(large.mean())) < 0.01
    assert levels(grid(torch.zeros(4, 4))).sum() == 0


@pytest.mark.parametrize(
    ("row", "column", "words"),
    [(0, 0, "top left"), (0, 5, "top"), (4, 4, "middle"), (5, 8, "right"), (8, 0, "bottom left"), (8, 4, "bottom")],
)
def test_a_place_in_words(part, row, column, words):
    heat = torch.full((9, 9), 0.1)
    heat[row, column] = 1
    assert part("p2p_attention.pictures.heat").place(heat) == words
