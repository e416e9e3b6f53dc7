"""``multipart/form-data`` read as it arrives: small fields in memory, one file to whoever takes it.

Source: RFC 7578. The bytes are parsed by python-multipart.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from serve.bodies import Sink
from serve.problems import Problem, first_line

MOST_FIELDS = 16
FIELD_BYTES = 2**18
"""Most of one text field: some 10,000 prompts."""
_NAME_LONGEST = 255


@dataclass(kw_only=True, slots=True)
class Form:
    """The fields of a form, and what the file part said of itself."""

    fields: dict[str, str] = field(default_factory=dict)
    file_name: str | None = None
    has_file: bool = False


async def read_form(chunks: AsyncIterator[bytes], content_type: str, *, file: str, sink: Sink) -> Form:
    """Return the fields of a form; hand the bytes of its file to ``sink``.

    Args:
        chunks: The body, already counted.
        content_type: The header, with the boundary.
        file: Name of the part that is the file.
        sink: Takes the file's bytes.

    Raises:
        Problem: 400 if it is no form, a part is given twice, a field is too long or no text, or
            the file's name is a path.
    """
    _, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if not boundary:
        raise Problem("bad-request", "Content-Type: multipart/form-data without a boundary; give one")
    reader = _Reader(boundary, file)
    async for chunk in chunks:
        for piece in reader.feed(chunk):
            await sink(piece)
    reader.close()
    return reader.form


def checked_name(name: str | None) -> str | None:
    """Return a file's name if it is one, and no path.

    Raises:
        Problem: 400 if it leads elsewhere, or cannot be a name.
    """
    if name is None or name == "":
        return None
    if any(mark in name for mark in ("/", "\\", "\0")) or name in (".", "..") or not name.isprintable():
        raise Problem("bad-request", f"file name {name[:60]!r} is a path; give the name alone")
    if len(name) > _NAME_LONGEST:
        raise Problem("bad-request", f"file name {name[:40]!r}… has {len(name)} letters; give a shorter one")
    return name


class _Reader:
    """Follows the parser's events; a chunk at a time, nothing is waited for."""

    def __init__(self, boundary: bytes, file: str) -> None:
        self.form = Form()
        self._file, self._pieces = file, list[bytes]()
        self._ended = False
        self._start()
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._start,
                "on_header_field": self._header_field,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_headers_finished": self._headers_finished,
                "on_part_data": self._data,
                "on_part_end": self._part_end,
                "on_end": self._end,
            },
        )

    def feed(self, chunk: bytes) -> list[bytes]:
        """Parse a chunk; return the bytes of the file in it."""
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise Problem(
                "bad-request", f"the form cannot be read ({first_line(error)}); send it again"
            ) from None
        pieces, self._pieces = self._pieces, []
        return pieces

    def close(self) -> None:
        """Refuse a form that ends before its last boundary."""
        if not self._ended:
            raise Problem("bad-request", "the form ends before its last boundary; send it again")

    def _start(self) -> None:
        self._name: str | None = None
        self._headers: dict[bytes, bytes] = {}
        self._field, self._value, self._text = b"", b"", bytearray()
        self._is_file = False

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._field.lower()] = self._value
        self._field, self._value = b"", b""

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        name = _text(options.get(b"name", b""), "the name of a part")
        if not name:
            raise Problem("bad-request", "a part of the form has no name; name it in Content-Disposition")
        if name in self.form.fields or (name == self._file and self.form.has_file):
            raise Problem("bad-request", f"part {name[:60]!r} is given twice; give it once")
        if len(self.form.fields) >= MOST_FIELDS:
            raise Problem("bad-request", f"the form has more than {MOST_FIELDS} fields; leave some out")
        self._name, self._is_file = name, name == self._file
        if self._is_file:
            given = options.get(b"filename")
            self.form.has_file = True
            self.form.file_name = None if given is None else checked_name(_text(given, "the file's name"))
        elif b"filename" in options:
            raise Problem("bad-request", f"part {name[:60]!r} is a file; the file's part is {self._file!r}")

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self._pieces.append(data[start:end])
            return
        self._text += data[start:end]
        if len(self._text) > FIELD_BYTES:
            raise Problem(
                "bad-request", f"field {self._name!r} is longer than {FIELD_BYTES} bytes; shorten it"
            )

    def _part_end(self) -> None:
        if not self._is_file and self._name is not None:
            self.form.fields[self._name] = _text(bytes(self._text), f"field {self._name[:60]!r}")

    def _end(self) -> None:
        self._ended = True


def _text(data: bytes, what: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise Problem("bad-request", f"{what} is no UTF-8 text; encode it so") from None
