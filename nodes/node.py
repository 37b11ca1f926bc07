"""What every node of the pack does besides its own work: check its inputs, and say what is wrong in its own name."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from comfy_api.latest import io

from ..p2p_attention.errors import EditError
from .messages import spell
from .sockets import CARRIED, EMPTY, TYPED


class Node(io.ComfyNode):
    """A node whose `execute` gets what its schema says, or raises ValueError, naming node and input.

    The host has no such check for values in place of links, and for inputs that a node has not. An EditError of the
    method's goes on with the names of nodes in it, first that of the node that it is about, or of this one.
    """

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
