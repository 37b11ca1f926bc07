"""The shared workflows that begin with the user's own checkpoint: with Load Checkpoint, and the model's own size."""

from __future__ import annotations

from dataclasses import dataclass

from graph import EDIT, MODEL, Sampling, Workflow


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint as it is called by its makers, and the side of the pictures that it was trained for."""

    file: str
    side: int


SD15 = Checkpoint("v1-5-pruned-emaonly-fp16.safetensors", 512)
SDXL = Checkpoint("sd_xl_base_1.0.safetensors", 1024)
SOURCE, TARGET = "a photo of a cat sitting on a wooden bench", "a photo of a dog sitting on a wooden bench"
CHECK_SOURCE = "a photo of a cat sitting on a red bench in a park"
CHECKS = (
    "a photo of a dog sitting on a red bench in a park",
    "a photo of a cat sitting on a blue bench in a park",
    "a photo of a cat sitting on a red bench in a desert",
    "a photo of a striped cat sitting on a red bench in a park",
)
CHECKED_WORDS = "cat, dog, red, blue, park, desert, striped"


def _swap(name: str, checkpoint: Checkpoint, note: str) -> Workflow:
    """One word changed, with the plain picture beside it, from Load Checkpoint to the saved sheet."""
    flow = _begin(name, note, checkpoint, SOURCE, (TARGET,))
    flow.swap()
    return _finish(flow, "P2P_Compare", "P2P Compare", "Source, edit, difference", difference_gain=1.0)


def checkpoint_sd15() -> Workflow:
    """A word swap with Stable Diffusion 1.5."""
    note = (
        "## Your SD 1.5 checkpoint\nChoose it in *Load Checkpoint*, change words of the target prompt, press **Run**. "
        "The last picture is the target prompt without Prompt-to-Prompt; `also_without_edit` switches it off."
    )
    return _swap("checkpoint_sd15", SD15, note)


def checkpoint_sdxl() -> Workflow:
    """A word swap with SDXL."""
    note = (
        "## Your SDXL checkpoint\nChoose it in *Load Checkpoint*, change words of the target prompt and press **Run**. "
        "The last picture is the target prompt without Prompt-to-Prompt; `also_without_edit` switches it off. Three "
        "pictures of 1024×1024 are made at once: where memory is short, make them smaller."
    )
    return _swap("checkpoint_sdxl", SDXL, note)


def check_checkpoint() -> Workflow:
    """Four fixed prompt pairs, with and without the edit, on one sheet."""
    note = (
        "## Check my checkpoint\nOne source and four edits: a thing, a colour, a place, an added word. Choose your "
        "checkpoint and press **Run**. The sheet shows the source and the four edits, and behind them the same four "
        "prompts without Prompt-to-Prompt. Where the edits keep the source's layout and the plain pictures do not, "
        "your checkpoint works with the pack.\n\nThe figures say the same: *kept* is how near to the source all is "
        "that the edit is not about, in dB (more is nearer, from about 30 one hardly sees a difference): it should be "
        "higher with the edit than without. *distance* is of the whole picture: 0 is the source itself, so an edit "
        "with a distance near 0 did nothing.\n\nNine pictures are made at once: for SDXL set 1024×1024, or smaller "
        "where memory is short."
    )
    flow = _begin("check_checkpoint", note, SD15, CHECK_SOURCE, CHECKS)
    flow.swap()
    flow.then("P2P_WatchWords", "P2P Watch Words", words=CHECKED_WORDS, map_resolution="auto")
    return _finish(flow, "P2P_ContactSheet", "P2P Contact Sheet", "With and without the edit", samples=True)


def _begin(name: str, note: str, checkpoint: Checkpoint, source: str, targets: tuple[str, ...]) -> Workflow:
    flow = Workflow(name, note)
    flow.sampling = Sampling(cfg=7.0)
    flow.all_in_one(flow.add("CheckpointLoaderSimple", "Load Checkpoint", ckpt_name=checkpoint.file))
    flow.encode(source, targets[0], "\n".join(targets[1:]), also_without_edit=True)
    flow.stage(MODEL)
    side = checkpoint.side
    flow.latent = [flow.add("EmptyLatentImage", "Size", width=side, height=side, batch_size=1), 0]
    flow.stage(EDIT)
    return flow


def _finish(flow: Workflow, kind: str, name: str, title: str, samples: bool = False, **inputs: float) -> Workflow:
    flow.run(seed=1)
    flow.sheet(kind, name, title, **({"samples": [flow.sampler, 0]} if samples else {}), **inputs)
    return flow


CHECKPOINTS = [checkpoint_sd15, checkpoint_sdxl, check_checkpoint]
