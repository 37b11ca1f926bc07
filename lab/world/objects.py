"""Fourteen things that do not breathe, each painted within −1 … 1."""

from __future__ import annotations

import numpy as np

from .colours import CREAM, INK, Coat, rgb
from .shapes import Brush, Point, curve, cut, union

WHITE, GLASS, WOOD, LEAF = rgb(255, 255, 255), rgb(170, 222, 245), rgb(150, 100, 60), rgb(80, 165, 70)
GREY, GOLD, CHERRY = rgb(120, 125, 135), rgb(252, 205, 70), rgb(220, 40, 60)


def car(b: Brush, c: Coat) -> None:
    """A small car, driving left."""
    b.fill(union(b.polygon([(-0.5, -0.05), (-0.3, -0.5), (0.38, -0.5), (0.62, -0.05)], 0.06),
                 b.box(0, 0.14, 0.92, 0.28, 0.18)), c.main)  # fmt: skip
    b.fill(b.polygon([(-0.4, -0.06), (-0.24, -0.4), (0, -0.4), (0, -0.06)], 0.02), GLASS)
    b.fill(b.polygon([(0.14, -0.06), (0.14, -0.4), (0.33, -0.4), (0.48, -0.06)], 0.02), GLASS)
    b.fill(b.ellipse(-0.82, 0.1, 0.09, 0.1), GOLD)
    for x in (-0.48, 0.48):
        b.fill(b.ellipse(x, 0.4, 0.24, 0.24), rgb(70, 66, 80))
        b.fill(b.ellipse(x, 0.4, 0.1, 0.1), rgb(210, 212, 220), line=False)


def boat(b: Brush, c: Coat) -> None:
    """A sailing boat: the hull and the pennant have the colour, the sails are cloth."""
    b.fill(b.box(0.02, -0.2, 0.045, 0.65, 0.02), WOOD)
    b.fill(b.polygon([(0.06, -0.92), (0.4, -0.8), (0.06, -0.68)], 0.02), c.plain)
    b.fill(b.polygon([(-0.1, -0.72), (-0.1, 0.16), (-0.66, 0.16)], 0.04), CREAM)
    b.fill(b.polygon([(0.14, -0.56), (0.14, 0.16), (0.66, 0.16)], 0.04), CREAM)
    b.fill(b.polygon([(-0.9, 0.32), (0.9, 0.32), (0.55, 0.82), (-0.55, 0.82)], 0.06), c.main)


def rocket(b: Brush, c: Coat) -> None:
    """Upright, its engine burning."""
    b.fill(b.polygon([(-0.2, 0.5), (0, 0.95), (0.2, 0.5)], 0.03), rgb(245, 130, 30))
    b.fill(b.polygon([(-0.09, 0.5), (0, 0.75), (0.09, 0.5)], 0.02), GOLD, line=False)
    for s in (-1, 1):
        b.fill(b.polygon([(s * 0.25, 0.05), (s * 0.62, 0.5), (s * 0.6, 0.68), (s * 0.2, 0.5)], 0.04), c.dark)
    body = np.maximum(b.ellipse(0.3, -0.05, 0.66, 0.95), b.ellipse(-0.3, -0.05, 0.66, 0.95))
    b.fill(np.maximum(body, b.y - 0.52), c.main)
    b.fill(np.maximum(np.maximum(body, b.y - 0.52), b.y + 0.5), c.dark)
    b.fill(b.ellipse(0, -0.12, 0.19, 0.19), WHITE)
    b.fill(b.ellipse(0, -0.12, 0.11, 0.11), GLASS)


def house(b: Brush, c: Coat) -> None:
    """Walls of the colour, a grey roof, a chimney."""
    b.fill(b.box(0.4, -0.55, 0.11, 0.25, 0.02), rgb(175, 90, 75))
    b.fill(b.box(0, 0.38, 0.66, 0.5, 0.02), c.main)
    b.fill(b.polygon([(-0.84, -0.1), (0, -0.82), (0.84, -0.1)], 0.05), rgb(112, 112, 135))
    b.fill(b.box(-0.28, 0.58, 0.17, 0.3, 0.02), WOOD)
    b.fill(b.ellipse(-0.17, 0.6, 0.035, 0.035), GOLD, line=False)
    b.fill(b.box(0.3, 0.38, 0.19, 0.19, 0.02), GLASS)
    b.fill(b.stroke([(0.3, 0.2), (0.3, 0.56)], 0.02), INK, line=False)
    b.fill(b.stroke([(0.12, 0.38), (0.48, 0.38)], 0.02), INK, line=False)


