"""Trains the small model of coloured shapes: `python3 tools/host.py -m lab.discs.train` from the repository's root.

Seeded and resumable: every `--save-every` seconds the whole state goes to `--state`, the averaged weights as fp16
safetensors to `--out` and the loss curve to `--losses`. A later call goes on from the state, or where that is gone
from the weights.

On a CPU the batch is cut into parts of a few pictures which as many threads as there are cores work off, in
bfloat16 with float32 weights: twice as many pictures a second as one call over the whole batch.
"""

from __future__ import annotations

import argparse
import csv
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch

from ..boot import PYTORCH_ATTENTION, add_host_option, boot, device_option
from .loss_curve import draw as draw_losses
from .muon import Muon
from .render import render
from .scenes import sample_prompt, sample_scene
from .text import contexts

FOLDER = Path(__file__).parent
PEAK_RATE = {"adam": 6e-4, "muon": 0.012}
WARMUP = 100
AVERAGE = 0.999
UNCONDITIONAL = 0.1
LEVELS = 25
DECAY_SHARE = 0.15
EASE = 0.85
EASED_UNTIL = (0.3, 0.45)
TWO = 0.35
ALONE = 0.75
APART = 2.0
PART = 16
PREFIXES = {"unet.": "model.diffusion_model.", "text.": "cond_stage_model.transformer.text_model."}
EDGES = ("unet.input_blocks.0.0.weight", "unet.out.2.weight")


def initialise(module: torch.nn.Module) -> None:
    """Torch's default initialisation (the host's layers leave weights empty), residual branches starting at zero."""
    for name, part in module.named_modules():
        for base in (torch.nn.Linear, torch.nn.Conv2d, torch.nn.GroupNorm, torch.nn.LayerNorm):
            if isinstance(part, base):
                base.reset_parameters(part)
        if name.endswith(("out_layers.3", "proj_out", "self_attn.out_proj", "mlp.fc2")) or name == "out.2":
            torch.nn.init.zeros_(part.weight)
            torch.nn.init.zeros_(part.bias)


