"""An edit on transformers beside the host's other nodes that have more to say than a cell of docs/companions.md's table
(see test_companions_table.py): it holds, or it is refused with a message.
"""

import importlib
import inspect
from dataclasses import replace

import comfy.controlnet
import comfy.hooks
import comfy.ldm.flux.controlnet
import comfy.ops
import comfy.sd
import comfy_extras.nodes_custom_sampler as custom
import node_helpers
import nodes
import pytest
import torch
from comfy.ldm.wan.model import WanModel
from comfy_extras import nodes_flux

from lab.random_models import randomise
from lab.random_transformers import JOINT, model_of

from .family import Family, family_of, lora_weights
from .graph import control, encode, prompt, refine, reweight, rows, sample

SOURCE, TARGET = "a cat on a mat", "a big hippopotamus on a mat"
STEPS = 3
KINDS = ("flux", "sd3", "lumina2", "wan")
"""Joint attention with the host's hooks, with few and with none of them, and self- and cross-attention."""

pytestmark = pytest.mark.usefixtures("inference")


@pytest.fixture(scope="module", params=KINDS)
def family(request):
    return family_of(request.param)


@pytest.fixture(scope="module")
def flux():
    return family_of("flux")


def at_once(family: Family, model, text=TARGET, change=lambda conditioning: conditioning, latent=None):
    """Refine, a reweight and self-attention, run by a KSampler; with the source's text as the target no edit."""
    positive, plan = encode(family.clip, SOURCE, text)
    if text != SOURCE:
        plan = reweight(refine(plan, end=0.8), "hippopotamus", 2.0)
    controlled = control(model, plan, latent or family.latent, self_end=0.4)
    return sample(
        controlled.model, change(positive), change(prompt(family.clip, "blurry")), controlled.latent, steps=STEPS
    )


def plainly(family: Family, model, change=lambda conditioning: conditioning, count=2, latent=None):
    """The host's run of the same rows; of one, the source's alone."""
    positive = encode(family.clip, SOURCE, TARGET).positive if count > 1 else prompt(family.clip, SOURCE)
    batch = {**(latent or {}), **rows(latent or family.latent, count)}
    return sample(model, change(positive), change(prompt(family.clip, "blurry")), batch, steps=STEPS)


def holds(family: Family, model, expected=None, **more):
    """The source row is the plain run's with the same companion, the edit acts, and equal prompts stay equal."""
    made = at_once(family, model, **more)
    expected = plainly(family, model, **more) if expected is None else expected
    assert torch.isfinite(made).all()
    assert torch.equal(made[0], expected[0])
    assert (made[1] - expected[1]).norm() > 1e-4 * expected[1].norm()
    same = at_once(family, model, SOURCE, **more)
    assert torch.equal(same[0], same[1])
    return made


def node(name: str, *args):
    """node("eps.EpsilonScaling", …): what a node of the host's comfy_extras makes of a model."""
    module, _, kind = name.rpartition(".")
    found = getattr(importlib.import_module(f"comfy_extras.nodes_{module}"), kind)
    how = getattr(found, "execute", None) or getattr(found(), found.FUNCTION)
    return lambda model: how(model, *args)[0]


def test_windows_of_frames_are_refused_and_those_as_long_as_the_clip_are_not():
    """The host's own windows of frames take a batch of one only."""
    wan = family_of("wan")
    windows = ("standard_static", 1, False, "pyramid", 2, False)
    with pytest.raises(ValueError, match="context windows cut up .* set its context_length to at least 3"):
        at_once(wan, node("context_windows.ContextWindowsManualNode", 2, 1, *windows)(wan.model))
    long = node("context_windows.ContextWindowsManualNode", 3, 1, *windows)(wan.model)
    assert torch.equal(at_once(wan, long), at_once(wan, wan.model))


def test_lora(family):
    weights = lora_weights(family.model)
    lora, _ = comfy.sd.load_lora_for_models(family.model, family.clip, weights, 1.0, 0.0)
    assert len(lora.patches) > 5
    made = holds(family, lora)
    assert not torch.equal(made, at_once(family, family.model))
    hooks = comfy.hooks.create_hook_lora(weights, 1.0, 0.0)
    hooked = holds(family, family.model, change=lambda given: comfy.hooks.set_hooks_for_conditioning(given, hooks))
    torch.testing.assert_close(hooked, made, rtol=1e-3, atol=1e-3)


def test_differential_diffusion(family):
    picture = torch.randn(family.latent["samples"].shape, generator=torch.Generator().manual_seed(4))
    mask = torch.linspace(0, 1, 64).reshape(1, 1, 8, 8)
    latent = {"samples": picture, "noise_mask": mask}
    model = node("differential_diffusion.DifferentialDiffusion", 1.0)(family.model)
    made = holds(family, model, latent=latent)
    assert not torch.equal(made, at_once(family, family.model, latent=latent))


