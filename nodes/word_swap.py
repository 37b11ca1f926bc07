"""Step two: swap words while the picture keeps its layout."""

from comfy_api.latest import io

from ..p2p_attention.edits.column_map import Kind
from .injection import InjectionNode
from .inputs import injection_inputs
from .names import SWAP_NODE
from .sockets import CATEGORY, Edit


class WordSwap(InjectionNode):
    """Adds a word swap to the edit (Hertz et al. 2022, section 3.2, figure 2)."""

    kind = Kind.SWAP

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="P2P_WordSwap",
            display_name=SWAP_NODE,
            category=CATEGORY,
            description=(
                "Every word that changed takes the place of the one it replaces: the target is drawn with the "
                "source's cross-attention maps inside the window."
            ),
            search_aliases=["replace word", "change word", "attention replace", "swap"],
            inputs=injection_inputs("the swap"),
            outputs=[Edit.Output(display_name="edit", tooltip="The edit with the word swap, for the Controller.")],
        )
