"""Long documents on paper: words broken into lines and lines into pages before anything is drawn, so that an index knows its pages (docs/spec.md §16.3).

A4, in the fonts that come with this package. The same calls give the same bytes: the only time in a document is the one that it is given. It measures
and breaks lines itself, with each word measured once: the library's own tables take minutes for what a case of some years holds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple, cast

from fpdf import FPDF, ViewerPreferences
from fpdf.fonts import TTFFont

from sync.device.paper.pdf import printable

_FONTS: Final = Path(__file__).with_name("fonts")
_FAMILY: Final = "dejavu"
_PRODUCER: Final = "Fieldkeep"
_WIDTH: Final = 595.28
_HEIGHT: Final = 841.89
_MARGIN: Final = 51.0
_TOP: Final = 62.0
_BOTTOM: Final = _HEIGHT - 58.0
_LEADING: Final = 1.36
_TOGETHER: Final = 4  # lines of text that have to fit under a heading
TEXT_WIDTH: Final = _WIDTH - 2 * _MARGIN
BODY: Final = 9.5
SMALL: Final = 7.5
_DATE: Final = 74.0
_NUMBER: Final = 34.0
_HEADINGS: Final = (14.0, 11.0)
_BLACK: Final = (0, 0, 0)
_GREY: Final = (90, 90, 90)
_RED: Final = (160, 0, 0)
COLOURS: Final = {"black": _BLACK, "grey": _GREY, "red": _RED}


class Cell(NamedTuple):
    """Words in a column: from `x` of the text's width, at most `width` wide, on its left side or its right."""

    text: str
    x: float
    width: float
    bold: bool = False
    colour: str = "black"
    right: bool = False


class _Piece(NamedTuple):
    x: float
    y: float
    text: str
    size: float
    bold: bool
    colour: str


class Mark(NamedTuple):
    """A heading: where it stands, counted from the first page of the text."""

    text: str
    level: int
    page: int
    y: float


@dataclass(slots=True)
class _Page:
    pieces: list[_Piece] = field(default_factory=list)
    rules: list[float] = field(default_factory=list)
    links: list[tuple[float, int]] = field(default_factory=list)  # y, and the page of the text that a line leads to


class _Paper(FPDF):
    """A document of the library, empty, in our fonts."""

    def __init__(self, title: str, made_ms: int) -> None:
        super().__init__(format="A4", unit="pt")
        self.set_title(printable(title))
        self.set_lang("en-GB")
        self.set_producer(_PRODUCER)
        self.set_creator(_PRODUCER)
        self.set_creation_date(_moment(made_ms))
        self.viewer_preferences = ViewerPreferences(display_doc_title=True)
        self.set_auto_page_break(False)
        self.add_font(_FAMILY, fname=_FONTS / "DejaVuSans.ttf")
        self.add_font(_FAMILY, style="B", fname=_FONTS / "DejaVuSans-Bold.ttf")


