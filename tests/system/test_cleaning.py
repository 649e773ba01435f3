"""What goes into a file says nothing of where, when, by whom and with what it was made (docs/spec.md §18.7)."""

import io
import zipfile
import zlib
from collections.abc import Callable

import pikepdf
import pytest
from PIL import Image

from shared_schema.errors import ProtocolError
from sync.device.attaching import cleaning
from sync.device.attaching.cleaning import as_it_is, clean, strip_jpeg
from tests.canaries import encodings
from tests.pictures import LATITUDE, PLACE, grain, jpeg, pdf, png, webp
from tests.world import patched


def _everything(data: bytes) -> list[bytes]:
    """A file's bytes, and every stream in it unpacked."""
    found = [data]
    if data.startswith(b"%PDF-"):
        with pikepdf.open(io.BytesIO(data)) as document:
            for one in document.objects:
                found.append(one.unparse())
                if isinstance(one, pikepdf.Stream):
                    found.append(one.read_raw_bytes())
                    if "/DCTDecode" not in str(one.get("/Filter")):
                        found.append(one.read_bytes(pikepdf.StreamDecodeLevel.specialized))
    for at in range(len(data)):
        if data[at] == 0x78 and len(data) < 100_000:
            try:
                found.append(zlib.decompressobj().decompress(data[at:]))
            except zlib.error:
                continue
    return found


def _tells(data: bytes) -> bool:
    return any(needle in piece for piece in _everything(data) for needle in [*encodings(PLACE), b"Exif\0", b"http://ns.adobe.com"])


@pytest.mark.parametrize("make", [jpeg, png, webp])
def test_a_photograph_tells_nothing(make: Callable[[Image.Image], bytes]) -> None:
    picture = grain(96, 64)
    before = make(picture)
    assert _tells(before), "the search finds what is there"
    made = clean(before)
    again = Image.open(io.BytesIO(made.content))
    again.load()
    assert not _tells(made.content)
    assert not _tells(made.thumbnail)
    assert (dict(again.getexif()), again.size) == ({}, (96, 64))
    assert set(again.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    small = Image.open(io.BytesIO(made.thumbnail))
    assert (small.format, max(small.size)) == ("JPEG", 96)


def test_gps_is_there_before_and_not_after() -> None:
    before = jpeg(grain(64, 64))
    assert Image.open(io.BytesIO(before)).getexif().get_ifd(0x8825)[2] == LATITUDE
    assert Image.open(io.BytesIO(clean(before).content)).getexif().get_ifd(0x8825) == {}


def test_a_photograph_stays_upright() -> None:
    """The direction stands in EXIF, which goes: the pixels are turned instead."""
    picture = Image.new("RGB", (64, 32), "white")
    picture.paste("black", (0, 0, 32, 32))
    made = Image.open(io.BytesIO(clean(jpeg(picture, turned=6)).content)).convert("L")
    assert made.size == (32, 64)
    dark = made.getpixel((16, 8))
    light = made.getpixel((16, 56))
    assert isinstance(dark, int)
    assert isinstance(light, int)
    assert dark < 40 < 215 < light


def test_a_png_keeps_its_pixels() -> None:
    picture = grain(40, 40)
    assert Image.open(io.BytesIO(clean(png(picture)).content)).tobytes() == picture.tobytes()


def test_a_document_tells_nothing() -> None:
    before = pdf()
    assert _tells(before)
    made = clean(before)
    assert (made.form, made.thumbnail) == ("pdf", b"")
    assert not _tells(made.content)
    with pikepdf.open(io.BytesIO(made.content)) as document:
        assert len(document.pages) == 1
        assert str(document.pages[0].Annots[0].Contents) == "what the note says"
        scan = document.pages[0].Resources.XObject.Scan
        assert Image.open(io.BytesIO(scan.read_raw_bytes())).size == (32, 32)


def test_a_scan_in_a_document_keeps_its_picture() -> None:
    before = jpeg(grain(32, 32))
    assert Image.open(io.BytesIO(strip_jpeg(before))).tobytes() == Image.open(io.BytesIO(before)).tobytes()


def _office_document() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("docProps/core.xml", PLACE)
    return out.getvalue()


REFUSED: dict[str, tuple[bytes, str]] = {
    "HEIC": (b"\0\0\0\x18ftypheic" + bytes(64), "HEIC photograph: save it as a JPEG"),
    "AVIF": (b"\0\0\0\x18ftypavif" + bytes(64), "save it as a JPEG"),
    "a film": (b"\0\0\0\x18ftypisom" + bytes(64), "a film"),
    "docx": (_office_document(), "save it as a PDF"),
    "doc": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(64), "save it as a PDF"),
    "TIFF": (b"II*\0" + bytes(64), "save it as a JPEG"),
    "GIF": (b"GIF89a" + bytes(64), "save it as a PNG"),
    "SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no JPEG, PNG or WebP picture and no PDF"),
    "a cut JPEG": (jpeg(grain(64, 64))[:4000], "damaged"),
    "a cut PDF": (pdf()[:300], "damaged"),
    "a locked PDF": (pdf(locked=True), "locked by a password"),
    "a signed PDF": (pdf(signed=True), "signature"),
    "a PDF with a file pinned to a page": (pdf(pinned=True), "pinned to a page"),
    "nothing": (b"", "empty"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_cleaned_is_refused(what: str) -> None:
    data, said = REFUSED[what]
    with pytest.raises(ProtocolError, match=said) as refused:
        clean(data)
    assert refused.value.code == "bad-value"
    assert PLACE not in str(refused.value)


def test_a_picture_of_too_many_pixels() -> None:
    out = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(out, "PNG")
    with pytest.raises(ProtocolError, match="pixels") as refused:
        clean(out.getvalue())
    assert refused.value.code == "too-large"


@pytest.mark.parametrize("make", [jpeg, png])
def test_evidence_is_kept_as_it_is(make: Callable[[Image.Image], bytes]) -> None:
    before = make(grain(48, 48))
    made = as_it_is(before)
    assert made.content == before
    assert not _tells(made.thumbnail)


def test_what_is_left_is_found() -> None:
    """Planted: an encoder that writes a description, a cleaner of documents that leaves one."""
    honest = Image.Image.save

    before = jpeg(grain(32, 32))

    def tells(self: Image.Image, out: io.BytesIO, form: str, **how: int) -> None:
        honest(self, out, form, comment=PLACE.encode(), **how)

    with patched(Image.Image, "save", tells), pytest.raises(ProtocolError, match="could not be cleaned"):
        clean(before)
    with patched(cleaning, "_strip_document", lambda _pdf: None), pytest.raises(ProtocolError, match="could not be cleaned"):
        clean(pdf())
