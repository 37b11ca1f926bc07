"""Which demo model a bench measures, and how it is sampled."""

from __future__ import annotations

import argparse
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .sampler import Sampler

MODELS = {"unet": "normal", "transformer": "simple"}
MAPS, SELF = Fraction(1, 2), Fraction(1, 4)


def add_model_option(parser: argparse.ArgumentParser) -> None:
    """The options that the others here read."""
    parser.add_argument("--model", choices=MODELS, default="unet")
    parser.add_argument("--weights", type=Path, help="another folder of weights than the pack's own")


def demo_sampler(options: argparse.Namespace, steps: int, cfg: float) -> Sampler:
    """The model with its family's schedule; self-attention at the node's default, maps where "auto" has them."""
    from p2p_attention.host.demo.model import HERE, Demo, load
    from p2p_attention.host.demo.shapes import SIDE
    from p2p_attention.source.cache import GIB

    from .sampler import Sampler

    loaded = load(Demo[options.model.upper()], options.weights or HERE)
    scheduler = MODELS[options.model]
    return Sampler(*loaded, (SIDE, SIDE), MAPS, SELF, steps, cfg, scheduler=scheduler, source_cache=2 * GIB)


def weights_of(options: argparse.Namespace) -> Path:
    """The model's weights, which tell results of one training from another's."""
    from p2p_attention.host.demo.model import HERE

    folder: Path = options.weights or HERE
    return folder / f"{options.model}.safetensors"
