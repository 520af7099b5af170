"""`examine` looks at everything a search stands on and says what is wrong and what to type."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from pathlib import Path

import numpy as np

from searchctl.encoders.base import Encoder
from searchctl.engines import open_engine
from searchctl.engines.base import Diagnostics, Finding, Upkeep, term_statistics
from searchctl.errors import EngineUnreachable, IndexMissing, SearchctlError
from searchctl.index import Index
from searchctl.ingest.encoding import passage_texts
from searchctl.lifecycle.fit import unread_remark
from searchctl.routing.examples import is_query_vector
from searchctl.settings.connection import Connection, is_server
from searchctl.settings.paths import user_path
from searchctl.translation import _
from searchctl.types import Entry, VectorQuery

_PACKAGES = ("searchctl", "tantivy", "faiss-cpu", "onnxruntime", "tokenizers", "numpy")
_SAMPLE = 8  # documents looked at closely
_LEAST_COSINE = 0.99  # of a stored vector with the same text encoded now; rounding in batches stays far above
_SCARCE = 200e6  # bytes
_CPU_FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8", "asimd", "asimddp")


def examine(
    engine: str,
    name: str = "default",
    *,
    encoder: str | None = None,
    connection: Connection | None = None,
    deep: bool = False,
) -> list[Finding]:
    """Examine this machine, the index and its encoder, with `deep` each of the index's files. Raises EngineUnreachable only.

    All else becomes a finding.
    """
    findings = [_versions(), _cpu()]
    try:
        findings.append(_server(engine, connection) if is_server(engine) else _disk(user_path(engine)))
        with Index.open(engine, name, encoder=encoder, connection=connection, create=False) as index:
            if deep:
                findings += _files(index)
            findings += [*_on_server(index), *_index(index)]
    except EngineUnreachable:
        raise
    except IndexMissing as error:
        findings.append(Finding("warning", "index", str(error)))
    except SearchctlError as error:
        findings.append(Finding("error", "index", str(error)))
    return findings


def _versions() -> Finding:
    lines = [f"python {platform.python_version()}"]
    missing = []
    for name in _PACKAGES:
        try:
            lines.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        return Finding(
            "error",
            "versions",
            _("not installed: {missing}").format(missing=", ".join(missing)),
            f"pip install {' '.join(missing)}",
        )
    return Finding("ok", "versions", ", ".join(lines))


def _cpu() -> Finding:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        words = set(Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").split())
    except OSError:
        return Finding("ok", "cpu", _("{machine}, cores: {cores}").format(machine=platform.machine(), cores=cores))
    flags = [flag for flag in _CPU_FLAGS if flag in words]
    message = _("{machine}, cores: {cores}, {value}").format(
        machine=platform.machine(), cores=cores, value=", ".join(flags) or "no vector extensions"
    )
    if platform.machine() == "x86_64" and "avx2" not in flags:
        return Finding(
            "warning", "cpu", message, _("encoding is several times slower without AVX2; use a newer machine to ingest")
        )
    return Finding("ok", "cpu", message)


def _disk(folder: Path) -> Finding:
    present = next(one for one in (folder, *folder.absolute().parents) if one.exists())
    free = shutil.disk_usage(present).free
    message = _("{free:.1f} GB free for {folder}").format(free=free / 1000000000.0, folder=folder)
    if not os.access(present, os.W_OK):
        return Finding(
            "warning",
            "disk",
            _("{folder} can't be written to; searching works, ingesting doesn't").format(folder=folder),
            f"chmod u+w {present}",
        )
    if free < _SCARCE:
        return Finding(
            "error", "disk", message, _("free some space, or move the index and name its new folder with --engine")
        )
    return Finding("ok", "disk", message)


def _server(engine: str, connection: Connection | None) -> Finding:
    opened = open_engine(engine, connection)
    assert isinstance(opened, Diagnostics)
    try:
        return opened.diagnose_server()
    finally:
        opened.close()


def _files(index: Index) -> Iterator[Finding]:
    if isinstance(index.engine, Upkeep):
        yield from index.engine.check_files(index.name)
    else:
        yield Finding("ok", "files", _("{name} looks after its own").format(name=index.engine.name))


def _on_server(index: Index) -> Iterator[Finding]:
    if isinstance(index.engine, Diagnostics):
        yield from index.engine.diagnose_index(index.name)


def _index(index: Index) -> Iterator[Finding]:
    info = index.info()
    if not info.documents:
        yield Finding(
            "warning", "index", _("index '{name}' is empty").format(name=info.name), "searchctl ingest FOLDER"
        )
    else:
        yield Finding(
            "ok",
            "index",
            _("'{name}' holds {documents:,} documents in {passages:,} passages").format(
                name=info.name, documents=info.documents, passages=info.passages
            ),
        )
    yield from _consistency(index, info.documents)
    try:
        encoder = index.encoder
    except SearchctlError as error:
        yield Finding("error", "encoder", str(error))
        return
    if encoder is None:
        yield Finding("ok", "encoder", _("none: this index answers by words only"))
        return
    yield _trial(encoder)
    if remark := unread_remark(index, encoder):
        yield Finding("warning", "encoder", remark, f"searchctl reembed --index {index.name} --encoder NAME")
    yield from _vectors(index, encoder)


def _consistency(index: Index, documents: int) -> Iterator[Finding]:
    """Compare what is stored with what the legs can find."""
    statistics = term_statistics(index.engine, index.name, "")
    searchable = statistics.documents - statistics.deleted
    if searchable == documents:
        yield Finding("ok", "consistency", _("the lexical leg holds as many documents as are stored"))
    else:
        message = _("{documents:,} documents are stored but the lexical leg holds {searchable:,}").format(
            documents=documents, searchable=searchable
        )
        yield Finding("warning", "consistency", message, _("wait for the running ingest, or run it again"))


def _trial(encoder: Encoder) -> Finding:
    vector = encoder.encode_queries(["a trial / проба"])
    if (
        vector.shape != (1, encoder.dim)
        or not np.isfinite(vector).all()
        or abs(float(np.linalg.norm(vector)) - 1) > 1e-3
    ):
        message = _("{name} gives vectors of shape {shape} that aren't of length 1").format(
            name=encoder.name, shape=vector.shape
        )
        return Finding("error", "encoder", message, _("reinstall searchctl, or name another encoder with --encoder"))
    return Finding(
        "ok",
        "encoder",
        _("{name}, revision {revision}, {dim} dimensions, works").format(
            name=encoder.name, revision=encoder.revision, dim=encoder.dim
        ),
    )


def _vectors(index: Index, encoder: Encoder) -> Iterator[Finding]:
    """Encode a few stored documents anew: their vectors must be the stored ones, and must find them."""
    batches = index.engine.scan(index.name, batch=_SAMPLE, vectors=True)
    sample = [entry for entries in islice(batches, 1) for entry in entries]
    bare = [entry.document.id for entry in sample if entry.vectors is None]
    if bare and index.engine.schema(index.name).layout is None:  # those of others were counted
        yield Finding(
            "warning",
            "vectors",
            _("{count} of {count2} sampled documents have no vectors").format(count=len(bare), count2=len(sample)),
            f"searchctl vectorize --index {index.name}",
        )
    whole = [entry for entry in sample if entry.vectors is not None]
    if not whole:
        return
    worst = min(_agreement(entry, encoder) for entry in whole)
    if worst < _LEAST_COSINE:
        message = _("a stored vector has cosine {worst:.3f} with the same text encoded now").format(worst=worst)
        yield Finding("error", "vectors", message, _("ingest into a new index with --index NEW"))
        return
    lost = [entry.document.id for entry in whole if not _finds_itself(index, entry)]
    if lost:
        message = _("{count} of {count2} sampled documents aren't found by their own vectors").format(
            count=len(lost), count2=len(whole)
        )
        yield Finding("error", "vectors", message, _("ingest into a new index with --index NEW"))
    else:
        yield Finding(
            "ok",
            "vectors",
            _("{count} sampled documents encode to what is stored and find themselves").format(count=len(whole)),
        )


def _agreement(entry: Entry, encoder: Encoder) -> float:
    assert entry.vectors is not None
    as_query = is_query_vector(entry)  # a router's example, which is encoded as what it's compared with
    encode = encoder.encode_queries if as_query else encoder.encode_documents
    return float((encode(passage_texts(entry)) * entry.vectors).sum(axis=1).min())


def _finds_itself(index: Index, entry: Entry) -> bool:
    """Tell whether the best hit for a document's own vector is as near as the document itself, be it that or a twin."""
    assert entry.vectors is not None
    (ranking,) = index.engine.search(index.name, [VectorQuery(entry.vectors[0], 1)])
    return bool(len(ranking.scores)) and float(ranking.scores[0]) > _LEAST_COSINE
