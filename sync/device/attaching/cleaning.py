"""What a photograph or a document must not tell: where it was taken, with what, by whom (docs/spec.md §18.7).

A photograph is made anew from its pixels alone, by Pillow; a PDF is written anew by pikepdf without what describes it, and each JPEG in it without its
segments of description. What comes out is looked through once more, by other code than what cleaned it. What cannot be cleaned is refused, and says why.
"""

import io
import warnings
from collections.abc import Iterator
from typing import Any, Final

import pikepdf
from PIL import Image, ImageCms, ImageOps

from shared_schema import limits
from shared_schema.errors import ProtocolError, Refused
from sync.attachment import thumbnail_room
from sync.device.attaching.attachments import Cleaned

_PIXELS: Final = 120_000_000
"""A camera's largest, and what a laptop has the memory to take apart and put together again."""
_QUALITY: Final = 92
_THUMBNAIL: Final = 320
_READABLE: Final = ("JPEG", "PNG", "WEBP")
_PNG_CHUNKS: Final = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
_ABOUT: Final = ("/Metadata", "/PieceInfo", "/LastModified", "/Thumb", "/AA", "/SpiderInfo", "/Measure", "/PtData", "/VP", "/StructParents", "/AF")
_OF_ROOT: Final = (
    *("/OpenAction", "/Collection", "/DPartRoot", "/Perms", "/Legal", "/StructTreeRoot", "/MarkInfo", "/Extensions", "/Threads", "/OCProperties"),
)
_OF_NOTE: Final = ("/T", "/M", "/CreationDate", "/NM", "/A", "/AA", "/FS", "/RC", "/IRT", "/Popup", "/Sound", "/Movie")
_APPLE: Final = ("a HEIC photograph", "a JPEG")
_FTYP: Final = {b"heic": _APPLE, b"heix": _APPLE, b"heim": _APPLE, b"mif1": _APPLE, b"msf1": _APPLE, b"avif": ("an AVIF picture", "a JPEG")}
_HEADS: Final = (
    (b"PK\x03\x04", ("a Word or other office document, or an archive", "a PDF")),
    (b"\xd0\xcf\x11\xe0", ("an old office document", "a PDF")),
    (b"{\\rtf", ("a text document", "a PDF")),
    (b"II*\0", ("a TIFF picture", "a JPEG or PDF")),
    (b"MM\0*", ("a TIFF picture", "a JPEG or PDF")),
    (b"GIF8", ("a GIF picture", "a PNG")),
)
_BINARY: Final = frozenset({"/DCTDecode", "/DCT"})
_NEVER: Final = frozenset({"/JPXDecode", "/JBIG2Decode"})


def clean(data: bytes) -> Cleaned:
    """A copy that tells nothing but what it shows. Raises Refused `bad-value` for what cannot be cleaned."""
    _check_size(data)
    _check_form(data)
    if data.startswith(b"%PDF-"):
        made = _document(data)
        return Cleaned("pdf", made, b"", "written anew without its metadata, author, dates, earlier versions, scripts and attached files")
    picture = _picture(data)
    form = "png" if data.startswith(b"\x89PNG") else "jpeg"
    return Cleaned(form, _encode(picture, form), _thumbnail(picture), "made anew from its pixels: no place, device, author, date or preview")


def as_it_is(data: bytes) -> Cleaned:
    """The original, for evidence: nothing is taken out. Raises Refused for a form that nobody here could look at."""
    _check_size(data)
    _check_form(data)
    if data.startswith(b"%PDF-"):
        return Cleaned("pdf", data, b"", "kept as it is, with all that it tells of its making")
    picture = _picture(data)
    form = {"PNG": "png", "JPEG": "jpeg", "MPO": "jpeg"}.get(Image.open(io.BytesIO(data)).format or "")
    if form is None:
        raise Refused("bad-value", "saw a picture of another kind; as evidence want a JPEG, PNG or PDF")
    return Cleaned(form, data, _thumbnail(picture), "kept as it is, with place, device and date, if it tells them")


def _check_size(data: bytes) -> None:
    if not data:
        raise Refused("bad-value", "the file is empty")
    if len(data) > limits.ATTACHMENT_BYTES:
        raise Refused("too-large", f"the file has {len(data) // 1_000_000} MB, want at most {limits.ATTACHMENT_BYTES // 1_000_000}: nothing was kept")


def _check_form(data: bytes) -> None:
    """Raises Refused for what people have and cannot add, with what they can do instead."""
    if data[4:8] == b"ftyp":
        kind, instead = _FTYP.get(data[8:12], ("a film, or a picture of a kind that is not taken", "a JPEG"))
    else:
        kind, instead = next((said for head, said in _HEADS if data.startswith(head)), ("", ""))
    if kind:
        raise Refused("bad-value", f"saw {kind}: save it as {instead}, then add that. Nothing was kept")


