"""What Word Swap and Refine have in common: all but their kind and their words."""

from typing import ClassVar

from comfy_api.latest import io

from ..p2p_attention.edits.column_map import Kind
from ..p2p_attention.edits.compose import inject
from ..p2p_attention.edits.plan import EditPlan
from ..p2p_attention.edits.word_windows import check_form
from .literals import check_window_sweep, verdict
from .node import Node


class InjectionNode(Node):
    """Adds an injection of the source's cross-attention to the edit (Hertz et al. 2022, section 3.2)."""

    kind: ClassVar[Kind]

    @classmethod
    def validate_inputs(
        cls,
        start_percent: float | None = None,
        end_percent: float | None = None,
        word_windows: str | None = None,
        end_percent_sweep: str | None = None,
    ) -> bool | str:
        return verdict(
            lambda: check_window_sweep(start_percent, end_percent, end_percent_sweep),
            lambda: check_form(word_windows or ""),
        )

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
