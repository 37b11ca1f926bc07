"""Puts the repository last on sys.path, behind the host, whose nodes.py our nodes/ would otherwise shadow."""

import sys
from pathlib import Path

from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))

settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=200, database=None)
settings.load_profile("repeatable")
