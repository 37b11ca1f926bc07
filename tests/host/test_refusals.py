"""An edit that cannot act, or does not fit, says so: the node, the value and the way out."""

import importlib
import math
import os
import re
from pathlib import Path

import comfy.model_management
import comfy.model_patcher
import comfy.samplers
import comfy.supported_models
import nodes
import pytest
import torch
from comfy.ldm.modules.attention import optimized_attention
from comfy_extras.nodes_advanced_samplers import SamplerLCMUpscale
from comfy_extras.nodes_custom_sampler import SamplerCustom
from comfy_extras.nodes_hypertile import HyperTile

from lab.random_transformers import CROSS, JOINT

from .family import family_of
from .graph import control, empty, encode, invert, node, prompt, refine, reweight, rows, sample, swap

SOURCE, TARGET = "a red circle on a blue background", "a red square on a blue background"


@pytest.fixture
def graph(demo):
    """The edited graph of the demo model up to the sampler: (model, positive, latent, edit)."""

    def build(window=(0.0, 0.8), self_window=(0.0, 0.4), resolution="1/4", latent=None, model=None):
        positive, edit = encode(demo.clip, SOURCE, TARGET)
        if window:
            edit = swap(edit, *window)
        latent = latent or empty((3, 32, 32))
        patched, batch = control(model or demo.model, edit, latent, *self_window, resolution=resolution)
        return patched, positive, batch, edit

    return build


def test_no_word_differs(demo):
    _, edit = encode(demo.clip, SOURCE, SOURCE)
    with pytest.raises(ValueError, match=r"P2P Word Swap: .*same words \(a, red, circle, on, blue, background\)"):
        swap(edit, end=0.8)


def test_an_unknown_word_to_reweight(graph):
    with pytest.raises(
        ValueError, match=r"P2P Reweight: 'cat' does not occur .* The words there are: a, red, square, on"
    ):
        reweight(graph()[3], "cat", 2.0)


@pytest.mark.parametrize("strength", [math.nan, math.inf, 5.1, -6.0])
def test_a_strength_out_of_range(graph, strength):
    with pytest.raises(ValueError, match="P2P Reweight: strength is .* must lie between"):
        reweight(graph()[3], "red", strength)


def test_what_is_none_of_the_choices(graph, demo):
    """A link may bring it, or a program; the host only looks at what is typed."""
    with pytest.raises(ValueError, match="P2P Reweight: scale is 'both'. Choose one of: map, scores"):
        reweight(graph()[3], "red", 2.0, scale="both")
    with pytest.raises(ValueError, match="P2P Attention Controller: self_resolution is '1/3'. Choose one of: 1/8, "):
        graph(resolution="1/3")
    with pytest.raises(ValueError, match="P2P Edit: keep is 'all'. Choose one of: keep the layout, "):
        node("P2P_Edit", model=demo.model, clip=demo.clip, latent=empty((3, 32, 32)), keep="all")


@pytest.mark.parametrize(("wrong", "why"), [({"steps": 0}, "between 1 and 10000"), ({"iterations": 21}, "0 and 20")])
def test_a_whole_number_out_of_range(demo, wrong, why):
    positive, _ = encode(demo.clip, SOURCE, TARGET)
    with pytest.raises(ValueError, match=f"P2P DDIM Inversion: .* must lie .*{why}"):
        invert(demo.model, positive, {"samples": torch.ones(1, 3, 32, 32)}, **{"steps": 2, **wrong})


def test_swap_and_refine_together(graph):
    with pytest.raises(ValueError, match="P2P Refine: this edit already has a P2P Word Swap node"):
        refine(graph()[3], end=0.8)


def test_two_word_swaps(graph):
    with pytest.raises(ValueError, match="P2P Word Swap: this edit already has a P2P Word Swap node"):
        swap(graph()[3], end=0.8)


