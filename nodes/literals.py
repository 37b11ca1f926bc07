"""What is typed wrongly, found before anything is loaded: the host asks a node of its widgets' values first."""

from collections.abc import Callable, Sequence

from ..p2p_attention.edits.sweep import read_values
from ..p2p_attention.edits.window import Window
from ..p2p_attention.errors import EditError
from .messages import spell


def verdict(*checks: Callable[[], object]) -> bool | str:
    """True if the checks pass, otherwise the first message; what the host's `validate_inputs` wants."""
    try:
        for check in checks:
            check()
    except EditError as error:
        return spell(str(error))
    return True


def check_window(
    start: float | None, end: float | None, start_name: str = "start_percent", end_name: str = "end_percent"
) -> None:
    """Raise EditError for ends that make no window; None is a linked one, whose value nobody knows yet."""
    Window.of_inputs(start or 0.0, 1.0 if end is None else end, start_name, end_name)


def check_window_sweep(start: float | None, end: float | None, ends: str | None) -> None:
    """Raise EditError for a window, or one for each end of a sweep, that is none."""
    swept: Sequence[float] = read_values(ends or "", "end_percent_sweep")
    for value in swept:
        check_window(start, value, end_name="end_percent_sweep")
    if not swept:
        check_window(start, end)