def tree(b: Brush, c: Coat) -> None:
    """A round crown of the colour on a brown trunk."""
    b.fill(b.polygon([(-0.12, 0.1), (0.12, 0.1), (0.2, 0.9), (-0.2, 0.9)], 0.02), WOOD)
    sides = (b.ellipse(s * 0.42, -0.12, 0.38, 0.36) for s in (-1, 1))
    crown = union(b.ellipse(0, -0.5, 0.42, 0.42), *sides, b.ellipse(0, 0.0, 0.42, 0.34))
    b.fill(crown, c.main)
    for x, y in ((-0.45, -0.1), (0.1, -0.55), (0.42, 0.0)):
        b.fill(cut(b.ellipse(x, y, 0.2, 0.2), b.ellipse(x + 0.03, y - 0.07, 0.21, 0.2)), c.dark, line=False)


def flower(b: Brush, c: Coat) -> None:
    """Six petals on a stem with two leaves."""
    b.fill(b.stroke([(0, 0), (0, 0.9)], 0.055), LEAF)
    b.fill(b.ellipse(-0.26, 0.62, 0.25, 0.11, 30), LEAF)
    b.fill(b.ellipse(0.26, 0.54, 0.25, 0.11, -30), LEAF)
    angles = [np.radians(60 * i + 30) for i in range(6)]
    petals = [b.ellipse(0.37 * np.cos(a), -0.3 + 0.37 * np.sin(a), 0.26, 0.22, np.degrees(a)) for a in angles]
    b.fill(union(*petals), c.main)
    b.fill(b.ellipse(0, -0.3, 0.2, 0.2), rgb(255, 236, 150))


def mushroom(b: Brush, c: Coat) -> None:
    """A cap of the colour with pale warts."""
    b.fill(union(b.box(0, 0.45, 0.25, 0.42, 0.15), b.ellipse(0, 0.72, 0.34, 0.2)), CREAM)
    cap = np.maximum(b.ellipse(0, 0.1, 0.88, 0.88), b.y - 0.16)
    b.fill(cap - 0.04, c.main)
    for x, y, r in ((-0.45, -0.18, 0.14), (0.05, -0.45, 0.17), (0.5, -0.12, 0.13), (0.02, 0.0, 0.1)):
        b.fill(b.ellipse(x, y, r, r * 0.9), WHITE, line=False)
    eye_y = 0.42
    for s in (-1, 1):
        b.fill(b.ellipse(s * 0.11, eye_y, 0.04, 0.06), INK, line=False)


def apple(b: Brush, c: Coat) -> None:
    """With a stem and one leaf."""
    b.fill(b.stroke(curve((0, -0.4), (0, -0.7), (0.12, -0.88)), 0.05), WOOD)
    b.fill(b.ellipse(0.36, -0.66, 0.27, 0.12, -25), LEAF)
    body = union(b.ellipse(-0.27, 0.1, 0.5, 0.62, 8), b.ellipse(0.27, 0.1, 0.5, 0.62, -8))
    b.fill(body, c.main)
    b.fill(b.stroke(curve((-0.17, -0.43), (0, -0.33), (0.17, -0.43)), 0.03), INK, line=False)
    b.fill(b.ellipse(-0.42, -0.12, 0.1, 0.2, 20), c.light, line=False)


def cake(b: Brush, c: Coat) -> None:
    """Two tiers with icing, a candle burning."""
    b.fill(b.box(0, -0.6, 0.055, 0.2, 0.02), rgb(120, 190, 235))
    b.fill(b.ellipse(0, -0.86, 0.06, 0.09), GOLD)
    b.fill(b.box(0, 0.82, 0.92, 0.07, 0.05), rgb(225, 228, 236))
    b.fill(b.box(0, 0.48, 0.74, 0.3, 0.06), c.main)
    drip = [(-0.74, 0.17), (0.74, 0.17), (0.74, 0.36)]
    for i in range(7):
        drip += [(0.62 - i * 0.21, 0.42 if i % 2 else 0.28)]
    b.fill(b.polygon([*drip, (-0.74, 0.36)], 0.03), WHITE)
    b.fill(b.box(0, -0.1, 0.46, 0.25, 0.06), c.main)
    b.fill(b.box(0, -0.34, 0.48, 0.09, 0.08), WHITE)
    for x in (-0.3, 0.3):
        b.fill(b.ellipse(x, -0.46, 0.1, 0.1), CHERRY)


