"""Looks at a picture and says what it shows, against the renderer's own templates and colours; no network is asked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from .colours import COLOURS
from .likeness import known_from_afar
from .render import SIDE, paint, render, silhouette
from .scenes import DEGREES, PLACES, Scene, Thing
from .styles import NEON_DIM, PAPER, PENCIL_TINT
from .templates import MAP, bank, edge_map, fits

BANDS = 16
VARIANTS = 30
UNEVEN, DARK = 0.006, 0.3
LEAST_FIT, LONE, CLEAR, FAR, TRIES = 0.45, 0.25, 0.3, 0.8, 8
PATTERN_TRIES = (
    ("plain", 0.45),
    ("striped", 0.25),
    ("striped", 0.4),
    ("striped", 0.58),
    ("spotted", 0.45),
    ("checked", 0.45),
)


@dataclass(frozen=True)
class Seen:
    """One thing found: its words, centre and radius in shares of the side, how well it fits its template, and how
    unlike its coat is to the one named."""

    kind: str
    colour: str
    pattern: str
    unlike: float
    spot: tuple[float, float]
    radius: float
    fit: float


@dataclass(frozen=True)
class Verdict:
    """What the judge sees."""

    style: str
    place: str
    ground: str
    things: tuple[Seen, ...]


@dataclass(frozen=True)
class Score:
    """Whether a picture shows what a scene's prompt says; `kind`, `colour` and `pattern` for all its things."""

    style: bool
    place: bool
    count: bool
    kind: bool
    colour: bool
    pattern: bool


def rims(picture: np.ndarray) -> np.ndarray:
    """The colours down both rims, [BANDS, 3]."""
    step, rim = SIDE // BANDS, SIDE // 9
    sides = [np.median(picture[:, part].reshape(BANDS, step * rim, 3), 1) for part in (slice(rim), slice(-rim, None))]
    return np.mean(sides, 0)


@cache
def prototypes() -> tuple[list[tuple[str, str]], np.ndarray]:
    """(place, ground) and the rims [N, BANDS, 3] of empty places, some of each."""
    labels, rows = [], []
    for place in PLACES:
        for ground in COLOURS if place == "plain" else ("",):
            for degree in ("", *DEGREES[place]):
                for i in range(1 if place == "plain" else VARIANTS):
                    amount = (i + 0.5) / VARIANTS if degree else 0.0
                    labels.append((place, ground))
                    rows.append(rims(render(Scene((), place, ground, degree, "", amount, seed=i))))
    return labels, np.array(rows)


