"""Which demo model a bench measures, and how it is sampled."""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..boot import PYTORCH_ATTENTION, add_host_option, boot
from .document import head_of
from .kept import Kept

if TYPE_CHECKING:
    from .sampler import Sampler

FOLDER = Path(__file__).parent
MODELS = {"unet": "normal", "transformer": "simple"}
MAPS, SELF = Fraction(1, 2), Fraction(1, 4)


def add_model_option(parser: argparse.ArgumentParser) -> None:
    """The options that the others here read."""
    parser.add_argument("--model", choices=MODELS, default="unet")
    parser.add_argument("--weights", type=Path, help="another folder of weights than the pack's own")


def begin(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """The command's options, with those of every bench of the demo models, and the host is booted."""
    add_host_option(parser)
    Kept.add_options(parser)
    options = parser.parse_args()
    boot(options.host, PYTORCH_ATTENTION, "--cpu")
    logging.getLogger().setLevel(logging.ERROR)  # not a remark for every edit that hardly shows: it is measured
    return options


def write_tables(document: Path, title: str, name: str, report: Callable[[Any, str], str]) -> None:
    """Write the tables of each model that was measured, from a bench's NAME-MODEL.json, below the document's head."""
    paths = {model: FOLDER / f"{name}-{model}.json" for model in MODELS}
    made = [report(json.loads(path.read_text()), model) for model, path in paths.items() if path.is_file()]
    document.write_text("\n\n".join([head_of(document, title, []), *made]))


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
