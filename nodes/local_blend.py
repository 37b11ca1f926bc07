"""Step two, for an edit that shall stay in its place."""

from fractions import Fraction

import torch
from comfy_api.latest import io

from ..p2p_attention.edits.plan import EditPlan, MaskUse, Words
from ..p2p_attention.edits.plan import LocalBlend as LocalBlendEdit
from ..p2p_attention.edits.window import Window
from ..p2p_attention.node_names import BLEND_NODE
from ..p2p_attention.prompts.alignment import changed_words
from ..p2p_attention.prompts.search import find_words
from ..p2p_attention.quote import quote
from .checked import checked
from .said_by import said_by
from .types import CATEGORY, Edit, map_resolution, start_percent


class LocalBlend(io.ComfyNode):
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
            ],
            outputs=[Edit.Output(display_name="edit", tooltip="The edit with the local blend, for the Controller.")],
        )

    @classmethod
    @checked
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
    ) -> io.NodeOutput:
        use = MaskUse(mask_use)
        reads_words = mask is None or use is not MaskUse.ONLY
        targets = []
        with said_by(BLEND_NODE):
            window = Window(start_percent, 1.0)
            mask = None if mask is None else _one_mask(mask)
            if words.strip() and not reads_words:
                raise ValueError(
                    f"words are named ({quote(words.strip())}), but mask_use is {mask_use!r}. Choose 'mask and "
                    "words' or 'mask or words', or empty the words."
                )
            included = _included(edit, words) if words.strip() else _changed(edit) if reads_words else None
            excluded = _named(edit, exclude_words) if exclude_words.strip() else None
            for i, target in enumerate(edit.targets):
                blend = LocalBlendEdit(
                    words=included[i] if included else Words(),
                    threshold=threshold,
                    window=window,
                    exclude=excluded[i] if excluded else Words(),
                    resolution=Fraction(map_resolution),
                    softness=softness,
                    mask=mask,
                    mask_use=use,
                )
                targets.append(target.with_blend(blend))
        return io.NodeOutput(edit.with_targets(targets))


def _named(edit: EditPlan, words: str) -> list[Words]:
    """The named words in the source prompt and in each target's."""
    source, *targets = find_words(words, (edit.source, *edit.prompts), "the source or target prompt")
    return [Words(source, target) for target in targets]


def _included(edit: EditPlan, words: str) -> list[Words]:
    """The named words, of which each target must have some, in its prompt or in the source's."""
    found = _named(edit, words)
    for prompt, there in zip(edit.prompts, found, strict=True):
        if not there:
            raise ValueError(
                f"neither the source prompt nor the target prompt {quote(prompt.text)} has any of the words "
                f"{quote(words.strip())}, so nothing of that picture could change. Name a word of it too."
            )
    return found


def _changed(edit: EditPlan) -> list[Words]:
    found = [changed_words(edit.source, prompt) for prompt in edit.prompts]
    if not all(found):
        raise ValueError(
            "a target prompt has the same words as the source, so no changed words can make the mask. Name the words "
            "that the edit is about, or connect a mask."
        )
    return found


def _one_mask(mask: torch.Tensor) -> torch.Tensor:
    """The user's mask as [1, H, W] in 0 … 1."""
    if mask.ndim < 2 or mask.numel() == 0 or mask.numel() != mask.shape[-2] * mask.shape[-1]:
        raise ValueError(f"the mask is of shape {list(mask.shape)}; connect one mask of [1, height, width].")
    mask = mask.reshape(1, *mask.shape[-2:])
    if not bool(torch.isfinite(mask).all()):
        raise ValueError("the mask has values that are not numbers.")
    return mask.clamp(0, 1)
