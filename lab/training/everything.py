"""Trains everything in order, each part going on from where it was:

    python3 tools/host.py -m lab.training.everything [--scale 1.0] [--out FOLDER]

The VAE, the latents (on all cores), then both models at once. On a CPU each model has one thread; on a CUDA device
batches are larger. `--scale 0.01` is a trial of the whole chain. `--out` gets the finished files.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

import torch

from .dataset import SHARD
from .keep import keep
from .vae import trained

PLANS = {
    "cuda": {"crops": 250_000, "crop_batch": 64, "easy": 20_000, "all": 80_000, "unet": 1_500_000,
             "transformer": 1_000_000, "batch": 256},
    "cpu": {"crops": 60_000, "crop_batch": 16, "easy": 10_000, "all": 40_000, "unet": 600_000, "transformer": 400_000,
            "batch": 32},
}  # fmt: skip


def start(module: str, *arguments: object) -> subprocess.Popen[bytes]:
    """Run one part in a process of its own, with one thread."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", f"lab.training.{module}", *map(str, arguments)]
    return subprocess.Popen(command, env=environment)


def wait(what: str, *processes: subprocess.Popen[bytes]) -> None:
    """Wait for parts that run at once, and say how long they took."""
    begun = time.monotonic()
    if any([process.wait() for process in processes]):
        sys.exit(f"{what} failed.")
    print(f"{what}: {time.monotonic() - begun:.0f} s", flush=True)


def main() -> None:
    """Run the plan of this machine's device."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the plan's pictures")
    parser.add_argument("--minutes", type=float, default=1e9, help="for the two models")
    parser.add_argument("--fresh-vae", action="store_true", help="train the VAE further, and the models on its latents")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    plan = dict(PLANS["cuda" if torch.cuda.is_available() else "cpu"])
    for key in ("crops", "easy", "all", "unet", "transformer"):
        plan[key] = max(64, round(plan[key] * options.scale))
    if options.fresh_vae or not trained().is_file():
        wait("VAE", start("vae", "--crops", plan["crops"], "--batch", plan["crop_batch"]))
    cores = len(os.sched_getaffinity(0))
    shards = ("--easy", max(SHARD, plan["easy"]), "--all", max(SHARD, plan["all"]))
    wait("Latents", *(start("dataset", *shards, "--part", f"{k}/{cores}") for k in range(cores)))
    models = ("unet", "transformer")
    limits = ("--batch", plan["batch"], "--minutes", options.minutes)
    wait("Models", *(start("train", name, "--pictures", plan[name], *limits) for name in models))
    wait("Files", *(start("export", name) for name in models))
    if options.out:
        keep(options.out)


if __name__ == "__main__":
    main()
