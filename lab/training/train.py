"""Trains one of the models: `python3 tools/host.py -m lab.training.train unet|transformer --pictures N`.

Seeded and resumable: the state is kept in the training cache every few minutes and at SIGTERM, and a call goes on
from it, or else from the weights that the pack ships. The averaged weights go to NAME.safetensors beside it.
"""

from __future__ import annotations

import argparse
import signal
import time
from dataclasses import replace

import numpy as np
import torch

from .boot import CACHE, boot
from .dataset import Data, Samples
from .keep import kept, shipped
from .muon import Optimisers
from .regions import Head
from .transformer import TransformerModel
from .unet import ALONE, UNetModel

MODELS = {"unet": UNetModel, "transformer": TransformerModel}
WARMUP, AVERAGE, EMPTY, LEVELS, DECAY = 100, 0.999, 0.1, 25, 0.15
EASE, EASED_UNTIL = 0.85, (0.2, 0.45)


class Trainer:
    """A model, its averaged weights, its optimisers and where it stands."""

    def __init__(self, name: str, pictures: int, minutes: float, batch: int, seed: int, device: torch.device) -> None:
        torch.manual_seed(seed)
        self.name, self.total, self.batch, self.seed, self.device = name, pictures, batch, seed, device
        self.model = MODELS[name](device).train()
        self.head = Head(self.model.inner).to(device)
        self.named = dict(self.model.named_parameters())
        self.average = {k: p.detach().clone() for k, p in self.named.items()}
        inner = {k for k, p in self.named.items() if p.ndim > 1 and "embed" not in k and "shared" not in k}
        inner -= set(self.model.edges)
        hidden = [p for k, p in self.named.items() if k in inner]
        rest = [p for k, p in self.named.items() if k not in inner]
        self.optimisers = Optimisers(hidden, [*rest, *self.head.parameters()], self.model.muon, self.model.adam)
        self.usual = torch.full((LEVELS,), 0.5)
        self.step, self.seen, self.seconds = 0, 0, 0.0
        self.begun, self.minutes = time.monotonic(), minutes
        self.losses: list[tuple[int, float]] = []
        self.data = Data()

    def rate(self) -> float:
        """Share of the peak rates: linear warm-up, constant, linear decay over the last part."""
        return max(0.02, min(1.0, (self.step + 1) / WARMUP, (1 - self.share()) / DECAY))

    def share(self) -> float:
        """How much of the training is done, by pictures or by the time that it has."""
        return max(self.seen / self.total, (time.monotonic() - self.begun) / 60 / self.minutes)

    def ease(self) -> float:
        """Share of easy scenes (one large plain thing): most at first, none at last, for shapes come late."""
        full, none = EASED_UNTIL
        return EASE * min(1.0, max(0.0, (none - self.share()) / (none - full)))

    def parts(self, rng: np.random.Generator) -> list[Samples]:
        """A step's scenes, in calls of the model: a transformer's prompts are of equal length in each."""
        empty = max(1, round(self.batch * EMPTY))
        if self.name == "unet":
            taken = self.data.sample(rng, self.batch, self.ease())
            return [replace(taken, prompts=[""] * empty + taken.prompts[empty:])]
        words = self.model.vocabulary
        lengths = _Lengths(words.ids)
        half = (self.batch - empty) // 2
        parts = [self.data.alike(rng, n, self.ease(), lengths) for n in (half, self.batch - empty - half)]
        return [*parts, replace(self.data.sample(rng, empty, self.ease()), prompts=[""] * empty)]

    def train_step(self) -> float:
        """One update. Returns the mean loss."""
        rng = np.random.default_rng((self.seed, self.step))
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + self.step)
        total = 0.0
        for part in self.parts(rng):
            count = len(part.prompts)
            noise = torch.randn(part.latents.shape, generator=generator)
            level = self.model.levels(count, generator)
            alone = torch.rand(count, generator=generator) < ALONE
            with torch.autocast(self.device.type, torch.bfloat16):
                losses, mixing, inner = self.model.losses(
                    part.latents.to(self.device),
                    noise.to(self.device),
                    level.to(self.device),
                    part.prompts,
                    alone.to(self.device),
                )
                beside = mixing + self.head.loss(inner, part.regions.to(self.device))
            at = (level * LEVELS).long().clamp(max=LEVELS - 1)
            weighed = (losses / self.usual[at].to(self.device) + beside).sum() / self.batch
            weighed.backward()
            seen = losses.detach().float().cpu()
            total += float(seen.sum())
            for i in at.unique().tolist():
                mine = seen[at == i]
                self.usual[i].lerp_(mine.mean(), 1 - 0.98 ** len(mine))
        self.optimisers.step(self.rate())
        keep = min(AVERAGE, (self.step + 1) / (self.step + 10))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.values()), [p.detach() for p in self.named.values()], 1 - keep)
        self.step += 1
        self.seen += self.batch
        return total / self.batch

    def save(self) -> None:
        """Write the whole state and the averaged weights, each at once."""
        state = {
            **{key: getattr(self, key) for key in ("step", "seen", "seconds", "losses", "usual", "average")},
            "parameters": {k: p.detach() for k, p in self.named.items()},
            "head": self.head.state_dict(),
            "optimisers": [o.state_dict() for o in self.optimisers.both],
        }
        partial = CACHE / f"{self.name}.part"
        torch.save(state, partial)
        partial.replace(CACHE / f"{self.name}.pt")

    def resume(self) -> None:
        """Go on from the cache's state, or from the weights that the pack ships, which have no momentum."""
        state = kept(self.name) or shipped(self.name, self.model)
        if state is None:
            return
        self.step, self.seen, self.seconds = int(state["step"]), int(state["seen"]), float(state["seconds"])
        self.losses = [(int(seen), float(loss)) for seen, loss in state.get("losses", ())]
        self.usual.copy_(state.get("usual", self.usual))
        with torch.no_grad():
            for key, value in state["average"].items():
                self.average[key].copy_(value)
                self.named[key].copy_(state.get("parameters", state["average"])[key])
        if "head" in state:
            self.head.load_state_dict(state["head"])
        for optimiser, momentum in zip(self.optimisers.both, state.get("optimisers", ()), strict=False):
            optimiser.load_state_dict(momentum)


