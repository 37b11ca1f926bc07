"""All steps in one, for a start: prompts, what to keep, single words."""

from comfy_api.latest import io

from ..p2p_attention.edits.compose import edit_by_lines
from ..p2p_attention.edits.control import Control
from ..p2p_attention.edits.lines import read_lines
from ..p2p_attention.edits.presets import PRESETS
from ..p2p_attention.edits.self_attention import SelfAttention
from ..p2p_attention.edits.steps import SELF_RESOLUTION, SELF_START
from ..p2p_attention.edits.window import Window
from ..p2p_attention.host.conditioning import encode_pair
from ..p2p_attention.host.control import control_model, presets_of
from .encode_prompt_pair import prompt, say_remarks
from .graph_checks import check_outputs, own_number
from .inputs import also_without_edit
from .literals import verdict
from .messages import spell
from .names import EDIT_NODE, START_ALIASES
from .node import Node
from .sockets import CATEGORY, Edit


class EditNode(Node):
    """What Encode Prompt Pair, Word Swap, Reweight, Local Blend and the Controller do with their defaults, in one."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="P2P_Edit",
            display_name=EDIT_NODE,
            category=CATEGORY,
            description=(
                "An edit in one node, to start with: the prompt of the picture, the same prompt with some words "
                "changed, and how much to keep. Connect model, positive and latent to the ordinary KSampler: source "
                "and edited picture are made in one batch, the source first."
            ),
            search_aliases=[*START_ALIASES, "attention control", "edit prompt"],
            inputs=[
                io.Model.Input("model", tooltip="A model of the README's table. It is not changed; a clone is."),
                io.Clip.Input("clip", tooltip="The text encoder of the model that samples."),
                io.Latent.Input("latent", tooltip="A latent, empty or of pictures. Each is repeated for every row."),
                prompt("source_prompt", "a red cat on the grass", "What the picture shows before the edit."),
                prompt(
                    "target_prompt",
                    "a red dog on the grass",
                    "What the picture should show after the edit: the same prompt with some words changed.",
                ),
                io.Combo.Input("keep", options=list(PRESETS), tooltip="How much of the source the edit keeps."),
                io.String.Input(
                    "words",
                    multiline=True,
                    dynamic_prompts=False,
                    default="",
                    optional=True,
                    tooltip=(
                        'What is to be done to single words, one per line: "striped: strength 2" for more of a word, '
                        '"car: 0.0 - 0.4" for a window of its own, "blend: car" to change nothing elsewhere.'
                    ),
                ),
                also_without_edit(),
            ],
            hidden=[io.Hidden.prompt, io.Hidden.unique_id],
            outputs=[
                io.Model.Output(display_name="model", tooltip="The patched clone, for the sampler."),
                io.Conditioning.Output(
                    display_name="positive", tooltip="Both prompts, the source first, for the sampler's positive input."
                ),
                io.Latent.Output(
                    display_name="latent", tooltip="A row for the source and each target, with the same noise."
                ),
                Edit.Output(display_name="edit", tooltip="The edit, for P2P Compare, and to look at."),
            ],
        )

    @classmethod
    def validate_inputs(cls, words: str | None = None) -> bool | str:
        return verdict(lambda: read_lines(words or ""))

    @classmethod
    def execute(
        cls,
        model: io.Model.Type,
        clip: io.Clip.Type,
        latent: io.Latent.Type,
        source_prompt: str,
        target_prompt: str,
        keep: str,
        words: str = "",
        also_without_edit: bool = False,
    ) -> io.NodeOutput:
        check_outputs(cls.hidden)
        preset = presets_of(model)[keep]
        positive, plan = encode_pair(clip, source_prompt, (target_prompt,))
        say_remarks(EDIT_NODE, plan)
        plan = edit_by_lines(plan.with_plain() if also_without_edit else plan, preset, words)
        control = Control(plan, SelfAttention(Window(SELF_START, preset.self_end), SELF_RESOLUTION))
        patched, rows = control_model(model, latent, control, spell, own_number(cls.hidden))
        return io.NodeOutput(patched, positive, rows, plan)
