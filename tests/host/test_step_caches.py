"""Nodes that leave the model, or blocks of it, out of some steps: refused by name; others spoil nothing that is stored.

The packs are not here; what they put around a model is imitated, under the names that theirs have.
"""

from unittest.mock import patch

import pytest
import torch
from comfy.patcher_extension import WrappersMP
from comfy_extras.nodes_easycache import EasyCacheNode, LazyCacheNode

from .family import family_of
from .graph import SIZES, control, empty, encode, invert, prompt, refine, sample

SOURCE, TARGET = "a cat on a mat", "a big cat on a mat"
WRAPPED = {
    "TeaCache.apply_teacache.<locals>.unet_wrapper_function": "TeaCache",
    "WanVideoTeaCacheKJ.patch_teacache.<locals>.outer_wrapper.<locals>.unet_wrapper_function": "TeaCache",
    "MagCache.apply_magcache.<locals>.unet_wrapper_function": "MagCache",
    "ApplyFBCacheOnModel.patch.<locals>.model_unet_function_wrapper": "Apply First Block Cache",
    "DeepCacheV2.apply.<locals>.apply_model": "DeepCache",
}
"""The functions that packs set as the model's function wrapper, and what the message calls them."""

AROUND = {
    "cache_dit_turbo": (WrappersMP.DIFFUSION_MODEL, "_cache_dit_diffusion_model_wrapper"),
    "wan_cache": (WrappersMP.OUTER_SAMPLE, "_wan_outer_sample_wrapper"),
}
"""CacheDiT's, by the keys of its wrappers."""

SAID = "leaves the model, or blocks of it, out of some steps, .*Remove the node"


def passing(name):
    """A function wrapper of a name, which calls the model."""

    def wrapper(apply, arguments):
        return apply(arguments["input"], arguments["timestep"], **arguments["c"])

    wrapper.__qualname__ = name
    return wrapper


def wrapped(model, name):
    clone = model.clone()
    clone.set_model_unet_function_wrapper(passing(name))
    return clone


def around(model, key):
    kind, name = AROUND[key]

    def wrapper(executor, *args, **kwargs):
        return executor(*args, **kwargs)

    wrapper.__qualname__ = name
    clone = model.clone()
    clone.add_wrapper_with_key(kind, key, wrapper)
    return clone


EASY = (0.2, 0.15, 0.95, False)
NODES = {
    "EasyCache": (lambda model: EasyCacheNode.execute(model, *EASY)[0], "EasyCache"),
    "LazyCache": (lambda model: LazyCacheNode.execute(model, *EASY)[0], "LazyCache"),
    **{name: (lambda model, name=name: wrapped(model, name), title) for name, title in WRAPPED.items()},
    **{key: (lambda model, key=key: around(model, key), "CacheDiT") for key in AROUND},
}


@pytest.mark.parametrize("name", NODES)
def test_a_step_cache_is_refused_by_its_name(name, sd15):
    """Before the Controller, behind it, and in an inversion."""
    (model, clip, _), (change, title) = sd15, NODES[name]
    positive, edit = encode(clip, SOURCE, TARGET)
    for before, behind in ((change, lambda model: model), (lambda model: model, change)):
        patched, latent = control(before(model), refine(edit), empty(SIZES["sd15"]), self_end=0.0)
        with pytest.raises(ValueError, match=f"P2P Attention Controller: {title} {SAID}"):
            sample(behind(patched), positive, prompt(clip), latent, steps=2)
    with pytest.raises(ValueError, match=f"P2P DDIM Inversion: {title} {SAID}"):
        invert(change(model), positive, {"samples": torch.ones(1, *SIZES["sd15"])}, 2)


def test_a_function_wrapper_of_another_name_is_not(sd15):
    """Which hands the call on: the run is as without it."""
    model, clip, _ = sd15
    positive, edit = encode(clip, SOURCE, TARGET)
    made = []
    for one in (model, wrapped(model, "TiledDiffusion.apply.<locals>.wrapper")):
        patched, latent = control(one, refine(edit), empty(SIZES["sd15"]), self_end=0.0)
        made.append(sample(patched, positive, prompt(clip), latent, steps=2))
    assert torch.equal(*made)


class Halved(torch.nn.Module):
    """A block that gives half of what another gives."""

    def __init__(self, block):
        super().__init__()
        self.block = block

    def forward(self, *args, **kwargs):
        made = self.block(*args, **kwargs)
        return tuple(None if part is None else part * 0.5 for part in made)


def halved_forward(network):
    """Another forward pass in the place of the network's own, for the time of a call."""
    original = network._forward
    return patch.object(network, "_forward", lambda *args, **kwargs: original(*args, **kwargs) * 0.5)


def halved_block(network):
    """Another list of blocks in the place of the network's own."""
    blocks = torch.nn.ModuleList([Halved(network.joint_blocks[0]), *network.joint_blocks[1:]])
    return patch.object(network, "joint_blocks", blocks)


@pytest.fixture(params=["its forward pass", "a list of blocks"])
def replacing(request):
    """(model, clip, latent, what replaces a part of the network): a UNet's method, a transformer's modules."""
    if request.param == "a list of blocks":
        _, model, clip, latent = family_of("sd3")
        return model, clip, latent, halved_block
    model, clip, _ = request.getfixturevalue("sd15")
    return model, clip, empty(SIZES["sd15"]), halved_forward


def changed(model, replace):
    """A pack of no known name, which replaces a part of the network while it calls the model."""
    clone, network = model.clone(), model.get_model_object("diffusion_model")

    def wrapper(apply, arguments):
        with replace(network):
            return apply(arguments["input"], arguments["timestep"], **arguments["c"])

    clone.set_model_unet_function_wrapper(wrapper)
    return clone


def test_what_a_replaced_part_gives_is_not_stored_as_the_models(replacing, cache, caplog):
    """A run with the pack records nothing and takes nothing, so runs with it and without it are as without a store."""
    caplog.set_level("INFO")
    model, clip, latent, replace = replacing
    (positive, edit), other = encode(clip, SOURCE, TARGET), changed(model, replace)

    def run(one, budget):
        patched, batch = control(one, refine(edit), latent, self_end=0.0, cache=budget)
        return sample(patched, positive, prompt(clip), batch, steps=3)

    expected = {one: run(one, 0.0) for one in (other, model)}
    assert not torch.equal(expected[other], expected[model])
    for one in (other, model, other, model):
        made = run(one, 1.0)
        assert torch.equal(made[0], expected[one][0])
        assert (made - expected[one]).norm() <= 1e-4 * expected[one].norm()
    assert "another node replaces parts of the model while it runs" in caplog.text


def test_nor_by_an_inversion(sd15, cache, caplog):
    """Of a picture, of which it would record what its edit's runs need."""
    caplog.set_level("INFO")
    model, clip, _ = sd15
    positive, _ = encode(clip, SOURCE, TARGET)
    picture = {"samples": torch.linspace(-1, 1, 1024).view(1, *SIZES["sd15"])}
    invert(changed(model, halved_forward), positive, picture, 3, cache=1.0)
    assert "nothing is recorded, for another node replaces parts of the model" in caplog.text
    assert cache.bytes == 0
    invert(model, positive, picture, 3, cache=1.0)
    assert cache.bytes > 0
