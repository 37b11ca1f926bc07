"""A template set to the demo UNet with a test's own words, and its pictures looked at by the world's judge."""

import numpy as np

from lab.world.judge import Verdict, judge
from lab.world.render import SIDE, silhouette
from lab.world.scenes import Thing
from lab.world.templates import alone


def of_the_picture_book(workflow: dict, source: str, target: str, seed: int | None = None) -> dict:
    """An API file with the demo UNet, its size and these prompts, wherever the file has them."""
    values = {
        "P2P_LoadDemoModel": {"model": "UNet"},
        "EmptyLatentImage": {"width": SIDE, "height": SIDE},
        "P2P_EncodePromptPair": {"source_prompt": source, "target_prompt": target},
        "PrimitiveStringMultiline": {"value": target},
        "KSampler": {} if seed is None else {"seed": seed},
    }
    for node in workflow.values():
        own = values.get(node["class_type"], {})
        node["inputs"] |= {name: value for name, value in own.items() if not isinstance(node["inputs"][name], list)}
    return workflow


def pixels(picture) -> np.ndarray:
    """The model's own pixels, [SIDE, SIDE, 3] in 0 … 1, also out of an enlarged picture."""
    return np.asarray(picture.resize((SIDE, SIDE), 0)).astype(np.float32) / 255


def look(picture) -> Verdict:
    """What the judge sees; a prompt of one thing is meant."""
    return judge(pixels(picture), most=1)


def overlap(one: Verdict, other: Verdict) -> float:
    """How much the silhouettes of their first things cover each other: their IoU."""
    here, there = (silhouette(alone(_seen(v), v.things[0].radius, "drawing")) > 0.5 for v in (one, other))
    return float((here & there).sum() / (here | there).sum())


def _seen(verdict: Verdict) -> Thing:
    return Thing(verdict.things[0].kind, "red", spot=verdict.things[0].spot)
