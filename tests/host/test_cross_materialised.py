"""E6 for self- and cross-attention of transformers: over a whole run the same as every map built and edited."""

import pytest
import torch

from lab.random_transformers import CROSS

from .alignments import added, swapped, tokens
from .family import ADDED, SOURCE, SWAPPED, family_of
from .graph import control, encode, refine, reweight, swap
from .materialised_cross import CrossEdit, materialise
from .materialised_run import compare, levels

WINDOWS = [(0.8, 0.4), (0.4, 0.8), (1.0, 0.0)]

pytestmark = pytest.mark.usefixtures("inference")


@pytest.fixture(scope="module", params=CROSS)
def family(request):
    return family_of(request.param)


def read(family, text):
    """The prompt's tokens, as many as the models have columns."""
    return tokens(family.clip, text, 512, "umt5xxl" if family.name == "wan" else "t5xxl")


def filled(matrix, ids):
    """Anima's columns after a prompt's end are no padding: each answers the one in its place, where there is one."""
    source, target = (one.index(1) + 1 for one in ids)
    if target < source:
        matrix[:, target:source] = 0
    if source < target:
        matrix[target:, target:] = torch.eye(matrix.shape[1] - target)
        matrix[source:target] = 0
    return matrix


def check(family, text, edited, matrix, strength, windows):
    name, model, clip, latent = family
    pair = encode(clip, SOURCE, text)
    source, target = read(family, SOURCE), read(family, text)
    columns = matrix(source, target)
    own = (columns.sum(0) == 0).float()
    if name == "anima":
        columns = filled(columns, (source, target))
    cross, self_window = (levels(model, end) for end in windows)
    override = materialise(CrossEdit(columns, own, strength(target), cross, self_window))
    # Anima's rows can only be joined in a controlled run, so its reference is inside one without an edit.
    host = control(model, pair.edit, latent, self_end=0.0).model if name == "anima" else model
    compare(family, pair, edited(pair.edit, windows[0]), windows[1], override, least=1e-4, host=host)


@pytest.mark.parametrize("windows", WINDOWS)
def test_a_swap_of_unequal_length(family, windows):
    check(family, SWAPPED, lambda e, end: swap(e, end=end), swapped, lambda ids: torch.ones(len(ids)), windows)


@pytest.mark.parametrize("windows", WINDOWS[:2])
def test_a_refine_with_two_reweights(family, windows):
    def edited(edit, end):
        return reweight(reweight(refine(edit, end=end), "red", 2.0, end=end), "cat", 0.5, end=end)

    def strength(ids):
        made = torch.ones(len(ids))
        for word, by in (("red", 2.0), ("cat", 0.5)):
            wanted = single(family, word)
            for at in range(len(ids)):
                if ids[at : at + len(wanted)] == wanted:
                    made[at : at + len(wanted)] = by
        return made

    check(family, ADDED, edited, added, strength, windows)


def single(family, word):
    """The tokens of a word that is not the first."""
    ids, before = read(family, f"a {word}"), read(family, "a").index(1)
    return ids[before : ids.index(1)]
