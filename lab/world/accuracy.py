"""How often the judge is right on the renderer's own pictures: `python3 tools/host.py -m lab.world.accuracy [N]`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict

import numpy as np

from .judge import judge, score
from .render import render
from .scenes import sample_scene

Change = Callable[[np.ndarray], np.ndarray]


def accuracy(count: int, change: Change = lambda picture: picture, tell: bool = False) -> dict[str, float]:
    """The share of scenes that the judge reads right, by question; `change` may alter the pictures first."""
    rng = np.random.default_rng(2024)
    right: dict[str, list[bool]] = {}
    for _ in range(count):
        scene = sample_scene(rng, two=0.33, held_out=None)
        picture = change(render(scene))
        answers = asdict(score(picture, scene))
        for question, answer in answers.items():
            right.setdefault(question, []).append(answer)
        if tell and not all(answers.values()):
            wrong = [question for question, answer in answers.items() if not answer]
            what = [(t.kind, t.colour, t.pattern, t.size) for t in scene.things]
            seen = judge(picture)
            told = [(s.kind, s.colour, s.pattern, round(s.radius, 2), round(s.fit, 2)) for s in seen.things]
            print(wrong, scene.style, scene.place, scene.ground, scene.degree, what, "->", seen.style, seen.place,
                  seen.ground, told, flush=True)  # fmt: skip
    return {question: float(np.mean(answers)) for question, answers in right.items()}


if __name__ == "__main__":
    print(accuracy(int(sys.argv[1]) if len(sys.argv) > 1 else 100, tell=True))
