"""Nearly right inputs of the one node to start with, and of windows by name, on a UNet and on transformers."""

from __future__ import annotations

from random import Random

import pytest
import torch

from lab.random_models import sd15
from lab.random_transformers import cross, joint

from .graph import control, encode, node, prompt, reweight, sample
from .nearly_right import PROMPTS, TEXTS, Draw, latent, prompts, sampling

SHAPES = {"sd15": (4, 16, 16), "chroma": (16, 8, 8), "lumina2": (16, 8, 8), "aura": (4, 8, 8), "cosmos": (16, 8, 8)}
PRESETS = ("keep the layout", "keep the shape", "free the shape")
ODD_LINES = (
    "red",
    "red: strength",
    "red: strength nan",
    "red: strength 1e400",
    "red: strength 999999",
    ": strength 2",
    "red: 0.5 - 0.2",
    "red: 0 - 2",
    "blend: nothing of it",
    "blend\nblend: red",
    "red: strength 2; red: strength 3",
    "\x00: strength 2",
    "🦛: 0.0 - 0.4",
    ";;;",
    "red: 0.1 – 0.4",
)


@pytest.fixture(scope="module")
def models():
    """(MODEL, CLIP) by name."""
    made = {name: joint(name) for name in ("chroma", "lumina2", "aura")}
    return {"sd15": sd15(), "cosmos": cross("cosmos"), **made}


@torch.inference_mode()
def test_the_one_node(models, tally):
    def case(random: Random):
        draw = Draw(random)
        name, asked = draw.one(sorted(models)), prompts(draw)
        model, clip = models[name]
        lines = draw.one(["", f"{asked.word}: strength 2", "a: 0.0 - 0.6", "blend", f"blend: {asked.word}"])
        if draw.by(0.2):
            lines += f"\na: strength {draw.random.uniform(-3, 3):.2f}"
        made = node(
            "P2P_Edit",
            model=model,
            clip=clip,
            latent=latent(draw, SHAPES[name]),
            source_prompt=asked.source,
            target_prompt=asked.target,
            keep=draw.one(PRESETS, ["", "keep"]),
            words=draw.one([lines], [*ODD_LINES, *TEXTS, *PROMPTS]),
            also_without_edit=draw.one([False, False, True]),
        )
        how = sampling(draw, ("simple", "normal"))
        pictures = sample(made[0], made[1], prompt(clip), made[2], **{**how, "steps": draw.one([2, 3], [1])})
        assert len(pictures) == len(made[2]["samples"]) and bool(torch.isfinite(pictures).all())
        return pictures

    tally.each("the one node", 30, case)


@torch.inference_mode()
def test_windows_by_name(models, tally):
    """With the model of the run, another's, none, or something else."""

    def case(random: Random):
        draw = Draw(random)
        name, other, asked = draw.one(sorted(models)), draw.one(sorted(models)), prompts(draw)
        model, clip = models[name]
        inputs = {"preset": draw.one(PRESETS, ["", "none"])}
        if draw.by(0.8):
            inputs["model"] = draw.one([model, models[other][0]], [None, clip, "unet"])
        end, self_end, meaning = node("P2P_WindowPreset", **inputs)
        assert 0 < self_end <= end <= 1 and inputs["preset"] in meaning
        positive, edit = encode(clip, asked.source, asked.target)
        (edit,) = node(draw.one(["P2P_WordSwap", "P2P_Refine"]), edit=edit, end_percent=end)
        patched, batch = control(model, edit, latent(draw, SHAPES[name]), 0.0, self_end)
        how = {"steps": draw.one([2, 3]), "cfg": draw.one([1.0, 4.0]), "scheduler": "simple"}
        pictures = sample(patched, positive, prompt(clip), batch, **how)
        assert len(pictures) == len(batch["samples"]) and bool(torch.isfinite(pictures).all())
        return pictures

    tally.each("windows by name", 20, case)


@torch.inference_mode()
def test_scores(models, tally):
    """Reweight's `scale`, on models that can and that cannot."""

    def case(random: Random):
        draw = Draw(random)
        name, asked = draw.one(["chroma", "lumina2", "aura"], ["sd15", "cosmos"]), prompts(draw)
        model, clip = models[name]
        positive, edit = encode(clip, asked.source, asked.target)
        if draw.by(0.7):
            (edit,) = node(draw.one(["P2P_WordSwap", "P2P_Refine"]), edit=edit, end_percent=draw.number(0.3, 1))
        for words in draw.one([[asked.word], [asked.word, "a"]]):
            edit = reweight(
                edit,
                draw.one([words], TEXTS),
                draw.one([0.0, 0.5, 2.0, 5.0, 10.0], [-1.0, -10.0, 1e9, 10.1, float("nan")]),
                end=draw.number(0.3, 1),
                strength_sweep=draw.one([""] * 5 + ["0.5, 2"], ["-1, 2"]),
                scale=draw.one(["scores", "scores", "map"], ["both"]),
            )
        patched, batch = control(model, edit, latent(draw, SHAPES[name]), 0.0, draw.number(0, 1))
        pictures = sample(patched, positive, prompt(clip), batch, **sampling(draw, ("simple", "normal")))
        assert len(pictures) == len(batch["samples"]) and bool(torch.isfinite(pictures).all())
        return pictures

    tally.each("weighted scores", 20, case)