@pytest.mark.parametrize("window", [(0.8, 0.2), (math.nan, 0.5), (0.0, 1.5)])
def test_windows_that_are_none(graph, window):
    with pytest.raises(ValueError, match="P2P Word Swap: (start|end)_percent"):
        graph(window=window)
    with pytest.raises(ValueError, match="P2P Attention Controller: self_(start|end)_percent"):
        graph(self_window=window)


def test_a_latent_of_no_picture(graph):
    with pytest.raises(ValueError, match=r"P2P Attention Controller: the latent of shape \[0, 3, 32, 32\]"):
        graph(latent={"samples": torch.zeros(0, 3, 32, 32)})


def test_a_video_latent(graph):
    with pytest.raises(ValueError, match="not of pictures"):
        graph(latent={"samples": torch.zeros(1, 3, 4, 32, 32)})


CLOSED = "the attention of {} cannot be reached: the host gives no way into it. Prompt-to-Prompt works with Stable"
OTHER = "{} attends in a way that is not known to Prompt-to-Prompt. Prompt-to-Prompt works with Stable"


@pytest.mark.parametrize(
    ("module", "network", "said"),
    [
        ("ernie.model", "ErnieImageModel", CLOSED.format("Ernie-Image")),
        ("pixart.pixartms", "PixArtMS", CLOSED.format("PixArt")),
        ("hydit.models", "HunYuanDiT", CLOSED.format("HunyuanDiT")),
        ("genmo.joint_model.asymm_models_joint", "AsymmDiTJoint", CLOSED.format("Mochi")),
        ("hidream.model", "HiDreamImageTransformer2DModel", OTHER.format("HiDream-I1")),
        ("lightricks.model", "LTXVModel", OTHER.format("LTX-Video")),
        ("hunyuan_video.model", "HunyuanVideo", OTHER.format("HunyuanVideo or HunyuanImage")),
        ("wan.model", "VaceWanModel", OTHER.format("Wan VACE")),
    ],
)
def test_a_model_that_is_refused_by_name(graph, demo, module, network, said):
    """The host's own class without its weights, before anything is sampled."""
    kind = getattr(importlib.import_module(f"comfy.ldm.{module}"), network)
    bare = kind.__new__(kind)
    torch.nn.Module.__init__(bare)
    model = demo.model.clone()
    model.add_object_patch("diffusion_model", bare)
    with pytest.raises(ValueError, match=f"P2P Attention Controller: {said}"):
        graph(model=model)


def test_the_refused_models_are_the_hosts(part):
    unknown = part("p2p_attention.host.backbones.unknown")
    source = "".join(file.read_text() for file in (Path(os.environ["COMFYUI_PATH"]) / "comfy/ldm").rglob("*.py"))
    assert all(f"class {name}(" in source for name in (*unknown.CLOSED, *unknown.OTHER))


def test_a_model_that_nobody_knows(graph, demo):
    model = demo.model.clone()
    model.add_object_patch("diffusion_model", torch.nn.Identity())
    with pytest.raises(ValueError, match="the attention of Identity cannot be reached or is not known"):
        graph(model=model)


@pytest.mark.parametrize("tokens", [{"llama": 3}, {"byt5": 3, "qwen25_7b": 3}, {"qwen25_7b": 2}])
def test_a_text_encoder_that_cannot_be_read(tokens, part):
    """Of another name, or (LongCat's) one that does not say which tokens are the prompt's."""

    class Clip:
        def tokenize(self, text, return_word_ids=False):
            return {key: [[(1, 1.0, 1)[:length]]] for key, length in tokens.items()}

    name = re.escape(", ".join(sorted(tokens)))
    with pytest.raises(
        ValueError, match=rf"this text encoder \({name}\) is not one whose words .* Qwen-Image, Z-Image"
    ):
        part("p2p_attention.host.conditioning").encode_pair(Clip(), "a cat", ("a dog",))


def test_two_controllers(graph):
    with pytest.raises(ValueError, match="already comes from an Attention Controller"):
        graph(model=graph()[0])


def test_another_positive(graph, demo):
    model, _, latent, _ = graph()
    other = prompt(demo.clip, SOURCE)
    with pytest.raises(ValueError, match="positive conditioning is not the one of this edit"):
        sample(model, other, prompt(demo.clip), latent)