class _Lengths(dict[str, int]):
    """How many tokens a prompt has, found when asked for."""

    def __init__(self, ids: object) -> None:
        self._ids = ids

    def __missing__(self, text: str) -> int:
        self[text] = length = len(self._ids(text))
        return length


def main() -> None:
    """Train until so many pictures were seen in all, or so many minutes have gone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=MODELS)
    parser.add_argument("--pictures", type=int, default=600_000)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--minutes", type=float, default=1e9, help="the rate decays towards this end too")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save-every", type=float, default=180, help="seconds")
    options = parser.parse_args()
    device = boot()
    trainer = Trainer(options.name, options.pictures, options.minutes, options.batch, options.seed, device)
    trainer.resume()
    count = sum(p.numel() for p in trainer.named.values())
    about = f"{count / 1e6:.2f} M parameters, {trainer.seen} pictures seen, {len(trainer.data)} in the data"
    print(f"{options.name}: {about}", flush=True)
    stop: list[int] = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
    begun = saved = last = time.monotonic()
    window: list[float] = []
    while trainer.seen < trainer.total and not stop and time.monotonic() - begun < options.minutes * 60:
        window.append(trainer.train_step())
        now = time.monotonic()
        trainer.seconds, last = trainer.seconds + min(now - last, 60.0), now
        if trainer.step % 25 == 0:
            trainer.losses.append((trainer.seen, float(np.mean(window))))
            print(f"seen {trainer.seen}  loss {trainer.losses[-1][1]:.4f}  {trainer.seconds:.0f} s  "
                  f"cpu {time.process_time():.0f} s", flush=True)  # fmt: skip
            window = []
        if now - saved > options.save_every:
            trainer.save()
            trainer.data.refresh()
            saved = time.monotonic()
    trainer.save()


if __name__ == "__main__":
    main()
