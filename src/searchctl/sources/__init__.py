"""Sources: files, folders and standard input, in many formats, read into documents one by one."""

from searchctl.sources.discovery import Found, Skipped, discover
from searchctl.sources.model import FORMATS, Failure, FieldMapping, Format, Limits, Record, SourceFile
from searchctl.sources.reading import read

__all__ = [
    "FORMATS",
    "Failure",
    "FieldMapping",
    "Format",
    "Found",
    "Limits",
    "Record",
    "Skipped",
    "SourceFile",
    "discover",
    "read",
]
