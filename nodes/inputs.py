"""Inputs that several nodes have."""

from fractions import Fraction

from comfy_api.latest import io

from ..p2p_attention.attention.site import AUTO
from ..p2p_attention.errors import EditError
from ..p2p_attention.source.cache import GIB
from .names import ENCODE_NODE
from .sockets import Edit

MOST_GIB = 1024.0
RESOLUTIONS = ["1/8", "1/4", "1/2", "1"]
AUTO_RESOLUTION = "auto"


def start_percent(default: float, what: str, optional: bool = False) -> io.Float.Input:
    """The input where a window begins."""
    tooltip = f"Where in the run {what} begins: 0.0 is the first step (pure noise), 1.0 the finished picture."
    return _percent("start_percent", default, tooltip, optional)


def end_percent(default: float, what: str, advice: str, optional: bool = False) -> io.Float.Input:
    """The input where a window ends."""
    tooltip = f"Where in the run {what} ends. {advice}; equal to start switches it off."
    return _percent("end_percent", default, tooltip, optional)


def sweep(of: str, example: str) -> io.String.Input:
    """An optional input of several values for another input, to compare them in one batch."""
    ends = example.split(", ")
    tooltip = (
        f'Several values of {of} to compare, e.g. "{example}", or "{ends[0]} to {ends[-1]} / 4" for four at equal '
        "distances: each makes one picture in the batch."
    )
    return io.String.Input(f"{of}_sweep", default="", optional=True, tooltip=tooltip)


def map_resolution() -> io.Combo.Input:
    """The optional input for the size of attention maps to look at."""
    tooltip = (
        "Size of the attention maps to look at, as a share of the latent's sides: 1/4 is 16×16 of 64×64. auto takes "
        "what is nearest 16×16, for latents of any size."
    )
    options = [*RESOLUTIONS, AUTO_RESOLUTION]
    return io.Combo.Input(
        "map_resolution", options=options, default=AUTO_RESOLUTION, optional=True, tooltip=tooltip, advanced=True
    )


def share_of(resolution: str) -> Fraction:
    """The share of the latent's sides that a choice of `map_resolution` means."""
    return AUTO if resolution == AUTO_RESOLUTION else Fraction(resolution)


def source_cache() -> io.Float.Input:
    """The optional input for how much memory may be used to compute the source once only."""
    tooltip = (
        "GiB of the computer's memory, not the GPU's, for what was computed for the source: the next edit of the same "
        "source takes half the time. 1.0 is enough for SD 1.5 at 512×512, 0.0 is off; the console says what is needed."
    )
    return io.Float.Input(
        "source_cache", default=0.0, min=0.0, max=MOST_GIB, step=0.1, optional=True, tooltip=tooltip, advanced=True
    )


def also_without_edit() -> io.Boolean.Input:
    """The optional input for pictures to compare with, in the same batch."""
    tooltip = (
        "One more picture for each target prompt, of the same noise but without Prompt-to-Prompt, to compare with. It "
        "comes last in the batch."
    )
    return io.Boolean.Input("also_without_edit", default=False, optional=True, tooltip=tooltip)


def cache_bytes(gib: float) -> int:
    """The input's value in bytes; EditError for one that is none."""
    if not 0 <= gib <= MOST_GIB:
        raise EditError(f"source_cache is {gib}; it must lie between 0.0 and {MOST_GIB}.")
    return int(gib * GIB)


def injection_inputs(what: str) -> list[io.Input]:
    """The edit, the window (0.8 of the run, as the paper's), the windows of single words, and a sweep of the end."""
    tooltip = (
        'Separate windows for single words of the target prompt, one per line: "car: 0.0 - 0.4". For those words they '
        "replace the window."
    )
    return [
        Edit.Input("edit", tooltip=f"The edit from {ENCODE_NODE}."),
        start_percent(0.0, what),
        end_percent(0.8, what, "Lower it to let the shape change more"),
        io.String.Input("word_windows", multiline=True, default="", optional=True, tooltip=tooltip),
        sweep("end_percent", "0.2, 0.5, 0.8"),
    ]


def _percent(name: str, default: float, tooltip: str, optional: bool) -> io.Float.Input:
    return io.Float.Input(name, default=default, min=0.0, max=1.0, step=0.01, tooltip=tooltip, optional=optional)
