"""An independent ConsistEdit mask: outside it, target rows have the source's queries, keys and values of the picture.

Written from the paper's rule alone (arXiv 2510.17803), for every prompt of a call; shares no code with the pack. What
else is done to the attention is another override, which gets what is left.
"""

from __future__ import annotations

import torch

from .materialised_joint import inside


def keep(free: torch.Tensor, firsts: dict[int, int], window: tuple[float, float], then=None):
    """The override: while σ is in the window, a share 1 − `free` [targets, pixels] of the image is the source's.

    `firsts` says where the picture begins in an attention of so many tokens. Rows of a call are, prompt after prompt, a
    source and its targets.
    """
    targets, pixels = free.shape

    def override(function, q, k, v, heads, mask=None, attn_precision=None, skip_reshape=False, **more):
        axis = 2 if skip_reshape else 1
        sigma, first = float(more["transformer_options"]["sigmas"][0]), firsts.get(k.shape[axis])
        if first is not None and q.shape[axis] == k.shape[axis] and inside(sigma, window):
            given = [x.transpose(1, axis).double() for x in (q, k, v)]
            edited = [x.clone() for x in given]
            for source in range(0, len(q), 1 + targets):
                for number in range(targets):
                    for old, new in zip(given, edited, strict=True):
                        share = free[number].double().reshape(pixels, *[1] * (old.ndim - 2))
                        here, there = (old[row, first : first + pixels] for row in (source + 1 + number, source))
                        new[source + 1 + number, first : first + pixels] = share * here + (1 - share) * there
            q, k, v = (x.transpose(1, axis).to(q) for x in edited)
        call = {"mask": mask, "attn_precision": attn_precision, "skip_reshape": skip_reshape, **more}
        return then(function, q, k, v, heads, **call) if then else function(q, k, v, heads, **call)

    return override
