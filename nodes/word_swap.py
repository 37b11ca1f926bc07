"""Step two: swap words while the picture keeps its layout."""

from comfy_api.latest import io

from ..p2p_attention.alignment import differs
from ..p2p_attention.edits import EditPlan, WordSwap as WordSwapEdit
from ..p2p_attention.window import Window
from .types import CATEGORY, Edit, end_percent, start_percent


class WordSwap(io.ComfyNode):
    """Adds a word swap to the edit (Hertz et al. 2022, section 3.2, figure 2)."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="P2P_WordSwap",
            display_name="P2P Word Swap",
            category=CATEGORY,
            description=(
                "Every word that changed takes the place of the one it replaces: the target is drawn with the "
                "source's cross-attention maps inside the window."
            ),
            search_aliases=["prompt to prompt", "replace word", "attention replace", "swap"],
            inputs=[
                Edit.Input("edit", tooltip="The edit from P2P Encode Prompt Pair."),
                start_percent(0.0, "the swap"),
                end_percent(0.8, "the swap"),
            ],
            outputs=[Edit.Output(display_name="edit", tooltip="The edit with the word swap, for the Controller.")],
        )

    @classmethod
    def execute(cls, edit: EditPlan, start_percent: float, end_percent: float) -> io.NodeOutput:
        try:
            window = Window(start_percent, end_percent)
            swapped = edit.with_swap(WordSwapEdit(window))
        except ValueError as error:
            raise ValueError(f"P2P Word Swap: {error}") from error
        for target in edit.targets:
            if not differs(edit.source, target):
                words = ", ".join(word.text for word in target.words) or "no words at all"
                raise ValueError(
                    f"P2P Word Swap: source and target prompt have the same words ({words}), so there is nothing to "
                    "swap. Change a word of the target prompt in P2P Encode Prompt Pair."
                )
        return io.NodeOutput(swapped)
