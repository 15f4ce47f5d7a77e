"""Screenshots: only pixels are kept, and only for whoever may see them."""

from __future__ import annotations

import struct
import tracemalloc
import zlib
from http import HTTPStatus
from io import BufferedReader, BytesIO, RawIOBase
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from hypothesis import given, strategies
from PIL import Image, PngImagePlugin

from portal.models import Person
from redirection.feedback import screenshots
from redirection.feedback.giving import record
from redirection.feedback.screenshots import (
    MOST_BYTES,
    BoundedUpload,
    NotAPicture,
    ReadingOthers,
    TooManyPixels,
    picture_of,
)
from redirection.models import Feedback, Screenshot, Tenant
from tests.conftest import PAGE_LOAD
from tests.test_settings_page import sign_in, text

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


def sent(browser: Client, content: bytes, **more: Any) -> Any:
    file = SimpleUploadedFile("../../x.png" + "y" * 300, content, "text/html")
    said = {"kind": "broken", "text": "See <there>", "page": "/audits", "screenshot": file}
    return browser.post(FORM, {**said, **more})


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (SVG, "This is no picture that can be read."),
        (b"", "The submitted file is empty."),
        (bomb(50_000, 50_000), "The picture has more than 40 megapixels."),
        (picture() + b"\0" * MOST_BYTES, "The picture is larger than 5 MB."),
    ],
)
def test_a_refused_picture_loses_no_word(
    content: bytes, problem: str, otto: Person, contoso: Tenant, destination: Client
) -> None:
    sign_in(destination, otto)
    answer = sent(destination, content)
    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert problem in text(answer)
    assert "See &lt;there&gt;</textarea>" in answer.content.decode()
    assert not Feedback.objects.exists()


def test_a_picture_is_read_only_once_the_rest_is_right(
    otto: Person, contoso: Tenant, destination: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(destination, otto)
    monkeypatch.setattr("redirection.feedback.forms.picture_of", None)
    assert sent(destination, picture(), kind="").status_code == HTTPStatus.BAD_REQUEST


def test_50_megabytes_cost_neither_memory_nor_disk(
    otto: Person, contoso: Tenant, destination: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(destination, otto)
    monkeypatch.setattr("tempfile.NamedTemporaryFile", None)
    head = (
        b'--x\r\nContent-Disposition: form-data; name="screenshot"; filename="a.png"\r\n'
        b"Content-Type: image/png\r\n\r\n"
    )
    tail = b'\r\n--x\r\nContent-Disposition: form-data; name="text"\r\n\r\nStill here\r\n--x--\r\n'
    size = 50 * 1024 * 1024
    left = [head, *[b"\0" * 32768] * (size // 32768), tail]
    tracemalloc.start()
    try:
        answer = destination.generic(
            "POST",
            FORM,
            CONTENT_TYPE="multipart/form-data; boundary=x",
            CONTENT_LENGTH=str(len(head) + size + len(tail)),
            **{"wsgi.input": BufferedReader(Stream(left), 65536)},
        )
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "The picture is larger than 5 MB." in text(answer)
    assert "Still here" in text(answer)
    assert peak < 20_000_000


class Stream(RawIOBase):
    """What a server reads from a connection, a piece at a time."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = iter(pieces)

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        piece = next(self.pieces, b"")
        into[: len(piece)] = piece
        return len(piece)


def test_of_many_files_one_is_kept() -> None:
    upload = BoundedUpload()
    upload.new_file("screenshot", "a.png", "image/png", 3)
    upload.receive_data_chunk(b"abc", 0)
    for name in ("screenshot", "other"):
        with pytest.raises(screenshots.SkipFile):
            upload.new_file(name, "b.png", "image/png", 3)
    file = upload.file_complete(3)
    assert file is not None
    assert file.read() == b"abc"


@pytest.fixture
def reported(otto: Person, contoso: Tenant) -> str:
    """The address of the picture of Otto's report."""
    said = {"kind": "broken", "text": "See there", "page": "/audits", "portal": "legacy"}
    kept = picture_of(BytesIO(picture()))
    feedback = record(contoso, otto, source="banner", screenshot=kept, **said)
    return f"{FORM}/{feedback.pk}/screenshot"


def test_a_picture_comes_from_where_it_cannot_run(
    reported: str, otto: Person, destination: Client
) -> None:
    sign_in(destination, otto)
    answer = destination.get(reported)
    assert answer.content == bytes(Screenshot.objects.get().png)
    shown = {name: answer[name] for name in answer.headers}
    assert shown["Content-Type"] == "image/png"
    assert shown["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert shown["X-Content-Type-Options"] == "nosniff"
    assert shown["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "no-store" in shown["Cache-Control"]
    number = Feedback.objects.get().pk
    assert shown["Content-Disposition"] == f'inline; filename="feedback-{number}.png"'


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("otto", HTTPStatus.OK),
        ("rita", HTTPStatus.OK),
        ("colleague", HTTPStatus.NOT_FOUND),
        ("admin of another organisation", HTTPStatus.NOT_FOUND),
        ("operator", HTTPStatus.OK),
        ("operator without the permission", HTTPStatus.NOT_FOUND),
        ("nobody", HTTPStatus.FOUND),
    ],
)
def test_whoever_may_not_see_it_finds_nothing(
    who: str,
    status: HTTPStatus,
    reported: str,
    otto: Person,
    rita: Person,
    contoso: Tenant,
    fabrikam: Tenant,
    person: Any,
    destination: Client,
) -> None:
    people = {
        "otto": otto,
        "rita": rita,
        "colleague": person(contoso, "Paul"),
        "admin of another organisation": person(
            fabrikam, "Fay", roles=["62e90394-69f5-4237-9190-012177145e10"]
        ),
        "operator": Person.objects.create_superuser("olga"),
        "operator without the permission": Person.objects.create_user("oleg", is_staff=True),
    }
    if who in people:
        sign_in(destination, people[who])
    assert destination.get(reported).status_code == status


def test_on_the_host_of_another_organisation_there_is_none(
    reported: str, otto: Person, fabrikam: Tenant
) -> None:
    operator = Person.objects.create_superuser("olga")
    browser = Client(headers={"host": "fabrikam.portal.localhost", **PAGE_LOAD})
    for somebody in (otto, operator):
        sign_in(browser, somebody)
        assert browser.get(reported).status_code == HTTPStatus.NOT_FOUND


def test_a_report_without_a_picture_has_none(
    otto: Person, contoso: Tenant, destination: Client
) -> None:
    said = {"kind": "other", "text": "x", "page": "/", "portal": "legacy", "source": "banner"}
    feedback = record(contoso, otto, **said)
    sign_in(destination, otto)
    answer = destination.get(f"{FORM}/{feedback.pk}/screenshot")
    assert answer.status_code == HTTPStatus.NOT_FOUND
    assert "Look at the picture" not in text(destination.get(f"{FORM}/{feedback.pk}"))


def test_the_sender_finds_the_picture_with_the_report(
    otto: Person, contoso: Tenant, destination: Client
) -> None:
    sign_in(destination, otto)
    receipt = sent(destination, picture())["Location"]
    assert Screenshot.objects.get().width == 40
    page = destination.get(receipt).content.decode()
    assert f'href="{receipt}/screenshot"' in page
