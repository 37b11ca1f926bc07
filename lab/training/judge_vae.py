"""The judge on what the VAE makes of pictures: `python3 tools/host.py -m lab.training.judge_vae [N]`."""

from __future__ import annotations

import sys

import numpy as np
import torch

from lab.world.accuracy import accuracy

from . import vae
from .boot import boot


def main() -> None:
    """Measure the decibels, and the judge on reconstructions."""
    device = boot()
    autoencoder = vae.load()

    def again(picture: np.ndarray) -> np.ndarray:
        x = torch.from_numpy(picture).movedim(-1, 0)[None] * 2 - 1
        with torch.no_grad():
            out = vae.decode(autoencoder, vae.mean_latent(autoencoder, x))
        return np.asarray((out[0].movedim(0, -1).clamp(-1, 1) + 1) / 2)

    print(f"{vae.psnr(autoencoder, device):.2f} dB on held-out scenes")
    print(accuracy(int(sys.argv[1]) if len(sys.argv) > 1 else 100, again, tell=True))


if __name__ == "__main__":
    main()