# --- photographs ----------------------------------------------------------------------------------------------------------------


def _picture(data: bytes) -> Image.Image:
    """The pixels, upright, in sRGB, with nothing beside them."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of descriptions that go anyhow, and of fewer pixels than are refused below
            opened = Image.open(io.BytesIO(data), formats=_READABLE)
            if opened.width * opened.height > _PIXELS:
                raise Refused(
                    "too-large", f"the picture has {opened.width * opened.height // 1_000_000} million pixels, want at most {_PIXELS // 1_000_000}"
                )
            opened.seek(0)
            opened.load()
            upright = ImageOps.exif_transpose(opened)
            return _bare(_in_srgb(upright))
    except Refused:
        raise
    except Image.DecompressionBombError:
        raise Refused("too-large", f"the picture has too many pixels, want at most {_PIXELS // 1_000_000} million") from None
    except Exception:  # whatever a decoder makes of bytes that others chose
        raise Refused("bad-value", "saw a file that is no JPEG, PNG or WebP picture and no PDF, or a damaged one: nothing was kept") from None


def _in_srgb(picture: Image.Image) -> Image.Image:
    """Colours as they were meant: the profile that says so goes, for it may name a device."""
    wanted = "RGBA" if "A" in picture.getbands() or "transparency" in picture.info else "L" if picture.mode in ("1", "L") else "RGB"
    profile = picture.info.get("icc_profile")
    if profile and picture.mode in ("RGB", "CMYK"):
        try:
            made = ImageCms.profileToProfile(picture, ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB"), outputMode="RGB")
            return picture.convert("RGB") if made is None else made
        except ImageCms.PyCMSError:
            pass  # a profile that is none: the colours stay as they are
    return picture.convert(wanted)


def _bare(picture: Image.Image) -> Image.Image:
    return Image.frombytes(picture.mode, picture.size, picture.tobytes())


def _encode(picture: Image.Image, form: str) -> bytes:
    out = io.BytesIO()
    if form == "png":
        picture.save(out, "PNG")
    else:
        _flat(picture).save(out, "JPEG", quality=_QUALITY, subsampling=0)
    made = out.getvalue()
    _check_size(made)
    left = list(_png_chunks(made) if form == "png" else _jpeg_segments(made))
    if left:
        raise Refused("bad-value", f"the picture could not be cleaned: {left[0]} is left in it. Nothing was kept")
    return made


def _flat(picture: Image.Image) -> Image.Image:
    if "A" not in picture.getbands():
        return picture
    under = Image.new("RGB", picture.size, "white")
    under.paste(picture, mask=picture.getchannel("A"))
    return under


def _thumbnail(picture: Image.Image) -> bytes:
    small = _flat(picture).copy()
    small.thumbnail((_THUMBNAIL, _THUMBNAIL))
    for quality in (80, 60, 40, 20, 5):
        out = io.BytesIO()
        small.save(out, "JPEG", quality=quality)
        if len(out.getvalue()) <= thumbnail_room():
            return out.getvalue()
    return b""


def _png_chunks(data: bytes) -> Iterator[str]:
    """The chunks of a PNG that are not its picture."""
    at = 8
    while at < len(data):
        size, name = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if name not in _PNG_CHUNKS:
            yield name.decode("latin-1")
        at += 12 + size
        if name == b"IEND" and at != len(data):
            yield "something behind its end"
            return


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """(marker, from, to) of what stands in a JPEG, its scans with the scan data behind them. Raises Refused for what is none."""
    if data[:2] != b"\xff\xd8":
        raise Refused("bad-value", "saw a JPEG that does not begin as one: it cannot be cleaned")
    at = 2
    while at + 2 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker == 0xD9:
            yield marker, at, len(data)
            return
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xDA:
            while (end := data.find(b"\xff", end)) >= 0 and end + 1 < len(data) and (data[end + 1] == 0 or 0xD0 <= data[end + 1] <= 0xD7):
                end += 2
        if not at < end <= len(data):
            break
        yield marker, at, end
        at = end
    raise Refused("bad-value", "saw a JPEG that does not end as one: it cannot be cleaned")


def _is_about(data: bytes, marker: int, start: int, end: int) -> bool:
    """True for a segment that describes a picture: comments and applications' own, but for JFIF's head without preview and Adobe's colour transform."""
    if marker == 0xE0:
        return not (data[start + 4 : start + 9] == b"JFIF\0" and end - start == 18)
    if marker == 0xEE:
        return not (data[start + 4 : start + 9] == b"Adobe" and end - start == 16)
    return 0xE1 <= marker <= 0xEF or marker == 0xFE or (marker == 0xD9 and end - start > 2)


def _jpeg_segments(data: bytes) -> Iterator[str]:
    """The segments of a JPEG that describe it."""
    return (f"a segment {marker:02X}" for marker, start, end in _segments(data) if _is_about(data, marker, start, end))


