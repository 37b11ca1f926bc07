"""Puts the repository last on sys.path, behind the host, whose nodes.py our nodes/ would otherwise shadow.

Workers share the machine's cores, and the servers that they start take their worker's share.
"""

import os
import sys
from pathlib import Path

from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))

if workers := os.environ.get("PYTEST_XDIST_WORKER_COUNT"):
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // int(workers))))

settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=200, database=None)
settings.load_profile("repeatable")
