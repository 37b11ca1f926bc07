"""Step three: apply the edit to a model."""

from fractions import Fraction

from comfy_api.latest import io

from ..p2p_attention.edits.control import Control
from ..p2p_attention.edits.plan import EditPlan
from ..p2p_attention.edits.self_attention import SelfAttention
from ..p2p_attention.edits.window import Window
from ..p2p_attention.host.control import control_model
from ..p2p_attention.source.inversion import Inversion
from ..p2p_attention.source.virtual import VirtualInversion
from .graph_checks import check_outputs, own_number
from .inputs import RESOLUTIONS, cache_bytes, source_cache
from .literals import check_window, verdict
from .messages import spell
from .names import CONTROLLER_NODE, START_ALIASES
from .node import Node
from .sockets import CATEGORY, Edit, InversionType


class AttentionController(Node):
    """Patches a clone of the model with the edit and makes the latent's rows for source and target."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="P2P_AttentionController",
            display_name=CONTROLLER_NODE,
            category=CATEGORY,
            description=(
                "Applies the edit. Connect both outputs to the ordinary KSampler with the pair's positive: source and "
                "edited picture are made in one batch, the source first."
            ),
            search_aliases=[*START_ALIASES, "attention control", "apply edit"],
            inputs=[
                io.Model.Input("model", tooltip="A model of the README's table. It is not changed; a clone is."),
                Edit.Input("edit", tooltip="The edit to apply, from P2P Encode Prompt Pair by way of the edit nodes."),
                io.Latent.Input("latent", tooltip="A latent, empty or of pictures. Each is repeated for every row."),
                io.Float.Input(
                    "self_start_percent",
                    default=0.0,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="Where in the run the source's self-attention begins to be used for the target.",
                ),
                io.Float.Input(
                    "self_end_percent",
                    default=0.4,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="Where it ends. Higher keeps shape and background closer to the source; 0.0 is off.",
                ),
                InversionType.Input(
                    "inversion",
                    optional=True,
                    tooltip=(
                        "For a real picture: from P2P DDIM Inversion, whose noise the run starts from whatever the "
                        "seed, or from P2P Virtual Inversion."
                    ),
                ),
                io.Combo.Input(
                    "self_resolution",
                    options=RESOLUTIONS,
                    default="1/4",
                    optional=True,
                    tooltip=(
                        "The largest self-attention layers to control, as a share of the latent's sides. 1/4 is the "
                        "reference code's (16×16 of 64×64); 1/2 keeps more of the source's detail."
                    ),
                ),
                source_cache(),
            ],
            hidden=[io.Hidden.prompt, io.Hidden.unique_id],
            outputs=[
                io.Model.Output(display_name="model", tooltip="The patched clone, for the sampler."),
                io.Latent.Output(
                    display_name="latent", tooltip="A row for the source and each target, with the same noise."
                ),
            ],
        )

    @classmethod
    def validate_inputs(
        cls, self_start_percent: float | None = None, self_end_percent: float | None = None
    ) -> bool | str:
        names = ("self_start_percent", "self_end_percent")
        return verdict(lambda: check_window(self_start_percent, self_end_percent, *names))

    @classmethod
    def execute(
        cls,
        model: io.Model.Type,
        edit: EditPlan,
        latent: io.Latent.Type,
        self_start_percent: float,
        self_end_percent: float,
        self_resolution: str = "1/4",
        inversion: Inversion | VirtualInversion | None = None,
        source_cache: float = 0.0,
    ) -> io.NodeOutput:
        window = Window.of_inputs(self_start_percent, self_end_percent, "self_start_percent", "self_end_percent")
        check_outputs(cls.hidden)
        control = Control(edit, SelfAttention(window, Fraction(self_resolution)), inversion, cache_bytes(source_cache))
        return io.NodeOutput(*control_model(model, latent, control, spell, own_number(cls.hidden)))
