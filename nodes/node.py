"""What every node of the pack does besides its own work: check its inputs, and say what is wrong in its own name."""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, ClassVar

from comfy_api.latest import io

from ..p2p_attention.errors import EditError
from ..p2p_attention.quote import LONGEST_WORD, list_words, quote
from .messages import spell
from .sockets import CARRIED, EMPTY, TYPED


class Node(io.ComfyNode):
    """A node whose `execute` gets what its schema says, or raises ValueError, naming node and input.

    The host has no such check for values in place of links, for what comes by a link in place of a widget's value, and
    for inputs that a node has not. An EditError of the method's goes on with the names of nodes in it, first that of
    the node that it is about, or of this one. Of inputs `with_more_choices` the node itself knows which there are.
    """

    with_more_choices: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        execute = vars(cls).get("execute")
        if execute is not None and not hasattr(execute.__func__, "__wrapped__"):  # the host makes clones of a class
            cls.execute = classmethod(_checked(execute.__func__))


def _checked(execute: Callable[..., io.NodeOutput]) -> Callable[..., io.NodeOutput]:
    @wraps(execute)
    def run(cls: type[io.ComfyNode], **inputs: Any) -> io.NodeOutput:
        schema = cls.define_schema()
        try:
            _check_inputs({wanted.id: wanted for wanted in schema.inputs}, inputs)
            _check_values(
                (wanted for wanted in schema.inputs if wanted.id not in getattr(cls, "with_more_choices", ())), inputs
            )
            return execute(cls, **inputs)
        except EditError as error:
            named = spell(str(error))
            error.args = (named if error.subject else f"{schema.display_name}: {named}",)
            error.subject = None
            raise

    return run


def _check_inputs(known: dict[str, io.Input], inputs: dict[str, Any]) -> None:
    """Raise EditError for an input that there is not, or a value that is not of its type."""
    for name, value in inputs.items():
        if name not in known:
            there = ", ".join(known) or "none"
            raise EditError(f"there is no input {name!r:.100}", f"Remove it; the inputs are: {there}.")
        kind = known[name].get_io_type()
        wanted, called = TYPED.get(kind) or (CARRIED[kind], "")
        if isinstance(value, wanted) or (value is None and known[name].optional):
            continue
        if value is None and kind in EMPTY:
            raise EditError(f"the {name} input is empty", EMPTY[kind])
        given = "empty" if value is None else f"{value!r:.100}"
        raise EditError(
            f"{name} is {given}", f"Give it {called}." if called else "Connect another node's output to it."
        )


def _check_values(known: Iterable[io.Input], inputs: dict[str, Any]) -> None:
    """Raise EditError for a value that is none of the choices, or a whole number out of range."""
    for wanted in known:
        value = inputs.get(wanted.id)
        if value is None:
            continue
        if isinstance(wanted, io.Combo.Input) and value not in wanted.options:
            raise EditError(
                f"{wanted.id} is {quote(value, LONGEST_WORD)}", f"Choose one of: {list_words(wanted.options)}."
            )
        if isinstance(wanted, io.Int.Input) and not wanted.min <= value <= wanted.max:
            raise EditError(f"{wanted.id} is {value}; it must lie between {wanted.min} and {wanted.max}.")
