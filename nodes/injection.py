"""What Word Swap and Refine have in common: all but their kind and their words."""

from typing import ClassVar

from comfy_api.latest import io

from ..p2p_attention.edits.column_map import Kind
from ..p2p_attention.edits.compose import inject
from ..p2p_attention.edits.plan import EditPlan
from .node import Node


class InjectionNode(Node):
    """Adds an injection of the source's cross-attention to the edit (Hertz et al. 2022, section 3.2)."""

    kind: ClassVar[Kind]

    @classmethod
    def execute(
        cls,
        edit: EditPlan,
        start_percent: float,
        end_percent: float,
        word_windows: str = "",
        end_percent_sweep: str = "",
    ) -> io.NodeOutput:
        return io.NodeOutput(inject(edit, cls.kind, start_percent, end_percent, word_windows, end_percent_sweep))
