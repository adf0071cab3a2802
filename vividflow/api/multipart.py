"""multipart/form-data: text fields into memory, files into scratch, everything counted."""

from __future__ import annotations

from typing import IO

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

from vividflow.api.uploads import Incoming, Scratch, Upload
from vividflow.errors import Problem
from vividflow.lifecycle.asset_kinds import IMAGE

MOST_PARTS = 50
MOST_FIELD_BYTES = 500_000
PIECE = 64 * 1024
LONGEST_NAME = 255
Pair = tuple[str, str | Upload]


def read_multipart(stream: IO[bytes], boundary: str, scratch: Scratch, *, counting: bool = False) -> list[Pair]:
    """The fields in the order they came: name and text, or name and file.

    An empty file without a name (a browser's untouched file field) is left out. With `counting` a file that is too large
    is no mistake of the form: its size tells. Raises `Problem` 400 for a body that is no such form and 413 for too many
    or too large parts.
    """
    try:
        return _Reader(stream, boundary, scratch, counting).read()
    except RequestEntityTooLarge as error:
        raise Problem(413, "body_too_large", f"A form may have {MOST_PARTS} parts, and a text field 500 kB.") from error
    except (ValueError, AssertionError, AttributeError) as error:  # what the decoder raises for broken forms
        raise Problem(400, "malformed_form", "The body is not a well-formed multipart/form-data form.") from error


class _Reader:
    """One pass over one form."""

    def __init__(self, stream: IO[bytes], boundary: str, scratch: Scratch, counting: bool) -> None:
        self._stream = stream
        self._counting = counting
        self._scratch = scratch
        self._decoder = MultipartDecoder(boundary.encode("latin-1"), MOST_FIELD_BYTES, max_parts=MOST_PARTS)
        self._pairs: list[Pair] = []
        self._name = ""
        self._filename: str | None = None
        self._text = bytearray()
        self._file: Incoming | None = None

    def read(self) -> list[Pair]:
        while True:
            event = self._decoder.next_event()
            match event:
                case NeedData():
                    self._decoder.receive_data(self._stream.read(PIECE) or None)
                case Field() | File():
                    self._begin(event)
                case Data(data=data, more_data=more):
                    self._take(data)
                    if not more:
                        self._end()
                case Epilogue():
                    return self._pairs

    def _begin(self, part: Field | File) -> None:
        if not part.name:
            raise ValueError("a part without a name")
        self._name = part.name
        self._text = bytearray()
        self._file, self._filename = None, None
        if isinstance(part, File):
            self._filename = part.filename
            self._file = self._scratch.receive(
                part.name,
                most=IMAGE.most_bytes,
                code=IMAGE.too_large_code,
                sentence=IMAGE.too_large,
                name=(part.filename or "")[:LONGEST_NAME],
                counting=self._counting,
            )

    def _take(self, data: bytes) -> None:
        if self._file is not None:
            self._file.write(data)
        else:
            self._text += data
            if len(self._text) > MOST_FIELD_BYTES:
                raise RequestEntityTooLarge

    def _end(self) -> None:
        if self._file is None:
            self._pairs.append((self._name, self._text.decode("utf-8")))
            return
        upload = self._file.done()
        if upload.size or self._filename:
            self._pairs.append((self._name, upload))