@pytest.mark.parametrize("guidance", [None, 2.0])
def test_flux_guidance(flux, guidance):
    """Flux Guidance, and Flux Disable Guidance."""

    def guided(conditioning):
        return node_helpers.conditioning_set_values(conditioning, {"guidance": guidance})

    holds(flux, flux.model, change=guided)


@pytest.mark.parametrize("method", ["offset", "index"])
@pytest.mark.parametrize("name", ["flux", "flux2", "qwen"])
def test_reference_latents(name, method):
    """Their tokens follow the picture's; a pair of instructions is edited beside them."""
    family = family_of(name)
    reference = torch.randn(family.latent["samples"].shape, generator=torch.Generator().manual_seed(5))

    def referred(conditioning):
        values = {"reference_latents": [reference], "reference_latents_method": method}
        return node_helpers.conditioning_set_values(conditioning, values)

    made = holds(family, family.model, change=referred)
    assert not torch.equal(made, at_once(family, family.model))


if hasattr(nodes_flux, "FluxKVCache"):  # from 0.18 on

    def test_flux_s_cache_of_reference_latents_is_refused():
        """From its second step on the keys are more than the queries. Without such latents it does nothing."""
        values = {**JOINT["flux2"].values, "guidance_embed": False}  # as klein has it; with guidance the host fails
        klein = family_of("flux2")._replace(model=model_of(replace(JOINT["flux2"], values=values)))
        cached = node("flux.FluxKVCache")(klein.model)
        reference = torch.randn(klein.latent["samples"].shape, generator=torch.Generator().manual_seed(5))

        def referred(conditioning):
            return node_helpers.conditioning_set_values(conditioning, {"reference_latents": [reference]})

        with pytest.raises(ValueError, match="the model never reached the attention hooks"):
            at_once(klein, cached, change=referred)
        holds(klein, node("flux.FluxKVCache")(klein.model))


def test_controlnet_of_flux(flux):
    hint = torch.rand(1, 64, 64, 3, generator=torch.Generator().manual_seed(0))
    values = {key: value for key, value in JOINT["flux"].values.items() if key != "image_model"}
    operations = comfy.ops.disable_weight_init
    own = comfy.ldm.flux.controlnet.ControlNetFlux(dtype=torch.float32, operations=operations, **values)
    randomise(own, 9)
    net = comfy.controlnet.ControlNet(own, load_device=torch.device("cpu"), extra_conds=["y", "guidance"])

    def controlled(conditioning):
        return nodes.ControlNetApply().apply_controlnet(conditioning, net, hint, 0.5)[0]

    made = holds(flux, flux.model, change=controlled)
    assert not torch.equal(made, at_once(flux, flux.model))


HOOKED = ["qwen", *["wan"] * ('patches["double_block"]' in inspect.getsource(WanModel.forward_orig))]


@pytest.mark.parametrize("name", HOOKED)
def test_a_control_that_adds_to_the_picture_after_a_block(name):
    """As DiffSynth's for Qwen-Image does, in the same hook of the host; Wan has it from 0.30 on."""
    family = family_of(name)
    model = family.model.clone()

    def add(args):
        args["img"] = args["img"] + 0.5 * torch.sin(torch.arange(args["img"].shape[-1]))
        return args

    model.set_model_double_block_patch(add)
    made = holds(family, model)
    assert not torch.equal(made, at_once(family, family.model))


if hasattr(custom, "DualModelGuider"):  # from 0.30 on

    @pytest.mark.usefixtures("cache")
    def test_the_source_cache_is_of_one_model(flux):
        """Another model for the negative prompt gives what it gives without the cache."""
        pair, negative = encode(flux.clip, SOURCE, TARGET), prompt(flux.clip, "blurry")
        sigmas = custom.BasicScheduler.execute(flux.model, "simple", STEPS, 1.0)[0]

        def made(seed, cache):
            controlled = control(flux.model, refine(pair.edit), flux.latent, self_end=0.4, cache=cache)
            other = model_of(JOINT["flux"])
            randomise(other.model.diffusion_model, seed)
            guider = custom.DualModelGuider.execute(controlled.model, pair.positive, 3.0, other, negative)[0]
            noise, sampler = custom.RandomNoise.execute(7)[0], custom.KSamplerSelect.execute("euler")[0]
            result = custom.SamplerCustomAdvanced.execute(noise, guider, sampler, sigmas, controlled.latent)[0]
            return result["samples"]

        for seed in (21, 22):
            torch.testing.assert_close(made(seed, 1.0), made(seed, 0.0), rtol=1e-4, atol=1e-4)
