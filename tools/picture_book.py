"""The shared workflows with several edits on one sheet, on either of the demo models."""

from __future__ import annotations

from graph import EDIT, MODEL, Sampling, Workflow

OWN_FAMILY = (
    "**Your own model:** replace *P2P Load Demo Model* with the loaders of your family (Flux, Chroma, Qwen-Image, "
    "Z-Image, SD 3.5 …), and take its size, steps, `cfg`, sampler and scheduler."
)


def picture_book() -> Workflow:
    """Three edits on the demo UNet of 128×128."""
    prompts = (
        "a big red car on the beach",
        "a big red boat on the beach",
        "a big blue car on the beach",
        "a big red car in the snow",
    )
    return _sheet(
        "picture_book",
        "UNet",
        "normal",
        prompts,
        4,
        "## A picture book\nA thing, a colour and a place are swapped, one target a line: each stays where it was. The "
        "sheet shows the source and its edits, and behind them the same prompts and seed without Prompt-to-Prompt. "
        "The words that this demo model knows are on the help page of *P2P Load Demo Model*.",
    )


def transformer() -> Workflow:
    """The same on the demo transformer."""
    prompts = (
        "a big pink boat in the snow",
        "a big blue boat in the snow",
        "a big pink boat on the beach",
        "a big pink boat at night",
    )
    return _sheet(
        "transformer",
        "transformer",
        "simple",
        prompts,
        2,
        "## A transformer\nThe same nodes on a transformer with joint attention, of Flux's and Chroma's kind: a "
        "colour and the place are swapped, one target a line; for another thing lower the windows, for here they hold "
        "its outline too. The sheet shows the source and its edits, and behind "
        "them the same prompts and seed without Prompt-to-Prompt.",
        OWN_FAMILY,
    )


def _sheet(name: str, demo: str, scheduler: str, prompts: tuple[str, ...], seed: int, note: str, *own: str) -> Workflow:
    """Three edits on one of the demo models, with and without Prompt-to-Prompt, on one sheet."""
    flow = Workflow(name, note, *own)
    flow.sampling = Sampling(scheduler=scheduler)
    flow.load_demo(demo, "Model (or your own)")
    flow.encode(prompts[0], prompts[1], "\n".join(prompts[2:]), also_without_edit=True)
    flow.stage(MODEL)
    flow.empty("Size")
    flow.note(flow.own)
    flow.stage(EDIT)
    flow.swap()
    flow.run(seed=seed)
    flow.sheet("P2P_ContactSheet", "P2P Contact Sheet", "With and without the edit")
    return flow


PICTURE_BOOK = [picture_book, transformer]
