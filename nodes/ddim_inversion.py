"""For a real picture: find the noise that it comes from."""

import comfy.samplers
from comfy_api.latest import io

from ..p2p_attention.host.inversion import invert_picture
from ..p2p_attention.source.inversion import Method, Solver
from .inputs import cache_bytes, source_cache
from .names import INVERSION_NODE
from .node import Node
from .sockets import CATEGORY, InversionType


class DDIMInversion(Node):
    """Inverts an encoded picture without optimisation, for editing it as if the model had made it."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="P2P_DDIMInversion",
            display_name=INVERSION_NODE,
            category=CATEGORY,
            description=(
                "Finds the noise that a real picture comes from, with one call of the model per step. Connect the "
                "inversion to the Attention Controller and sample with the same steps and scheduler, denoise 1.0, "
                "any seed."
            ),
            search_aliases=["real image", "invert", "unsample", "null-text", "direct inversion"],
            inputs=[
                io.Model.Input("model", tooltip="The model that will sample, before the Attention Controller."),
                io.Conditioning.Input(
                    "positive",
                    tooltip="The pair's positive, or any conditioning whose first prompt describes the picture.",
                ),
                io.Latent.Input("latent", tooltip="The encoded picture, or a batch of them."),
                io.Int.Input("steps", default=50, min=1, max=10000, tooltip="The same as the sampler's."),
                io.Combo.Input(
                    "scheduler", options=comfy.samplers.SCHEDULER_NAMES, tooltip="The same as the sampler's."
                ),
                io.Combo.Input(
                    "method",
                    options=[method.value for method in Method],
                    default=Method.DIRECT.value,
                    optional=True,
                    tooltip=(
                        "direct keeps the source exactly at any guidance, and aligned besides somewhat more of the "
                        "picture in its edits; negative_prompt needs the negative output connected; ddim is the plain "
                        "baseline."
                    ),
                ),
                io.Int.Input(
                    "fixed_point_iterations",
                    default=0,
                    min=0,
                    max=20,
                    optional=True,
                    advanced=True,
                    tooltip=(
                        "n iterations add n calls of the model to each step and make the inversion more exact, for "
                        "negative_prompt and ddim."
                    ),
                ),
                io.Combo.Input(
                    "solver",
                    options=[solver.value for solver in Solver],
                    default=Solver.EXPLICIT.value,
                    optional=True,
                    advanced=True,
                    tooltip=(
                        "explicit is DDIM's own; implicit takes each slope where the sampler will take it, with one "
                        "call a step and one to begin with, and is far more exact."
                    ),
                ),
                source_cache(),
                io.Int.Input(
                    "steps_per_call",
                    default=1,
                    min=1,
                    max=10,
                    optional=True,
                    advanced=True,
                    tooltip=(
                        "So many steps share one call of the model: 3 inverts in a third of the time, and direct still "
                        "keeps the source exactly."
                    ),
                ),
            ],
            outputs=[
                InversionType.Output(display_name="inversion", tooltip="For the Attention Controller."),
                io.Conditioning.Output(
                    display_name="negative",
                    tooltip="The source's prompt, as the sampler's negative for negative_prompt.",
                ),
                io.Float.Output(
                    display_name="error",
                    tooltip=(
                        "Estimated relative error of a reconstruction without guidance; direct and aligned have none."
                    ),
                ),
            ],
        )

    @classmethod
    def execute(
        cls,
        model: io.Model.Type,
        positive: io.Conditioning.Type,
        latent: io.Latent.Type,
        steps: int,
        scheduler: str,
        method: str = Method.DIRECT.value,
        fixed_point_iterations: int = 0,
        solver: str = Solver.EXPLICIT.value,
        source_cache: float = 0.0,
        steps_per_call: int = 1,
    ) -> io.NodeOutput:
        inversion, negative = invert_picture(
            model,
            positive,
            latent,
            steps,
            scheduler,
            Method(method),
            fixed_point_iterations,
            Solver(solver),
            cache_bytes(source_cache),
            steps_per_call,
        )
        return io.NodeOutput(inversion, negative, 0.0 if inversion.is_exact else inversion.error)
