"""Sending a screenshot: what is wrong with it loses no word, and a large one costs little."""

from __future__ import annotations

import tracemalloc
from http import HTTPStatus
from io import BufferedReader, RawIOBase
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from portal.models import Person
from redirection.feedback import screenshots
from redirection.feedback.screenshots import MOST_BYTES, BoundedUpload
from redirection.models import Feedback, Screenshot, Tenant
from tests.test_feedback_pictures import SVG, bomb, picture
from tests.test_settings_page import sign_in, text

FORM = "/redirection/feedback"


def sent(browser: Client, content: bytes, **more: Any) -> Any:
    file = SimpleUploadedFile("../../x.png" + "y" * 300, content, "text/html")
    said = {"kind": "broken", "text": "See <there>", "page": "/audits", "screenshot": file}
    return browser.post(FORM, {**said, **more})


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (SVG, "This is no picture that can be read."),
        (b"", "The submitted file is empty."),
        (bomb(50_000, 50_000), "The picture has more than 40 megapixels"),
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


def test_the_sender_finds_the_picture_with_the_report(
    otto: Person, contoso: Tenant, destination: Client
) -> None:
    sign_in(destination, otto)
    receipt = sent(destination, picture())["Location"]
    assert Screenshot.objects.get().width == 40
    page = destination.get(receipt).content.decode()
    assert f'href="{receipt}/screenshot"' in page
