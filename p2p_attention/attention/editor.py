"""What an edit does to one call of an attention, whatever the model: backbones bring the call, this edits it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from .fused import edited_values, fold
from .joint import JointAttend, JointLayout, JointSources, edit_joint, projected, scaled_keys
from .probe import Attend
from .renormalise import renormalised
from .site import AttentionCall
from .word_maps import LayerMaps, WordMaps


@dataclass(frozen=True)
class CrossInput:
    """Cross-attention's edited input: `rows` to gather the queries [R, N, C] from, `context` and `value` [R, T, C].

    Where a store gives sources and they will be read, the gathered queries and the context end with them.
    """

    rows: torch.Tensor
    context: torch.Tensor
    value: torch.Tensor


class Editor:
    """Edits the calls of attention of one forward pass, and reads word maps from them.

    `announced` is for backbones that learn of a call before its attention comes by. `read` counts the calls of
    cross-attention that were computed where they could be read and renormalised; `maps` is what was read.
    """

    def __init__(self) -> None:
        self.announced: AttentionCall | None = None
        self.read = 0
        self.maps: list[LayerMaps] = []
        self._input: tuple[torch.Tensor, torch.Tensor, AttentionCall, CrossInput] | None = None

    def end(self) -> None:
        """The pass is over: let go of its inputs."""
        self._input = None

    def source_rows(self, call: AttentionCall, device: torch.device) -> torch.Tensor:
        """For every row [R] of self-attention, the row whose queries and keys it uses, as a tensor."""
        return call.phase.index(call.rows.injected(), device)

    def cross_input(
        self, call: AttentionCall, context: torch.Tensor, value: torch.Tensor, reads: bool = False
    ) -> CrossInput:
        """The edit where no rows are added: it is all in what goes into the layer, context and value [R, T, C].

        Made once for all layers that share the context. `reads` asks for the sources that a store gives, too.
        """
        known = self._input
        if known is None or known[0] is not context or known[1] is not value or not _same_edit(known[2], call):
            prepared = call.phase.prepared(call.rows, context)
            index = call.phase.index(prepared.gathered if reads else prepared.used, context.device)
            made = CrossInput(index, context[index], edited_values(value, call.rows, prepared.terms))
            known = self._input = (context, value, call, made)
        return known[3]

    def attend(
        self,
        call: AttentionCall,
        attend: Attend,
        q: torch.Tensor,
        k: torch.Tensor,
        v: torch.Tensor,
        heads: int,
        read: Sequence[WordMaps],
        edits: bool = False,
    ) -> torch.Tensor:
        """Cross-attention where it is computed: with extra rows, folded back after it, and the maps in `read` read.

        q [R, N, H·D], k and v [R, k·T, H·D] → [R, N, H·D]; `attend(q, k, v)` is the host's attention with H heads.
        Sources that a store gives come after the R rows, and are only read. `edits` says that an edit without extra
        rows was not in the layer's input (`cross_input`), so that it is done here.
        """
        prepared = call.phase.prepared(call.rows, k)
        if prepared.folds or (edits and call.phase.edits_cross):
            index = call.phase.index(prepared.gathered, q.device)
            q, k, v = q[index], k[index], edited_values(v, call.rows, prepared.terms)
        attending = len(prepared.used)
        output = attend(q[:attending], k[:attending], v[:attending])
        for maps in read:
            self.maps += maps.read(call, prepared, attend, q, k, heads)
        self.read += 1
        output = renormalised(prepared, attend, q, k, heads, output)
        return fold(output, prepared.folds) if prepared.folds else output

    def attend_jointly(
        self,
        call: AttentionCall,
        layout: JointLayout,
        attend: JointAttend,
        q: torch.Tensor,
        k: torch.Tensor,
        v: torch.Tensor,
        axis: int,
        absent: JointSources | None = None,
    ) -> torch.Tensor:
        """A joint attention, edited (see `edit_joint`)."""
        prepared = call.phase.prepared(call.rows, k)
        self.read += 1
        return edit_joint(prepared, call.phase.injects_self, layout, attend, q, k, v, axis, absent)

    def read_jointly(
        self,
        call: AttentionCall,
        layout: JointLayout,
        attend: JointAttend,
        q: torch.Tensor,
        k: torch.Tensor,
        heads: int,
        read: Sequence[WordMaps],
        absent: JointSources | None = None,
    ) -> None:
        """Read word maps from a joint attention's queries and keys [R, L, H·D] as they are edited; `absent` has those
        of sources that a store gives, [absent, …, H·D].
        """
        prepared = call.phase.prepared(call.rows, k)
        gathered, image = prepared.gathered, slice(*layout.image)
        index = call.phase.index(gathered, q.device)
        if call.phase.injects_self and any(terms.first is None for terms in prepared.terms):
            q, k = projected(prepared, True, layout, q, k, 1, absent)
        q = q[:, image]
        if absent:
            q, k = torch.cat([q, absent.queries]), torch.cat([k, absent.keys])

        queries, keys = q[index], scaled_keys(prepared, k[index], layout)

        def attend_of(places: Sequence[int]) -> Attend:
            rows = [gathered[place] for place in places]
            return lambda q, k, v: attend(q, k, v, rows, image)

        for maps in read:
            self.maps += maps.read(
                call, prepared, attend_of(()), queries, keys, heads, layout.text[0], attend_of=attend_of
            )


def _same_edit(one: AttentionCall, other: AttentionCall) -> bool:
    return one.phase is other.phase and one.rows == other.rows
