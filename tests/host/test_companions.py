"""An edit beside the host's other nodes and other packs' hooks: it holds, or it is refused (see test_refusals.py)."""

import comfy.cldm.cldm as cldm
import comfy.controlnet
import comfy.ldm.modules.attention as attention
import comfy.samplers
import comfy.sd
import nodes
import pytest
import torch
from comfy.patcher_extension import WrappersMP
from comfy_api.torch_helpers.torch_compile import COMPILE_KEY, set_torch_compile_wrapper
from comfy_extras.nodes_easycache import EasyCacheNode
from comfy_extras.nodes_freelunch import FreeU, FreeU_V2
from comfy_extras.nodes_hypertile import HyperTile
from comfy_extras.nodes_nag import NAGuidance
from comfy_extras.nodes_pag import PerturbedAttentionGuidance
from comfy_extras.nodes_sag import SelfAttentionGuidance
from comfy_extras.nodes_tomesd import TomePatchModel

from lab.random_models import randomise

from .graph import SIZES, blend, control, empty, encode, prompt, refine, reweight, rows, sample, swap

SOURCE, TARGET = "a cat on a mat", "a big hippopotamus on a mat"


@pytest.fixture(params=["sd15", "sdxl"])
def family(request):
    """(name, model, clip)."""
    return request.param, *request.getfixturevalue(request.param)[:2]


@pytest.fixture
def edit():
    """edit(model, clip, shape): refine, reweight and self-attention on a model; returns what the sampler takes."""

    def build(model, clip, shape, target=TARGET, self_end=0.4):
        positive, plan = encode(clip, SOURCE, target)
        if target != SOURCE:
            plan = refine(plan, end=0.8)
            plan = reweight(plan, "hippopotamus", 2.0)
        patched, latent = control(model, plan, empty(shape), self_end=self_end, resolution="1/2")
        return patched, positive, latent

    return build


def holds(edit, plain, model, clip, name, after=lambda patched: patched, change=lambda conditioning: conditioning):
    """The source row is that of the plain run with the same companion, the edit acts, and equal prompts stay equal."""
    shape, uncond = SIZES[name], change(prompt(clip, "blurry"))
    patched, positive, latent = edit(model, clip, shape)
    made = sample(after(patched), change(positive), uncond, latent)
    expected = sample(after(plain), change(positive), uncond, rows(empty(shape), 2))
    assert torch.isfinite(made).all()
    assert torch.equal(made[0], expected[0])
    assert (made[1] - expected[1]).norm() > 1e-4 * expected[1].norm()
    patched, positive, latent = edit(model, clip, shape, target=SOURCE)
    same = sample(after(patched), change(positive), uncond, latent)
    assert torch.equal(same[0], same[1])
    return made


MODEL_NODES = {
    "FreeU": lambda m: FreeU.execute(m, b1=1.1, b2=1.2, s1=0.9, s2=0.2)[0],
    "FreeU_V2": lambda m: FreeU_V2.execute(m, b1=1.3, b2=1.4, s1=0.9, s2=0.2)[0],
    "PAG": lambda m: PerturbedAttentionGuidance.execute(m, scale=3.0)[0],
    "SAG": lambda m: SelfAttentionGuidance.execute(m, scale=0.5, blur_sigma=2.0)[0],
    "NAG": lambda m: NAGuidance.execute(m, nag_scale=5.0, nag_alpha=0.5, nag_tau=1.5)[0],
}


@pytest.mark.parametrize("before", [True, False], ids=["before the Controller", "after it"])
@pytest.mark.parametrize("companion", MODEL_NODES)
def test_guidance_and_feature_nodes(companion, before, sdxl, edit):
    """SD1.5 is in test_companions_table.py."""
    (model, clip, _), with_it = sdxl, MODEL_NODES[companion]
    if before:
        holds(edit, with_it(model), with_it(model), clip, "sdxl")
    else:
        holds(edit, model, model, clip, "sdxl", after=with_it)