def test_the_pair_as_the_negative(graph, demo):
    model, positive, latent, _ = graph()
    with pytest.raises(ValueError, match="negative prompt is the pair of P2P Encode Prompt Pair. Connect a CLIP Text"):
        sample(model, positive, positive, latent)


def wider(positive):
    """The prompts as a text encoder of another width would give them."""
    return [[torch.nn.functional.pad(encoded, (0, 8)), more] for encoded, more in positive]


def test_the_text_encoder_of_another_model(graph, demo):
    model, positive, batch, _ = graph()
    width = positive[0][0].shape[-1]
    said = f"the prompts' text encoder gives {width + 8} numbers a token, and this model reads {width}. Connect"
    with pytest.raises(ValueError, match=f"P2P Attention Controller: {said}"):
        sample(model, wider(positive), prompt(demo.clip), batch, steps=2)
    with pytest.raises(ValueError, match=f"P2P DDIM Inversion: {said}"):
        invert(demo.model, wider(positive), {"samples": torch.ones(1, 3, 32, 32)}, 2, "simple")


@pytest.mark.parametrize("name", [name for name in (*JOINT, *CROSS) if name != "anima"])
def test_the_text_encoder_of_another_family(name):
    family = family_of(name)
    pair = encode(family.clip, "a cat on a mat", "a dog on a mat")
    controlled = control(family.model, swap(pair.edit), family.latent)
    with pytest.raises(ValueError, match="P2P Attention Controller: the prompts' text encoder gives"):
        sample(controlled.model, wider(pair.positive), prompt(family.clip), controlled.latent, steps=2)


def test_which_target_is_the_source_again(demo):
    _, edit = encode(demo.clip, SOURCE, TARGET, more=SOURCE)
    with pytest.raises(ValueError, match="target prompt 2 of 2 have the same words"):
        swap(edit, end=0.8)


def test_a_picture_that_would_be_lost(graph, demo, caplog):
    model, positive, latent, _ = graph(latent={"samples": torch.ones(1, 3, 32, 32)})
    sample(model, positive, prompt(demo.clip), latent, steps=4)
    assert "picture is left at denoise 1.0. To edit that picture, connect P2P DDIM Inversion" in caplog.text
    caplog.clear()
    sample(model, positive, prompt(demo.clip), latent, steps=4, denoise=0.7)
    model, positive, latent, _ = graph()
    sample(model, positive, prompt(demo.clip), latent, steps=4)
    assert "latent's picture" not in caplog.text


def test_a_positive_joined_to_another_prompt(graph, demo):
    model, positive, latent, _ = graph()
    (longer,) = nodes.ConditioningConcat().concat(positive, positive)
    with pytest.raises(ValueError, match="2 rows of 154 tokens, the edit was encoded to 2 of 77"):
        sample(model, longer, prompt(demo.clip), latent)


def test_a_positive_beside_another_one_of_two_rows(graph, demo):
    model, positive, latent, _ = graph()
    other, _ = encode(demo.clip, "a heart", "a cross")
    with pytest.raises(ValueError, match="a positive prompt of the conditioning has a batch of 2"):
        sample(model, nodes.ConditioningCombine().combine(positive, other)[0], prompt(demo.clip), latent)


def test_a_positive_that_lost_a_row(graph, demo):
    model, positive, latent, _ = graph()
    with pytest.raises(ValueError, match="has 1 rows of 77 tokens"):
        sample(model, [[positive[0][0][:1], positive[0][1]]], prompt(demo.clip), latent)


def test_a_latent_that_is_not_the_controllers(graph, demo):
    model, positive, latent, _ = graph()
    with pytest.raises(ValueError, match="got a batch of 1, the edit needs 2"):
        sample(model, positive, prompt(demo.clip), empty((3, 32, 32)))
    with pytest.raises(ValueError, match="start from different noise"):
        sample(model, positive, prompt(demo.clip), {"samples": latent["samples"]})


