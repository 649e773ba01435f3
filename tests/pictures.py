"""Photographs and documents as cameras, phones and offices make them: with the place, the device and the author in every corner that people know of."""

import io
import random
from typing import Any, Final

import pikepdf
from PIL import Image, PngImagePlugin

PLACE: Final = "zqplacecanary"
"""In every description that is put into anything here; found afterwards, something was left."""
LATITUDE: Final = (53.0, 47.0, 59.0)
_ARTIST, _MAKE, _DATE, _GPS, _NORTH, _DEGREES, _COMMENT = 0x013B, 0x010F, 0x0132, 0x8825, 1, 2, 0x9286


def grain(width: int, height: int, seed: int = 1) -> Image.Image:
    """A picture that no encoder makes small."""
    return Image.frombytes("RGB", (width, height), random.Random(seed).randbytes(width * height * 3))


def _exif() -> Any:
    exif = Image.Exif()
    exif[_ARTIST] = exif[_MAKE] = exif[_DATE] = PLACE
    exif.get_ifd(_GPS).update({_NORTH: "N", _DEGREES: LATITUDE, 0x1B: PLACE})
    exif.get_ifd(0x8769)[_COMMENT] = PLACE.encode()
    return exif


def _segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2, "big") + body


def jpeg(picture: Image.Image, quality: int = 95, *, turned: int = 0) -> bytes:
    """With EXIF (GPS, artist, maker, comment), XMP, IPTC, a comment, a maker's own segment, a profile that names a device, and a film behind its end."""
    out, exif, said = io.BytesIO(), _exif(), PLACE.encode()
    if turned:
        exif[0x0112] = turned
    picture.save(out, "JPEG", quality=quality, subsampling=0, exif=exif, comment=said, xmp=b"<x:xmpmeta>" + said + b"</x:xmpmeta>")
    made = out.getvalue()
    more = (
        _segment(0xED, b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x1a\x1c\x02\x5a\0" + bytes((len(said),)) + said)
        + _segment(0xEB, said)
        + _segment(0xE2, b"FPXR\0" + said)
    )
    return made[:2] + more + made[2:] + b"MotionPhoto_Data" + said


def png(picture: Image.Image) -> bytes:
    """With texts, EXIF, and something behind its end."""
    said, out = PngImagePlugin.PngInfo(), io.BytesIO()
    said.add_text("Author", PLACE)
    said.add_text("Location", PLACE, zip=True)
    said.add_itxt("XML:com.adobe.xmp", PLACE)
    picture.save(out, "PNG", pnginfo=said, exif=_exif())
    return out.getvalue() + PLACE.encode()


def webp(picture: Image.Image) -> bytes:
    """With EXIF and XMP."""
    out = io.BytesIO()
    picture.save(out, "WEBP", exif=_exif(), xmp=PLACE.encode())
    return out.getvalue()


def pdf(*, locked: bool = False, signed: bool = False, pinned: bool = False) -> bytes:
    """A scan on a page with a note, with an author, XMP, an attached file, a script, and an earlier version of it."""
    made, out = pikepdf.new(), io.BytesIO()
    page = made.add_blank_page(page_size=(200, 200))
    scan = made.make_stream(jpeg(grain(32, 32)), Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Image, Width=32, Height=32,
                            ColorSpace=pikepdf.Name.DeviceRGB, BitsPerComponent=8, Filter=pikepdf.Name.DCTDecode)  # fmt: skip
    scan.Metadata = made.make_stream(PLACE.encode(), Type=pikepdf.Name.Metadata, Subtype=pikepdf.Name.XML)
    page.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Scan=scan))
    page.Contents = made.make_stream(b"q 180 0 0 180 10 10 cm /Scan Do Q")
    note = pikepdf.Dictionary(Type=pikepdf.Name.Annot, Subtype=pikepdf.Name("/FileAttachment" if pinned else "/Text"), Rect=[0, 0, 9, 9],
                              Contents="what the note says", T=PLACE, M=PLACE, NM=PLACE)  # fmt: skip
    page.Annots = made.make_indirect(pikepdf.Array([made.make_indirect(note)]))
    made.docinfo["/Author"] = made.docinfo["/Title"] = PLACE
    made.Root.Metadata = made.make_stream(PLACE.encode(), Type=pikepdf.Name.Metadata, Subtype=pikepdf.Name.XML)
    made.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS=PLACE)
    made.attachments["plan.txt"] = PLACE.encode()
    if signed:
        made.Root.AcroForm = pikepdf.Dictionary(Fields=[], SigFlags=3)
    made.save(out, encryption=pikepdf.Encryption(owner="x", user="x") if locked else False, object_stream_mode=pikepdf.ObjectStreamMode.disable)
    earlier = f"\n% {PLACE}\n".encode()
    return out.getvalue() + (b"" if locked else earlier)
