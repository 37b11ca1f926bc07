"""E6 for joint attention: over a whole run the same as every map built and edited."""

import pytest
import torch

from lab.random_transformers import JOINT, joint

from .alignments import added, swapped, tokens, words
from .family import ADDED, SOURCE, SWAPPED, Family, family_of
from .graph import empty, encode, refine, reweight, swap
from .materialised_joint import JointEdit, materialise
from .materialised_run import compare, levels

WINDOWS = [(0.8, 0.4), (0.4, 0.8), (1.0, 0.0)]
STARTS = {"flux2": lambda t: (max(t, 512) - t, max(t, 512)), "aura": lambda t: (8, 8 + t)}
STARTS["zimage"] = lambda t: (0, -(-t // 32) * 32)


@pytest.fixture(scope="module", params=JOINT)
def family(request):
    model, clip = joint(request.param, own_text=False)
    return Family(request.param, model, clip, empty(JOINT[request.param].latent))


def check(family, text, edited, matrix, strength, windows, scores=None, end=0.0):
    name, model, clip, _ = family
    pair = encode(clip, SOURCE, text)
    length = pair.positive[0][0].shape[1]
    source, target = tokens(clip, SOURCE, length), tokens(clip, text, length)
    columns = matrix(source, target)
    text_at, first = STARTS.get(name, lambda t: (0, t))(length)
    edit = JointEdit(
        columns,
        own=(columns.sum(0) == 0).float(),
        strength=strength(target),
        cross=levels(model, windows[0]),
        image=levels(model, windows[1]),
        text=text_at,
        first=first,
        pixels=16,
    )
    if scores:
        edit.scores, edit.own_scores = levels(model, end), scores(target)
        edit.source_scores = torch.ones(len(source))
        for column in (edit.own_scores != 1).nonzero().flatten():
            edit.source_scores[columns[:, column] != 0] = edit.own_scores[column]
    compare(family, pair, edited(pair.edit, windows[0]), windows[1], materialise(edit), least=1e-4)


@pytest.mark.parametrize("windows", WINDOWS)
def test_a_swap_of_unequal_length(family, windows):
    check(family, SWAPPED, lambda e, end: swap(e, end=end), swapped, lambda ids: torch.ones(len(ids)), windows)


@pytest.mark.parametrize("windows", WINDOWS[:2])
def test_a_refine_with_two_reweights(family, windows):
    red, cat = ((ids := tokens(family.clip, f"a {word}", 6))[words(ids) - 1] for word in ("red", "cat"))

    def edited(edit, end):
        return reweight(reweight(refine(edit, end=end), "red", 2.0, end=end), "cat", 0.5, end=end)

    def strength(ids):
        return torch.tensor([2.0 if token == red else 0.5 if token == cat else 1.0 for token in ids])

    check(family, ADDED, edited, added, strength, windows)


@pytest.mark.parametrize("windows", [(0.8, 0.4), (0.2, 0.6)])
def test_scores_scaled_before_the_softmax(family, windows):
    """An added word, which has its own column alone, and a shared one, for longer than the injections."""
    red, cat = ((ids := tokens(family.clip, f"a {word}", 6))[words(ids) - 1] for word in ("red", "cat"))

    def edited(edit, end):
        edit = reweight(refine(edit, end=end), "red", 2.0, end=0.8, scale="scores")
        return reweight(edit, "cat", -0.5, end=0.8, scale="scores")

    def scores(ids):
        return torch.tensor([2.0 if token == red else -0.5 if token == cat else 1.0 for token in ids])

    check(family, ADDED, edited, added, lambda ids: torch.ones(len(ids)), windows, scores, 0.8)


@pytest.mark.parametrize(("source", "target"), [(SOURCE, SWAPPED), (SWAPPED, SOURCE)])
def test_a_masked_batch_of_unequal_prompts(source, target):
    """Qwen-Image's own encoder: what the shorter prompt is filled up with is hidden, wherever the source's keys go."""
    family = family_of("qwen")
    pair = encode(family.clip, source, target)
    mask = pair.positive[0][1]["attention_mask"]
    chunks = [[entry[0] for entry in family.clip.tokenize(text)["qwen25_7b"][0]] for text in (source, target)]
    first, second = (ids[len(ids) - int(row.sum()) :] for ids, row in zip(chunks, mask, strict=True))
    columns, longer = torch.zeros(mask.shape[1], mask.shape[1]), len(second) - len(first)
    at = next(i for i in range(len(first)) if first[i] != second[i])
    count = (1 + longer, 1) if longer > 0 else (1, 1 - longer)  # tokens of the target's word and of the source's
    columns[range(at), range(at)] = 1
    columns[at : at + count[1], at : at + count[0]] = 1 / count[0]
    for i in range(at + count[1], len(first)):
        columns[i, i + longer] = 1
    edit = JointEdit(
        columns,
        own=torch.zeros(mask.shape[1]),
        strength=torch.ones(mask.shape[1]),
        cross=levels(family.model, 0.8),
        image=levels(family.model, 0.4),
        text=0,
        first=mask.shape[1],
        pixels=16,
    )
    assert longer
    compare(family, pair, swap(pair.edit), 0.4, materialise(edit))