def strip_jpeg(data: bytes) -> bytes:
    """A JPEG without its description, every byte of its picture as it was. Raises Refused."""
    kept = [b"\xff\xd8"]
    for marker, start, end in _segments(data):
        if marker == 0xD9:
            kept.append(b"\xff\xd9")
        elif not _is_about(data, marker, start, end):
            kept.append(data[start:end])
    return b"".join(kept)


# --- documents --------------------------------------------------------------------------------------------------------------------


def _document(data: bytes) -> bytes:
    try:
        with pikepdf.open(io.BytesIO(data)) as pdf:
            _strip_document(pdf)
            out = io.BytesIO()
            pdf.save(out, deterministic_id=True, object_stream_mode=pikepdf.ObjectStreamMode.generate, normalize_content=False)
        made = out.getvalue()
        _check_size(made)
        with pikepdf.open(io.BytesIO(made)) as again:
            left = next(_left(again), "")
    except ProtocolError:
        raise
    except pikepdf.PasswordError:
        raise Refused("bad-value", "saw a PDF that is locked by a password: save it without one, then add it") from None
    except Exception:
        raise Refused(
            "bad-value", "saw a PDF that is damaged, or that cannot be cleaned: print it to a new PDF, or photograph it. Nothing was kept"
        ) from None
    if left:
        raise Refused("bad-value", f"this PDF could not be cleaned: {left} is left in it. Print it to a new PDF, or photograph it. Nothing was kept")
    return made


def _strip_document(pdf: pikepdf.Pdf) -> None:
    """Everything that describes the document, runs in it or hangs on to it; what is seen on its pages stays."""
    root = pdf.Root
    form = root.get("/AcroForm")
    if form is not None and ("/XFA" in form or int(form.get("/SigFlags", 0))):
        raise Refused("bad-value", "saw a PDF with a signature or a form that draws itself: print it to a new PDF, then add that. Nothing was kept")
    if "/Info" in pdf.trailer:
        del pdf.trailer["/Info"]
    _drop(root, _OF_ROOT)
    if "/Names" in root:
        _drop(root["/Names"], ("/EmbeddedFiles", "/JavaScript", "/URLS", "/IDS", "/Renditions", "/AlternatePresentations"))
    for one in pdf.objects:
        if isinstance(one, pikepdf.Dictionary | pikepdf.Stream):
            _strip_object(one)


def _strip_object(one: Any) -> None:
    _drop(one, _ABOUT)
    if one.get("/Type") == "/Annot" or ("/Subtype" in one and "/Rect" in one):
        if str(one.get("/Subtype")) in ("/FileAttachment", "/Sound", "/Movie", "/Screen", "/RichMedia", "/3D"):
            raise Refused(
                "bad-value", "saw a PDF with a file, sound or film pinned to a page: print it to a new PDF, then add that. Nothing was kept"
            )
        _drop(one, [name for name in _OF_NOTE if not (name == "/T" and "/FT" in one)])
    if not isinstance(one, pikepdf.Stream):
        return
    filters = _filters(one)
    if not _NEVER.isdisjoint(filters):
        raise Refused(
            "bad-value", "saw a PDF with a picture of a kind that cannot be cleaned: print it to a new PDF, or photograph it. Nothing was kept"
        )
    if filters and filters[-1] in _BINARY:
        raw = one.read_raw_bytes() if len(filters) == 1 else one.read_bytes(pikepdf.StreamDecodeLevel.specialized)
        one.write(strip_jpeg(raw), filter=pikepdf.Name.DCTDecode, decode_parms=_parms(one))


def _parms(one: Any) -> Any:
    parms = one.get("/DecodeParms")
    return parms[-1] if isinstance(parms, pikepdf.Array) and len(parms) else parms


def _filters(one: Any) -> list[str]:
    found = one.get("/Filter")
    return [] if found is None else [str(name) for name in found] if isinstance(found, pikepdf.Array) else [str(found)]


def _drop(one: Any, names: Any) -> None:
    for name in names:
        if name in one:
            del one[name]


def _left(pdf: pikepdf.Pdf) -> Iterator[str]:
    """What should have gone and is there, by another way of looking: each object's keys, and each stream's bytes."""
    if "/Info" in pdf.trailer:
        yield "its description"
    for one in pdf.objects:
        if not isinstance(one, pikepdf.Dictionary | pikepdf.Stream):
            continue
        if {"/Metadata", "/PieceInfo", "/EmbeddedFiles", "/JavaScript", "/JS", "/EF"} & set(one.keys()):
            yield "metadata, a script or an attached file"
        if isinstance(one, pikepdf.Stream) and str(one.get("/Type")) in ("/Metadata", "/EmbeddedFile"):
            yield "metadata or an attached file"
        if isinstance(one, pikepdf.Stream) and set(_filters(one)) & _BINARY:
            yield from _jpeg_segments(one.read_raw_bytes())
