"""Edits that are nearly right, as people make them: each input is usual, and now and then one is odd.

A case draws all it is made of from random numbers of its own (`Tally.each` of lab/tally.py), so that it can be made
again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random
from typing import Any, NamedTuple, TypeVar

import torch

from .graph import Latent, node

Drawn = TypeVar("Drawn")

CHANCE = 0.02
NUMBERS = (-1.0, -1e-9, 0.0, 1e-300, 1.0, 1.0 + 1e-9, 1e9, math.nan, math.inf, -math.inf)
TEXTS = ("", " ", ",", "#", "\n", "🦛", "e\u0301", "\u202eabc", "\x00", "\ud800", "ﬀ", "embedding:x", "nothing of it")
PROMPTS = (
    "",
    "a",
    "(a:nan)",
    "(red:1e9)",
    "((((",
    "BREAK",
    "🦛 🦛",
    "红色的猫",
    "\ud83d",
    "cat " * 90,
    "\u200d",
    "<unk>",
)
SAMPLERS = ("euler", "euler", "heun", "dpmpp_2m", "lcm", "euler_ancestral", "dpmpp_sde", "uni_pc")
REFUSED_SAMPLERS = ("dpm_adaptive", "euler_cfg_pp", "ddpm", "dpm_fast")

ADJECTIVES = ("red", "large", "striped", "old", "wooden")
THINGS = ("cat", "dog", "hippopotamus", "house", "circle")
PLACES = ("on a mat", "in the snow", "beside a river", "under the tree, oil painting")


class Draw:
    """Draws what a case is made of; each thing is an odd one by `chance`."""

    def __init__(self, random: Random, chance: float = CHANCE) -> None:
        self.random, self.chance = random, chance

    def one(self, usual: Sequence[Drawn], odd: Sequence[Drawn] = ()) -> Drawn:
        """One of the usual things, or of the odd ones if there are any."""
        return self.random.choice(odd if odd and self.by(self.chance) else usual)

    def number(self, low: float, high: float, odd: Sequence[float] = NUMBERS) -> float:
        """A number from a range, or an odd one."""
        return self.random.choice(odd) if odd and self.by(self.chance) else self.random.uniform(low, high)

    def by(self, chance: float) -> bool:
        """True by a chance."""
        return self.random.random() < chance


class Prompts(NamedTuple):
    """A pair with something changed, and a word of the target."""

    source: str
    target: str
    word: str


def prompts(draw: Draw) -> Prompts:
    """A prompt, and the same with a word swapped, words added, left out, or nothing changed."""
    adjective, thing, place = (draw.one(words) for words in (ADJECTIVES, THINGS, PLACES))
    source = f"a {adjective} {thing} {place}"
    other = draw.one([word for word in THINGS if word != thing])
    more = draw.one([word for word in ADJECTIVES if word != adjective])
    changed = draw.one(["swapped", "swapped", "added", "left out", "both"])
    target = {
        "swapped": f"a {adjective} {other} {place}",
        "added": f"a {more} {adjective} {thing} {place}",
        "left out": f"a {thing} {place}",
        "both": f"a {more} {adjective} {other} {place}, sharp",
    }[changed]
    words = {"swapped": other, "added": more, "left out": thing, "both": more}
    return Prompts(draw.one([source], PROMPTS), draw.one([target], [source, *PROMPTS]), words[changed])


def injected(draw: Draw, edit: Any, asked: Prompts) -> Any:
    """With a word swap or a refine."""
    inputs = {
        "start_percent": draw.number(0, 0),
        "end_percent": draw.number(0.2, 1),
        "word_windows": draw.one(["", "", "a: 0.0 - 0.6"], [f"{asked.word}: 0.0 - 0.6", "a: 2 - 1", "x", ":", "a"]),
        "end_percent_sweep": draw.one([""] * 8 + ["0.3, 0.9"], ["nan", "0.5,,1", "2", "a"]),
    }
    return node(draw.one(["P2P_WordSwap", "P2P_Refine"]), edit=edit, **inputs)[0]


def reweighted(draw: Draw, edit: Any, asked: Prompts, joint: bool) -> Any:
    """With a reweight, of scores too where the model can."""
    inputs = {
        "words": draw.one([asked.word, asked.word, f"{asked.word}, a"], TEXTS),
        "strength": draw.number(-3, 4),
        "start_percent": draw.number(0, 0),
        "end_percent": draw.number(0.3, 1),
        "strength_sweep": draw.one([""] * 8 + ["0, 2"], ["nan", "1,,2", "a"]),
        "renormalise": draw.one([False] if joint else [False, True], [True]),
        "scale": draw.one(["map", "scores"] if joint else ["map"], ["scores", "", "both"]),
    }
    return node("P2P_Reweight", edit=edit, **inputs)[0]


def blended(draw: Draw, edit: Any, asked: Prompts, resolution: str, size: tuple[int, int]) -> Any:
    """With a local blend by words, by the difference, by a mask or by two of them."""
    inputs = {
        "threshold": draw.number(0, 0.9),
        "start_percent": draw.number(0, 0),
        "softness": draw.one([0.0, 0.0, 1.0, 2.5], NUMBERS),
        "map_resolution": draw.one([resolution, "auto"], ["1/8", "1", "x"]),
        **mask_inputs(draw, asked, size, draw.one(["words", "words", "difference", "mask"])),
    }
    return node("P2P_LocalBlend", edit=edit, **inputs)[0]


def mask_inputs(draw: Draw, asked: Prompts, size: tuple[int, int], by: str) -> dict[str, Any]:
    """What a local blend's mask is made of: of words, of the difference or of a mask, or with a mask besides."""
    inputs: dict[str, Any] = {"mask_from": draw.one(["difference" if by == "difference" else "words"], ["", "masks"])}
    use = draw.one(["mask and words", "mask or words"] if by != "mask" else ["mask only"], ["", "mask only"])
    if by == "mask" or draw.by(0.3):
        inputs |= {"mask": mask(draw, size), "mask_use": use}
    if by == "words":
        inputs |= {"words": draw.one(["", asked.word, f"{asked.word}, a"], TEXTS)}
        inputs |= {"exclude_words": draw.one([""] * 4 + ["a"], TEXTS)}
    elif draw.by(draw.chance):
        inputs |= {"words": asked.word}
    return inputs


