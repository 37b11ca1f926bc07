"""Step two, for a phrase that was added: what was there stays as it was."""

from comfy_api.latest import io

from ..p2p_attention.edits.column_map import Kind
from .injection import InjectionNode
from .inputs import injection_inputs
from .names import REFINE_NODE
from .sockets import CATEGORY, Edit


class Refine(InjectionNode):
    """Adds a prompt refinement to the edit (Hertz et al. 2022, section 3.2, figure 7)."""

    kind = Kind.REFINE

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="P2P_Refine",
            display_name=REFINE_NODE,
            category=CATEGORY,
            description=(
                "For words that were added to the prompt: the words that both prompts share take the source's "
                "cross-attention maps inside the window, all others keep their own."
            ),
            search_aliases=["add words", "attention refine", "refinement"],
            inputs=injection_inputs("the refinement"),
            outputs=[Edit.Output(display_name="edit", tooltip="The edit with the refinement, for the Controller.")],
        )