def cup(b: Brush, c: Coat) -> None:
    """A steaming cup on a saucer."""
    for x in (-0.3, 0.0, 0.3):
        steam = curve((x - 0.1, -0.42), (x + 0.12, -0.56), (x - 0.1, -0.7), 4)
        steam += curve((x - 0.1, -0.7), (x - 0.22, -0.8), (x - 0.05, -0.92), 4)[1:]
        b.fill(b.stroke(steam, 0.035), WHITE)
    b.fill(b.ellipse(0, 0.75, 0.88, 0.13), WHITE)
    b.fill(cut(b.ellipse(0.56, 0.12, 0.34, 0.32), b.ellipse(0.56, 0.12, 0.17, 0.16)), c.main)
    b.fill(
        b.polygon([(-0.56, -0.22), (0.56, -0.22), (0.5, 0.4), (0.28, 0.68), (-0.28, 0.68), (-0.5, 0.4)], 0.05), c.main
    )
    b.fill(b.ellipse(0, -0.22, 0.56, 0.13), rgb(110, 66, 45))


def hat(b: Brush, c: Coat) -> None:
    """A broad hat with a ribbon."""
    b.fill(b.ellipse(0, 0.42, 0.96, 0.24), c.main)
    b.fill(union(b.box(0, 0.0, 0.5, 0.4, 0.22), b.box(0, 0.25, 0.54, 0.17, 0.05)), c.main)
    b.fill(np.maximum(b.box(0, 0.0, 0.56, 0.46, 0.2), np.abs(b.y - 0.24) - 0.12), rgb(70, 66, 92))
    b.fill(b.polygon([(0.2, 0.24), (0.46, 0.08), (0.46, 0.4)], 0.03), rgb(240, 225, 190))
    b.fill(b.polygon([(0.2, 0.24), (-0.06, 0.08), (-0.06, 0.4)], 0.03), rgb(240, 225, 190))


def ball(b: Brush, c: Coat) -> None:
    """With seams and a shine."""
    circle = b.ellipse(0, 0, 0.82, 0.82)
    b.fill(circle, c.main)
    for x in (-1.0, 1.0):
        b.fill(np.maximum(np.abs(b.ellipse(x, 0, 0.72, 0.9)) - 0.03, circle), INK, line=False)
    b.fill(np.maximum(np.abs(b.y) - 0.03, circle), INK, line=False)
    b.fill(b.ellipse(-0.14, -0.52, 0.17, 0.1, -20), WHITE, line=False)


def star(b: Brush, c: Coat) -> None:
    """Five points and a smile."""
    points: list[Point] = []
    for i in range(10):
        r, a = (0.88, 0.42)[i % 2], np.radians(36 * i - 90)
        points.append((r * np.cos(a), 0.06 + r * np.sin(a)))
    b.fill(b.polygon(points, 0.07), c.main)
    for s in (-1, 1):
        b.fill(b.ellipse(s * 0.19, -0.05, 0.065, 0.1), INK, line=False)
    b.fill(b.stroke(curve((-0.18, 0.15), (0, 0.34), (0.18, 0.15)), 0.035), INK, line=False)


def heart(b: Brush, c: Coat) -> None:
    """Plump, with a shine."""
    t = np.linspace(0, 2 * np.pi, 37)[:-1]
    xs = 0.86 * np.sin(t) ** 3
    ys = -(0.78 * np.cos(t) - 0.3 * np.cos(2 * t) - 0.12 * np.cos(3 * t) - 0.06 * np.cos(4 * t))
    b.fill(b.polygon([(float(x), float(y)) for x, y in zip(xs, ys, strict=True)], 0.05), c.main)
    b.fill(b.ellipse(-0.46, -0.34, 0.12, 0.2, 35), c.light, line=False)