def test_a_window_that_no_step_falls_in(graph, demo):
    model, positive, latent, _ = graph(window=(0.5, 0.51))
    with pytest.raises(ValueError, match=r"P2P Word Swap: no step .* 0\.5 … 0\.51.*The steps begin at 0\.000, 0\.333"):
        sample(model, positive, prompt(demo.clip), latent, steps=4)


def test_a_denoise_that_begins_after_the_window(graph, demo):
    model, positive, latent, _ = graph(self_window=(0.0, 0.0), window=(0.0, 0.2))
    with pytest.raises(ValueError, match="P2P Word Swap: no step"):
        sample(model, positive, prompt(demo.clip), latent, steps=4, denoise=0.4)


def test_a_self_window_before_the_run_is_only_a_warning_if_the_swap_acts(graph, demo, caplog):
    model, positive, latent, _ = graph()
    sample(model, positive, prompt(demo.clip), latent, steps=4, denoise=0.4)
    assert "self_end_percent: no step of this run falls into the window 0 … 0.4" in caplog.text
    model, positive, latent, _ = graph(window=None)
    with pytest.raises(ValueError, match="self_end_percent: no step of this run"):
        sample(model, positive, prompt(demo.clip), latent, steps=4, denoise=0.4)


def test_a_word_window_before_the_run_is_only_a_warning_if_the_swap_acts(demo, caplog):
    positive, edit = encode(demo.clip, SOURCE, TARGET)
    edit = swap(edit, end=0.9, word_windows="square: 0.0 - 0.3")
    model, latent = control(demo.model, edit, empty((3, 32, 32)), self_end=0.0)
    sample(model, positive, prompt(demo.clip), latent, steps=4, denoise=0.4)
    assert "P2P Word Swap: no step of this run falls into the window 0 … 0.3" in caplog.text


def test_noise_masks_that_differ_between_the_rows(graph, demo):
    model, positive, latent, _ = graph()
    masks = torch.stack([torch.zeros(1, 32, 32), torch.ones(1, 32, 32)])
    with pytest.raises(ValueError, match="P2P Attention Controller: source and target have different noise masks"):
        sample(model, positive, prompt(demo.clip), {**latent, "noise_mask": masks}, steps=4)


def test_a_sweep_that_begins_before_the_window(graph):
    edit = graph(window=None)[3]
    with pytest.raises(ValueError, match=r"start_percent 0\.3 comes after end_percent_sweep 0\.2; lower the first"):
        swap(edit, start=0.3, end=0.8, end_percent_sweep="0.2, 0.5")


def test_a_word_window_on_an_added_word(demo):
    _, edit = encode(demo.clip, SOURCE, "a large red circle on a blue background")
    with pytest.raises(ValueError, match=r"P2P Refine: the words of the word window 'large: 0 - 0.4' take nothing"):
        refine(edit, end=0.8, word_windows="large: 0 - 0.4")


def test_replaced_cross_attention_takes_a_plain_swap_but_no_extra_rows(graph, demo):
    def replaced(model):
        clone = model.clone()
        heads = 4
        for i in range(len(model.get_model_object("diffusion_model").input_blocks)):
            clone.set_model_attn2_replace(lambda q, k, v, extra: optimized_attention(q, k, v, heads), "input", i)
        return clone

    model, positive, latent, _ = graph(model=replaced(demo.model))
    made = sample(model, positive, prompt(demo.clip), latent, steps=2)
    expected = sample(graph()[0], positive, prompt(demo.clip), latent, steps=2)
    torch.testing.assert_close(made, expected, rtol=1e-4, atol=1e-4)

    edit = swap(encode(demo.clip, SOURCE, TARGET).edit, end=0.8, word_windows="square: 0.4 - 0.8")
    model, latent = control(replaced(demo.model), edit, empty((3, 32, 32)), self_end=0.4)
    with pytest.raises(ValueError, match="another node replaces this model's cross-attention"):
        sample(model, positive, prompt(demo.clip), latent, steps=4)


