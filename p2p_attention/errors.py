"""What goes wrong, and what there is to say, without a word of how the nodes are called.

The method does not know the menu. It speaks of `Part`s; `nodes/messages.py` puts a node's name in the place of each,
and before a message of no subject the name of the node that was running.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum

Spell = Callable[[str], str]


class Part(Enum):
    """A part of the pack that a message speaks of; in a text it stands as "⟨word swap⟩"."""

    ENCODE = "prompt pair"
    SWAP = "word swap"
    REFINE = "refine"
    REWEIGHT = "reweight"
    BLEND = "local blend"
    WATCH = "watched words"
    INVERSION = "inversion"
    VIRTUAL = "virtual inversion"
    CONTROLLER = "controller"
    MAPS = "attention maps"
    MASK = "blend mask"
    SHEET = "contact sheet"

    def __str__(self) -> str:
        return f"⟨{self.value}⟩"


class EditError(ValueError):
    """An edit that cannot be done: its cause, the way out, and the part of the pack that says so, if it is known.

    The message is "subject: cause. remedy".
    """

    def __init__(self, cause: str, remedy: str = "", subject: Part | None = None) -> None:
        self.cause, self.remedy, self.subject = cause, remedy, subject
        super().__init__(" ".join(filter(None, (f"{cause}." if remedy else cause, remedy))))

    def __str__(self) -> str:
        return f"{self.subject}: {self.args[0]}" if self.subject else str(self.args[0])


class NothingActedError(EditError, RuntimeError):
    """A run in which an edit was due and could not act, found out while the run went on."""


@contextmanager
def spelled(spell: Spell) -> Iterator[None]:
    """Lets an EditError that is raised inside go on with the nodes' names in its message."""
    try:
        yield
    except EditError as error:
        error.args, error.subject = (spell(str(error)),), None
        raise
