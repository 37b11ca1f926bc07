"""The shared workflows that edit a picture from elsewhere, with an inversion before or without one."""

from __future__ import annotations

from graph import MODEL, SAMPLE, SIDE, SIZE, Link, Sampling, Workflow

WORDS = "a big red boat on the beach", "a big green boat on the beach"
FEW = 8


def real_image() -> Workflow:
    """A picture that comes from elsewhere."""
    flow = Workflow(
        "real_image",
        "## Real picture\nConnect *Your picture* to *Size*, describe it in the source prompt, change words in the "
        "target prompt. As it comes, a picture is drawn first. Outside the blend's mask the result is the picture "
        "itself. The sampler needs the inversion's steps and scheduler, and denoise 1.0.",
    )
    encoded = _edit_of_a_picture(flow)
    inversion = flow.invert(encoded, model=flow.model)
    flow.finish(seed=1, latent=encoded, inversion=[inversion, 0])
    return flow


def few_steps() -> Workflow:
    """The same in a few steps, without an inversion before."""
    flow = Workflow(
        "few_steps",
        f"## A picture in {FEW} steps\nConnect *Your picture* to *Size*, describe it in the source prompt, change "
        "words in the target prompt. As it comes, a picture is drawn first. Nothing is inverted before: the source is "
        "held to the picture in any number of steps. Each seed is another edit. With `cfg` above 4 less is kept.",
    )
    encoded = _edit_of_a_picture(flow)
    inversion = flow.add("P2P_VirtualInversion", "P2P Virtual Inversion", plain_source=False, fresh_noise=False)
    flow.sampling = Sampling(steps=FEW, sampler_name="lcm")
    flow.finish(seed=2, latent=encoded, inversion=[inversion, 0])
    return flow


def _edit_of_a_picture(flow: Workflow) -> Link:
    """A swap and a blend, and the picture, drawn where a user has one of their own; returns its latent."""
    flow.begin(*WORDS)
    flow.swap()
    flow.blend("boat")
    flow.stage(MODEL)
    flow.add("LoadImage", "Your picture", image="example.png")
    picture = flow.drawn(WORDS[0], seed=11)
    fitted = flow.add("ImageScale", SIZE, image=picture, upscale_method="area", width=SIDE, height=SIDE, crop="center")
    encoded = flow.add("VAEEncode", "VAE Encode", pixels=[fitted, 0], vae=flow.vae)
    flow.stage(SAMPLE)
    return [encoded, 0]


REAL_PICTURES = [real_image, few_steps]
