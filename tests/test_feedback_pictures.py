"""Screenshots: only pixels are kept."""

from __future__ import annotations

import struct
import tracemalloc
import zlib
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given, strategies
from PIL import Image, PngImagePlugin

from redirection.feedback import screenshots
from redirection.feedback.screenshots import (
    NotAPicture,
    ReadingOthers,
    TooManyPixels,
    picture_of,
)

FORM = "/redirection/feedback"
SCRIPT = b"<script>alert(1)</script>"
RED = (200, 10, 10)


def picture(format_: str = "PNG", size: tuple[int, int] = (40, 20), **options: Any) -> bytes:
    file = BytesIO()
    Image.new("RGB", size, RED).save(file, format_, **options)
    return file.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def with_text() -> bytes:
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", SCRIPT.decode())
    info.add_itxt("Author", "Canary")
    return picture(pnginfo=info)


def with_place() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "Canary"
    exif.get_ifd(0x8825)[1] = "N"
    return picture("JPEG", exif=exif)


def animated() -> bytes:
    file = BytesIO()
    frames = [Image.new("RGB", (40, 20), colour) for colour in (RED, (0, 0, 0))]
    frames[0].save(file, "PNG", save_all=True, append_images=frames[1:], default_image=False)
    return file.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A PNG of so many pixels, all of them black, in a few bytes."""
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    data = zlib.compress(b"\0" * 1000)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HIDING = {
    "script behind the picture": picture() + SCRIPT,
    "text chunks": with_text(),
    "place and name": with_place(),
    "a profile": picture(icc_profile=b"Canary" + SCRIPT),
    "more frames": animated(),
    "script behind a JPEG": picture("JPEG", comment=SCRIPT) + SCRIPT,
    "WebP with a note": picture("WEBP", lossless=True, xmp=b"Canary"),
}
REFUSED = {
    "GIF that is a script as well": picture("GIF").replace(b"GIF87a", b"GIF89a") + b"=1;alert(1)",
    "script that begins like a PNG": b"\x89PNG\r\n\x1a\n" + SCRIPT,
    "SVG": SVG,
    "page": b"<!doctype html>" + SCRIPT,
    "half a picture": picture()[:60],
    "archive": b"PK\x03\x04" + b"\0" * 100,
    "BMP": picture("BMP"),
    "TIFF": picture("TIFF"),
    "nothing known": bytes(range(256)),
}


@pytest.mark.parametrize("what", HIDING)
def test_only_the_pixels_of_the_first_frame_are_kept(what: str) -> None:
    kept = picture_of(BytesIO(HIDING[what]))
    assert SCRIPT not in kept.png
    assert b"Canary" not in kept.png
    with Image.open(BytesIO(kept.png)) as found:
        assert (found.format, found.info, getattr(found, "n_frames", 1)) == ("PNG", {}, 1)
        assert dict(found.getexif()) == {}
        assert found.size == (kept.width, kept.height)
        # What the note said about the turn was done before the note went.
        assert found.size == ((20, 40) if what == "place and name" else (40, 20))
        shown = found.getpixel((5, 5))
    assert isinstance(shown, tuple)
    assert all(abs(a - b) < 6 for a, b in zip(shown, RED, strict=True))
    kinds = {kept.png[i + 4 : i + 8] for i in chunks_of(kept.png)}
    assert kinds == {b"IHDR", b"IDAT", b"IEND"}


def chunks_of(png: bytes) -> list[int]:
    found, at = [], 8
    while at < len(png):
        found.append(at)
        at += 12 + int(struct.unpack(">I", png[at : at + 4])[0])
    return found


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_picture_is_refused(what: str) -> None:
    with pytest.raises(NotAPicture):
        picture_of(BytesIO(REFUSED[what]))


@pytest.mark.parametrize("size", [(50_000, 50_000), (10_000, 10_000), (8_000, 5_001)])
def test_a_bomb_is_refused_before_it_is_unpacked(size: tuple[int, int]) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(TooManyPixels):
            picture_of(BytesIO(bomb(*size)))
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_a_text_that_unpacks_to_much_is_refused() -> None:
    packed = b"Comment\0\0" + zlib.compress(b"\0" * 70_000_000)
    whole = picture()
    # Behind the header.
    with pytest.raises(NotAPicture):
        picture_of(BytesIO(whole[:33] + chunk(b"zTXt", packed) + whole[33:]))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16", "CMYK"])
def test_every_kind_of_pixel_can_be_kept(mode: str) -> None:
    file = BytesIO()
    Image.new(mode, (30, 20)).save(file, "JPEG" if mode == "CMYK" else "PNG")
    kept = picture_of(BytesIO(file.getvalue()))
    with Image.open(BytesIO(kept.png)) as found:
        assert found.mode == ("RGBA" if mode in ("LA", "RGBA") else "RGB")


def test_a_large_picture_is_kept_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = picture_of(BytesIO(picture(size=(3000, 300))))
    assert (kept.width, kept.height) == (2560, 256)
    # And one that cannot be packed smaller again, until it fits.
    monkeypatch.setattr(screenshots, "MOST_BYTES", 100_000)
    monkeypatch.setattr(screenshots, "LONGEST_SIDE", 300)
    monkeypatch.setattr(screenshots, "_SMALLEST_BOUND", 100)
    file = BytesIO()
    Image.effect_noise((400, 400), 100).convert("RGB").save(file, "PNG")
    kept = picture_of(BytesIO(file.getvalue()))
    assert len(kept.png) <= 100_000
    assert 100 <= kept.width < 300


@given(at=strategies.integers(0, 10**6), put=strategies.binary(max_size=8))
def test_no_damage_breaks_it(at: int, put: bytes) -> None:
    for whole in (HIDING["text chunks"], HIDING["place and name"], HIDING["more frames"]):
        at %= len(whole)
        try:
            kept = picture_of(BytesIO(whole[:at] + put + whole[at + len(put) :]))
        except (NotAPicture, TooManyPixels):
            continue
        assert kept.png.startswith(b"\x89PNG")


def test_pictures_are_read_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screenshots, "_WAIT", 0.0)
    with screenshots._reading, pytest.raises(ReadingOthers):
        picture_of(BytesIO(picture()))
    assert picture_of(BytesIO(picture())).width == 40
