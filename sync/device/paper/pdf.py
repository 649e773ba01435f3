"""Documents on paper: headings, words, tables, an index, page numbers. PDF, with the fonts that come with this package; nothing is fetched.

The same calls give the same bytes: the only time in a document is the one that it is given. It judges nothing of what it prints.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from fpdf import FPDF, TextStyle
from fpdf.enums import XPos, YPos
from fpdf.fonts import FontFace
from fpdf.outline import TableOfContents

_FONTS: Final = Path(__file__).with_name("fonts")
_FAMILY: Final = "dejavu"
_BODY_PT: Final = 9.5
_SIZES: Final = (14, 11.5, 10)
_GREY: Final = (90, 90, 90)
_SHADE: Final = (240, 240, 240)
_MARGIN_MM: Final = 18
_PRODUCER: Final = "Fieldkeep"


class _Pages(FPDF):
    """A4 with a running title, and "page n of m" at the foot."""

    def __init__(self, running: str) -> None:
        super().__init__(format="A4")
        self._running = running

    def footer(self) -> None:
        """At the foot of every page."""
        self.set_y(-12)
        self.set_font(_FAMILY, size=8)
        self.set_text_color(*_GREY)
        self.cell(0, 5, self._running)
        self.set_x(-_MARGIN_MM - 40)
        self.cell(40, 5, f"page {self.page_no()} of {{nb}}", align="R")
        self.set_text_color(0, 0, 0)


class Document:
    """A document under way. `made_ms` is the time that stands in it; `running` is repeated at the foot of every page."""

    def __init__(self, title: str, made_ms: int, *, running: str = "", indexed: bool = False) -> None:
        self._pages = _Pages(printable(running or title))
        made = datetime.fromtimestamp(made_ms / 1000, UTC)
        self._pages.set_title(printable(title))
        self._pages.set_lang("en-GB")
        self._pages.set_producer(_PRODUCER)
        self._pages.set_creator(_PRODUCER)
        self._pages.set_creation_date(made)
        self._pages.add_font(_FAMILY, fname=_FONTS / "DejaVuSans.ttf")
        self._pages.add_font(_FAMILY, style="B", fname=_FONTS / "DejaVuSans-Bold.ttf")
        self._pages.set_section_title_styles(*(TextStyle(_FAMILY, "B", size, t_margin=4, b_margin=2) for size in _SIZES))
        self._pages.set_margins(_MARGIN_MM, _MARGIN_MM)
        self._pages.set_auto_page_break(auto=True, margin=_MARGIN_MM)
        self._pages.add_page()
        self._pages.set_font(_FAMILY, "B", 16)
        self._pages.multi_cell(0, 8, printable(title), new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self._body()
        if indexed:
            self._pages.insert_toc_placeholder(TableOfContents().render_toc, allow_extra_pages=True)

    def heading(self, text: str, level: int = 0) -> None:
        """A heading; with an index it stands there, with its page. Levels from 0 to 2."""
        self._pages.start_section(printable(text), level=level)
        self._body()

    def words(self, text: str) -> None:
        """Words as they are, in as many lines as they need."""
        self._pages.multi_cell(0, 5, printable(text), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self._pages.ln(1.5)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[int], *, numbers: frozenset[int] = frozenset()) -> None:
        """A table whose heading is repeated on every page. `widths` are shares of the page; columns in `numbers` stand at the right."""
        aligned = tuple("RIGHT" if n in numbers else "LEFT" for n in range(len(columns)))
        head = FontFace(emphasis="BOLD", fill_color=_SHADE)
        with self._pages.table(
            col_widths=tuple(widths), text_align=aligned, headings_style=head, line_height=5.2, borders_layout="HORIZONTAL_LINES"
        ) as made:
            for cells in (columns, *rows):
                row = made.row()
                for cell in cells:
                    row.cell(printable(cell))
        self._pages.ln(3)

    def page(self) -> None:
        """Begin a new page."""
        self._pages.add_page()
        self._body()

    def finished(self) -> bytes:
        """The whole document."""
        return bytes(self._pages.output())

    def _body(self) -> None:
        self._pages.set_font(_FAMILY, size=_BODY_PT)


def printable(text: str) -> str:
    """`text` without what no paper shows and what would turn it round; blanks of every kind become plain ones, lines stay."""
    return "".join(one if one == "\n" or one.isprintable() else " " if one.isspace() else "" for one in text)
