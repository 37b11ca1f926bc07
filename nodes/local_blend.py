"""Step two, for an edit that shall stay in its place."""

import torch
from comfy_api.latest import io

from ..p2p_attention.edits.compose import blend
from ..p2p_attention.edits.local_blend import MaskFrom, MaskUse
from ..p2p_attention.edits.plan import EditPlan
from .inputs import map_resolution, share_of, start_percent
from .names import BLEND_NODE
from .node import Node
from .sockets import CATEGORY, Edit


class LocalBlend(Node):
    """Adds a local blend to the edit (Hertz et al. 2022, section 3.2, "local editing")."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="P2P_LocalBlend",
            display_name=BLEND_NODE,
            category=CATEGORY,
            description=(
                "Keeps the edit in its place: outside a mask the edited picture is the source. The mask finds itself "
                "from where the model attends to the words, or is yours, or both."
            ),
            search_aliases=["prompt to prompt", "local edit", "mask", "blend", "protect background"],
            inputs=[
                Edit.Input("edit", tooltip="The edit from P2P Encode Prompt Pair or another edit node."),
                io.String.Input(
                    "words",
                    default="",
                    tooltip=(
                        'Words or phrases of either prompt that the edit is about, with commas between: "cat, dog". '
                        "Empty: the words that changed."
                    ),
                ),
                io.Float.Input(
                    "threshold",
                    default=0.3,
                    min=0.0,
                    max=0.99,
                    step=0.01,
                    tooltip="How much attention, as a share of the words' most, makes the mask. Higher: smaller.",
                ),
                start_percent(0.2, "the blend"),
                io.String.Input(
                    "exclude_words",
                    default="",
                    optional=True,
                    tooltip="Words of either prompt whose places are left out of the mask.",
                ),
                io.Mask.Input("mask", optional=True, tooltip="A mask of your own, of any size: white may change."),
                io.Combo.Input(
                    "mask_use",
                    options=[use.value for use in MaskUse],
                    default=MaskUse.ONLY.value,
                    optional=True,
                    tooltip="With a mask of your own: it alone, only where the words are too, or as well as the words.",
                ),
                io.Float.Input(
                    "softness",
                    default=0.0,
                    min=0.0,
                    max=64.0,
                    step=0.1,
                    optional=True,
                    tooltip="Softens the mask's edge over so many latent pixels (an eighth of the picture's).",
                ),
                map_resolution(),
                io.Combo.Input(
                    "mask_from",
                    options=[made.value for made in MaskFrom],
                    default=MaskFrom.WORDS.value,
                    optional=True,
                    tooltip=(
                        "What the mask is found from: words, or the difference of what both prompts predict in the "
                        "middle of the run, which needs no word."
                    ),
                ),
            ],
            outputs=[Edit.Output(display_name="edit", tooltip="The edit with the local blend, for the Controller.")],
        )

    @classmethod
    def execute(
        cls,
        edit: EditPlan,
        words: str,
        threshold: float,
        start_percent: float,
        exclude_words: str = "",
        mask: torch.Tensor | None = None,
        mask_use: str = MaskUse.ONLY.value,
        softness: float = 0.0,
        map_resolution: str = "1/4",
        mask_from: str = MaskFrom.WORDS.value,
    ) -> io.NodeOutput:
        how = {"mask_use": MaskUse(mask_use), "softness": softness, "resolution": share_of(map_resolution)}
        made = blend(edit, words, threshold, start_percent, exclude_words, mask, **how, mask_from=MaskFrom(mask_from))
        return io.NodeOutput(made)
