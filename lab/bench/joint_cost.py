"""What an edit costs where text and image share one attention: `python3 tools/host.py -m lab.bench.joint_cost`.

Flux-, Qwen-Image- and Z-Image-like widths with one or two blocks and random weights in bfloat16, as ratios to the
host's plain KSampler on the same batch, without guidance. Plain and edited runs alternate; figures are medians with
quartiles.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

from ..boot import add_host_option, boot, device_option
from .cost import FOLDER, ROOT, Bench, Case, cases, machine, measure
from .document import head_of
from .materialised import materialise_joint
from .results import add_result_options, read_results, save_results

FAMILIES = ("Flux.1", "Qwen-Image", "Z-Image")
TOKENS = (1024, 4096)
"""Of a picture of 512×512 and of 1024×1024 pixels."""
EDITS = ("swap", "swap, windows of single words", "refine, two reweights", "swap, materialised")


class JointBench(Bench):
    """Runs of a transformer, without guidance."""

    channels, cfg = 16, 1.0

    def materialised(self) -> Any:
        """As the bench of UNets has it, in a joint attention; an image token is 2×2 latent pixels."""
        return materialise_joint(self.model, self.size[0] * self.size[1] // 4)


def built(family: str) -> tuple[Any, Any]:
    """MODEL and CLIP of a family at its own width, with few blocks."""
    import torch

    from .. import random_texts
    from ..random_transformers import JOINT, model_of

    flux = {"hidden_size": 3072, "num_heads": 24, "axes_dim": [16, 56, 56], "mlp_ratio": 4.0}
    wide: dict[str, tuple[str, dict[str, Any]]] = {
        "Flux.1": ("flux", {**flux, "depth": 1, "depth_single_blocks": 1}),
        "Qwen-Image": ("qwen", {"num_layers": 1, "attention_head_dim": 128, "num_attention_heads": 24}),
        "Z-Image": ("zimage", {"n_layers": 1, "dim": 3840, "n_heads": 30, "n_kv_heads": 30, "axes_dims": [32, 48, 48]}),
    }
    name, values = wide[family]
    if name == "qwen":
        values["axes_dims_rope"] = (16, 56, 56)
    small = JOINT[name]
    return model_of(replace(small, values={**small.values, **values}), torch.bfloat16), random_texts.TEXTS[name]()


def edits() -> list[Case]:
    """The cases that are about attention."""
    return [case for case in cases() if case.name in EDITS]


TITLES = ("model", "image tokens", "edit", "time", "quartiles", "processor time", "quartiles", "peak memory", "pairs")


def report(results: dict[str, Any]) -> str:
    """The tables of docs/joint_cost.md."""
    lines = []
    for where, made in results.items():
        lines += [f"\n### {where}\n", f"| {' | '.join(TITLES)} |", "|---" * len(TITLES) + "|"]
        for name in (name for name in wanted() if name in made):
            family, tokens, edit = name.split(": ")
            time, work, memory = made[name]["time"], made[name]["processor"], made[name]["memory"][0]
            lines.append(
                f"| {family} | {tokens} | {edit} | {time[0]:.3f} | {time[1]:.3f} … {time[2]:.3f} | {work[0]:.3f} | "
                f"{work[1]:.3f} … {work[2]:.3f} | {memory:.3f} | {made[name]['pairs']} |"
            )
    return "\n".join(lines) + "\n"


def wanted() -> list[str]:
    """The names of all figures, in the table's order."""
    return [f"{family}: {tokens}: {case.name}" for family in FAMILIES for tokens in TOKENS for case in edits()]


def main() -> None:
    """Measure what is not measured yet, save, and write the document."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_host_option(parser)
    parser.add_argument("--families", default=",".join(FAMILIES), help="with commas between")
    parser.add_argument("--tokens", default=str(TOKENS[0]), help="of the image, with commas between: 1024, 4096")
    parser.add_argument("--only", default="", help="only the edits whose name holds this")
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--steps", type=int, default=1)
    add_result_options(parser, FOLDER / "joint_cost.json", ROOT / "docs" / "joint_cost.md")
    options = parser.parse_args()
    boot(options.host, *device_option())
    results = read_results(options)
    there = results.setdefault(machine("bf16"), {})
    for family in options.families.split(","):
        made = built(family)
        for tokens in map(int, options.tokens.split(",")):
            side = 2 * round(tokens**0.5)
            for case in edits():
                name = f"{family}: {tokens}: {case.name}"
                if name in there or options.only not in case.name:
                    continue
                print(name, flush=True)
                there[name] = measure(JointBench(made, (side, side), options.steps), case, options.pairs)
                save_results(options, results)
    missing = [name for name in wanted() if name not in there]
    options.document.write_text(head_of(options.document, "Cost on transformers", missing) + "\n" + report(results))


if __name__ == "__main__":
    main()
