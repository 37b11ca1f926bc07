"""E6 for joint attention: over a whole run the same as every map built and edited."""

import pytest
import torch

from lab.random_transformers import JOINT, joint

from .graph import control, empty, encode, prompt, refine, reweight, rows, sample, swap
from .materialised_joint import JointEdit, materialise

STEPS, LIMIT = 20, 1e-5
SOURCE, SWAPPED, ADDED = "a cat on a mat", "a hippopotamus on a mat", "a big cat on a red mat"
WINDOWS = [(0.8, 0.4), (0.4, 0.8), (1.0, 0.0)]
STARTS = {"flux2": lambda t: (max(t, 512) - t, max(t, 512)), "aura": lambda t: (8, 8 + t)}
STARTS["zimage"] = lambda t: (0, -(-t // 32) * 32)


@pytest.fixture(scope="module", params=JOINT)
def family(request):
    model, clip = joint(request.param, own_text=False)
    return request.param, model, clip, empty(JOINT[request.param].latent)


def tokens(clip, text, length):
    """Token ids with the end and the padding, read with the host's tokenizer."""
    ids = [entry[0] for entry in clip.tokenize(text)["t5xxl"][0]]
    return ids + [0] * (length - len(ids))


def words(ids):
    """How many tokens are words: all before the end."""
    return ids.index(1)


def specials(matrix, source, target):
    """The end answers the end, padding the padding in its place, or the first where the source has none there."""
    matrix[words(source), words(target)] = 1
    for j in range(words(target) + 1, len(target)):
        matrix[j if j > words(source) else len(source) - 1, j] = 1


def swapped(source, target):
    """'cat' → 'hippopotamus': one token becomes several; what is before and after it moves with it."""
    matrix, more = torch.zeros(len(source), len(target)), words(target) - words(source)
    before = next(i for i in range(len(source)) if source[i] != target[i])
    matrix[range(before), range(before)] = 1
    matrix[before, before : before + more + 1] = 1 / (more + 1)
    for i in range(before + 1, words(source)):
        matrix[i, i + more] = 1
    specials(matrix, source, target)
    return matrix


def added(source, target):
    """Every source word in its new place, in order; the others are new."""
    matrix, j = torch.zeros(len(source), len(target)), 0
    for i in range(words(source)):
        j = next(at for at in range(j, words(target)) if target[at] == source[i])
        matrix[i, j] = 1
        j += 1
    specials(matrix, source, target)
    return matrix


def compare(family, text, edited, matrix, strength, windows):
    name, model, clip, latent = family
    pair = encode(clip, SOURCE, text)
    length = pair.positive[0][0].shape[1]
    source, target = tokens(clip, SOURCE, length), tokens(clip, text, length)
    controlled = control(model, edited(pair.edit, windows[0]), latent, self_end=windows[1])
    options = {"steps": STEPS, "cfg": 1.0}
    made = sample(controlled.model, pair.positive, prompt(clip), controlled.latent, **options)

    columns, sigma = matrix(source, target), model.get_model_object("model_sampling").percent_to_sigma
    text_at, first = STARTS.get(name, lambda t: (0, t))(length)
    edit = JointEdit(
        columns,
        own=(columns.sum(0) == 0).float(),
        strength=strength(target),
        cross=(sigma(0.0), sigma(windows[0])),
        image=(sigma(0.0), sigma(windows[1])) if windows[1] else (0.0, 0.0),
        text=text_at,
        first=first,
        pixels=16,
    )
    reference = model.clone()
    reference.model_options["transformer_options"]["optimized_attention_override"] = materialise(edit)
    expected = sample(reference, pair.positive, prompt(clip), rows(latent, 2), **options)
    plain = sample(model, pair.positive, prompt(clip), rows(latent, 2), **options)
    error = float((made[1] - expected[1]).norm() / expected[1].norm())
    acts = float((made[1] - plain[1]).norm() / plain[1].norm())
    print(f"{name}, {windows}: error {error:.1e}, edit {acts:.1e}")
    assert torch.equal(made[0], plain[0]) and acts > 1e-3
    assert error <= LIMIT


@pytest.mark.parametrize("windows", WINDOWS)
def test_a_swap_of_unequal_length(family, windows):
    compare(family, SWAPPED, lambda e, end: swap(e, end=end), swapped, lambda ids: torch.ones(len(ids)), windows)


@pytest.mark.parametrize("windows", WINDOWS[:2])
def test_a_refine_with_two_reweights(family, windows):
    clip = family[2]
    red, cat = ((ids := tokens(clip, f"a {word}", 6))[words(ids) - 1] for word in ("red", "cat"))

    def edited(edit, end):
        return reweight(reweight(refine(edit, end=end), "red", 2.0, end=end), "cat", 0.5, end=end)

    def strength(ids):
        return torch.tensor([2.0 if token == red else 0.5 if token == cat else 1.0 for token in ids])

    compare(family, ADDED, edited, added, strength, windows)


@pytest.mark.parametrize(("source", "target"), [(SOURCE, SWAPPED), (SWAPPED, SOURCE)])
def test_a_masked_batch_of_unequal_prompts(source, target):
    """Qwen-Image's own encoder: what the shorter prompt is filled up with is hidden, wherever the source's keys go."""
    model, clip = joint("qwen")
    latent = empty(JOINT["qwen"].latent)
    pair = encode(clip, source, target)
    mask = pair.positive[0][1]["attention_mask"]
    chunks = [[entry[0] for entry in clip.tokenize(text)["qwen25_7b"][0]] for text in (source, target)]
    first, second = (ids[len(ids) - int(row.sum()) :] for ids, row in zip(chunks, mask, strict=True))
    columns, longer = torch.zeros(mask.shape[1], mask.shape[1]), len(second) - len(first)
    at = next(i for i in range(len(first)) if first[i] != second[i])
    count = (1 + longer, 1) if longer > 0 else (1, 1 - longer)  # tokens of the target's word and of the source's
    columns[range(at), range(at)] = 1
    columns[at : at + count[1], at : at + count[0]] = 1 / count[0]
    for i in range(at + count[1], len(first)):
        columns[i, i + longer] = 1
    sigma = model.get_model_object("model_sampling").percent_to_sigma
    edit = JointEdit(
        columns,
        own=torch.zeros(mask.shape[1]),
        strength=torch.ones(mask.shape[1]),
        cross=(sigma(0.0), sigma(0.8)),
        image=(sigma(0.0), sigma(0.4)),
        text=0,
        first=mask.shape[1],
        pixels=16,
    )
    options = {"steps": STEPS, "cfg": 1.0}
    controlled = control(model, swap(pair.edit), latent, self_end=0.4)
    made = sample(controlled.model, pair.positive, prompt(clip), controlled.latent, **options)
    reference = model.clone()
    plain = sample(reference, pair.positive, prompt(clip), rows(latent, 2), **options)
    reference.model_options["transformer_options"]["optimized_attention_override"] = materialise(edit)
    expected = sample(reference, pair.positive, prompt(clip), rows(latent, 2), **options)
    error = float((made[1] - expected[1]).norm() / expected[1].norm())
    print(f"masked: error {error:.1e}")
    assert longer and torch.equal(made[0], plain[0]) and not torch.equal(made[1], plain[1])
    assert error <= LIMIT
