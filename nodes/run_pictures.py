"""The decoded pictures of a run, source by source."""

import torch

from ..p2p_attention.edits.plan import EditPlan


def by_source(images: torch.Tensor, edit: EditPlan, node: str) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """(source [H, W, 3], targets [T, H, W, 3]) for each picture of the run's batch.

    Raises ValueError, naming the node, if the images [B, H, W, C] are not so many as the edit makes.
    """
    rows = edit.rows
    if images.shape[0] % rows or not images.shape[0]:
        raise ValueError(
            f"{node}: there are {images.shape[0]} pictures where this edit makes {rows} of each source (the source "
            "and every target). Connect all decoded pictures of the run, and the edit that its Controller applied."
        )
    shown = images[..., :3].detach().cpu().float()
    return [(part[0], part[1:]) for part in shown.split(rows)]
