"""Sources: files, folders and standard input, in many formats, read into documents one by one."""

from searchctl.sources.discovery import FoundFiles, Skipped, discover, kinds
from searchctl.sources.formats import Format
from searchctl.sources.model import Failure, FieldMapping, Limits, Record, Remarks, SourceFile
from searchctl.sources.reading import read
from searchctl.text.sections import Section

__all__ = [
    "Failure",
    "FieldMapping",
    "Format",
    "FoundFiles",
    "Limits",
    "Record",
    "Remarks",
    "Section",
    "Skipped",
    "SourceFile",
    "discover",
    "kinds",
    "read",
]
