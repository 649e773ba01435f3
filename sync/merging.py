"""A proposal for a narrative in conflict: two texts merged by words against the one that both began from (docs/spec.md §5.5.1).
Vectors: shared_schema/vectors/merging/.

It only proposes: a person reads it, alters it, and decides with a reason. Where both changed the same place not alike, there is no proposal.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

_BLANKS: Final = "\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_BLANK: Final = re.compile(f"[{_BLANKS}]")
MOST_EDITS: Final = 1500


class Piece(NamedTuple):
    """A stretch of the merged text. `kind`: same, changed or clash. `by`: a, b or both, of what is changed. Of a clash, `a` and `b` differ."""

    kind: str
    was: str
    a: str
    b: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class Merged:
    """The pieces in order."""

    pieces: tuple[Piece, ...]

    @property
    def proposal(self) -> str | None:
        """The whole text, where nothing clashes."""
        return None if any(piece.kind == "clash" for piece in self.pieces) else self.with_side("a")

    def with_side(self, who: str) -> str:
        """The pieces, with one side's words wherever the two clash."""
        return "".join((piece.a if who == "a" else piece.b) if piece.kind == "clash" else _text(piece) for piece in self.pieces)


class _Hunk(NamedTuple):
    """Tokens `start` to `end` of the base are replaced by `text`."""

    start: int
    end: int
    text: tuple[str, ...]


def _text(piece: Piece) -> str:
    return piece.b if piece.by == "b" else piece.a


def tokens(text: str) -> list[str]:
    """Words, runs of blanks, and every other character by itself."""
    found: list[str] = []
    kind_before = ""
    for one in text:
        kind = "word" if one in "'’" or unicodedata.category(one)[0] in "LNM" else "blank" if _BLANK.match(one) else ""
        if kind and kind == kind_before:
            found[-1] += one
        else:
            found.append(one)
        kind_before = kind
    return found


@dataclass(frozen=True, slots=True)
class _Run:
    """Tokens `start` to `end` of the base are kept, `k` places further on than in the text; `before` is the run before it on the same way."""

    start: int
    end: int
    k: int
    before: "_Run | None"


_Way = tuple[int, _Run | None]  # how far it has come in the base, and its last run


def _kept(base: Sequence[str], text: Sequence[str]) -> list[_Run] | None:
    """What a shortest way of edits keeps; None where it takes more than MOST_EDITS. Myers 1986, greedy, forwards.

    Diagonal k is the place in the base less the place in the text.
    """
    before: dict[int, _Way] = {}
    for edits in range(min(MOST_EDITS, len(base) + len(text)) + 1):
        ways: dict[int, _Way] = {}
        for k in range(-edits, edits + 1, 2):
            way = _step(before, k, len(base), len(text)) if edits else (0, None)
            if way is None:
                continue
            start, run = way
            x = start
            while x < len(base) and x - k < len(text) and base[x] == text[x - k]:
                x += 1
            run = _Run(start, x, k, run) if x > start else run
            if x == len(base) and x - k == len(text):
                return _in_order(run)
            ways[k] = (x, run)
        before = ways
    return None


def _step(before: dict[int, _Way], k: int, width: int, height: int) -> _Way | None:
    """With one edit more onto diagonal `k`: by an addition from `k` + 1 where that came further than `k` − 1, else by a removal from there."""
    removed, added = before.get(k - 1), before.get(k + 1)
    can_add = added is not None and added[0] - k <= height
    if added is not None and can_add and (removed is None or removed[0] >= width or removed[0] < added[0]):
        return added
    return (removed[0] + 1, removed[1]) if removed is not None and removed[0] < width else None


def _in_order(run: _Run | None) -> list[_Run]:
    found: list[_Run] = []
    while run is not None:
        found.append(run)
        run = run.before
    return found[::-1]


def _hunks(base: Sequence[str], text: Sequence[str]) -> list[_Hunk]:
    """What stands between the kept runs."""
    kept = _kept(base, text)
    if kept is None:
        return [_Hunk(0, len(base), tuple(text))]
    found: list[_Hunk] = []
    x = y = 0
    for run in (*kept, _Run(len(base), len(base), len(base) - len(text), None)):
        if run.start > x or run.start - run.k > y:
            found.append(_Hunk(x, run.start, tuple(text[y : run.start - run.k])))
        x, y = run.end, run.end - run.k
    return found


def merge_words(base: str | None, a: str, b: str) -> Merged:
    """The pieces of two texts. `base` is what both began from; None where that is not known: then it is what both have kept."""
    left, right = tokens(a), tokens(b)
    began = [token for run in _kept(left, right) or () for token in left[run.start : run.end]] if base is None else tokens(base)
    return Merged(tuple(_pieces(began, _hunks(began, left), _hunks(began, right))))


def _pieces(base: Sequence[str], by_a: list[_Hunk], by_b: list[_Hunk]) -> Iterator[Piece]:
    at = 0
    while by_a or by_b:
        start = min(hunk.start for hunk in (by_a[:1] + by_b[:1]))
        if start > at:
            yield _same(base[at:start])
        own_a, own_b, at = _together(by_a, by_b, start)
        by_a, by_b = by_a[len(own_a) :], by_b[len(own_b) :]
        yield _piece(base, start, at, own_a, own_b)
    if at < len(base):
        yield _same(base[at:])


def _same(kept: Sequence[str]) -> Piece:
    text = "".join(kept)
    return Piece("same", text, text, text)


def _together(by_a: list[_Hunk], by_b: list[_Hunk], start: int) -> tuple[list[_Hunk], list[_Hunk], int]:
    """What touches belongs together: between two changes that meet there is nothing that both left as it was."""
    taken_a = taken_b = 0
    end, grew = start, True
    while grew:
        grew = False
        if taken_a < len(by_a) and by_a[taken_a].start <= end:
            end, taken_a, grew = max(end, by_a[taken_a].end), taken_a + 1, True
        if taken_b < len(by_b) and by_b[taken_b].start <= end:
            end, taken_b, grew = max(end, by_b[taken_b].end), taken_b + 1, True
    return by_a[:taken_a], by_b[:taken_b], end


def _piece(base: Sequence[str], start: int, end: int, own_a: list[_Hunk], own_b: list[_Hunk]) -> Piece:
    was = "".join(base[start:end])
    a, b = (_side(base, own, start, end) for own in (own_a, own_b))
    if own_a and own_b:
        return Piece("changed", was, a, b, "both") if a == b else Piece("clash", was, a, b)
    return Piece("changed", was, a, b, "a" if own_a else "b")


def _side(base: Sequence[str], own: list[_Hunk], start: int, end: int) -> str:
    """One side's words for a stretch of the base in which its hunks lie."""
    found: list[str] = []
    at = start
    for hunk in own:
        found += [*base[at : hunk.start], *hunk.text]
        at = hunk.end
    return "".join([*found, *base[at:end]])
