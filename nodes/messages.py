"""The nodes' names in messages."""

import re

from ..p2p_attention.errors import Part
from .names import NAMES

_PARTS = re.compile("|".join(map(re.escape, map(str, Part))))
_NAMES = {str(part): name for part, name in NAMES.items()}


def spell(text: str) -> str:
    """A text of the method's with the names of nodes in place of its parts."""
    return _PARTS.sub(lambda found: _NAMES[found[0]], text)
