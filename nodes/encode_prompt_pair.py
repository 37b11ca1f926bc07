"""Step one: say what the picture shows, and what the edited picture should show."""

from comfy_api.latest import io

from ..p2p_attention.edits.plan import EditPlan
from ..p2p_attention.host import log
from ..p2p_attention.host.conditioning import encode_pair
from ..p2p_attention.prompts.remarks import remarks
from .inputs import also_without_edit
from .messages import spell
from .names import ENCODE_NODE, START_ALIASES
from .node import Node
from .sockets import CATEGORY, Edit


class EncodePromptPair(Node):
    """Encodes a source and a target prompt as one conditioning of a row each, and starts the edit."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="P2P_EncodePromptPair",
            display_name=ENCODE_NODE,
            category=CATEGORY,
            description=(
                "Encodes the prompt of the picture and the prompt of the edited picture. Change only the words that "
                "the edit is about: the shared words hold the pictures together."
            ),
            search_aliases=[*START_ALIASES, "edit prompt", "cross attention control"],
            inputs=[
                io.Clip.Input("clip", tooltip="The text encoder of the model that samples."),
                prompt("source_prompt", "a red cat on the grass", "What the picture shows before the edit."),
                prompt(
                    "target_prompt",
                    "a red dog on the grass",
                    "What the picture should show after the edit: the same prompt with some words changed.",
                ),
                prompt(
                    "more_targets",
                    "",
                    "More target prompts, one per line: each makes one more picture of the same source.",
                    optional=True,
                ),
                also_without_edit(),
            ],
            outputs=[
                io.Conditioning.Output(
                    display_name="positive",
                    tooltip="All prompts, the source first, for the sampler's positive input.",
                ),
                Edit.Output(display_name="edit", tooltip="The edit, for Word Swap and then the Attention Controller."),
            ],
        )

    @classmethod
    def execute(
        cls,
        clip: io.Clip.Type,
        source_prompt: str,
        target_prompt: str,
        more_targets: str = "",
        also_without_edit: bool = False,
    ) -> io.NodeOutput:
        targets = (target_prompt, *(line.strip() for line in more_targets.splitlines() if line.strip()))
        positive, edit = encode_pair(clip, source_prompt, targets)
        say_remarks(ENCODE_NODE, edit)
        return io.NodeOutput(positive, edit.with_plain() if also_without_edit else edit)


def prompt(name: str, default: str, tooltip: str, optional: bool = False) -> io.String.Input:
    """A prompt's input, without dynamic prompts: source and target would draw each its own choice."""
    return io.String.Input(
        name, multiline=True, dynamic_prompts=False, default=default, optional=optional, tooltip=tooltip
    )


def say_remarks(name: str, plan: EditPlan) -> None:
    """Say in a node's name what is to be said of a plan's prompts."""
    for remark in remarks(plan.pairs):
        log.warn(f"{name}: {spell(remark)}")
