"""Step two, for whoever wants to see why: keep the attention of words."""

from fractions import Fraction

from comfy_api.latest import io

from ..p2p_attention.edits.plan import EditPlan, Watched
from ..p2p_attention.node_names import WATCH_NODE
from ..p2p_attention.prompts.prompt import Prompt
from ..p2p_attention.prompts.search import find_words, split_names
from .checked import checked
from .said_by import said_by
from .types import CATEGORY, Edit, map_resolution


class WatchWords(io.ComfyNode):
    """Asks a run to keep the cross-attention maps of some words (Hertz et al. 2022, figure 4)."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="P2P_WatchWords",
            display_name=WATCH_NODE,
            category=CATEGORY,
            description=(
                "Keeps where the model looks for words of the prompts, for P2P Attention Maps after the sampler."
            ),
            search_aliases=["prompt to prompt", "attention map", "heatmap", "daam"],
            inputs=[
                Edit.Input("edit", tooltip="The edit from P2P Encode Prompt Pair or another edit node."),
                io.String.Input(
                    "words",
                    default="",
                    tooltip=(
                        "Words or phrases of any of the prompts, with commas between. Empty: all words of all prompts."
                    ),
                ),
                map_resolution(),
            ],
            outputs=[Edit.Output(display_name="edit", tooltip="The edit with the words to watch, for the Controller.")],
        )

    @classmethod
    @checked
    def execute(cls, edit: EditPlan, words: str, map_resolution: str = "1/4") -> io.NodeOutput:
        size, prompts = Fraction(map_resolution), (edit.source, *edit.prompts)
        names = split_names(words)
        with said_by(WATCH_NODE):
            named = [find_words(name, prompts, "any of the prompts") for name in names]
        if not names:
            source, *targets = [_all_words(prompt, size) for prompt in prompts]
            return io.NodeOutput(edit.watching(source, targets))
        source, *targets = [
            [Watched(name, found[i], size) for name, found in zip(names, named, strict=True) if found[i]]
            for i in range(len(prompts))
        ]
        return io.NodeOutput(edit.watching(source, targets))


def _all_words(prompt: Prompt, size: Fraction) -> list[Watched]:
    return [Watched(word.text, word.positions, size) for word in prompt.words]