@pytest.mark.parametrize(
    "tiling",
    [
        lambda m: TomePatchModel.execute(m, ratio=0.3)[0],
        lambda m: HyperTile.execute(m, tile_size=8, swap_size=1, max_depth=1, scale_depth=False)[0],
    ],
    ids=["ToMe", "HyperTile"],
)
def test_merged_or_tiled_self_attention_beside_edited_cross_attention(tiling, sdxl, edit):
    """Its own self-attention edit is refused (test_refusals.py) unless some layers are left alone."""
    model, clip, _ = sdxl
    patched, positive, latent = edit(tiling(model), clip, SIZES["sdxl"], self_end=0.0)
    torch.manual_seed(0)
    made = sample(patched, positive, prompt(clip), latent)
    torch.manual_seed(0)
    expected = sample(tiling(model), positive, prompt(clip), rows(empty(SIZES["sdxl"]), 2))
    assert torch.isfinite(made).all()
    assert (made[0] - expected[0]).norm() <= 1e-5 * expected[0].norm()
    assert not torch.equal(made[1], expected[1])


def test_tome_after_the_controller(edit, sd15):
    model, clip, _ = sd15
    patched, positive, latent = edit(model, clip, SIZES["sd15"])
    (merged,) = TomePatchModel.execute(patched, ratio=0.3)
    made = sample(merged, positive, prompt(clip), latent)
    assert torch.isfinite(made).all() and not torch.equal(made[0], made[1])


def test_lora(family, edit):
    name, model, clip = family
    generator = torch.Generator().manual_seed(3)
    weights = {}
    for key, value in model.model.diffusion_model.state_dict().items():
        if key.endswith(("attn2.to_k.weight", "attn2.to_v.weight", "attn1.to_q.weight")):
            at = "lora_unet_" + key.removesuffix(".weight").replace(".", "_")
            weights[f"{at}.lora_down.weight"] = torch.randn(2, value.shape[1], generator=generator)
            weights[f"{at}.lora_up.weight"] = torch.randn(value.shape[0], 2, generator=generator) * 0.05
    lora, _ = comfy.sd.load_lora_for_models(model, clip, weights, 1.0, 0.0)
    assert len(lora.patches) > 5
    made = holds(edit, lora, lora, clip, name)
    patched, positive, latent = edit(model, clip, SIZES[name])
    assert not torch.equal(made, sample(patched, positive, prompt(clip, "blurry"), latent))


def test_controlnet(family, edit):
    name, model, clip = family
    config = {key: value for key, value in model.model.model_config.unet_config.items() if key != "out_channels"}
    config.pop("transformer_depth_output", None)
    control_model = cldm.ControlNet(
        **{**config, "num_heads": 4, "hint_channels": 3, "dtype": torch.float32},
        operations=comfy.ops.disable_weight_init,
    )
    randomise(control_model, 9)
    net = comfy.controlnet.ControlNet(control_model, load_device=torch.device("cpu"))
    hint = torch.rand(1, 8 * SIZES[name][1], 8 * SIZES[name][2], 3, generator=torch.Generator().manual_seed(0))

    def controlled(conditioning):
        return nodes.ControlNetApply().apply_controlnet(conditioning, net, hint, 0.5)[0]

    made = holds(edit, model, model, clip, name, change=controlled)
    patched, positive, latent = edit(model, clip, SIZES[name])
    assert not torch.equal(made, sample(patched, positive, prompt(clip, "blurry"), latent))
    two = nodes.ControlNetApply().apply_controlnet(positive, net, torch.cat([hint, 1 - hint]), 0.5)[0]
    with pytest.raises(ValueError, match="a ControlNet image of the conditioning has a batch of 2"):
        sample(patched, controlled(two), prompt(clip, "blurry"), latent)


def attention_like_quantised(q, k, v, *args, **kwargs):
    """SageAttention's values in 8 bits, in what matters here: NaN for columns of zeros."""
    made = attention.attention_pytorch(q, k, v, *args, **kwargs)
    return made.masked_fill((v == 0).all(dim=1, keepdim=True), torch.nan)


BACKENDS = [
    getattr(attention, f"attention_{name}")
    for name, there in (
        ("basic", True),
        ("split", True),
        ("sub_quad", True),
        ("pytorch", True),
        ("xformers", comfy.model_management.xformers_enabled()),
        ("sage", comfy.model_management.sage_attention_enabled()),
        ("flash", comfy.model_management.flash_attention_enabled()),
    )
    if there
]
BACKENDS.append(attention_like_quantised)


