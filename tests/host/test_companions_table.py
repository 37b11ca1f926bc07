"""docs/companions.md's table of nodes of the host that change a model: each of its cells is a test.

`make companions` runs all, `make test` every node on two or three of the models.
"""

import importlib
import os
import re
from pathlib import Path
from typing import NamedTuple

import comfy_extras.nodes_post_processing  # noqa: F401 - before nodes_latent, which it imports in a circle
import comfyui_version
import pytest
import torch
from comfy_extras.nodes_latent import LatentApplyOperationCFG

from .family import Family, close, family_of
from .graph import control, encode, prompt, refine, reweight, rows, sample

SOURCE, TARGET = "a cat on a mat", "a big hippopotamus on a mat"
STEPS = 3
COLUMNS = {
    "Stable Diffusion 1.5": "sd15",
    "Flux.1": "flux",
    "Stable Diffusion 3": "sd3",
    "AuraFlow": "aura",
    "Chroma": "chroma",
    "Qwen-Image": "qwen",
    "Lumina 2": "lumina2",
    "Z-Image": "zimage",
    "Wan": "wan",
}
"""The page's columns, and the names of their small models."""

FREEU, EASY = (1.3, 1.4, 0.9, 0.2), (0.2, 0.15, 0.95, False)
WINDOWS = ("standard_static", 1, False, "pyramid", 0, False)
MULTIPLY = (1.1, 1.1, 1.1, 1.1)
NODES = {
    "APG": ("apg.APG", 1.0, 5.0, 0.0),
    "CFG-Zero\\*": ("cfg.CFGZeroStar",),
    "CFGNorm": ("cfg.CFGNorm", 0.5),
    "TCFG": ("tcfg.TCFG",),
    "Epsilon Scaling": ("eps.EpsilonScaling", 1.05),
    "FreSca": ("fresca.FreSca", 1.0, 1.5, 1),
    "RescaleCFG": ("model_advanced.RescaleCFG", 0.7),
    "CFG Override": ("custom_sampler.CFGOverride", 2.0, 0.0, 0.6),
    "Mahiro": ("mahiro.Mahiro",),
    "RenormCFG": ("lumina2.RenormCFG", 100.0, 0.8),
    "Temporal Score Rescaling": ("eps.TemporalScoreRescaling", 0.9, 1.0),
    "Latent Operation CFG: Sharpen": ("latent.LatentOperationSharpen", 3, 1.0, 0.1),
    "Latent Operation CFG: Reinhard": ("latent.LatentOperationTonemapReinhard", 1.0),
    "Skip Layer Guidance DiT": ("slg.SkipLayerGuidanceDiT", 3.0, 0.0, 1.0, "1", "1", 0.0),
    "Skip Layer Guidance DiT Simple": ("slg.SkipLayerGuidanceDiTSimple", 0.0, 1.0, "1", "1"),
    "Skip Layer Guidance SD3": ("sd3.SkipLayerGuidanceSD3", "1", 3.0, 0.0, 1.0),
    "Skip Layer Guidance DiT with `rescaling_scale`": ("slg.SkipLayerGuidanceDiT", 3.0, 0.0, 1.0, "1", "1", 0.5),
    "Perturbed Attention Guidance": ("pag.PerturbedAttentionGuidance", 3.0),
    "Self-Attention Guidance": ("sag.SelfAttentionGuidance", 0.5, 2.0),
    "NAGuidance": ("nag.NAGuidance", 5.0, 0.5, 1.5),
    "FreeU": ("freelunch.FreeU", *FREEU),
    "FreeU V2": ("freelunch.FreeU_V2", *FREEU),
    "HyperTile": ("hypertile.HyperTile", 8, 1, 1, False),
    "ToMe": ("tomesd.TomePatchModel", 0.3),
    "EasyCache": ("easycache.EasyCacheNode", *EASY),
    "LazyCache": ("easycache.LazyCacheNode", *EASY),
    "Perp-Neg": ("perpneg.PerpNeg", [[torch.zeros(1, 77, 768), {}]], 1.0),
    "Video Linear CFG": ("video_model.VideoLinearCFGGuidance", 1.0),
    "Video Triangle CFG": ("video_model.VideoTriangleCFGGuidance", 1.0),
    "Context Windows of the batch": ("context_windows.ContextWindowsManualNode", 1, 0, *WINDOWS),
    "ModelSamplingSD3": ("model_advanced.ModelSamplingSD3", 2.0),
    "ModelSamplingAuraFlow": ("model_advanced.ModelSamplingAuraFlow", 2.5),
    "ModelSamplingFlux": ("model_advanced.ModelSamplingFlux", 1.3, 0.5, 512, 512),
    "ModelSamplingDiscrete": ("model_advanced.ModelSamplingDiscrete", "x0", False),
    "ModelSamplingContinuousEDM": ("model_advanced.ModelSamplingContinuousEDM", "eps", 80.0, 0.01),
    "Model Compute Dtype": ("model_advanced.ModelComputeDtype", "bf16"),
    "ScaleROPE": ("rope.ScaleROPE", 2.0, 1.0, 2.0, 1.0, 1.0, 0.0),
    "Kohya Deep Shrink": ("model_downscale.PatchModelAddDownscale", 1, 2.0, 0.0, 0.9, True, "bicubic", "area"),
    "UNet Self-Attention Multiply": ("attention_multiply.UNetSelfAttentionMultiply", *MULTIPLY),
    "UNet Cross-Attention Multiply": ("attention_multiply.UNetCrossAttentionMultiply", *MULTIPLY),
}
"""The page's nodes: module and class in the host's comfy_extras, and what their widgets say."""


