"""How well generated pictures are edited: `make bench-quality`.

The demo model draws source pictures; the judge and the pixels say whether each way of editing changes what the prompt
changes, and nothing else. Finished kinds of edit are kept in the JSON file, so that an interrupted bench goes on where
it stopped (`--fresh` begins anew). With `--checkpoint` and `--prompts` it is a model and edits of your own
(lab/bench/quality_checkpoint.py).
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from ..boot import PYTORCH_ATTENTION, add_host_option, boot, device_option
from .demo import add_model_option, demo_sampler, weights_of
from .edits import KINDS, known_edits
from .kept import Kept
from .quality_edits import FADERS, STRENGTHS, demo_ways_of, fades_of, fadings
from .quality_report import save_sheet, sheet_path, write_document

FOLDER = Path(__file__).parent
DOCUMENT = FOLDER.parents[1] / "docs" / "quality.md"


def main() -> None:
    """Measure what is not measured yet, save, and write the document and the sheets."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_host_option(parser)
    parser.add_argument("--pairs", type=int, help="pairs of prompts of each kind: 8; of your own: all")
    parser.add_argument("--seeds", type=int, help="pictures of each pair: 7; of your own pairs: 1")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--cfg", type=float, help="guidance: 4; with a checkpoint of your own 7.5")
    add_model_option(parser)
    Kept.add_options(parser)
    parser.add_argument("--checkpoint", type=Path, help="a checkpoint of your own, or the demo model's weights")
    parser.add_argument("--prompts", type=Path, help="your pairs of prompts as JSON, or a folder in PIE-Bench's layout")
    parser.add_argument("--size", type=int, default=512, help="side of your checkpoint's pictures in pixels")
    parser.add_argument(
        "--out", type=Path, help="JSON file: quality-MODEL.json here; quality-own.json beside your prompts"
    )
    parser.add_argument(
        "--document", type=Path, help="docs/quality.md, quality-transformer.md; quality-own.md beside your prompts"
    )
    options = parser.parse_args()
    if (options.checkpoint is None) != (options.prompts is None):
        parser.error("--checkpoint and --prompts go together: give both, or neither for the demo model's own edits.")
    boot(options.host, PYTORCH_ATTENTION, *(device_option() if options.checkpoint else ("--cpu",)))
    logging.getLogger().setLevel(logging.ERROR)  # not a remark for every edit that hardly shows: it is measured
    if options.checkpoint:
        from .quality_checkpoint import measure_own

        beside = options.prompts.resolve().parent / "quality-own.md"
        document, options.cfg = options.document or beside, options.cfg or 7.5
        if document.resolve() == DOCUMENT.resolve():
            parser.error(f"{DOCUMENT} is the demo model's; give another --document.")
        measure_own(options, document, options.out or beside.with_suffix(".json"))
    else:
        measure_demo(options)


def measure_demo(options: argparse.Namespace) -> None:
    """The table of docs/quality.md."""
    from .quality_measure import Measured, measure_edits, measure_fadings

    pairs, seeds, cfg = options.pairs or 8, options.seeds or 7, options.cfg or 4.0
    out = options.out or FOLDER / f"quality-{options.model}.json"
    document = options.document or (DOCUMENT if options.model == "unet" else DOCUMENT.with_stem("quality-transformer"))
    sampler = demo_sampler(options, options.steps, cfg)
    backbone = sampler.backbone
    ways, fades = demo_ways_of(backbone.presets), fades_of(backbone.presets, backbone.scales_scores)
    settings = {
        "pairs": pairs,
        "seeds": seeds,
        "steps": options.steps,
        "cfg": cfg,
        "ways": [repr(way) for way in (*ways, *fades)],
        "strengths": list(STRENGTHS),
    }
    kept = Kept.of(options, out, settings, weights_of(options))

    def keep(group: str, kind: str, name: str, columns: list[str], measured: Measured) -> None:
        save_sheet(columns, measured.rows, sheet_path(document, name))
        kept.add(group, kind, measured.results)

    for kind in KINDS:
        if kept.wants("edits", kind, kind):
            columns = ["source", *(way.name for way in ways if way.fits(kind))]
            keep("edits", kind, kind, columns, measure_edits(sampler, known_edits(kind, pairs), seeds, ways))
    for kind in FADERS:
        name = f"reweight of {kind}"
        if kept.wants("reweights", kind, name):
            columns = ["source", *(f"x {strength:g}" for strength in STRENGTHS)]
            keep("reweights", kind, name, columns, measure_fadings(sampler, fadings(kind, pairs), seeds, fades))
    write_document(document, kept.read(), f"Quality: {options.model}")


if __name__ == "__main__":
    main()
