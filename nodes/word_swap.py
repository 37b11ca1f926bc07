"""Step two: swap words while the picture keeps its layout."""

from comfy_api.latest import io

from ..p2p_attention.edits.plan import EditPlan, Kind
from .checked import checked
from .injection import inject, injection_inputs
from .types import CATEGORY, Edit


class WordSwap(io.ComfyNode):
    """Adds a word swap to the edit (Hertz et al. 2022, section 3.2, figure 2)."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="P2P_WordSwap",
            display_name=Kind.SWAP.value,
            category=CATEGORY,
            description=(
                "Every word that changed takes the place of the one it replaces: the target is drawn with the "
                "source's cross-attention maps inside the window."
            ),
            search_aliases=["prompt to prompt", "replace word", "attention replace", "swap"],
            inputs=injection_inputs("the swap"),
            outputs=[Edit.Output(display_name="edit", tooltip="The edit with the word swap, for the Controller.")],
        )

    @classmethod
    @checked
    def execute(
        cls,
        edit: EditPlan,
        start_percent: float,
        end_percent: float,
        word_windows: str = "",
        end_percent_sweep: str = "",
    ) -> io.NodeOutput:
        windows = (start_percent, end_percent, word_windows, end_percent_sweep)
        return io.NodeOutput(inject(edit, Kind.SWAP, *windows))
