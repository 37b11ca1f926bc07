"""Reweights of scores before the softmax are refused where there is no joint attention."""

import pytest

from .family import family_of
from .graph import control, empty, encode, prompt, reweight, sample


def refused(model, clip, latent):
    pair = encode(clip, "a red circle", "a big red circle")
    model, latent = control(model, reweight(pair.edit, "red", 2.0, scale="scores"), latent, self_end=0.4)
    with pytest.raises(ValueError, match=r"(?s)P2P Reweight: scale is 'scores'.*Choose 'map'"):
        sample(model, pair.positive, prompt(clip), latent)


def test_a_unet_has_no_scores_to_scale(demo):
    refused(demo.model, demo.clip, empty((3, 32, 32)))


def test_a_transformer_of_cross_attention_has_none_either():
    _, model, clip, latent = family_of("wan")
    refused(model, clip, latent)
