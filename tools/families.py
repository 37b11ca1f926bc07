"""The shared workflows for transformers, each with its family's own loaders and settings.

File names, sampler, steps and guidance are those of ComfyUI's own templates of comfyui_workflow_templates_json 0.1.27,
named in each family. They cannot run where this project is made, for want of the weights;
tests/host/test_family_templates.py runs each graph on a small random model of its family.
"""

from __future__ import annotations

from dataclasses import dataclass

from graph import SAMPLE, Sampling, Workflow
from own_checkpoint import SOURCE, TARGET

ANIMA_PROMPT = "masterpiece, best quality, score_7, safe, anime, a {} on a wooden bench"
DIFFUSION, TEXT, VAE = "diffusion_models", "text_encoders", "vae"


@dataclass(frozen=True)
class Family:
    """A family of models as ComfyUI's own template, of the title `like`, loads and samples it.

    `texts` are the files of its text encoders, of CLIP's `kind`; `empty` makes its latent; `shift` is that of
    ModelSamplingAuraFlow, and without a `negative` the prompt's zeros are taken.
    """

    name: str
    title: str
    like: str
    model: str
    texts: tuple[str, ...]
    kind: str
    vae: str
    side: int
    sampling: Sampling
    negative: str | None = None
    shift: float | None = None
    guidance: float | None = None
    empty: str = "EmptySD3LatentImage"
    prompts: tuple[str, str] = (SOURCE, TARGET)
    known: str = (
        "how well it edits was measured on the small demo transformer only, whose windows those of *P2P Window Preset* "
        "are."
    )


FLUX = Family(
    name="flux1",
    title="Flux.1",
    like="Flux.1 Dev: Text to Image",
    model="flux1-dev.safetensors",
    texts=("clip_l.safetensors", "t5xxl_fp16.safetensors"),
    kind="flux",
    vae="ae.safetensors",
    side=1024,
    sampling=Sampling(20, 1.0, "euler", "simple"),
    guidance=3.5,
)
QWEN = Family(
    name="qwen_image",
    title="Qwen-Image",
    like="Qwen-Image: Text to Image",
    model="qwen_image_fp8_e4m3fn.safetensors",
    texts=("qwen_2.5_vl_7b_fp8_scaled.safetensors",),
    kind="qwen_image",
    vae="qwen_image_vae.safetensors",
    side=1328,
    sampling=Sampling(20, 4.0, "euler", "simple"),
    negative="",
    shift=3.1,
)
Z_IMAGE = Family(
    name="z_image",
    title="Z-Image Turbo",
    like="Z-Image-Turbo: Text to Image",
    model="z_image_turbo_bf16.safetensors",
    texts=("qwen_3_4b.safetensors",),
    kind="lumina2",
    vae="ae.safetensors",
    side=1024,
    sampling=Sampling(8, 1.0, "res_multistep", "simple"),
    shift=3.0,
)
ANIMA = Family(
    name="anima",
    title="Anima",
    like="Anima Base v1: Text to Image",
    model="anima-base-v1.0.safetensors",
    texts=("qwen_3_06b_base.safetensors",),
    kind="stable_diffusion",
    vae="qwen_image_vae.safetensors",
    side=1024,
    sampling=Sampling(30, 4.0, "euler", "simple"),
    negative="worst quality, low quality, score_1, score_2, score_3, blurry, jpeg artifacts, sepia",
    empty="EmptyLatentImage",
    prompts=(ANIMA_PROMPT.format("cat"), ANIMA_PROMPT.format("dog")),
    known="the windows of *P2P Window Preset* are a UNet's, for Anima too has cross-attention.",
)


def _word_swap(family: Family) -> Workflow:
    """One word changed, with the plain picture beside it, from the family's loaders to the saved sheet."""
    files = "\n".join(
        f"- *{folder}*: {file}"
        for folder, file in ((DIFFUSION, family.model), *((TEXT, text) for text in family.texts), (VAE, family.vae))
    )
    side = family.side
    flow = Workflow(
        family.name,
        f"## {family.title}\nChange words of the target prompt and press **Run**. The last picture is the target "
        f"prompt without Prompt-to-Prompt; `also_without_edit` switches it off. Three pictures of {side}×{side} are "
        f"made at once: where memory is short, make them smaller.\n\nFiles, in the folders of *models*:\n{files}\n\n"
        f"ComfyUI's own template *{family.like}* says where to get them.",
    )
    _load(flow, family)
    flow.encode(*family.prompts, "", also_without_edit=True)
    cross_end, self_end = flow.preset("keep the layout")
    flow.swap(cross_end)
    flow.sampling = family.sampling
    flow.stage(SAMPLE)
    if family.guidance is not None:
        guided = flow.add("FluxGuidance", "Guidance", conditioning=flow.positive, guidance=family.guidance)
        flow.positive = [guided, 0]
    if family.negative is None:
        flow.negative = flow.add("ConditioningZeroOut", "No negative prompt", conditioning=[flow.pair, 0])
    else:
        flow.negative = flow.add("CLIPTextEncode", "Negative prompt", clip=flow.clip, text=family.negative)
    flow.run(seed=1, self_end=self_end)
    flow.note(
        f"**Not tried here.** This project had no weights of {family.title}: {family.known}\n\n- The edit hardly "
        "shows: *free the shape*.\n- Too much else changes: *keep the shape*.\n- Neither fits: take the links off "
        "`end_percent` and `self_end_percent`; lower is freer, higher keeps more."
    )
    flow.sheet("P2P_Compare", "P2P Compare", "Source, edit, difference", difference_gain=1.0)
    return flow


def _load(flow: Workflow, family: Family) -> None:
    """The family's loaders and its latent."""
    flow.model = [flow.add("UNETLoader", "Model", unet_name=family.model, weight_dtype="default"), 0]
    if family.shift is not None:
        flow.model = [flow.add("ModelSamplingAuraFlow", "Shift", model=flow.model, shift=family.shift), 0]
    if len(family.texts) == 1:
        names, loader = {"clip_name": family.texts[0]}, "CLIPLoader"
    else:
        names, loader = {f"clip_name{n}": text for n, text in enumerate(family.texts, start=1)}, "DualCLIPLoader"
    flow.clip = [flow.add(loader, "Text encoder", **names, type=family.kind, device="default"), 0]
    flow.vae = [flow.add("VAELoader", "VAE", vae_name=family.vae), 0]
    flow.latent = [flow.add(family.empty, "Size", width=family.side, height=family.side, batch_size=1), 0]


def flux1() -> Workflow:
    """A word swap with Flux.1 dev."""
    return _word_swap(FLUX)


def qwen_image() -> Workflow:
    """A word swap with Qwen-Image."""
    return _word_swap(QWEN)


def z_image() -> Workflow:
    """A word swap with Z-Image Turbo."""
    return _word_swap(Z_IMAGE)


def anima() -> Workflow:
    """A word swap with Anima."""
    return _word_swap(ANIMA)


FAMILIES = [flux1, qwen_image, z_image, anima]
