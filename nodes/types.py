"""What the nodes have in common: their own socket type and their place in the menu."""

from comfy_api.latest import io

RESOLUTIONS = ["1/8", "1/4", "1/2", "1"]
Edit = io.Custom("P2P_EDIT")
InversionType = io.Custom("P2P_INVERSION")
CATEGORY = "prompt-to-prompt"


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
    tooltip = f'Several values of {of} to compare, e.g. "{example}": each makes a picture of its own in the batch.'
    return io.String.Input(f"{of}_sweep", default="", optional=True, tooltip=tooltip)


def map_resolution() -> io.Combo.Input:
    """The optional input for the size of attention maps to look at."""
    tooltip = "Size of the attention maps to look at, as a share of the latent's sides: 1/4 is 16×16 of 64×64."
    return io.Combo.Input("map_resolution", options=RESOLUTIONS, default="1/4", optional=True, tooltip=tooltip)


def _percent(name: str, default: float, tooltip: str, optional: bool) -> io.Float.Input:
    return io.Float.Input(name, default=default, min=0.0, max=1.0, step=0.01, tooltip=tooltip, optional=optional)
