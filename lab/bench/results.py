"""The JSON file and the document of a bench of cost: results by machine, written as they come, so that it can go on."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any


def add_result_options(parser: argparse.ArgumentParser, out: Path, document: Path) -> None:
    """The options that the others here read, with their defaults, and where the document goes."""
    parser.add_argument("--fresh", action="store_true", help="measure again what is there")
    parser.add_argument("--out", type=Path, default=out)
    parser.add_argument("--document", type=Path, default=document)


def read_results(options: argparse.Namespace) -> dict[str, Any]:
    """What is there, which with --fresh is nothing."""
    return json.loads(options.out.read_text()) if options.out.is_file() and not options.fresh else {}


def save_results(options: argparse.Namespace, results: dict[str, Any]) -> None:
    """Write all results."""
    options.out.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