class Trainer:
    """The UNet (the host's class), the text model (transformers' CLIP, which the host's mirrors), and their state."""

    def __init__(self, seed: int, steps: int, batch: int, device: str) -> None:
        import comfy.sd1_clip
        from transformers import CLIPTextConfig, CLIPTextModel

        from .model import TEXT_CONFIG, discs_config

        torch.manual_seed(seed)
        self.seed, self.steps, self.batch, self.device = seed, steps, batch, device
        self.pool = ThreadPoolExecutor(1 if device != "cpu" else os.cpu_count())
        base = discs_config().get_model({}, device=torch.device(device))
        self.sigmas = base.model_sampling.sigmas.to(device)
        self.unet = base.diffusion_model.requires_grad_(True).train()
        initialise(self.unet)
        text = CLIPTextConfig(vocab_size=49408, max_position_embeddings=77, hidden_act="quick_gelu", **TEXT_CONFIG)
        self.text = CLIPTextModel(text).to(device).train()
        initialise(self.text)
        self.tokenizer = comfy.sd1_clip.SDTokenizer()
        self.named = {f"unet.{k}": p for k, p in self.unet.named_parameters()}
        self.named |= {f"text.{k}": p for k, p in self.text.named_parameters()}
        self.average = {k: p.detach().clone() for k, p in self.named.items()}
        hidden = {k for k, p in self.named.items() if p.ndim > 1 and "embedding" not in k and k not in EDGES}
        rest = [p for k, p in self.named.items() if k not in hidden]
        self.optimisers: dict[str, torch.optim.Optimizer] = {
            "muon": Muon([self.named[k] for k in self.named if k in hidden], self.pool, lr=PEAK_RATE["muon"]),
            "adam": torch.optim.AdamW(rest, lr=PEAK_RATE["adam"], betas=(0.9, 0.99), weight_decay=0.0),
        }
        self.usual = torch.full((LEVELS,), 0.2, device=device)
        self.step = 0
        self.seconds = 0.0
        self.losses: list[tuple[int, float]] = []
        self._tokens: dict[str, list[int]] = {}

    def rate(self) -> float:
        """Share of the peak rate: linear warm-up, constant, linear decay over the last part."""
        return min(1.0, (self.step + 1) / WARMUP, (1 - self.step / self.steps) / DECAY_SHARE)

    def ease(self) -> float:
        """Share of easy scenes (one large plain thing): most at first, none at last, for shapes come late."""
        full, none = EASED_UNTIL
        return EASE * min(1.0, max(0.0, (none - self.step / self.steps) / (none - full)))

    def examples(self) -> tuple[torch.Tensor, torch.Tensor]:
        """A batch drawn from (seed, step). Returns pictures [B, 3, S, S] in −1 … 1 and token ids [B, 77]."""
        from .model import SIDE

        rng = np.random.default_rng((self.seed, self.step))
        pictures, ids = [], []
        for _ in range(self.batch):
            scene = sample_scene(rng, two=TWO, ease=self.ease())
            prompt = "" if rng.random() < UNCONDITIONAL else sample_prompt(rng, scene)
            pictures.append(render(scene, SIDE))
            if prompt not in self._tokens:
                self._tokens[prompt] = [t for t, _ in self.tokenizer.tokenize_with_weights(prompt)[0]]
            ids.append(self._tokens[prompt])
        stack = torch.from_numpy(np.stack(pictures)).movedim(-1, 1) * 2 - 1
        return stack.to(self.device), torch.tensor(ids, device=self.device)

    def train_step(self) -> float:
        """One step of v-prediction (Salimans & Ho 2022): v = α·ε − σ·x₀ in the variance-preserving form."""
        clean, ids = self.examples()
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + self.step)
        noise = torch.randn(clean.shape, generator=generator).to(self.device)
        uniform = torch.rand(self.batch, generator=generator)
        middle = torch.sigmoid(torch.randn(self.batch, generator=generator) * 0.8 - 0.5)
        share = torch.where(torch.rand(self.batch, generator=generator) < 0.2, uniform, middle)
        t = (share * len(self.sigmas)).long().clamp(max=len(self.sigmas) - 1).to(self.device)
        alone = (torch.rand(self.batch, generator=generator) < ALONE).to(self.device)
        parts = [x.split(self.batch if self.device != "cpu" else PART) for x in (clean, noise, t, ids, alone)]
        losses, gradients = zip(*self.pool.map(self._gradients, *parts), strict=True)
        for p, *shares in zip(self.named.values(), *gradients, strict=True):
            p.grad = None if shares[0] is None else sum(shares[1:], start=shares[0])
        self._remember(torch.cat(losses), t)
        torch.nn.utils.clip_grad_norm_(self.named.values(), 1.0)
        for name, optimiser in self.optimisers.items():
            for group in optimiser.param_groups:
                group["lr"] = PEAK_RATE[name] * self.rate()
            optimiser.step()
        keep = min(AVERAGE, (self.step + 1) / (self.step + 10))
        torch._foreach_lerp_(list(self.average.values()), [p.detach() for p in self.named.values()], 1 - keep)
        self.step += 1
        return torch.cat(losses).mean().item()

    def _gradients(
        self, clean: torch.Tensor, noise: torch.Tensor, t: torch.Tensor, ids: torch.Tensor, alone: torch.Tensor
    ) -> tuple[torch.Tensor, Sequence[torch.Tensor | None]]:
        """The losses [B] of a part of the batch, and its share of the gradient for every weight."""
        sigma = self.sigmas[t].view(-1, 1, 1, 1)
        alpha, spread = 1 / (1 + sigma**2).sqrt(), sigma / (1 + sigma**2).sqrt()
        with torch.autocast(self.device, torch.bfloat16, cache_enabled=False):
            context, mixing = contexts(self.text, ids, alone)
            predicted = self.unet(alpha * clean + spread * noise, t.float(), context=context)
        losses = (predicted.float() - (alpha * noise - spread * clean)).square().mean(dim=(1, 2, 3))
        total = (losses / self.usual[self._level(t)] + APART * mixing).sum() / self.batch
        return losses.detach(), torch.autograd.grad(total, list(self.named.values()), allow_unused=True)

    def _level(self, t: torch.Tensor) -> torch.Tensor:
        return t * LEVELS // len(self.sigmas)

    def _remember(self, losses: torch.Tensor, t: torch.Tensor) -> None:
        """Keep what loss [B] is usual at each noise level, to divide by it (the idea of EDM2, Karras et al. 2024).

        Without it the highest levels, where nobody can know the layout, drown the middle ones, which make the shapes.
        """
        for i, loss in zip(self._level(t).tolist(), losses, strict=True):
            self.usual[i].lerp_(loss, 0.02)

    def save(self, path: Path) -> None:
        """Write the whole resumable state, atomically."""
        state = {
            "step": self.step,
            "seconds": self.seconds,
            "losses": self.losses,
            "parameters": {k: p.detach() for k, p in self.named.items()},
            "average": self.average,
            "usual": self.usual,
            "optimisers": {name: optimiser.state_dict() for name, optimiser in self.optimisers.items()},
        }
        partial = path.with_suffix(".part")
        torch.save(state, partial)
        partial.replace(path)

    def resume(self, path: Path) -> None:
        """Go on from a saved state."""
        state = torch.load(path, map_location=self.device, weights_only=True)
        self.step, self.seconds, self.losses = state["step"], state["seconds"], state["losses"]
        self.usual.copy_(state["usual"])
        with torch.no_grad():
            for key, value in state["parameters"].items():
                self.named[key].copy_(value)
                self.average[key].copy_(state["average"][key])
        for name, optimiser in self.optimisers.items():
            optimiser.load_state_dict(state["optimisers"][name])

    def resume_from_weights(self, weights: Path, losses: Path) -> None:
        """Go on from exported weights, for when the whole state is gone; the momentum builds up anew.

        Layers that the weights lack stay as they begin, which is to add nothing.
        """
        from safetensors import safe_open

        with safe_open(weights, "pt") as file, torch.no_grad():
            metadata = file.metadata()
            self.step, self.seconds = int(metadata["step"]), float(metadata["seconds"])
            there = set(file.keys())
            for key, parameter in self.named.items():
                if (name := PREFIXES[key[:5]] + key[5:]) in there:
                    parameter.copy_(file.get_tensor(name))
                self.average[key].copy_(parameter)
        with losses.open(newline="") as file:
            self.losses = [(int(step), float(loss)) for step, loss in list(csv.reader(file))[1:]]

    def export(self, path: Path, losses: Path) -> None:
        """Write the averaged weights under Stable Diffusion 1's own names, in fp16, and the loss curve."""
        from safetensors.torch import save_file

        weights = {}
        for key, value in self.average.items():
            weights[PREFIXES[key[:5]] + key[5:]] = value.detach().to("cpu", torch.float16).contiguous()
        projection = torch.eye(self.text.config.hidden_size, dtype=torch.float16)
        weights["cond_stage_model.transformer.text_projection.weight"] = projection
        about = {"step": self.step, "of": self.steps, "seconds": round(self.seconds), "seed": self.seed}
        save_file(weights, path, metadata={key: str(value) for key, value in about.items()})
        with losses.open("w", newline="") as file:
            csv.writer(file).writerows([("step", "loss"), *self.losses])
        if self.losses:
            draw_losses(losses, losses.with_suffix(".png"))