def _moment(ms: int) -> datetime:
    """A time of the server's; what no calendar has is its beginning, and no reason to write nothing."""
    try:
        return datetime.fromtimestamp(ms / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return datetime.fromtimestamp(0, UTC)


class Measure:
    """How wide words are, and which characters the fonts have."""

    def __init__(self, paper: FPDF) -> None:
        self._widths = {bold: _font(paper, bold=bold).cw for bold in (False, True)}
        self._has = _font(paper, bold=False).cmap
        self._words: dict[tuple[str, bool], float] = {}

    def shown(self, text: str) -> str:
        """The text with what the fonts lack as code points."""
        plain = printable(text)
        if all(ord(one) in self._has or one == "\n" for one in set(plain)):
            return plain
        return "".join(one if one == "\n" or ord(one) in self._has else f"[U+{ord(one):04X}]" for one in plain)

    def width(self, word: str, size: float, *, bold: bool) -> float:
        """In points."""
        known = self._words.get((word, bold))
        if known is None:
            widths = self._widths[bold]
            known = self._words[(word, bold)] = sum(widths[ord(one)] for one in word) / 1000
        return known * size

    def lines(self, text: str, width: float, size: float, *, bold: bool = False) -> Iterator[str]:
        """The text in lines of at most this width, at blanks where there are any."""
        blank = self.width(" ", size, bold=bold)
        for paragraph in self.shown(text).split("\n"):
            line, filled = "", 0.0
            for word in self._pieces(paragraph, width, size, bold=bold):
                wide = self.width(word, size, bold=bold)
                if line and filled + blank + wide > width:
                    yield line
                    line, filled = "", 0.0
                line, filled = (f"{line} {word}", filled + blank + wide) if line else (word, wide)
            yield line

    def _pieces(self, paragraph: str, width: float, size: float, *, bold: bool) -> Iterator[str]:
        """The words of a paragraph, those that fit in no line cut."""
        for whole in paragraph.split(" "):
            word = whole
            while word and self.width(word, size, bold=bold) > width:
                most = max(1, int(len(word) * width / self.width(word, size, bold=bold)))
                while most > 1 and self.width(word[:most], size, bold=bold) > width:
                    most -= 1
                yield word[:most]
                word = word[most:]
            yield word


def _font(paper: FPDF, *, bold: bool) -> TTFFont:
    return cast(TTFFont, paper.fonts[_FAMILY + ("B" if bold else "")])  # it was added as one


class Text:
    """Pages under way. `head` stands at the head of each."""

    def __init__(self, measure: Measure) -> None:
        self.pages: list[_Page] = [_Page()]
        self.marks: list[Mark] = []
        self._measure = measure
        self._y = _TOP

    def page(self) -> None:
        """Begin a new page, where there is anything on this one."""
        if self.pages[-1].pieces:
            self.pages.append(_Page())
        self._y = _TOP

    def heading(self, text: str, level: int = 0, *, listed: bool = True) -> Mark:
        """A heading, never alone at the foot of a page. `listed`: it stands in the outline."""
        size = _HEADINGS[level]
        lines = list(self._measure.lines(text, TEXT_WIDTH, size, bold=True))
        if self._y + size + (len(lines) * size + _TOGETHER * BODY) * _LEADING > _BOTTOM:
            self.page()
        if self._y > _TOP:
            self._y += size * 0.9
        mark = Mark(" ".join(lines), level, len(self.pages) - 1, self._y)
        for line in lines:
            self._put(line, _MARGIN, size, bold=True, colour="black")
            self._y += size * _LEADING
        if listed:
            self.marks.append(mark)
        return mark

    def words(self, text: str, *, size: float = BODY, bold: bool = False, colour: str = "black") -> None:
        """Words over the whole width."""
        self.row([Cell(text, 0, TEXT_WIDTH, bold, colour)], size=size)

    def row(self, cells: Sequence[Cell], *, size: float = BODY, leads_to: int | None = None) -> None:
        """Cells side by side, each in as many lines as it needs, over as many pages. `leads_to` makes the first line a link to a page of the text."""
        columns = [list(self._measure.lines(cell.text, cell.width, size, bold=cell.bold)) for cell in cells]
        for number in range(max(map(len, columns))):
            if self._y + size * _LEADING > _BOTTOM:
                self.page()
            for cell, lines in zip(cells, columns, strict=True):
                if number < len(lines) and lines[number]:
                    spare = cell.width - self._measure.width(lines[number], size, bold=cell.bold) if cell.right else 0.0
                    self._put(lines[number], _MARGIN + cell.x + spare, size, bold=cell.bold, colour=cell.colour)
            if leads_to is not None and number == 0:
                self.pages[-1].links.append((self._y, leads_to))
            self._y += size * _LEADING
        self._y += size * 0.18

    def rule(self) -> None:
        """A thin line across."""
        self.pages[-1].rules.append(self._y + 1)
        self._y += 4

    def gap(self, points: float) -> None:
        """Empty space."""
        self._y += points

    def _put(self, text: str, x: float, size: float, *, bold: bool, colour: str) -> None:
        self.pages[-1].pieces.append(_Piece(x, self._y + size, text, size, bold, colour))


class Entry(NamedTuple):
    """A line of the index: what leads to a heading of the text; without one it is a heading itself."""

    date: str
    text: str
    mark: Mark | None


class Book:
    """A title page, an index that is made when the text is, and the text. `head` stands at the head of every page."""

    def __init__(self, title: str, made_ms: int, head: str) -> None:
        self._paper = _Paper(title, made_ms)
        self._measure = Measure(self._paper)
        self.front, self.text = Text(self._measure), Text(self._measure)
        self._index = Text(self._measure)
        self._head = self._measure.shown(head)

    def index(self, title: str, entries: Sequence[Entry]) -> None:
        """Lay the index out, once to know how long it is, and then with the numbers of pages that follow from that."""
        before = len(self.front.pages) + len(self._laid(title, entries, 0).pages)
        self._index = self._laid(title, entries, before)

    def _laid(self, title: str, entries: Sequence[Entry], before: int) -> Text:
        made = Text(self._measure)
        made.heading(title)
        for date, text, mark in entries:
            if mark is None:
                made.heading(text, 1, listed=False)
                continue
            number = Cell(str(before + mark.page + 1), TEXT_WIDTH - _NUMBER, _NUMBER, right=True)
            made.row([Cell(date, 0, _DATE - 6), Cell(text, _DATE, TEXT_WIDTH - _DATE - _NUMBER - 6), number], leads_to=mark.page)
        return made

    def finished(self) -> bytes:
        """The whole document."""
        pages = [*self.front.pages, *self._index.pages, *self.text.pages]
        before = len(pages) - len(self.text.pages)
        marks: dict[int, list[Mark]] = {}
        for start, part in ((0, self.front), (len(self.front.pages), self._index), (before, self.text)):
            for mark in part.marks:
                marks.setdefault(start + mark.page, []).append(mark)
        links = [self._paper.add_link(page=before + number + 1) for number in range(len(self.text.pages))]
        for number, page in enumerate(pages):
            self._paper.add_page()
            for mark in marks.get(number, ()):
                self._paper.set_y(mark.y)
                self._paper.start_section(mark.text or "–", mark.level, strict=False)
            self._draw(page, number + 1, len(pages), links)
        return bytes(self._paper.output())

    def _draw(self, page: _Page, number: int, of: int, links: Sequence[int]) -> None:
        foot = f"page {number} of {of}"
        right = _WIDTH - _MARGIN - self._measure.width(foot, SMALL, bold=False)
        pieces = [
            *page.pieces,
            _Piece(_MARGIN, _TOP - 22, self._head, SMALL, False, "grey"),
            _Piece(right, _HEIGHT - 34, foot, SMALL, False, "grey"),
        ]
        style: tuple[bool, float, str] | None = None
        for one in pieces:  # in the order in which they are read
            if style != (one.bold, one.size, one.colour):
                style = (one.bold, one.size, one.colour)
                self._paper.set_font(_FAMILY, "B" if one.bold else "", one.size)
                self._paper.set_text_color(*COLOURS[one.colour])
            self._paper.text(one.x, one.y, one.text)
        self._paper.set_draw_color(*_GREY)
        self._paper.set_line_width(0.4)
        for y in page.rules:
            self._paper.line(_MARGIN, y, _WIDTH - _MARGIN, y)
        for y, to in page.links:
            self._paper.link(_MARGIN, y, TEXT_WIDTH, BODY * _LEADING, links[to])
