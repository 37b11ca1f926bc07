"""What Word Swap and Refine have in common."""

from comfy_api.latest import io

from ..p2p_attention.edits.plan import EditPlan, Injection, Kind
from ..p2p_attention.edits.sweep import read_values
from ..p2p_attention.edits.window import Window
from ..p2p_attention.edits.word_windows import read_word_windows
from ..p2p_attention.node_names import ENCODE_NODE
from ..p2p_attention.prompts.alignment import differs
from ..p2p_attention.quote import list_words
from .said_by import said_by
from .types import Edit, end_percent, start_percent, sweep


def injection_inputs(what: str) -> list[io.Input]:
    """The edit, the window (0.8 of the run, as the paper's), the windows of single words, and a sweep of the end."""
    tooltip = (
        'Windows of their own for words of the target prompt, one a line: "car: 0.0 - 0.4". They replace the window.'
    )
    return [
        Edit.Input("edit", tooltip=f"The edit from {ENCODE_NODE}."),
        start_percent(0.0, what),
        end_percent(0.8, what, "Lower it to let the shape change more"),
        io.String.Input("word_windows", multiline=True, default="", optional=True, tooltip=tooltip),
        sweep("end_percent", "0.2, 0.5, 0.8"),
    ]


def inject(
    edit: EditPlan, kind: Kind, start_percent: float, end_percent: float, word_windows: str, end_percent_sweep: str
) -> EditPlan:
    """The edit with a word swap or refine. Raises ValueError for a wrong window, a second one, or equal prompts."""
    targets = []
    with said_by(kind.value):
        windows = read_word_windows(word_windows, kind, edit.source, edit.prompts)
        ends = read_values(end_percent_sweep, "end_percent_sweep")
        named = "end_percent_sweep" if ends else "end_percent"
        for target, words in zip(edit.targets, windows, strict=True):
            for end in ends or (end_percent,):
                window = Window.of_inputs(start_percent, end, "start_percent", named)
                injected = target.with_injection(Injection(kind, window, words))
                targets.append(injected.with_setting(f"end {end:g}") if ends else injected)
    for number, prompt in enumerate(edit.prompts, start=1):
        if not differs(edit.source, prompt):
            words = list_words(word.text for word in prompt.words)
            which = f" {number} of {len(edit.prompts)}" if len(edit.prompts) > 1 else ""
            raise ValueError(
                f"{kind.value}: source and target prompt{which} have the same words ({words}), so there is nothing to "
                f"edit. Change or add a word of the target prompt in {ENCODE_NODE}."
            )
    return edit.with_targets(targets)
