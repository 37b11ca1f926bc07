"""What Word Swap and Refine have in common."""

from ..p2p_attention.alignment import differs
from ..p2p_attention.column_map import map_columns
from ..p2p_attention.edits import EditPlan, Injection, Kind
from ..p2p_attention.window import Window
from ..p2p_attention.word_windows import check_sources, read_word_windows


def inject(edit: EditPlan, kind: Kind, start_percent: float, end_percent: float, word_windows: str) -> EditPlan:
    """The edit with a word swap or refine. Raises ValueError for a wrong window, a second one, or equal prompts."""
    try:
        words = read_word_windows(word_windows, edit.targets)
        injected = edit.with_injection(Injection(kind, Window(start_percent, end_percent), words))
        check_sources(words, [map_columns(kind, edit.source, target) for target in edit.targets])
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