def test_a_sampler_that_draws_noise_by_itself(graph, demo):
    patched, positive, latent, _ = graph()
    (sampler,) = SamplerLCMUpscale.execute(1.0, 2, "bislerp")
    sigmas = torch.tensor([10.0, 1.0, 0.0])
    with pytest.raises(ValueError, match="the sampler lcm_upscale draws noise of its own for each row"):
        SamplerCustom.execute(patched, True, 1, 4.0, positive, prompt(demo.clip), sampler, sigmas, latent)


def test_tiled_self_attention(graph, demo):
    (tiled,) = HyperTile.execute(demo.model, tile_size=1, swap_size=2, max_depth=3, scale_depth=False)
    model, positive, latent, _ = graph(model=tiled, resolution="1")
    with pytest.raises(RuntimeError, match="tiles or merges self-attention"):
        sample(model, positive, prompt(demo.clip), latent, steps=2)


def test_no_layer_within_the_resolution(graph, demo):
    model, positive, latent, _ = graph(resolution="1/8")
    with pytest.raises(RuntimeError, match="no self-attention layer .* Raise self_resolution"):
        sample(model, positive, prompt(demo.clip), latent, steps=2)


def test_a_model_that_never_reaches_the_hooks(graph, demo):
    model, positive, latent, _ = graph()
    skipping = model.clone()
    skipping.set_model_unet_function_wrapper(lambda apply, arguments: torch.zeros_like(arguments["input"]))
    with pytest.raises(RuntimeError, match="never reached the attention hooks"):
        sample(skipping, positive, prompt(demo.clip), latent, steps=2)


def test_a_batch_that_is_split(graph, demo):
    model, positive, latent, _ = graph()
    split = model.clone()

    def one_by_one(apply, arguments):
        def pick(i):
            return {k: v[i : i + 1] if torch.is_tensor(v) else v for k, v in arguments["c"].items()}

        x, timestep = arguments["input"], arguments["timestep"]
        return torch.cat([apply(x[i : i + 1], timestep[i : i + 1], **pick(i)) for i in range(len(x))])

    split.set_model_unet_function_wrapper(one_by_one)
    with pytest.raises(ValueError, match="splits the batch"):
        sample(split, positive, prompt(demo.clip), latent, steps=2)


def test_a_refused_run_leaves_the_model_as_it_was(graph, demo):
    model, clip, _ = demo
    plain_latent = rows(empty((3, 32, 32)), 2)
    _, positive, latent, _ = graph()
    before = sample(model, positive, prompt(clip), plain_latent, steps=2)
    broken = graph(resolution="1/8")[0]
    with pytest.raises(RuntimeError):
        sample(broken, positive, prompt(clip), latent, steps=2)
    assert torch.equal(sample(model, positive, prompt(clip), plain_latent, steps=2), before)


def test_a_part_of_a_schedule_without_steps_is_passed_through(graph, demo):
    """As SplitSigmas gives it at 0: the host returns the latent, and so does the edited run."""
    model, positive, latent, _ = graph()
    made = SamplerCustom.execute(
        model, False, 1, 4.0, positive, prompt(demo.clip), comfy.samplers.sampler_object("euler"), torch.ones(1), latent
    )
    torch.testing.assert_close(made[0]["samples"], latent["samples"])


def test_a_renormalised_reweight_that_another_node_keeps_from_its_maps(graph, demo):
    """A patch after ours repeats the rows, so the attention that comes is not the one that was announced."""
    _, positive, _, edit = graph()
    edit = reweight(edit, "red", 2.0, renormalise=True)
    model, latent = control(demo.model, edit, empty((3, 32, 32)), self_end=0.4)
    model.set_model_attn2_patch(
        lambda n, context, value, extra: (n, context.repeat(1, 2, 1)[:, :-1], value.repeat(1, 2, 1)[:, :-1])
    )
    with pytest.raises(RuntimeError, match="P2P Reweight: another node changes this model's cross-attention"):
        sample(model, positive, prompt(demo.clip), latent)
