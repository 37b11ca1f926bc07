"""Six animals, each painted within −1 … 1."""

from __future__ import annotations

from .colours import INK, Coat, rgb
from .shapes import Brush, curve, cut, union

WHITE, PINK, ORANGE = rgb(255, 255, 255), rgb(245, 150, 165), rgb(245, 150, 40)


def eye(b: Brush, x: float, y: float, r: float) -> None:
    """A round dark eye with a spark."""
    b.fill(b.ellipse(x, y, r, r * 1.15), INK, line=False)
    b.fill(b.ellipse(x + r * 0.3, y - r * 0.4, r * 0.4, r * 0.4), WHITE, line=False)


def cat(b: Brush, c: Coat) -> None:
    """Sitting, its tail to the right."""
    b.fill(b.stroke(curve((0.3, 0.78), (1.05, 0.8), (0.8, 0.15)), 0.11), c.main)
    b.fill(union(b.ellipse(0, 0.5, 0.46, 0.45), b.box(0, 0.78, 0.46, 0.17, 0.15)), c.main)
    b.fill(b.ellipse(0, 0.56, 0.22, 0.26), c.light, line=False)
    ears = union(b.polygon([(-0.5, -0.85), (-0.58, -0.25), (-0.1, -0.5)], 0.05),
                 b.polygon([(0.5, -0.85), (0.58, -0.25), (0.1, -0.5)], 0.05))  # fmt: skip
    b.fill(union(ears, b.ellipse(0, -0.2, 0.6, 0.46)), c.main)
    b.fill(b.polygon([(-0.45, -0.68), (-0.47, -0.45), (-0.3, -0.52)], 0.03), PINK, line=False)
    b.fill(b.polygon([(0.45, -0.68), (0.47, -0.45), (0.3, -0.52)], 0.03), PINK, line=False)
    b.fill(b.ellipse(0, -0.03, 0.24, 0.17), c.light, line=False)
    eye(b, -0.27, -0.24, 0.1)
    eye(b, 0.27, -0.24, 0.1)
    b.fill(b.polygon([(-0.06, -0.1), (0.06, -0.1), (0, -0.03)], 0.03), PINK, line=False)
    for s in (-1, 1):
        b.fill(b.stroke([(s * 0.4, -0.05), (s * 0.8, -0.12)], 0.018), INK, line=False)
        b.fill(b.stroke([(s * 0.4, 0.02), (s * 0.78, 0.08)], 0.018), INK, line=False)


def dog(b: Brush, c: Coat) -> None:
    """Sitting, with hanging ears, a collar and its tongue out."""
    b.fill(b.stroke(curve((0.3, 0.75), (0.75, 0.75), (0.78, 0.4)), 0.1), c.main)
    b.fill(union(b.ellipse(0, 0.5, 0.42, 0.45), b.box(0, 0.79, 0.5, 0.16, 0.14)), c.main)
    b.fill(b.box(0, 0.8, 0.02, 0.13, 0.02), INK, line=False)
    b.fill(b.box(0, 0.2, 0.36, 0.09, 0.08), rgb(70, 160, 200))
    b.fill(b.ellipse(0, -0.3, 0.5, 0.5), c.main)
    for s in (-1, 1):
        b.fill(b.ellipse(s * 0.58, -0.28, 0.2, 0.45, s * -14), c.dark)
    b.fill(b.ellipse(0, 0.12, 0.11, 0.16), PINK)
    b.fill(b.ellipse(0, -0.06, 0.31, 0.22), WHITE)
    b.fill(b.ellipse(0, -0.17, 0.13, 0.09), INK, line=False)
    b.fill(b.stroke([(0, -0.1), (0, 0.05)], 0.02), INK, line=False)
    eye(b, -0.2, -0.42, 0.09)
    eye(b, 0.2, -0.42, 0.09)


