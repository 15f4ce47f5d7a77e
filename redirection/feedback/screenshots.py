"""Screenshots: read as far as they may be, and written anew from their pixels alone."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from io import BytesIO
from typing import IO, Any

from django.core.files.uploadedfile import InMemoryUploadedFile, UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from PIL import Image, ImageOps

# A browser's own screenshot is one of these; what is in the file decides, not its name.
FORMATS = ("PNG", "JPEG", "WEBP")
MOST_BYTES = 5 * 1024 * 1024
MOST_PIXELS = 40_000_000
# Its decoder takes twice the memory of any other for a pixel.
MOST_PIXELS_OF_WEBP = 20_000_000
# What is kept: enough to read every word of a large screen.
LONGEST_SIDE = 2560
# Small enough for any four bytes a pixel to fit into about ``MOST_BYTES``.
_SMALLEST_BOUND = 1100
# A picture takes up to 600 MB while it is read: one at a time in a process.
_reading = threading.BoundedSemaphore(1)
# And one more waits: whoever sends pictures without end never gets all threads of a process.
_places = threading.BoundedSemaphore(2)
_WAIT = 5.0


class NotAPicture(Exception):
    """It is none of the formats, or broken."""


class TooManyPixels(Exception):
    """It says of itself that it has more pixels than are read."""


class ReadingOthers(Exception):
    """Other pictures are being read; later there is room."""


@dataclass(frozen=True)
class Picture:
    """A picture as it is kept: PNG without anything but pixels."""

    png: bytes
    width: int
    height: int


class BoundedUpload(FileUploadHandler):
    """Keeps one file of the form field ``name``, up to ``MOST_BYTES``, in memory.

    Of a longer one only the length is told: its rest, and every other file, is read from the
    connection and forgotten, so that the fields behind it arrive.
    """

    def __init__(self, request: Any = None, name: str = "screenshot") -> None:
        super().__init__(request)
        self.name = name
        self.taken: BytesIO | None = None

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        if self.field_name != self.name or self.taken is not None:
            raise SkipFile
        self.taken = BytesIO()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        if self.taken is None:
            return
        if start + len(raw_data) <= MOST_BYTES:
            self.taken.write(raw_data)
        else:
            self.taken.truncate(0)

    def file_complete(self, file_size: int) -> UploadedFile[Any] | None:
        if self.taken is None:
            return None
        content = self.taken
        content.seek(0)
        return InMemoryUploadedFile(
            content,
            self.field_name,
            self.file_name or "",
            self.content_type or "",
            file_size,
            self.charset,
            self.content_type_extra,
        )


def picture_of(file: IO[bytes]) -> Picture:
    """The first frame of ``file`` as it is kept. Whatever else was in it is gone.

    Raises NotAPicture, TooManyPixels and ReadingOthers.
    """
    if not _places.acquire(blocking=False):
        raise ReadingOthers
    try:
        if not _reading.acquire(timeout=_WAIT):
            raise ReadingOthers
        try:
            return _picture_of(file)
        finally:
            _reading.release()
    finally:
        _places.release()


def _picture_of(file: IO[bytes]) -> Picture:
    try:
        with Image.open(file, formats=FORMATS) as opened:
            most = MOST_PIXELS_OF_WEBP if opened.format == "WEBP" else MOST_PIXELS
            if opened.width * opened.height > most:
                raise TooManyPixels
            # JPEG is read no larger than needed, and everything else shrunk before it is copied.
            opened.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
            mode = "RGBA" if opened.has_transparency_data else "RGB"
            pixels: Image.Image = opened if opened.mode in ("L", mode) else opened.convert(mode)
            pixels.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
            pixels = ImageOps.exif_transpose(pixels).convert(mode)
    except (TooManyPixels, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise TooManyPixels from error
    except Exception as error:
        # Bytes of a stranger make a decoder raise anything.
        raise NotAPicture from error
    png, bound = _written(pixels), LONGEST_SIDE
    while len(png) > MOST_BYTES and bound > _SMALLEST_BOUND:
        bound = max(bound * 3 // 4, _SMALLEST_BOUND)
        pixels.thumbnail((bound, bound))
        png = _written(pixels)
    return Picture(png, pixels.width, pixels.height)


def _written(pixels: Image.Image) -> bytes:
    # What came with the pixels stands beside them in ``info``, and would be written too.
    pixels.info = {}
    file = BytesIO()
    pixels.save(file, "PNG", optimize=False)
    return file.getvalue()
