"""How well real pictures are edited: `make bench-inversion`.

Pictures drawn by the renderer are inverted and edited with the demo model, so that the right answer is known. For each
method and guidance: PSNR of the source's reconstruction, of what the right edit leaves alone, and to the right edit;
the judge's share of successful edits; model calls; and time as a ratio to plain generation of the same batch.
Finished kinds of edit are kept in the JSON file, so that an interrupted bench goes on where it stopped.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .document import head_of
from .kept import Kept
from .quality_metrics import psnr
from .quality_report import save_sheet

if TYPE_CHECKING:
    from .edits import KnownEdit

FOLDER = Path(__file__).parent
GUIDANCE = (1.0, 4.0, 7.5)
STEPS = 20
TIMED = 4  # one edit in so many is timed beside the plain run


@dataclass(frozen=True)
class Way:
    """A row of the table: its name, the inversion's method if it has one, and a local blend's threshold if it has one.

    The blend is by the words that changed, or by the `named` thing: what the edit is about, as a user would say it.
    """

    name: str
    method: str | None
    blend: float | None = None
    named: bool = False
    iterations: int = 0


WAYS = (
    Way("same seed, no inversion", None),
    Way("DDIM", "ddim"),
    Way("negative prompt", "negative_prompt"),
    Way("negative prompt, 2 fixed-point iterations", "negative_prompt", iterations=2),
    Way("direct", "direct"),
    Way("direct, local blend", "direct", blend=0.3),
    Way("direct, local blend by the thing's name", "direct", blend=0.8, named=True),
)


@dataclass(frozen=True)
class Inverted:
    """What an inversion gave (the methods differ only in its use), and what it cost."""

    inversion: Any
    source: list
    seconds: float
    calls: int


class Bench:
    """The demo model, and one edit in one way at a time. The inversions of an edit are made once for all guidances."""

    def __init__(self) -> None:
        from demo.model import load

        self.model, self.clip, _ = load()
        self.calls = 0
        self.model = self.model.clone()
        self.model.set_model_unet_function_wrapper(self._count)
        self._edit: Any = None
        self._inverted: dict[int, Inverted] = {}

    def _count(self, apply: Any, arguments: dict) -> Any:
        self.calls += 1
        return apply(arguments["input"], arguments["timestep"], **arguments["c"])

    def run(self, edit: Any, way: Way, cfg: float) -> tuple[np.ndarray, np.ndarray, float, int]:
        """Sources and targets [layouts, S, S, 3] in 0 … 1, seconds, and model calls."""
        import nodes
        import torch

        from p2p_attention.control import Control, SelfAttention
        from p2p_attention.edits import Injection, Kind
        from p2p_attention.host.model import control_model, expand_latent
        from p2p_attention.host.prompts import encode_pair
        from p2p_attention.inversion import Method
        from p2p_attention.record import Record
        from p2p_attention.window import Window

        from .edits import SIDE
        from .quality_runs import local_blend

        source, target = edit.prompts
        positive, plan = encode_pair(self.clip, source, (target,))
        kind = Kind.REFINE if edit.kind in ("pattern", "object added") else Kind.SWAP
        made = plan.targets[0].with_injection(Injection(kind, Window(0.0, 0.8)))
        if way.blend:
            made = made.with_blend(local_blend(plan, way.blend, edit.about if way.named else "", Fraction(1, 2)))
        pixels = torch.from_numpy(edit.pictures(edit.before)).float().movedim(-1, 1) * 2 - 1
        latent = {"samples": pixels if way.method else torch.zeros(len(pixels), 3, SIDE, SIDE)}
        negative = nodes.CLIPTextEncode().encode(self.clip, "")[0]
        inversion, before, calls = None, 0.0, 0
        if way.method:
            method, made_once = Method(way.method), self._invert(edit, positive, latent, way.iterations)
            inversion, before, calls = replace(made_once.inversion, method=method), made_once.seconds, made_once.calls
            negative = made_once.source if method is Method.NEGATIVE_PROMPT else negative
        self.calls, begun = 0, time.perf_counter()
        record = Record()
        control = Control(plan.with_targets([made]), SelfAttention(Window(0.0, 0.4)), inversion)
        patched, batch = control_model(self.model, control, record), expand_latent(latent, plan.rows, record)
        sampled = nodes.common_ksampler(patched, 0, STEPS, cfg, "euler", "normal", positive, negative, batch)[0][
            "samples"
        ]
        seconds = before + time.perf_counter() - begun
        pictures = sampled.clamp(-1, 1).movedim(1, -1).numpy() / 2 + 0.5
        return pictures[::2], pictures[1::2], seconds, calls + self.calls

    def _invert(self, edit: Any, positive: Any, latent: dict, iterations: int) -> Inverted:
        from p2p_attention.host.inversion import invert_picture
        from p2p_attention.inversion import Method

        if self._edit is not edit:
            self._edit, self._inverted = edit, {}
        if iterations not in self._inverted:
            self.calls, begun = 0, time.perf_counter()
            found, source = invert_picture(self.model, positive, latent, STEPS, "normal", Method.DIRECT, iterations)
            self._inverted[iterations] = Inverted(found, source, time.perf_counter() - begun, self.calls)
        return self._inverted[iterations]

    def plain(self, edit: Any, cfg: float) -> float:
        """Seconds of the host's plain run over the same batch of prompts."""
        import nodes
        import torch

        from p2p_attention.host.prompts import encode_pair

        from .edits import SIDE

        positive, _ = encode_pair(self.clip, edit.prompts[0], (edit.prompts[1],))
        negative = nodes.CLIPTextEncode().encode(self.clip, "")[0]
        latent = {"samples": torch.zeros(2 * len(edit.before), 3, SIDE, SIDE)}
        begun = time.perf_counter()
        nodes.common_ksampler(self.model, 0, STEPS, cfg, "euler", "normal", positive, negative, latent)
        return time.perf_counter() - begun


