"""Step two, for a phrase that was added: what was there stays as it was."""

from comfy_api.latest import io

from ..p2p_attention.edits.plan import EditPlan, Kind
from .checked import checked
from .injection import inject, injection_inputs
from .types import CATEGORY, Edit


class Refine(io.ComfyNode):
    """Adds a prompt refinement to the edit (Hertz et al. 2022, section 3.2, figure 7)."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="P2P_Refine",
            display_name=Kind.REFINE.value,
            category=CATEGORY,
            description=(
                "For words that were added to the prompt: the words that both prompts share take the source's "
                "cross-attention maps inside the window, all others keep their own."
            ),
            search_aliases=["prompt to prompt", "add words", "attention refine", "refinement"],
            inputs=injection_inputs("the refinement"),
            outputs=[Edit.Output(display_name="edit", tooltip="The edit with the refinement, for the Controller.")],
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
        return io.NodeOutput(inject(edit, Kind.REFINE, *windows))
