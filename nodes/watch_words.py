"""Step two, for whoever wants to see why: keep the attention of words."""

from comfy_api.latest import io

from ..p2p_attention.edits.compose import watch
from ..p2p_attention.edits.plan import EditPlan
from .inputs import map_resolution, share_of
from .names import WATCH_NODE
from .node import Node
from .sockets import CATEGORY, Edit


class WatchWords(Node):
    """Asks a run to keep the cross-attention maps of some words (Hertz et al. 2022, figure 4)."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="P2P_WatchWords",
            display_name=WATCH_NODE,
            category=CATEGORY,
            description=(
                "Records where the model looks for words of the prompts, for P2P Attention Maps after the sampler."
            ),
            search_aliases=["attention map", "heatmap", "daam"],
            inputs=[
                Edit.Input("edit", tooltip="The edit from P2P Encode Prompt Pair or another edit node."),
                io.String.Input(
                    "words",
                    default="",
                    tooltip=(
                        "Words or phrases of any of the prompts, separated by commas. Empty: all words of all prompts."
                    ),
                ),
                map_resolution(),
            ],
            outputs=[Edit.Output(display_name="edit", tooltip="The edit with the words to watch, for the Controller.")],
        )

    @classmethod
    def execute(cls, edit: EditPlan, words: str, map_resolution: str = "1/4") -> io.NodeOutput:
        return io.NodeOutput(watch(edit, words, share_of(map_resolution)))