def main() -> None:
    """Measure what is not measured yet, save, and write the table and the strip of pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", type=Path, default=os.environ.get("COMFYUI_PATH"), help="a ComfyUI folder")
    parser.add_argument("--edits", type=int, default=8, help="pairs of prompts of each kind")
    parser.add_argument("--layouts", type=int, default=5, help="pictures of each pair")
    Kept.add_options(parser)
    parser.add_argument("--out", type=Path, default=FOLDER / "inversion.json")
    parser.add_argument("--document", type=Path, default=FOLDER.parent / "docs" / "inversion.md")
    options = parser.parse_args()
    from demo.train import use_host

    use_host(options.host, "cpu")
    import comfy.utils
    import torch

    comfy.utils.set_progress_bar_enabled(False)
    torch.set_grad_enabled(False)
    from demo.model import WEIGHTS

    from .edits import KINDS, known_edits

    settings = {
        "edits": options.edits,
        "layouts": options.layouts,
        "steps": STEPS,
        "guidance": list(GUIDANCE),
        "ways": [repr(way) for way in WAYS],
    }
    kept, bench = Kept.of(options, options.out, settings, WEIGHTS), Bench()
    for kind in KINDS:
        if kept.wants("kinds", kind, kind):
            kept.add("kinds", kind, measure(bench, known_edits(kind, options.edits, options.layouts)))
    made = kept.read()["kinds"]
    figures = {kind: made[kind] for kind in KINDS if kind in made}
    head = head_of(options.document, "Real pictures", [kind for kind in KINDS if kind not in made])
    options.document.write_text(f"{head}\n\n### The figures\n\n{table(figures)}")
    if kept.only:
        return
    strips = [(kind, strip(bench, known_edits(kind, 1, options.layouts)[0])) for kind in KINDS]
    save_sheet(["picture", *(way.name for way in WAYS), "right edit"], strips, options.document.with_suffix(".png"))


def measure(bench: Bench, edits: Sequence[KnownEdit]) -> dict[str, dict[str, dict[str, float]]]:
    """The mean figures of edits of one kind, by guidance and by way."""
    from demo.judge import judge

    figures: dict[str, dict[str, dict[str, list[float]]]] = {}
    for number, edit in enumerate(edits):
        right, kept, before = edit.pictures(edit.after), edit.kept(), edit.pictures(edit.before)
        for cfg in GUIDANCE:
            plain = None if number % TIMED else bench.plain(edit, cfg)
            for way in WAYS:
                sources, targets, seconds, calls = bench.run(edit, way, cfg)
                there = figures.setdefault(f"{cfg:g}", {}).setdefault(way.name, defaultdict(list))
                if plain:
                    there["time"].append(seconds / plain)
                there["calls"].append(calls)
                for i in range(len(targets)):
                    there["reconstruction"].append(psnr(sources[i], before[i]))
                    there["kept"].append(psnr(targets[i], before[i], kept[i]))
                    there["right"].append(psnr(targets[i], right[i]))
                    there["success"].append(float(edit.succeeds(judge(targets[i]))))
        print(f"{edit.kind}: {number + 1} of {len(edits)}", flush=True)
    return {
        cfg: {way: {key: float(np.mean(values)) for key, values in there.items()} for way, there in ways.items()}
        for cfg, ways in figures.items()
    }


def strip(bench: Bench, edit: KnownEdit) -> list[np.ndarray]:
    """The first layout's picture, its edit in each way at the highest guidance, and the right edit."""
    edit = replace(edit, before=edit.before[:1], after=edit.after[:1])
    made = [bench.run(edit, way, GUIDANCE[-1])[1][0] for way in WAYS]
    return [edit.pictures(edit.before)[0], *made, edit.pictures(edit.after)[0]]


def table(kinds: dict[str, Any]) -> str:
    """The tables of docs/inversion.md: means over the kinds of edit, then each kind's successes."""
    lines = ["| guidance | | source PSNR | kept PSNR | edit succeeds | PSNR to the right edit | model calls | time |"]
    lines.append("|---" * 8 + "|")
    for cfg in GUIDANCE:
        for way in WAYS:
            made = [there[f"{cfg:g}"][way.name] for there in kinds.values()]
            row = {key: float(np.mean([figures[key] for figures in made])) for key in made[0]}
            lines.append(
                f"| {cfg:g} | {way.name} | {row['reconstruction']:.1f} | {row['kept']:.1f} | "
                f"{row['success']:.0%} | {row['right']:.1f} | {row['calls']:.0f} | {row['time']:.2f} |"
            )
    lines += ["", f"Edits that succeed, guidance {GUIDANCE[-1]:g}; in brackets the kept PSNR:", ""]
    lines += ["| | " + " | ".join(kinds) + " |", "|---" * (len(kinds) + 1) + "|"]
    for way in WAYS:
        made = [there[f"{GUIDANCE[-1]:g}"][way.name] for there in kinds.values()]
        cells = [f"{figures['success']:.0%} ({figures['kept']:.1f})" for figures in made]
        lines.append(f"| {way.name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
