"""Looks at a picture and says what it shows, against the renderer's own templates and colours; no network is asked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, lru_cache

import numpy as np

from .colours import COLOURS
from .likeness import known_from_afar
from .render import SIDE, paint, render, silhouette
from .scenes import DEGREES, PLACES, Scene, Thing
from .styles import CELLS, NEON_DIM, PAPER, PENCIL_TINT
from .templates import alone
from .texture import autocorrelation, unlike

BANDS = 16
VARIANTS = 30
STEPS, DARK = 2.0, 0.3
PLAINER, CHANGED, REACH, NEAR = 1.5, 0.2, 0.45, 5
PATTERN_TRIES = (
    ("plain", 0.45),
    ("striped", 0.25),
    ("striped", 0.4),
    ("striped", 0.58),
    ("spotted", 0.45),
    ("checked", 0.45),
)

Coating = tuple[str, str, float]  # colour, pattern and its amount


@dataclass(frozen=True)
class Seen:
    """One thing found: its words, centre and radius in shares of the side, and how well it fits its template."""

    kind: str
    colour: str
    pattern: str
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


def steps_between_cells(picture: np.ndarray) -> float:
    """How much more a picture changes between the cells of pixel art than inside them."""
    size, ratio = SIDE // CELLS, []
    for axis in (0, 1):
        change = np.abs(np.diff(picture, axis=axis)).mean((1 - axis, 2))
        between = np.arange(1, SIDE) % size == 0
        ratio.append(change[between].mean() / (change[~between].mean() + 1e-4))
    return float(np.mean(ratio))


def read_place(picture: np.ndarray) -> tuple[str, str, str]:
    """The style, the place and the ground's colour: cells and darkness tell two styles, the rest is as the rims fit."""
    seen = rims(picture)
    ways = {"drawing": (seen, 1.0), "pencil drawing": ((seen - PAPER) / PENCIL_TINT + PAPER, 1.4 * PENCIL_TINT)}
    if steps_between_cells(picture) > STEPS:
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


def judge(picture: np.ndarray, most: int = 2) -> Verdict:
    """Describe a picture [S, S, 3] in 0 … 1: things are known from afar, their patterns are read from near."""
    style, place, ground = read_place(picture)
    found = []
    for one in known_from_afar(picture, style, most):
        radius = one.template.radius
        thing = Thing(one.template.kind, one.coat.colour, spot=one.spot)
        coat = read_coat(picture, thing, radius, style, ground)
        found.append(Seen(thing.kind, *coat, thing.spot, radius, one.fit))
    return Verdict(style, place, ground, tuple(found))


def read_coat(picture: np.ndarray, thing: Thing, radius: float, style: str, ground: str) -> tuple[str, str]:
    """A found thing's colour and pattern, for a thing is not drawn just where its template is.

    The colour is of the coat whose pixels are distributed as those seen, wherever they are; a pattern is there if one's
    are, and it is the one that repeats itself as what is seen does.
    """
    where = coat_mask(thing, radius)
    if not where.any():
        return thing.colour, "plain"
    bare = replace(thing, colour="")
    known, seen = _coats(bare, radius, style, ground), _distribution(picture[where])
    gaps = {coat: float(np.abs(one - seen).mean()) for coat, one in known.items()}
    colour = min(gaps, key=gaps.__getitem__)[0]
    plain, *patterned = ((colour, *way) for way in PATTERN_TRIES)
    if gaps[plain] <= PLAINER * min(gaps[way] for way in patterned):
        return colour, "plain"
    drawn = {coat: _in_coat(bare, coat, radius, style, ground) for coat in (plain, *patterned)}
    changed = (drawn[patterned[-1]] - drawn[plain])[where]
    to_pale = changed[np.abs(changed).sum(-1) > CHANGED].mean(0)

    def repeats(one: np.ndarray) -> np.ndarray:
        pale = np.clip((one - drawn[plain]) @ to_pale / (to_pale @ to_pale), 0, 1)
        return autocorrelation(pale, where, max(NEAR, round(REACH * radius * SIDE)))

    here = repeats(picture)
    return colour, min(patterned, key=lambda way: unlike(repeats(drawn[way]), here))[1]


@lru_cache(64)  # ways of editing one picture leave a thing where it is
def _coats(thing: Thing, radius: float, style: str, ground: str) -> dict[Coating, np.ndarray]:
    """How the colours where a thing shows its coat are distributed in every coat."""
    where, coats = coat_mask(thing, radius), [(colour, *way) for colour in COLOURS for way in PATTERN_TRIES]
    return {coat: _distribution(_in_coat(thing, coat, radius, style, ground)[where]) for coat in coats}


def _in_coat(thing: Thing, coat: Coating, radius: float, style: str, ground: str) -> np.ndarray:
    """A thing in a coat, alone, [S, S, 3]."""
    colour, pattern, amount = coat
    painted = replace(thing, colour=colour, pattern=pattern, amount=amount)
    return render(alone(painted, radius, style, ground or "blue"))


def _distribution(colours: np.ndarray) -> np.ndarray:
    """Colours [N, 3] seen along six directions, each sorted, [N, 6]: differences are Wasserstein distances."""
    return np.sort(np.concatenate((colours, colours - np.roll(colours, 1, 1)), 1), 0)


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
    """Compare what a picture shows with a scene."""
    return compare(judge(picture), scene)


def compare(verdict: Verdict, scene: Scene) -> Score:
    """Compare what was seen with a scene; of two things, each to the nearer one that was found."""
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
    there = silhouette(alone(Thing(s.kind, "red", spot=s.spot), s.radius, "drawing")) > 0.5
    truth = silhouette(scene) > 0.5
    return float((there & truth).sum() / max(1, (there | truth).sum()))
