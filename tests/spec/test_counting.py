"""What counts once (docs/spec.md §5.8): the rules alone, without a device."""

from hypothesis import given
from hypothesis import strategies as st

from sync.counting import Counted, Linked, Said, count, joined, newest, persons

A, B, C, D = (bytes([n]) * 16 for n in range(1, 5))


def log(*records: Linked) -> dict[bytes, Linked]:
    return {one.id: one for one in records}


class TestCorrections:
    """Of a chain there stands the newest, in log order, that is neither void nor hidden, and there stands nothing where all are."""

    def test_the_newest_of_a_chain(self) -> None:
        chain = log(Linked(A), Linked(B, A), Linked(C, B))
        assert newest(chain) == {A: C, B: C, C: C}
        assert count(chain) == [Counted((C,), (A, B, C))]

    def test_two_corrections_of_one_record(self) -> None:
        assert count(log(Linked(A), Linked(B, A), Linked(C, A))) == [Counted((C,), (A, B, C))]

    def test_a_void_correction_takes_nothing_away(self) -> None:
        assert count(log(Linked(A), Linked(B, A, stands=False))) == [Counted((A,), (A, B))]
        assert count(log(Linked(A, stands=False), Linked(B, A, stands=False))) == []

    def test_a_circle_and_a_stranger(self) -> None:
        assert count(log(Linked(A, B), Linked(B, A))) == [Counted((B,), (A, B))]
        assert count(log(Linked(A, D), Linked(B, B))) == [Counted((A,), (A,)), Counted((B,), (B,))]


class TestSame:
    """Contacts whose standing record names others in `same_as` are one contact with those, whichever of their chain it names."""

    def test_counted_once(self) -> None:
        assert count(log(Linked(A), Linked(B, same=frozenset({A})), Linked(C))) == [Counted((A, B), (A, B)), Counted((C,), (C,))]

    def test_whichever_of_a_chain_is_named(self) -> None:
        assert count(log(Linked(A), Linked(B, A), Linked(C, same=frozenset({A})))) == [Counted((B, C), (A, B, C))]

    def test_what_was_corrected_says_nothing_any_more(self) -> None:
        assert count(log(Linked(A), Linked(B, same=frozenset({A})), Linked(C, B))) == [Counted((A,), (A,)), Counted((C,), (B, C))]

    @given(st.lists(st.tuples(st.none() | st.integers(0, 7), st.frozensets(st.integers(0, 7), max_size=3), st.booleans()), max_size=8))
    def test_each_record_counts_at_most_once(self, drawn: list[tuple[int | None, frozenset[int], bool]]) -> None:
        name = [bytes([n]) * 16 for n in range(8)]
        records = log(
            *(
                Linked(name[n], None if c is None else name[c], frozenset(name[one] for one in same), stands)
                for n, (c, same, stands) in enumerate(drawn)
            )
        )
        found = count(records)
        everything = [one for group in found for one in group.all]
        assert len(everything) == len(set(everything)) and all(set(group.stand) <= set(group.all) for group in found)
        assert set(everything) >= {one.id for one in records.values() if one.stands}


def said(one: str, other: str, step: str, file: bytes = A, place: int = 1, at: int = 0) -> Said[str]:
    return Said(one, other, step, file, (place, 1, 0), at)


class TestPersons:
    """`unmerged` parts that pair again; nothing else is changed by either, so it can be undone."""

    def test_joined_and_with_whomever_these_were(self) -> None:
        assert persons("wxyz", [said("w", "x", "merged"), said("x", "y", "merged")]) == [["w", "x", "y"], ["z"]]

    def test_parted_again_whatever_the_clocks_say(self) -> None:
        """In one file the log decides."""
        rows = [said("w", "x", "merged", at=99), said("x", "w", "unmerged", place=2, at=1)]
        assert joined(rows) == joined(rows[::-1]) == set()
        assert joined([*rows, said("w", "x", "merged", place=3)]) == {frozenset("wx")}

    def test_of_two_files_the_later(self) -> None:
        assert joined([said("w", "x", "merged", at=2), said("x", "w", "unmerged", B, at=1)]) == {frozenset("wx")}
        assert joined([said("w", "x", "merged", at=1), said("x", "w", "unmerged", B, at=2)]) == set()
        assert joined([said("w", "x", "merged", at=1), said("x", "w", "unmerged", B, at=1)]) == set()

    def test_oneself_a_stranger_and_an_unknown_step(self) -> None:
        assert persons("wx", [said("w", "w", "merged"), said("w", "q", "merged"), said("w", "x", "eaten")]) == [["w"], ["x"]]