class Cell(NamedTuple):
    """What the page says that a node does beside an edit on a model."""

    companion: str
    column: str
    said: str


def cells() -> list[Cell]:
    """The page's table."""
    page = (Path(__file__).parents[2] / "docs" / "companions.md").read_text("utf-8")
    lines = page.partition("| node | Stable")[2].partition("\n\n")[0].splitlines()[2:]
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert [row[0] for row in table] == [*NODES]
    return [Cell(row[0], column, said) for row in table for column, said in zip(COLUMNS, row[1:], strict=True)]


def class_of(companion: str):
    """A node's class; None in a host that does not have it yet."""
    module, _, name = NODES[companion][0].rpartition(".")
    return getattr(importlib.import_module(f"comfy_extras.nodes_{module}"), name, None)


def with_node(companion: str, model):
    """What a node makes of a model; an operation is applied to the guidance."""
    node, (_, *values) = class_of(companion), NODES[companion]
    if companion.startswith("Latent Operation"):
        return made_by(LatentApplyOperationCFG, model, made_by(node, *values))
    return made_by(node, model, *values)


def made_by(node, *values):
    return (getattr(node, "execute", None) or getattr(node(), node.FUNCTION))(*values)[0]


class Runs:
    """The runs of a small model that a cell is told by, three steps at guidance 4."""

    def __init__(self, family: Family) -> None:
        self.family, self.model = family, family.model
        self.negative = prompt(family.clip, "blurry")
        self.plain = self.unedited(self.model)
        self.edit = self.edited(self.model)

    def edited(self, model, text=TARGET, behind=lambda model: model, self_end=0.4):
        """Refine, a reweight and self-attention; with the source's text as the target no edit."""
        positive, plan = encode(self.family.clip, SOURCE, text)
        if text != SOURCE:
            plan = reweight(refine(plan, end=0.8), "hippopotamus", 2.0)
        controlled = control(model, plan, self.family.latent, self_end=self_end, resolution="1/2")
        return sample(behind(controlled.model), positive, self.negative, controlled.latent, steps=STEPS)

    def unedited(self, model, count=2):
        """The host's run of the same rows; of one, the source's alone. On Z-Image the Controller's without an edit,
        which gives a shorter prompt the model's own padding.
        """
        if self.family.name == "zimage" and count > 1:
            return self.off(model)
        positive = encode(self.family.clip, SOURCE, TARGET).positive if count > 1 else prompt(self.family.clip, SOURCE)
        return sample(model, positive, self.negative, rows(self.family.latent, count), steps=STEPS)

    def off(self, model):
        """The Controller's run of an edit without edits."""
        positive, plan = encode(self.family.clip, SOURCE, TARGET)
        controlled = control(model, plan, self.family.latent, self_end=0.0)
        return sample(controlled.model, positive, self.negative, controlled.latent, steps=STEPS)


def holds(runs: Runs, companion: str) -> None:
    """The source is that of the host's run with the node, which acts, and so does the edit, with the node before the
    Controller or behind it; equal prompts give equal pictures.
    """
    model = with_node(companion, runs.model)
    expected, made = runs.unedited(model), runs.edited(model)
    assert torch.isfinite(made).all()
    assert not close(expected, runs.plain)
    assert torch.equal(made[0], expected[0])
    assert (made[1] - expected[1]).norm() > 1e-4 * expected[1].norm()
    assert torch.equal(made, runs.edited(runs.model, behind=lambda patched: with_node(companion, patched)))
    same = runs.edited(model, SOURCE)
    assert torch.equal(same[0], same[1])


