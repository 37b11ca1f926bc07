"""Self- and cross-attention of transformers by itself: renormalised reweights, found masks, counted calls."""

import pytest
import torch

from lab.random_transformers import CROSS

from .family import SOURCE, SWAPPED, close, edited, family_of, plain
from .graph import blend, empty, encode, reweight, swap

pytestmark = pytest.mark.usefixtures("inference")


@pytest.fixture(scope="module", params=CROSS)
def family(request):
    return family_of(request.param)


def test_renormalised_reweights(family):
    pair = encode(family.clip, SOURCE, SWAPPED)
    weighted = reweight(swap(pair.edit), "mat", 3.0)
    kept = reweight(swap(pair.edit), "mat", 3.0, renormalise=True)
    made, other = (edited(family, pair, edit, 0.4) for edit in (weighted, kept))
    assert torch.equal(made[0], other[0]) and not close(made[1], other[1])


@pytest.mark.parametrize(("find", "threshold"), [("words", 0.999), ("difference", 0.5)])
def test_a_mask_that_is_found(family, find, threshold):
    """Untrained attention is nearly flat, so words need a high threshold."""
    pair = encode(family.clip, SOURCE, SWAPPED)
    how = {"words": "cat, hippopotamus"} if find == "words" else {"mask_from": "difference"}
    made = edited(family, pair, blend(swap(pair.edit), start=0.0, threshold=threshold, **how), 0.4)
    assert torch.equal(made[0], plain(family, pair)[0])
    alike = (made[0] == made[1]).flatten(0, -3).all(dim=0)
    assert bool(alike.any()) and not bool(alike.all())


def test_a_picture_of_as_many_tokens_as_the_prompt(family):
    """Self-attention then has the shape of cross-attention; calls are counted."""
    family = family._replace(latent=empty((16, 2, 32, 32) if family.name == "wan" else (16, 64, 32)))
    pair = encode(family.clip, SOURCE, SWAPPED)
    made = edited(family, pair, swap(pair.edit), 0.4)
    assert torch.equal(made[0], plain(family, pair)[0])
    assert not close(made[1], made[0])


@pytest.mark.parametrize("numbered", [True, False])
def test_calls_are_counted(part, numbered):
    """With the host's numbers of blocks, which put the count right after an attention that is no block's, or without
    them, as on older hosts.
    """
    place = part("p2p_attention.host.backbones.cross")._Place(2)
    seen = []
    for model_call in range(2):
        for block in range(3):
            for call in range(2 + (numbered and block == 1 and model_call == 0)):
                place.advance(block if numbered else None)
                seen.append((place.block % 3, place.call) if call < 2 else None)
    kept = [one for one in seen if one]
    assert [call for _, call in kept] == [0, 1] * 6
    assert [block for block, _ in kept] == [0, 0, 1, 1, 2, 2] * 2
