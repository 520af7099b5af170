"""Whatever is in a file, reading it doesn't raise."""

from __future__ import annotations

import gzip
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from searchctl.sources import FieldMapping, Format, Record, read
from searchctl.sources.formats import formats
from tests.sources.kit import source, written

PIECES = st.sampled_from(
    [
        b"{",
        b"}",
        b"[",
        b"]",
        b'"',
        b"\n",
        b"\r\n",
        b",",
        b";",
        b"\t",
        b":",
        b"id",
        b"text",
        b"1",
        b"\0",
        b"\xff\xfe",
        b"\x1f\x8b",
        b"---\n",
    ]
    + [
        b"<p>",
        b"<td>",
        b"</",
        b"<!--",
        b"&#0;",
        b"# ",
        b"```\n",
        b"[a](b)",
        b"\xd0\x9f",
        b"\xcf\xd0",
        b"\\ud800",
        b"NaN",
        b"1e999",
        b"%PDF-",
        b"PK\x03\x04",
    ]
)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(list(formats())),
    st.lists(PIECES, max_size=60).map(b"".join) | st.binary(max_size=200),
    st.booleans(),
    st.booleans(),
)
def test_nothing_in_a_file_raises(format: Format, content: bytes, packed: bool, boilerplate: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = written(Path(folder) / (f"f.{format}" + ".gz" * packed), gzip.compress(content) if packed else content)
        for item in read(source(path), FieldMapping(), boilerplate=boilerplate):
            assert item.position >= 1
            if isinstance(item, Record):
                document = item.document
                assert document.id and (document.text.strip() or document.title.strip())
            else:
                assert item.reason and len(item.excerpt) <= 200
