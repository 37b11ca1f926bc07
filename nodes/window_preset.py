"""Windows by name, for a start."""

from comfy_api.latest import io

from ..p2p_attention.edits.presets import PRESETS
from ..p2p_attention.host.control import presets_of
from .messages import spell
from .names import PRESET_NODE
from .node import Node
from .sockets import CATEGORY


class WindowPreset(Node):
    """Gives the ends of both windows for what one wants to keep of the source (Hertz et al. 2022, figures 3 and 6)."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="P2P_WindowPreset",
            display_name=PRESET_NODE,
            category=CATEGORY,
            description=" ".join(
                (
                    "Windows by name. Connect end_percent to P2P Word Swap or P2P Refine, and self_end_percent to P2P "
                    "Attention Controller.",
                    *(spell(preset.explain(name)) for name, preset in PRESETS.items()),
                    "With a model connected they suit it: on a transformer with joint attention they end earlier.",
                )
            ),
            search_aliases=["preset", "keep the layout", "keep the shape", "tau", "strength"],
            inputs=[
                io.Combo.Input(
                    "preset", options=list(PRESETS), tooltip="What to keep of the source; the meaning is an output."
                ),
                io.Model.Input(
                    "model",
                    optional=True,
                    tooltip="The model to be edited, for windows that suit it. Without one they are a UNet's.",
                ),
            ],
            outputs=[
                io.Float.Output(display_name="end_percent", tooltip="Where the cross-attention window ends."),
                io.Float.Output(display_name="self_end_percent", tooltip="Where the self-attention window ends."),
                io.String.Output(display_name="meaning", tooltip="What the preset sets and what it is for."),
            ],
        )

    @classmethod
    def execute(cls, preset: str, model: io.Model.Type | None = None) -> io.NodeOutput:
        chosen = (PRESETS if model is None else presets_of(model))[preset]
        return io.NodeOutput(chosen.cross_end, chosen.self_end, spell(chosen.explain(preset)))
