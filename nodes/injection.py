"""What Word Swap and Refine have in common."""

from comfy_api.latest import io

from ..p2p_attention.alignment import differs
from ..p2p_attention.edits import EditPlan, Injection, Kind
from ..p2p_attention.window import Window
from ..p2p_attention.word_windows import check_sources, read_word_windows
from .types import Edit, end_percent, start_percent


def injection_inputs(what: str) -> list[io.Input]:
    """The edit, the window (0.8 of the run, as the paper's) and the windows of single words."""
    tooltip = (
        'Windows of their own for words of the target prompt, one a line: "car: 0.0 - 0.4". They replace the window.'
    )
    return [
        Edit.Input("edit", tooltip="The edit from P2P Encode Prompt Pair."),
        start_percent(0.0, what),
        end_percent(0.8, what),
        io.String.Input("word_windows", multiline=True, default="", optional=True, tooltip=tooltip),
    ]


def inject(edit: EditPlan, kind: Kind, start_percent: float, end_percent: float, word_windows: str) -> EditPlan:
    """The edit with a word swap or refine. Raises ValueError for a wrong window, a second one, or equal prompts."""
    try:
        windows = read_word_windows(word_windows, edit.targets)
        injected = edit.with_injection(Injection(kind, Window(start_percent, end_percent), windows))
        check_sources(windows, kind, edit.source, edit.targets)
    except ValueError as error:
        raise ValueError(f"{kind.value}: {error}") from error
    for target in edit.targets:
        if not differs(edit.source, target):
            words = ", ".join(word.text for word in target.words) or "no words at all"
            raise ValueError(
                f"{kind.value}: source and target prompt have the same words ({words}), so there is nothing to "
                "edit. Change or add a word of the target prompt in P2P Encode Prompt Pair."
            )
    return injected
