"""E6 for self- and cross-attention of transformers: over a whole run the same as every map built and edited."""

import pytest
import torch

from lab.random_transformers import CROSS, cross

from .graph import control, empty, encode, prompt, refine, reweight, rows, sample, swap
from .materialised_cross import CrossEdit, materialise
from .test_joint_materialised import added, swapped

STEPS, LIMIT = 20, 1e-5
SOURCE, SWAPPED, ADDED = "a cat on a mat", "a hippopotamus on a mat", "a big cat on a red mat"
WINDOWS = [(0.8, 0.4), (0.4, 0.8), (1.0, 0.0)]


@pytest.fixture(scope="module", params=CROSS)
def family(request):
    model, clip = cross(request.param)
    return request.param, model, clip, empty(CROSS[request.param].latent)


@pytest.fixture(autouse=True)
def inference():
    with torch.inference_mode():
        yield


def tokens(name, clip, text, length=512):
    """Token ids with the end and the padding, read with the host's tokenizer."""
    key = {"cosmos": "t5xxl", "anima": "t5xxl", "wan": "umt5xxl"}[name]
    ids = [entry[0] for entry in clip.tokenize(text)[key][0]]
    return ids + [0] * (length - len(ids))


def filled(matrix, ids):
    """Anima's columns after a prompt's end are no padding: each answers the one in its place, where there is one."""
    source, target = (one.index(1) + 1 for one in ids)
    if target < source:
        matrix[:, target:source] = 0
    if source < target:
        matrix[target:, target:] = torch.eye(matrix.shape[1] - target)
        matrix[source:target] = 0
    return matrix


def compare(family, text, edited, matrix, strength, windows):
    name, model, clip, latent = family
    pair = encode(clip, SOURCE, text)
    source, target = tokens(name, clip, SOURCE), tokens(name, clip, text)
    controlled = control(model, edited(pair.edit, windows[0]), latent, self_end=windows[1])
    options = {"steps": STEPS, "cfg": 1.0}
    made = sample(controlled.model, pair.positive, prompt(clip), controlled.latent, **options)

    columns, sigma = matrix(source, target), model.get_model_object("model_sampling").percent_to_sigma
    own = (columns.sum(0) == 0).float()
    if name == "anima":
        columns = filled(columns, (source, target))
    edit = CrossEdit(
        columns,
        own,
        strength=strength(target),
        cross=(sigma(0.0), sigma(windows[0])),
        self_window=(sigma(0.0), sigma(windows[1]) if windows[1] else sigma(0.0)),
    )
    # Anima's rows can only be joined in a controlled run, so its reference is inside one without an edit.
    reference = (control(model, pair.edit, latent, self_end=0.0).model if name == "anima" else model).clone()
    plain = sample(reference, pair.positive, prompt(clip), rows(latent, 2), **options)
    reference.model_options["transformer_options"]["optimized_attention_override"] = materialise(edit)
    expected = sample(reference, pair.positive, prompt(clip), rows(latent, 2), **options)
    error = float((made[1] - expected[1]).norm() / expected[1].norm())
    acts = float((made[1] - plain[1]).norm() / plain[1].norm())
    print(f"{name}, {windows}: error {error:.1e}, edit {acts:.1e}")
    assert torch.equal(made[0], plain[0]) and acts > 1e-4
    assert error <= LIMIT


@pytest.mark.parametrize("windows", WINDOWS)
def test_a_swap_of_unequal_length(family, windows):
    compare(family, SWAPPED, lambda e, end: swap(e, end=end), swapped, lambda ids: torch.ones(len(ids)), windows)


@pytest.mark.parametrize("windows", WINDOWS[:2])
def test_a_refine_with_two_reweights(family, windows):
    name, clip = family[0], family[2]

    def edited(edit, end):
        return reweight(reweight(refine(edit, end=end), "red", 2.0, end=end), "cat", 0.5, end=end)

    def strength(ids):
        made = torch.ones(len(ids))
        for word, by in (("red", 2.0), ("cat", 0.5)):
            wanted = single(name, clip, word)
            for at in range(len(ids)):
                if ids[at : at + len(wanted)] == wanted:
                    made[at : at + len(wanted)] = by
        return made

    compare(family, ADDED, edited, added, strength, windows)


def single(name, clip, word):
    """The tokens of a word that is not the first."""
    ids, before = tokens(name, clip, f"a {word}"), tokens(name, clip, "a").index(1)
    return ids[before : ids.index(1)]
