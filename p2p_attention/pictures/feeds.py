"""What feeds each word of a target prompt: the column map and the windows, word by word, to be shown to people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from ..edits.column_map import ColumnMap, Kind, map_columns
from ..edits.plan import Target
from ..errors import Part
from ..prompts.alignment import Change, WordRun
from ..prompts.prompt import Prompt, positions_of
from ..quote import list_words

MOST_KEPT = 4
MOST = 60
OWN = "own map"


@dataclass(frozen=True)
class Feed:
    """Source tokens and the target tokens that they answer, spelled, one of them empty if words were added or removed.

    `links` has (source, target, weight) for each source token whose map a target token takes, counted within the
    feed. `notes` says of each target token what is special about it. `left_out` stands for that number of feeds not
    shown.
    """

    change: Change
    source: tuple[str, ...] = ()
    target: tuple[str, ...] = ()
    links: tuple[tuple[int, int, float], ...] = ()
    notes: tuple[str, ...] = ()
    left_out: int = 0


def headline(targets: Sequence[Target]) -> str:
    """The edits of a target in a line, e.g. "word swap 0 … 0.8"; of several the settings that tell them apart."""
    target = targets[0]
    node = target.injection.kind.part if target.injection else Part.REWEIGHT
    if len(targets) > 1:
        return f"{node}: {list_words(', '.join(each.settings) for each in targets)}"
    if target.injection:
        does = f"{node} {target.injection.window}"
    elif target.acts:
        does = str(node)
    else:
        does = f"no edit yet: connect {Part.SWAP}, {Part.REFINE}, or {Part.REWEIGHT} with a strength other than 1"
    return ", ".join((does, *target.settings))


def feeds(target: Target) -> list[Feed]:
    """What feeds each word of a target, in reading order; long runs of kept words are left out."""
    kind = target.injection.kind if target.injection else Kind.REFINE  # a reweight alone injects as a refine does
    columns = map_columns(kind, target.pair) if target.acts else None
    found = [_feed(target, part, columns) for run in target.pair.runs for part in _words_apart(run)]
    return _shortened(found)


def table(found: Sequence[Feed]) -> str:
    """The feeds as text, a line each, e.g. "cat → hippo+potamus: swapped, weight 1/2"."""
    return "\n".join(_line(feed) for feed in found)


def fraction(weight: float) -> str:
    """A weight as people write it: "1" or "1/3"."""
    return f"1/{round(1 / weight)}" if 0 < weight < 1 else f"{weight:g}"


def _words_apart(run: WordRun) -> Iterator[WordRun]:
    """Runs whose words answer each other one by one, as runs of one word."""
    if run.change is Change.KEPT:
        for before, after in zip(run.source, run.target, strict=True):
            yield WordRun(run.change, (before,), (after,))
    else:
        yield run


def _feed(target: Target, run: WordRun, columns: ColumnMap | None) -> Feed:
    before, after = positions_of(run.source), positions_of(run.target)
    links = tuple(
        (i, j, float(columns.weights[s, t]))
        for i, s in enumerate(before)
        for j, t in enumerate(after)
        if columns is not None and columns.weights[s, t]
    )
    fed = {j for _, j, _ in links}
    notes = tuple(_note(target, t, j in fed or columns is None) for j, t in enumerate(after))
    return Feed(run.change, _spelled(target.pair.source, before), _spelled(target.prompt, after), links, notes)


def _note(target: Target, position: int, fed: bool) -> str:
    parts = [] if fed else [OWN]
    words = target.injection.word_windows if target.injection else ()
    parts += [f"{word.window}" for word in words if position in word.positions][-1:]
    parts += [f"× {r.strength:g} in {r.window}" for r in target.reweights if r.acts and position in r.positions]
    return ", ".join(parts)


def _spelled(prompt: Prompt, positions: Sequence[int]) -> tuple[str, ...]:
    return tuple(prompt.tokens[position].text for position in positions)


def _shortened(found: list[Feed]) -> list[Feed]:
    """Without the middle of long runs of kept words, and not more than a picture can show."""
    short: list[Feed] = []
    for common, group in groupby(found, lambda feed: feed.change is Change.KEPT and not any(feed.notes)):
        part = list(group)
        if common and len(part) > MOST_KEPT + 1:
            part[MOST_KEPT // 2 : -MOST_KEPT // 2] = [Feed(Change.KEPT, left_out=len(part) - MOST_KEPT)]
        short += part
    rest = short[MOST:]
    if rest:
        short[MOST:] = [Feed(Change.KEPT, left_out=sum(feed.left_out or 1 for feed in rest))]
    return [_cut(feed) for feed in short]


def _cut(feed: Feed) -> Feed:
    """A feed of at most `MOST` tokens on each side."""
    if max(len(feed.source), len(feed.target)) <= MOST:
        return feed
    links = tuple(link for link in feed.links if max(link[:2]) < MOST)
    dots = (("…",) if len(feed.source) > MOST else (), ("…",) if len(feed.target) > MOST else ())
    source, target = feed.source[:MOST] + dots[0], feed.target[:MOST] + dots[1]
    return replace(feed, source=source, target=target, links=links, notes=feed.notes[:MOST] + ("",) * len(dots[1]))


def _line(feed: Feed) -> str:
    if feed.left_out:
        return f"… {feed.left_out} more …"
    weights = {fraction(weight) for _, _, weight in feed.links if weight != 1}
    notes = [feed.change.value, *(f"weight {weight}" for weight in sorted(weights))]
    notes += list(dict.fromkeys(note for note in feed.notes if note))
    arrow = f"{'+'.join(feed.source)} → {'+'.join(feed.target)}".strip()
    return f"{arrow}: {', '.join(notes)}"