def holds_row_by_row(runs: Runs, companion: str) -> None:
    """The host's own run of two rows fails or guides them together; each is guided as in a run of its own."""
    model = with_node(companion, runs.model)
    made, off = runs.edited(model), runs.off(model)
    assert torch.isfinite(made).all()
    if runs.family.name not in ("lumina2", "chroma"):  # which see a shorter prompt's fill
        alone = runs.unedited(model, count=1)
        assert (made[0] - alone[0]).norm() <= 1e-4 * alone.norm()
    assert torch.equal(made[0], off[0])
    assert (made[1] - off[1]).norm() > 1e-4 * off[1].norm()
    assert not torch.equal(made, runs.edit)
    assert torch.equal(made, runs.edited(runs.model, behind=lambda patched: with_node(companion, patched)))


def holds_without_self_attention(runs: Runs, companion: str) -> None:
    """As `holds` to rounding, for an edit that does not inject self-attention; one that does is refused, or has layers
    that the node leaves alone.
    """
    model = with_node(companion, runs.model)
    torch.manual_seed(0)  # ToMe draws
    made = runs.edited(model, self_end=0.0)
    torch.manual_seed(0)
    expected = runs.unedited(model)
    assert torch.isfinite(made).all()
    assert not torch.equal(expected, runs.plain)
    assert (made[0] - expected[0]).norm() <= 1e-5 * expected[0].norm()
    assert (made[1] - expected[1]).norm() > 1e-4 * expected[1].norm()


def has_no_effect(runs: Runs, companion: str) -> None:
    """The node changes nothing, with the pack or without, but rounding where it makes a further pass in vain."""
    model = with_node(companion, runs.model)
    assert close(runs.unedited(model), runs.plain)
    assert close(runs.edited(model), runs.edit)
    assert close(runs.edited(runs.model, behind=lambda patched: with_node(companion, patched)), runs.edit)


def is_refused(runs: Runs, companion: str) -> None:
    """With a message of the Controller that names the node."""
    first, *_ = companion.split()
    named = {"Video": "Video Linear or Triangle CFG", "Context": "context windows", "Skip": "Skip Layer Guidance"}.get(
        first, first
    )
    for before in (True, False):
        with pytest.raises(ValueError, match=f"P2P Attention Controller: .*{named}"):
            if before:
                runs.edited(with_node(companion, runs.model))
            else:
                runs.edited(runs.model, behind=lambda patched: with_node(companion, patched))


def fails_by_itself(runs: Runs, companion: str) -> None:
    """The host's own run of one picture with this node ends in an error, and so does the edit, not by a message. Some
    older hosts' models do not call the node, which then changes nothing.
    """
    try:
        runs.unedited(with_node(companion, runs.model), count=1)
    except Exception as alone:
        with pytest.raises(type(alone), match=r"^(?!P2P)"):
            runs.edited(with_node(companion, runs.model))
    else:
        assert comfyui_version.__version__ in OLDER
        has_no_effect(runs, companion)


CHECKS = {
    "holds": holds,
    "row by row (1)": holds_row_by_row,
    "cross only (2)": holds_without_self_attention,
    "no effect": has_no_effect,
    "refused": is_refused,
    "fails": fails_by_itself,
}
OLDER = ("0.16.3", "0.18.2", "0.24.0", "0.27.0")
EVERY = 1 if os.environ.get("P2P_ALL_COMPANIONS") else 4
CHOSEN = [cell for i, cell in enumerate(cells()) if (i // len(COLUMNS) + i % len(COLUMNS)) % EVERY == 0]
CELLS = [cell for cell in CHOSEN if class_of(cell.companion)]
IDS = [re.sub(r"[\\`]", "", f"{cell.companion}-{cell.column}") for cell in CELLS]


@pytest.fixture(scope="module")
def runs_of():
    """Runs by a column's name; those without a companion are made once."""
    made: dict[str, Runs] = {}

    def find(column):
        name = COLUMNS[column]
        if name not in made:
            made[name] = Runs(family_of(name))
        return made[name]

    return find


@pytest.mark.usefixtures("inference")
@pytest.mark.parametrize("cell", CELLS, ids=IDS)
def test_a_cell_of_the_page(cell, runs_of):
    CHECKS[cell.said](runs_of(cell.column), cell.companion)