def read_place(picture: np.ndarray) -> tuple[str, str, str]:
    """The style, the place and the ground's colour: cells and darkness tell two styles, the rest is as the rims fit."""
    cells = picture.reshape(32, SIDE // 32, 32, SIDE // 32, 3)
    uneven = np.abs(cells - cells.mean((1, 3), keepdims=True)).mean()
    seen = rims(picture)
    ways = {"drawing": (seen, 1.0), "pencil drawing": ((seen - PAPER) / PENCIL_TINT + PAPER, 1.4 * PENCIL_TINT)}
    if uneven < UNEVEN:
        ways = {"pixel art": (seen, 1.0)}
    elif np.median(seen.max(-1)) < DARK:
        ways = {"neon sign": ((np.maximum(seen, 0) / NEON_DIM) ** (1 / 1.5), 1.0)}
    labels, rows = prototypes()
    best = (9.0, "", "", "")
    for style, (colours, weight) in ways.items():
        gaps = np.minimum(np.abs(rows - colours).sum(-1), 0.8).mean(1) * weight
        n = int(gaps.argmin())
        best = min(best, (float(gaps[n]), style, *labels[n]))
    return best[1], best[2], best[3]


def judge(picture: np.ndarray, most: int = 3) -> Verdict:
    """Describe a picture [S, S, 3] in 0 … 1.

    Where templates fit best, coats are tried; the thing that fits and is painted like its template is taken, then
    those beside it. A thing as large as one is alone. Where nothing is painted like its template, one thing is taken
    that is known from afar, or two.
    """
    style, place, ground = read_place(picture)
    templates, scores = bank(style), fits(edge_map(picture, style), style)
    found: list[Seen] = []
    doubtful: list[Seen] = []
    for _ in range(TRIES):
        n, y, x = np.unravel_index(int(scores.argmax()), scores.shape)
        fit, radius = float(scores[n, y, x]), float(templates.radii[n])
        if fit < LEAST_FIT or len(found) == most or (found and found[0].radius >= LONE):
            break
        thing = Thing(str(templates.kinds[n]), "red", str(templates.patterns[n]), "", 0.45, (x / MAP, y / MAP))
        seen = Seen(thing.kind, *read_coat(picture, thing, radius, style, ground), thing.spot, radius, fit)
        good = fit - seen.unlike > CLEAR and not (found and radius >= LONE)
        (found if good else doubtful).append(seen)
        near = np.hypot(*np.ogrid[-y : MAP - y, -x : MAP - x])
        for m, r in enumerate(templates.radii):
            if good or (templates.kinds[m] == thing.kind and abs(r - radius) < 0.05):
                scores[m][near < (MAP * 0.75 * (radius + r) if good else 5)] = -1
    if (doubtful and not found) or (len(found) == 1 < most and found[0].radius < LONE):
        beside = (*found[0].spot, found[0].radius) if found else None
        for known in known_from_afar(picture, style, LONE, beside)[:most]:
            radius = known.template.radius
            thing = Thing(known.template.kind, known.colour, "plain", "", 0.45, known.spot)
            _, pattern, _ = read_coat(picture, thing, radius, style, ground)
            found.append(Seen(thing.kind, thing.colour, pattern, known.unlike, thing.spot, radius, known.fit))
    return Verdict(style, place, ground, tuple(found))


def read_coat(picture: np.ndarray, thing: Thing, radius: float, style: str, ground: str) -> tuple[str, str, float]:
    """A found thing's colour and pattern: those that, drawn there, come nearest; and the gap that is left."""

    class Sized(Scene):
        def radius(self, thing: Thing) -> float:
            return radius

    def gap(colour: str, pattern: str, amount: float) -> float:
        painted = replace(thing, colour=colour, pattern=pattern, amount=amount)
        apart = np.abs(render(Sized((painted,), "plain", ground or "blue", style=style)) - picture).sum(-1)
        return float(np.minimum(apart[where], FAR).mean())

    where = coat_mask(thing, radius)
    if not where.any():
        return "red", "plain", FAR
    patterns = {thing.pattern, "plain"}
    colour = min(COLOURS, key=lambda c: min(gap(c, pattern, 0.45) for pattern in patterns))
    tries = {(p, a): gap(colour, p, a) for p, a in PATTERN_TRIES}
    nearest = min(tries, key=tries.__getitem__)
    return colour, nearest[0], tries[nearest]


def coat_mask(thing: Thing, radius: float) -> np.ndarray:
    """Where a thing shows its coat, [S, S] (bool): what differs when it has another colour."""
    red, blue = (paint(replace(thing, colour=c, pattern="plain"), radius, SIDE) for c in ("red", "blue"))
    differ = np.abs(red[0] - blue[0]).sum(-1) * red[1] > 0.5
    whole = np.zeros((SIDE, SIDE), bool)
    _, _, left, top = red
    ys, xs = np.nonzero(differ)
    ys, xs = ys + top, xs + left
    inside = (ys >= 0) & (ys < SIDE) & (xs >= 0) & (xs < SIDE)
    whole[ys[inside], xs[inside]] = True
    return whole


def score(picture: np.ndarray, scene: Scene) -> Score:
    """Compare what a picture shows with a scene; of two things, each to the nearer one that was found."""
    verdict = judge(picture)
    found = list(verdict.things)
    pairs: list[Seen | None] = []
    for thing in scene.things:
        alike = [s for s in found if s.kind == thing.kind] or found
        pick = max(alike, key=lambda s: (s.colour == thing.colour, s.fit), default=None)
        pairs.append(pick)
        if pick is not None:
            found.remove(pick)
    every = list(zip(scene.things, pairs, strict=True))
    return Score(
        verdict.style == scene.style,
        verdict.place == scene.place and (scene.place != "plain" or verdict.ground == scene.ground),
        len(verdict.things) == len(scene.things),
        all(s is not None and s.kind == t.kind for t, s in every),
        all(s is not None and s.colour == t.colour for t, s in every),
        all(s is not None and s.pattern == t.pattern for t, s in every),
    )


def overlap(picture: np.ndarray, scene: Scene) -> float:
    """How much the first thing found covers of where the scene has its first thing: their silhouettes' IoU."""
    verdict = judge(picture, most=1)
    if not verdict.things:
        return 0.0
    s = verdict.things[0]

    class Sized(Scene):
        def radius(self, thing: Thing) -> float:
            return s.radius

    there = silhouette(Sized((Thing(s.kind, "red", "plain", "", 0.45, s.spot),))) > 0.5
    truth = silhouette(scene) > 0.5
    return float((there & truth).sum() / max(1, (there | truth).sum()))