def test_torch_compile_is_left_out_of_an_edit(sd15, edit, caplog):
    """The host reuses what it traced of a plain run, without our hooks."""
    model, clip, _ = sd15
    compiled = model.clone()
    set_torch_compile_wrapper(compiled, backend="eager")
    made = []
    for each in (model, compiled):
        patched, positive, latent = edit(each, clip, SIZES["sd15"])
        made.append(sample(patched, positive, prompt(clip), latent))
    assert torch.equal(made[0], made[1])
    assert "torch.compile (Torch Compile Model) is left out" in caplog.text
    assert compiled.wrappers[WrappersMP.APPLY_MODEL][COMPILE_KEY], "plain runs go on with it"


@pytest.mark.parametrize("backend", BACKENDS, ids=lambda function: function.__name__)
def test_every_attention_backend_of_this_machine(backend, family):
    """Refine, a renormalised reweight and a blend by words, alike to rounding whatever computes the attention."""
    name, model, clip = family
    positive, edit = encode(clip, SOURCE, TARGET)
    edit = refine(edit, end=0.8)
    edit = reweight(edit, "hippopotamus", 3.0, renormalise=True)
    edit = blend(edit, "", threshold=0.5, start=0.0)
    made = []
    for function in (backend, attention.optimized_attention):
        chosen = model.clone()
        chosen.model_options["transformer_options"]["optimized_attention_override"] = (
            lambda _, *args, function=function, **kwargs: function(*args, **kwargs)
        )
        patched, latent = control(chosen, edit, empty(SIZES[name]), self_end=0.4, resolution="1/2")
        made.append(sample(patched, positive, prompt(clip), latent))
    assert (made[0] - made[1]).norm() <= 1e-4 * made[1].norm()


def test_what_follows_no_rows_is_refused(sd15, edit):
    model, clip, _ = sd15
    patched, positive, latent = edit(model, clip, SIZES["sd15"])
    two = torch.stack([torch.ones(16, 16), torch.zeros(16, 16)])
    (masked,) = nodes.ConditioningSetMask().append(positive, two, "default", 1.0)
    with pytest.raises(ValueError, match="a mask of the conditioning has a batch of 2"):
        sample(patched, masked, prompt(clip), latent)
    twice = [[torch.cat([prompt(clip)[0][0], prompt(clip, "blurry")[0][0]]), {}]]
    with pytest.raises(ValueError, match="a negative prompt of the conditioning has a batch of 2"):
        sample(patched, positive, twice, latent)
    (cached,) = EasyCacheNode.execute(patched, 0.2, 0.15, 0.95, False)
    with pytest.raises(ValueError, match="EasyCache leaves the model, or blocks of it, out"):
        sample(cached, positive, prompt(clip), latent)


def test_an_image_prompt_packs_replaced_attention(sd15):
    """As IPAdapter does it: attention over the text, plus attention over tokens of its own for each chunk."""
    model, clip, _ = sd15
    own = torch.randn(2, 4, 32, generator=torch.Generator().manual_seed(1))
    clone = model.clone()

    def attend(q, k, v, extra):
        made = attention.optimized_attention(q, k, v, extra["n_heads"], transformer_options=extra)
        each = q.shape[0] // len(extra["cond_or_uncond"])
        tokens = torch.cat([own[kind : kind + 1].expand(each, -1, -1) for kind in extra["cond_or_uncond"]])
        width = torch.nn.functional.interpolate(tokens, size=q.shape[-1])
        return made + 0.3 * attention.optimized_attention(q, width, width, extra["n_heads"])

    for block in ("input", "output"):
        for number in range(8):
            clone.set_model_attn2_replace(attend, block, number)
    positive, edit = encode(clip, SOURCE, "a hippopotamus on a mat")
    edit = swap(edit, end=0.8)
    patched, latent = control(clone, edit, empty(SIZES["sd15"]), self_end=0.4, resolution="1/2")
    made = sample(patched, positive, prompt(clip), latent)
    plain = sample(clone, positive, prompt(clip), rows(empty(SIZES["sd15"]), 2))
    assert torch.equal(made[0], plain[0]) and not torch.equal(made[1], plain[1])