def mask(draw: Draw, size: tuple[int, int]) -> torch.Tensor:
    """A mask of a picture, half of it white."""
    shape = draw.one(
        [(1, *size), (1, 32, 32), (1, 5, 3), size], [(0, 8, 8), (2, 8, 8), (1, 0, 4), (3,), (1, 1, 8, 8, 8)]
    )
    made = torch.zeros(shape)
    made[..., : max(1, made.shape[-1] // 2)] = draw.one([1.0], [0.5, -1.0, 7.0, math.nan, math.inf])
    return made


def watched(draw: Draw, edit: Any, asked: Prompts, resolution: str) -> Any:
    """With words to watch."""
    words = draw.one(["", asked.word], TEXTS)
    return node("P2P_WatchWords", edit=edit, words=words, map_resolution=draw.one([resolution], ["x"]))[0]


def chain(
    draw: Draw, edit: Any, asked: Prompts, joint: bool = False, resolution: str = "1/4", size: tuple[int, int] = (8, 8)
) -> Any:
    """A chain of edits as people make it."""
    if draw.by(0.9):
        edit = injected(draw, edit, asked)
    if draw.by(0.4):
        edit = reweighted(draw, edit, asked, joint)
    if draw.by(0.3):
        edit = blended(draw, edit, asked, resolution, size)
    return watched(draw, edit, asked, resolution) if draw.by(0.2) else edit


def windows(draw: Draw) -> tuple[float, float]:
    """Where the self-attention's window begins and ends."""
    return draw.number(0, 0), draw.number(0, 1)


def latent(draw: Draw, shape: tuple[int, ...]) -> Latent:
    """An empty latent or pictures', of a model's channels, mostly of one picture."""
    channels, *frames, height, width = shape
    sizes = [(height, width), (height, width), (width, height - 2), (height, width + 2)]
    many = draw.one([1, 1, 1, 1, 2], [0, 3])
    size = draw.one(sizes, [(1, 1), (3, 1), (height + 1, width + 1), (0, 4)])
    samples = torch.zeros(many, draw.one([channels], [channels + 1, 1, 3]), *frames, *size)
    if draw.by(0.2):
        generator = torch.Generator().manual_seed(draw.random.randrange(3))
        samples = torch.randn(samples.shape, generator=generator)
    if draw.by(draw.chance) and samples.numel():
        samples.view(-1)[0] = draw.one([math.nan, math.inf, 1e9])
    return {"samples": samples}


def sampling(draw: Draw, schedulers: Sequence[str] = ("normal", "simple", "karras")) -> dict[str, Any]:
    """How a KSampler is set."""
    return {
        "steps": draw.one([1, 2, 2, 3]),
        "cfg": draw.one([1.0, 4.0, 4.0, 7.5]),
        "sampler": draw.one(SAMPLERS, REFUSED_SAMPLERS),
        "scheduler": draw.one(schedulers),
        "seed": draw.random.randrange(4),
        "denoise": draw.one([1.0] * 5 + [0.7]),
    }
