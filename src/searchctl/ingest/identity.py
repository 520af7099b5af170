"""Which names documents without ids of their own get: their file's, so that no two sources ever share one.

A file keeps the name it was first stored under (the journal knows it), however it is reached later: in its folder or alone.
A name that another source holds is lengthened, by the folder or to the whole path. Only where the other source is known to be
gone the name passes on: then the file, or its folder, has moved.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from searchctl.files import is_same_file
from searchctl.ingest.prune import is_gone
from searchctl.sources import Record, SourceFile
from searchctl.sources.model import storable

Holders = Callable[[Sequence[str]], Mapping[str, str]]
"""Returns for each of these ids that an index holds the source of its document."""
_AT_ONCE = 500


class Names:
    """Gives files the names that their documents' ids are made of; `holders` looks them up in the index."""

    def __init__(self, holders: Holders, remembered: Mapping[str, str]) -> None:
        self._holders = holders
        self._remembered = remembered
        self._taken: dict[str, str] = {}

    def whole_files(self, files: Sequence[SourceFile]) -> Iterator[SourceFile]:
        """Yield files that are one document each, in order, named so that each one's name is free or its own."""
        for start in range(0, len(files), _AT_ONCE):
            yield from self._named(files[start : start + _AT_ONCE])

    def _named(self, files: Sequence[SourceFile]) -> list[SourceFile]:
        names = {file.source: self._remembered[file.source] for file in files if file.source in self._remembered}
        self._taken.update((name, source) for source, name in names.items())
        pending = [file for file in files if file.source not in names]
        choices = {file.source: _choices(file) for file in pending}
        while pending:
            holders = self._holders([choices[file.source][0] for file in pending])
            left = []
            for file in pending:
                choice = choices[file.source].pop(0)
                if self._is_free(choice, file.source, holders) or not choices[file.source]:
                    names[file.source] = choice
                    self._taken[choice] = file.source
                else:
                    left.append(file)
            pending = left
        self._reuse_own_name([file for file in files if file.source not in self._remembered], names)
        return [replace(file, uri=names[file.source]) for file in files]

    def _reuse_own_name(self, files: Iterable[SourceFile], names: dict[str, str]) -> None:
        """Give a file that was named by itself the name under which the index holds it already, where the journal is lost."""
        for file in files:
            if file.root != file.path:
                continue
            parts = file.source.strip(os.sep).split(os.sep)
            longer = [os.sep.join(parts[-count:]) for count in range(1, len(parts) + 1)]
            own = [name for name, source in self._holders(longer).items() if source == file.source]
            if own and names[file.source] not in own:
                names[file.source] = own[0]

    def _is_free(self, name: str, source: str, holders: Mapping[str, str]) -> bool:
        if self._taken.get(name, source) != source:
            return False
        holder = holders.get(name)
        return holder is None or holder == source or is_same_file(holder, source) or is_gone(holder)

    def rows(self, file: SourceFile, row: str) -> str:
        """Return the name for the rows of a file, the first of which without an id has `row` behind the name: "#5"."""
        if file.source not in self._remembered:
            for choice in _choices(file):
                if self._is_free(choice + row, file.source, self._holders([choice + row])):
                    break
            self._taken[choice + row] = file.source
            self._remembered = {**self._remembered, file.source: choice}
        return self._remembered[file.source]


def _choices(file: SourceFile) -> list[str]:
    """Return the names a file may get, the shortest first."""
    folder = file.root if file.root != file.path else file.root.parent
    return list(dict.fromkeys([file.uri, f"{storable(folder.name)}/{file.uri}", file.source.lstrip("/")]))


def is_named_by_row(record: Record, file: SourceFile) -> bool:
    """Tell whether a record has no id of its own."""
    return record.document.id in (file.uri, f"{file.uri}#{record.position}")