def main() -> None:
    """Train until `--steps` or `--minutes`, whichever comes first."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_host_option(parser)
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--minutes", type=float, default=1e9, help="stop after so many minutes; the state is kept")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--state", type=Path, default=FOLDER / "training.pt")
    parser.add_argument("--out", type=Path, default=FOLDER / "demo.safetensors")
    parser.add_argument("--losses", type=Path, default=FOLDER / "loss.csv")
    parser.add_argument("--fresh", action="store_true", help="do not go on from the weights that are there")
    parser.add_argument("--save-every", type=float, default=300, help="seconds between saved states")
    options = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cpu":
        torch.set_num_threads(1)
    boot(options.host, PYTORCH_ATTENTION, *device_option(), gradients=True)
    trainer = Trainer(options.seed, options.steps, options.batch, device)
    if options.state.is_file():
        trainer.resume(options.state)
    elif options.out.is_file() and not options.fresh:
        trainer.resume_from_weights(options.out, options.losses)
    print(f"{'Going on' if trainer.step else 'Beginning'} at step {trainer.step} of {options.steps}.", flush=True)
    begun = saved = last = time.monotonic()
    window: list[float] = []
    while trainer.step < options.steps and time.monotonic() - begun < options.minutes * 60:
        window.append(trainer.train_step())
        now = time.monotonic()
        trainer.seconds += now - last
        last = now
        if trainer.step % 50 == 0:
            trainer.losses.append((trainer.step, float(np.mean(window))))
            print(f"step {trainer.step}  loss {trainer.losses[-1][1]:.4f}  {trainer.seconds:.0f} s", flush=True)
            window = []
        if now - saved > options.save_every:
            trainer.save(options.state)
            trainer.export(options.out, options.losses)
            saved = time.monotonic()
    trainer.save(options.state)
    trainer.export(options.out, options.losses)


if __name__ == "__main__":
    main()
