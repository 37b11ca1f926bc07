"""The decoded pictures of a run, source by source."""

import torch

from ..p2p_attention.edits.plan import EditPlan
from ..p2p_attention.errors import EditError


def by_source(images: torch.Tensor, edit: EditPlan) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """(source [H, W, 3], targets [T, H, W, 3]) for each picture of the run's batch.

    Raises EditError if the images [B, H, W, C] are not as many as the edit makes.
    """
    if images.shape[0] % edit.rows or not images.shape[0]:
        raise EditError(
            f"there are {images.shape[0]} pictures where this edit makes {edit.rows} of each source (the source and "
            "every target)",
            "Connect all decoded pictures of the run, and the edit that its Controller applied.",
        )
    shown = images[..., :3].detach().cpu().float()
    return [(part[0], part[1:]) for part in edit.layout().split(shown)]
