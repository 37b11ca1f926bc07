"""An edit beside every node of the host that changes the guidance: it holds, or the node is refused by its name."""

import comfy.samplers
import comfy_extras.nodes_post_processing  # before nodes_latent, which it imports in a circle
import pytest
import torch
from comfy_extras.nodes_apg import APG
from comfy_extras.nodes_cfg import CFGNorm, CFGZeroStar
from comfy_extras.nodes_eps import EpsilonScaling, TemporalScoreRescaling
from comfy_extras.nodes_fresca import FreSca
from comfy_extras.nodes_lumina2 import RenormCFG
from comfy_extras.nodes_mahiro import Mahiro
from comfy_extras.nodes_model_advanced import RescaleCFG
from comfy_extras.nodes_perpneg import Guider_PerpNeg, PerpNeg
from comfy_extras.nodes_slg import SkipLayerGuidanceDiT
from comfy_extras.nodes_tcfg import TCFG
from comfy_extras.nodes_video_model import VideoLinearCFGGuidance, VideoTriangleCFGGuidance

from .graph import SIZES, control, empty, encode, prompt, refine, rows, sample

latents = comfy_extras.nodes_latent

SOURCE, TARGET = "a cat on a mat", "a big hippopotamus on a mat"
HOLDING = {
    "APG": lambda m: APG.execute(m, eta=1.0, norm_threshold=5.0, momentum=0.0),
    "CFG-Zero*": CFGZeroStar.execute,
    "CFGNorm": lambda m: CFGNorm.execute(m, 1.0),
    "Epsilon Scaling": lambda m: EpsilonScaling.execute(m, 1.01),
    "FreSca": lambda m: FreSca.execute(m, 1.0, 1.25, 20),
    "Reinhard": lambda m: latents.LatentApplyOperationCFG.execute(
        m, latents.LatentOperationTonemapReinhard.execute(1.0)[0]
    ),
    "Sharpen": lambda m: latents.LatentApplyOperationCFG.execute(
        m, latents.LatentOperationSharpen.execute(3, 1.0, 0.1)[0]
    ),
    "RescaleCFG": lambda m: RescaleCFG().patch(m, 0.7),
    "TCFG": TCFG.execute,
}
EACH_ROW = {
    "Mahiro": Mahiro.execute,
    "RenormCFG": lambda m: RenormCFG.execute(m, 100.0, 0.9),
    "Temporal Score Rescaling": lambda m: TemporalScoreRescaling.execute(m, 0.9, 1.0),
}
"""For one picture at a time: the host's own run of two rows fails, or takes one number from both."""
REFUSED = {
    "Perp-Neg": lambda m: PerpNeg.execute(m, [[torch.zeros(1, 77, 768), {}]], 1.0),
    "Skip Layer": lambda m: SkipLayerGuidanceDiT.execute(m, 3.0, 0.0, 1.0, "7", "7", 0.5),
    "Video Linear or Triangle CFG": lambda m: VideoLinearCFGGuidance().patch(m, 1.0),
    "Video Linear or Triangle": lambda m: VideoTriangleCFGGuidance().patch(m, 1.0),
}


@pytest.fixture
def edit(sd15):
    """edit(target): refine and self-attention; returns the patched model, the positive and the latent."""
    model, clip, _ = sd15

    def build(target):
        positive, plan = encode(clip, SOURCE, target)
        if target != SOURCE:
            plan = refine(plan, end=0.8)
        latent = empty(SIZES["sd15"])
        return control(model, plan, latent, self_end=0.4, resolution="1/2"), positive

    return build


@pytest.mark.parametrize("guidance", HOLDING)
def test_guidance_of_each_row_by_itself(guidance, sd15, edit):
    """The source is the plain run's under the same guidance, the edit acts, and equal prompts stay equal."""
    (model, clip, _), change = sd15, HOLDING[guidance]
    (patched, latent), positive = edit(TARGET)
    made = sample(change(patched)[0], positive, prompt(clip, "blurry"), latent)
    expected = sample(change(model)[0], positive, prompt(clip, "blurry"), rows(empty(SIZES["sd15"]), 2))
    assert torch.isfinite(made).all()
    assert torch.equal(made[0], expected[0])
    assert (made[1] - expected[1]).norm() > 1e-4 * expected[1].norm()
    (patched, latent), positive = edit(SOURCE)
    same = sample(change(patched)[0], positive, prompt(clip, "blurry"), latent)
    assert torch.equal(same[0], same[1])


@pytest.mark.parametrize("guidance", EACH_ROW)
def test_guidance_for_one_picture_at_a_time_sees_each_row_by_itself(guidance, sd15, edit):
    """Each is what a run of one makes."""
    (model, clip, _), change = sd15, EACH_ROW[guidance]
    (patched, latent), positive = edit(TARGET)
    made = sample(change(patched)[0], positive, prompt(clip, "blurry"), latent)
    alone = sample(change(model)[0], prompt(clip, SOURCE), prompt(clip, "blurry"), empty(SIZES["sd15"]))
    assert (made[0] - alone[0]).norm() <= 1e-5 * alone.norm()
    assert (made[1] - sample(patched, positive, prompt(clip, "blurry"), latent)[1]).norm() > 1e-6 * made[1].norm()
    (patched, latent), positive = edit(SOURCE)
    same = sample(change(patched)[0], positive, prompt(clip, "blurry"), latent)
    assert torch.equal(same[0], same[1])


@pytest.mark.parametrize("guidance", REFUSED)
def test_guidance_that_couples_the_rows_is_refused(guidance, sd15, edit):
    """A number of the whole batch (Perp-Neg, Skip Layer), or another guidance for each row (video)."""
    clip = sd15.clip
    (patched, latent), positive = edit(TARGET)
    (changed,) = REFUSED[guidance](patched)[:1]
    with pytest.raises(ValueError, match=f"P2P Attention Controller: {guidance}.* guidance .* the edited picture"):
        sample(changed, positive, prompt(clip), latent)


def test_perp_neg_s_guider_is_refused(sd15, edit):
    clip = sd15.clip
    (patched, latent), positive = edit(TARGET)
    guider = Guider_PerpNeg(patched)
    guider.set_conds(positive, prompt(clip, "blurry"), prompt(clip))
    noise, sampler = torch.zeros_like(latent["samples"]), comfy.samplers.sampler_object("euler")
    with pytest.raises(ValueError, match="P2P Attention Controller: Perp-Neg guidance"):
        guider.sample(noise, noise, sampler, torch.tensor([10.0, 1.0]), disable_pbar=True)