def rabbit(b: Brush, c: Coat) -> None:
    """Long upright ears, big teeth."""
    b.fill(b.ellipse(0.42, 0.72, 0.17, 0.17), WHITE)
    b.fill(union(b.ellipse(0, 0.58, 0.42, 0.37), b.ellipse(-0.25, 0.85, 0.24, 0.1), b.ellipse(0.25, 0.85, 0.24, 0.1)),
           c.main)  # fmt: skip
    b.fill(b.ellipse(0, 0.58, 0.2, 0.22), WHITE, line=False)
    b.fill(union(b.ellipse(-0.22, -0.55, 0.14, 0.42, -8), b.ellipse(0.22, -0.55, 0.14, 0.42, 8),
                 b.ellipse(0, 0.02, 0.45, 0.36)), c.main)  # fmt: skip
    b.fill(b.ellipse(-0.22, -0.56, 0.065, 0.3, -8), PINK, line=False)
    b.fill(b.ellipse(0.22, -0.56, 0.065, 0.3, 8), PINK, line=False)
    eye(b, -0.2, -0.02, 0.085)
    eye(b, 0.2, -0.02, 0.085)
    b.fill(b.box(0, 0.24, 0.07, 0.07, 0.02), WHITE)
    b.fill(b.ellipse(0, 0.12, 0.2, 0.1), WHITE, line=False)
    b.fill(b.ellipse(0, 0.07, 0.07, 0.05), PINK, line=False)


def bird(b: Brush, c: Coat) -> None:
    """Standing, looking left."""
    for x in (-0.1, 0.15):
        b.fill(b.stroke([(x, 0.6), (x, 0.9), (x - 0.14, 0.9)], 0.035), ORANGE)
    b.fill(b.polygon([(0.35, 0.1), (0.93, -0.3), (0.9, 0.05), (0.5, 0.5)], 0.04), c.dark)
    b.fill(b.polygon([(-0.65, -0.45), (-0.95, -0.27), (-0.6, -0.2)], 0.03), ORANGE)
    b.fill(union(b.ellipse(0.05, 0.25, 0.55, 0.45), b.ellipse(-0.35, -0.35, 0.36, 0.36),
                 b.polygon([(-0.68, -0.3), (0, -0.45), (0.3, 0), (-0.5, 0.3)])), c.main)  # fmt: skip
    b.fill(b.ellipse(-0.2, 0.4, 0.26, 0.24), c.light, line=False)
    b.fill(cut(b.ellipse(0.26, 0.18, 0.36, 0.26, 12), b.ellipse(0.3, -0.2, 0.4, 0.2)), c.dark)
    eye(b, -0.42, -0.42, 0.09)


def fish(b: Brush, c: Coat) -> None:
    """Swimming to the left."""
    b.fill(b.polygon([(0.4, 0), (0.92, -0.45), (0.8, 0), (0.92, 0.45)], 0.05), c.dark)
    b.fill(b.polygon([(-0.2, -0.4), (0.25, -0.75), (0.35, -0.3)], 0.04), c.dark)
    b.fill(b.polygon([(-0.1, 0.4), (0.2, 0.7), (0.3, 0.3)], 0.04), c.dark)
    b.fill(b.ellipse(-0.15, 0, 0.75, 0.5), c.main)
    b.fill(b.stroke(curve((-0.42, -0.33), (-0.2, 0), (-0.42, 0.33)), 0.028), INK, line=False)
    b.fill(b.polygon([(-0.08, 0.02), (0.22, 0.2), (-0.05, 0.25)], 0.04), c.dark)
    b.fill(b.ellipse(-0.6, -0.13, 0.13, 0.13), WHITE)
    b.fill(b.ellipse(-0.62, -0.13, 0.065, 0.065), INK, line=False)
    b.fill(b.stroke(curve((-0.86, 0.1), (-0.75, 0.2), (-0.63, 0.17)), 0.025), INK, line=False)


def butterfly(b: Brush, c: Coat) -> None:
    """From above, wings spread."""
    for s in (-1, 1):
        b.fill(b.stroke(curve((0, -0.5), (s * 0.1, -0.85), (s * 0.3, -0.88)), 0.025), INK, line=False)
        b.fill(b.ellipse(s * 0.42, 0.42, 0.32, 0.4, s * 32), c.dark)
        b.fill(b.ellipse(s * 0.5, -0.28, 0.44, 0.4, s * -35), c.main)
        b.fill(b.ellipse(s * 0.6, -0.36, 0.14, 0.14), c.light, line=False)
        b.fill(b.ellipse(s * 0.45, 0.47, 0.11, 0.11), c.light, line=False)
    b.fill(union(b.ellipse(0, 0.12, 0.1, 0.55), b.ellipse(0, -0.45, 0.13, 0.13)), rgb(92, 70, 84))
