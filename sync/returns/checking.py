"""Whether figures agree that have to (docs/returns.md): sums, and shares in per cent. For our own, and for those that somebody typed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from shared_schema.returns import Check


@dataclass(frozen=True, slots=True)
class Slip:
    """A figure that does not follow from the others: what it says, and what they come to."""

    check: str
    figure: str
    says: int
    comes_to: int


def slips(checks: Iterable[Check], values: Mapping[str, int]) -> list[Slip]:
    """Every check that fails, of those whose figures are all there."""
    return [slip for check in checks if (slip := _slip(check, values))]


def unchecked(checks: Iterable[Check], values: Mapping[str, int]) -> list[str]:
    """The checks for which a figure is wanting."""
    return [check.name for check in checks if not _names(check) <= values.keys()]


def _names(check: Check) -> set[str]:
    return {*check.sum, *check.share, *check.of, *filter(None, (check.equals, check.per_cent))}


def comes_to(check: Check, values: Mapping[str, int]) -> int:
    """The sum, or the share in whole per cent, a half rounded up; of nothing the share is 0."""
    if not check.per_cent:
        return sum(values[name] for name in check.sum)
    whole = sum(values[name] for name in check.of)
    return int(Fraction(100 * sum(values[name] for name in check.share), whole) + Fraction(1, 2)) if whole else 0


def _slip(check: Check, values: Mapping[str, int]) -> Slip | None:
    figure = check.per_cent or check.equals
    if not _names(check) <= values.keys() or values[figure] == (found := comes_to(check, values)):
        return None
    return Slip(check.name, figure, values[figure], found)
