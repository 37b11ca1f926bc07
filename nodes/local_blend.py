"""Step two, to keep an edit in its place."""

import torch
from comfy_api.latest import io

from ..p2p_attention.edits.compose import blend
from ..p2p_attention.edits.local_blend import Keep, MaskFrom, MaskUse
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
                "Keeps the edit in its place: outside a mask the edited picture is the source. The mask is found from "
                "where the model attends to the words, or drawn by you, or both."
            ),
            search_aliases=["local edit", "mask", "blend", "protect background"],
            inputs=[
                Edit.Input("edit", tooltip="The edit from P2P Encode Prompt Pair or another edit node."),
                io.String.Input(
                    "words",
                    default="",
                    tooltip=(
                        'Words or phrases of either prompt that the edit is about, separated by commas: "cat, dog". '
                        "Empty: the words that changed."
                    ),
                ),
                io.Float.Input(
                    "threshold",
                    default=0.3,
                    min=0.0,
                    max=0.99,
                    step=0.01,
                    tooltip=(
                        "The attention, as a share of its maximum, from which a pixel belongs to the mask. Higher "
                        "makes the mask smaller."
                    ),
                ),
                start_percent(0.2, "the blend"),
                io.String.Input(
                    "exclude_words",
                    default="",
                    optional=True,
                    tooltip="Words of either prompt whose places are cut out of the mask.",
                ),
                io.Mask.Input("mask", optional=True, tooltip="A mask of your own, of any size: white may change."),
                io.Combo.Input(
                    "mask_use",
                    options=[use.value for use in MaskUse],
                    default=MaskUse.ONLY.value,
                    optional=True,
                    tooltip="How your mask is used: alone, only where the words are too, or in addition to the words.",
                ),
                io.Float.Input(
                    "softness",
                    default=0.0,
                    min=0.0,
                    max=64.0,
                    step=0.1,
                    optional=True,
                    advanced=True,
                    tooltip=(
                        "Softens the mask's edge, in latent pixels (1 is 8 pixels of the picture for Stable Diffusion)."
                    ),
                ),
                map_resolution(),
                io.Combo.Input(
                    "mask_from",
                    options=[made.value for made in MaskFrom],
                    default=MaskFrom.WORDS.value,
                    optional=True,
                    advanced=True,
                    tooltip=(
                        "What the mask is found from: words, or the difference of what both prompts predict in the "
                        "middle of the run, which needs no word and takes a threshold of 0.5."
                    ),
                ),
                io.Combo.Input(
                    "keep",
                    options=[keep.value for keep in Keep],
                    default=Keep.LATENT.value,
                    optional=True,
                    advanced=True,
                    tooltip=(
                        "What is the source's outside the mask: the latent, exactly, or with values what attention "
                        "reads there (ConsistEdit), which keeps the rest nearly. values is only for models that "
                        "attend to text and image in one map; on the demo transformer it was no better."
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
        keep: str = Keep.LATENT.value,
    ) -> io.NodeOutput:
        how = {"mask_use": MaskUse(mask_use), "softness": softness, "resolution": share_of(map_resolution)}
        how |= {"mask_from": MaskFrom(mask_from), "keep": Keep(keep)}
        made = blend(edit, words, threshold, start_percent, exclude_words, mask, **how)
        return io.NodeOutput(made)
