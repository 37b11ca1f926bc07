"""Step two, for more or less of a word."""

from comfy_api.latest import io

from ..p2p_attention.edits.compose import reweight
from ..p2p_attention.edits.plan import EditPlan
from ..p2p_attention.edits.reweight import STRONGEST, Scale
from ..p2p_attention.edits.sweep import read_values
from .inputs import end_percent, start_percent, sweep
from .literals import check_window, verdict
from .names import REWEIGHT_NODE
from .node import Node
from .sockets import CATEGORY, Edit


class Reweight(Node):
    """Adds an attention re-weighting to the edit (Hertz et al. 2022, section 3.2, figure 9)."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="P2P_Reweight",
            display_name=REWEIGHT_NODE,
            category=CATEGORY,
            description=(
                "Makes words of the target prompt count for more or less: their cross-attention maps are multiplied "
                "by the strength. Works after Word Swap or Refine; without them it also takes the source's maps of "
                "the shared words, so that the layout stays."
            ),
            search_aliases=["attention reweight", "fader", "strength", "emphasis"],
            inputs=[
                Edit.Input("edit", tooltip="The edit from P2P Encode Prompt Pair or another edit node."),
                io.String.Input(
                    "words",
                    default="",
                    tooltip=(
                        'Words or phrases of the target prompt, separated by commas: "striped, red circle". Every '
                        'occurrence counts; "circle#2" is only the second.'
                    ),
                ),
                io.Float.Input(
                    "strength",
                    default=1.0,
                    min=-STRONGEST,
                    max=STRONGEST,
                    step=0.05,
                    tooltip="1 changes nothing, above 1 is more, between 0 and 1 less, 0 none, below 0 the opposite.",
                ),
                start_percent(0.0, "the reweighting", optional=True),
                end_percent(0.8, "the reweighting", "Raise it to see more of it", optional=True),
                sweep("strength", "-2, 0, 2, 4"),
                io.Boolean.Input(
                    "renormalise",
                    default=False,
                    optional=True,
                    advanced=True,
                    tooltip=(
                        "Divide by the sum of the changed map, so that the prompt as a whole keeps its weight. Off, as "
                        "in the paper: strengthening a word takes nothing from the others."
                    ),
                ),
                io.Combo.Input(
                    "scale",
                    options=[scale.value for scale in Scale],
                    default=Scale.MAP.value,
                    optional=True,
                    advanced=True,
                    tooltip=(
                        "map: the attention map, as in the paper. scores: what the map's softmax is made of, so that "
                        "it still sums to 1 (ColorCtrl). Only for models that attend to text and image in one."
                    ),
                ),
            ],
            outputs=[Edit.Output(display_name="edit", tooltip="The edit with the reweighting, for the Controller.")],
        )

    @classmethod
    def validate_inputs(
        cls, start_percent: float | None = None, end_percent: float | None = None, strength_sweep: str | None = None
    ) -> bool | str:
        return verdict(
            lambda: check_window(start_percent, end_percent),
            lambda: read_values(strength_sweep or "", "strength_sweep"),
        )

    @classmethod
    def execute(
        cls,
        edit: EditPlan,
        words: str,
        strength: float,
        start_percent: float = 0.0,
        end_percent: float = 0.8,
        strength_sweep: str = "",
        renormalise: bool = False,
        scale: str = Scale.MAP.value,
    ) -> io.NodeOutput:
        edited = reweight(edit, words, strength, start_percent, end_percent, strength_sweep, renormalise, Scale(scale))
        return io.NodeOutput(edited)
