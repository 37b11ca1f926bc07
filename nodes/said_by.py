"""Messages that begin with the name of the node they come from."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def said_by(node: str) -> Iterator[None]:
    """Puts a node's name before the message of a ValueError that is raised inside."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{node}: {error}") from error
