"""The demo models: ordinary MODEL, CLIP and VAE, as good as their README.md says, and not giving layouts away."""

import asyncio
import re
from dataclasses import astuple

import execution
import nodes
import numpy as np
import pytest
import torch

from lab.training import agree
from lab.training.measure import draw_scenes, table
from lab.world.judge import judge
from lab.world.render import render
from lab.world.words import prompt as prompt_of

from .graph import Checkpoint, encode, node, prompt

SIDE = 128
SETTINGS = {"UNet": "normal", "transformer": "simple"}


@pytest.fixture(scope="module", params=SETTINGS)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def made(name):
    return Checkpoint(*node("P2P_LoadDemoModel", model=name))


def drawn(made, name, text, seed=1, steps=10, count=1):
    (latent,) = nodes.EmptyLatentImage().generate(SIDE, SIDE, count)
    positive, negative = prompt(made.clip, text), prompt(made.clip)
    (out,) = nodes.KSampler().sample(made.model, seed, steps, 4.0, "euler", SETTINGS[name], positive, negative, latent)
    return nodes.VAEDecode().decode(made.vae, out)[0]


LEFT = '"shapes", the model of coloured shapes, has left the pack; UNet is loaded in its place'


@pytest.fixture(scope="module")
def kind(pack):
    return nodes.NODE_CLASS_MAPPINGS["P2P_LoadDemoModel"]


@pytest.mark.parametrize("inputs, said", [({"model": "shapes"}, True), ({"model": "UNet"}, False), ({}, False)])
def test_what_an_older_workflow_says_gives_the_unet(kind, caplog, inputs, said):
    model = kind.execute(**inputs).result[0]
    assert type(model.model.diffusion_model).__name__ == "UNetModel"
    assert model.get_model_object("latent_format").latent_channels == 8
    assert (f"P2P Load Demo Model: {LEFT}" in caplog.text) == said
    assert ("set the Empty Latent Image to 128×128" in caplog.text) == said


@pytest.mark.parametrize("inputs", [{"model": "shapes"}, {"model": "UNet"}, {"model": "transformer"}, {}])
def test_what_is_queued_is_accepted(kind, inputs):
    assert queued(inputs) == (True, {})


@pytest.mark.parametrize("model", ["Shapes", "sd15", "", 7, {}])
def test_another_name_is_refused_with_the_choices(kind, model):
    message = f"P2P Load Demo Model: there is no demo model {model!r}. Choose UNet or transformer."
    valid, problems = queued({"model": model})
    assert not valid and [error["details"] for error in problems["1"]["errors"]] == [f"model - {message}"]
    if isinstance(model, str):
        with pytest.raises(ValueError, match=re.escape(message)):
            node("P2P_LoadDemoModel", model=model)


def queued(inputs):
    """Whether the host takes a workflow that loads a demo model and no more, and what it says of its nodes."""
    flow = {"1": {"class_type": "P2P_LoadDemoModel", "inputs": inputs}}
    flow["2"] = {"class_type": "EmptyLatentImage", "inputs": {"width": 32, "height": 32, "batch_size": 1}}
    flow["3"] = {"class_type": "VAEDecode", "inputs": {"samples": ["2", 0], "vae": ["1", 2]}}
    flow["4"] = {"class_type": "SaveImage", "inputs": {"images": ["3", 0], "filename_prefix": "p2p"}}
    valid, _, _, problems = asyncio.run(execution.validate_prompt("test", flow, None))
    return valid, problems


def test_nodes_return_the_hosts_classes(made):
    import comfy.model_patcher
    import comfy.sd

    assert isinstance(made.model, comfy.model_patcher.ModelPatcher)
    assert isinstance(made.clip, comfy.sd.CLIP) and isinstance(made.vae, comfy.sd.VAE)


@pytest.mark.parametrize("kind", ["unet", "transformer"])
def test_the_host_computes_what_was_trained(kind):
    """Training writes both forwards in its own way; from the same random weights they are the same."""
    assert all(gap <= 1e-4 for gap in agree.gaps(kind).values())


def test_core_nodes_take_it(made, name):
    picture = drawn(made, name, "a red cat on the grass", steps=2)
    assert picture.shape == (1, SIDE, SIDE, 3)
    (back,) = nodes.VAEEncode().encode(made.vae, picture)
    assert back["samples"].shape == (1, 8, SIDE // 4, SIDE // 4)
    again = nodes.VAEDecode().decode(made.vae, back)[0]
    assert float((again - picture).square().mean()) < 0.01


def test_the_vae_keeps_a_picture(made):
    errors = []
    for scene in draw_scenes(8):
        picture = torch.from_numpy(render(scene))[None].float()
        (latent,) = nodes.VAEEncode().encode(made.vae, picture)
        errors.append(float((nodes.VAEDecode().decode(made.vae, latent)[0] - picture).square().mean()))
    assert np.mean([-10 * np.log10(error) for error in errors]) >= 30


def test_previews_are_of_its_colours(made):
    """The latents' linear colours, which the host shows while sampling."""
    form = made.model.get_model_object("latent_format")
    picture = torch.from_numpy(render(draw_scenes(1)[0]))[None].float()
    (latent,) = nodes.VAEEncode().encode(made.vae, picture)
    factors, bias = torch.tensor(form.latent_rgb_factors), torch.tensor(form.latent_rgb_factors_bias)
    seen = (form.process_in(latent["samples"])[0].movedim(0, -1) @ factors + bias + 1) / 2
    small = torch.nn.functional.avg_pool2d(picture.movedim(-1, 1), 4)[0].movedim(0, -1)
    assert float((seen - small).abs().mean()) < 0.08


def test_a_latent_far_too_large_is_said(made):
    (latent,) = nodes.EmptyLatentImage().generate(1024, 512, 1)
    _, edit = encode(made.clip, "a red cat", "a blue cat")
    with pytest.raises(ValueError, match="the picture is 1024×512; this model was trained for 128×128"):
        node("P2P_AttentionController", model=made.model, edit=edit, latent=latent)


@pytest.fixture(scope="module")
def judged(made, name):
    """Shares of right answers over 8 prompts of lab/training/measure.py, in fewer steps."""
    asked = draw_scenes(8)
    pictures = [drawn(made, name, prompt_of(scene), seed)[0].clamp(0, 1).numpy() for seed, scene in enumerate(asked)]
    return table(asked, np.stack(pictures))["all"]


FLOORS = {"place": 0.8, "style": 0.8, "kind": 0.7, "colour": 0.7}


def test_it_draws_what_the_prompt_says(judged):
    """In fewer steps than README.md's figures."""
    assert all(judged[what] >= floor for what, floor in FLOORS.items()), judged


def test_a_word_moves_things_when_prompt_to_prompt_does_not_hold_them(made, name):
    """The same seed with another colour is another picture also where the thing is not."""
    one, other = (drawn(made, name, f"a big {colour} cat on the grass") for colour in ("red", "yellow"))
    assert float((one - other)[:, :16].abs().mean()) > 0 and astuple(judge(one[0].clamp(0, 1).numpy()))
