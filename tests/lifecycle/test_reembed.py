"""Changing the encoder: nothing lost, nothing encoded twice, and nobody who searches meanwhile notices."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from searchctl.encoders import open_encoder
from searchctl.encoders.hashing import HashingEncoder
from searchctl.errors import IndexMissing, StorageError, UsageError
from searchctl.evaluation.gates import parse_difference_gate
from searchctl.index import Index, encoder_stamp
from searchctl.ingest.copying import CopyReport, Monitor, check_complete
from searchctl.lifecycle.reembed import Judging, ReembedReport, plan_reembed, reembed
from searchctl.lifecycle.versions import drop_version, roll_back, versions
from searchctl.routing.examples import Example, encoded, example_document, mark, needed_encoder, write
from searchctl.schema import EncoderStamp, PassageSettings
from searchctl.types import Entry, Vectors

WORDS = "tea coffee bread river stone window letter garden чай кофе хлеб река камень окно письмо сад".split()
DOCUMENTS = 300


def rows(count: int = DOCUMENTS) -> list[dict[str, object]]:
    rng = np.random.default_rng(3)
    return [
        {"id": f"d{n}", "title": f"Note {n}", "text": " ".join(rng.choice(WORDS, 30)) + f". The end {n}.", "n": n}
        for n in range(count)
    ]


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with Index.open(tmp_path / "engine", "books", encoder="hashing:32") as opened:
        opened.ingest(rows())
        yield opened


def change(
    index: Index, encoder: str = "hashing:64", *gates: str, monitor: Monitor | None = None, known_items: int = 20
) -> ReembedReport:
    made = open_encoder(encoder)
    judging = Judging(None, known_items, tuple(map(parse_difference_gate, gates)))
    return reembed(index, encoder_stamp(encoder, made), made, judging, monitor or Monitor())


def contents(index: Index, name: str) -> dict[str, Entry]:
    return {entry.document.id: entry for batch in index.engine.scan(name, vectors=True) for entry in batch}


def test_a_new_version_takes_the_name_over_and_the_old_one_stays(index: Index, tmp_path: Path) -> None:
    before = contents(index, "books")
    report = change(index)
    assert (report.version, report.documents, report.encoded, report.interrupted) == ("books-v2", 300, 300, False)
    assert report.moved is not None and report.moved.before == "books-v1"
    assert index.schema.encoder is not None and index.schema.encoder.name == "hashing:64"
    assert contents(index, "books-v1").keys() == before.keys()
    with Index.open(tmp_path / "fresh", encoder="hashing:64") as fresh:
        fresh.ingest(rows())
        wanted, found = contents(fresh, "default"), contents(index, "books")
        assert found.keys() == wanted.keys()
        for id, entry in wanted.items():
            assert (found[id].document, found[id].fingerprint) == (entry.document, entry.fingerprint)
            assert found[id].passages == entry.passages
            np.testing.assert_array_equal(found[id].vectors, entry.vectors)
        assert [hit.id for hit in index.search("tea river 17")] == [hit.id for hit in fresh.search("tea river 17")]
        ours, theirs = index.schema.background, fresh.schema.background
        assert ours is not None and theirs is not None and (ours.mean, ours.passages) == (theirs.mean, theirs.passages)
        assert ours.std == pytest.approx(theirs.std, rel=0.02)  # pairs are taken batch by batch


def test_loading_goes_on_into_the_new_version_without_encoding_again(index: Index) -> None:
    change(index)
    report = index.ingest([*rows(), {"id": "new", "text": "a lantern in the fog"}])
    assert (report.written, report.unchanged) == (1, DOCUMENTS)
    assert index.search("lantern")[0].id == "new"
    assert index.engine.count("books-v1") == DOCUMENTS


def test_rolled_back_and_forward_again(index: Index) -> None:
    change(index)
    assert roll_back(index.engine, "books").after == "books-v1"
    assert index.schema.encoder is not None and index.schema.encoder.name == "hashing:32"
    assert index.search("tea")
    with pytest.raises(UsageError, match="no version before"):
        roll_back(index.engine, "books")
    again = change(index)
    assert (again.version, again.encoded) == ("books-v2", 0)
    third = change(index, "hashing:128")
    assert (third.version, third.moved and third.moved.before) == ("books-v3", "books-v2")
    assert [one.info.name for one in versions(index.engine, "books")] == ["books-v1", "books-v2", "books-v3"]
    assert roll_back(index.engine, "books").after == "books-v2"


def test_the_version_in_use_cant_be_dropped(index: Index) -> None:
    change(index)
    with pytest.raises(UsageError, match="rollback"):
        drop_version(index.engine, "books", "books-v2")
    drop_version(index.engine, "books", "books-v1")
    index.engine.create("shop", index.engine.schema("books"))
    for gone_or_other in (None, "shop"):
        with pytest.raises(IndexMissing, match=r"'books' has no version '.*'; it has: books-v2$"):
            roll_back(index.engine, "books", gone_or_other)
    assert [one.info.name for one in versions(index.engine, "books")] == ["books-v2"]
    assert index.search("tea")
    with pytest.raises(IndexMissing, match="books-v1"):
        roll_back(index.engine, "books")


def test_a_gate_that_isnt_met_leaves_the_old_version_in_use(index: Index) -> None:
    report = change(index, "hashing:64", "ndcg@10>=0.9")
    assert report.moved is None and len(report.missed) == 1 and "+0.9" in report.missed[0]
    assert index.engine.resolve("books") == "books" and index.engine.count("books-v2") == DOCUMENTS
    again = change(index)
    assert again.moved is not None and (again.version, again.encoded) == ("books-v2", 0)


def test_gates_are_differences_of_means(index: Index) -> None:
    report = change(index, "hashing:64", "vector:recall@100>=-1", "hybrid:hit@1>=-1", known_items=30)
    assert report.trial is not None and report.moved is not None
    found = {(one.mode, str(one.metric)): one for one in report.trial.differences}
    assert set(found) == {
        (mode, metric) for mode in ("hybrid", "vector") for metric in ("recall@100", "hit@1", "ndcg@10")
    }
    for one in found.values():
        assert one.change.value == pytest.approx(one.new - one.old)


@pytest.mark.parametrize("text", ["ndcg@10", "ndcg@10=0.1", "ndcg@10>=", "ndcg@10>=2", "cosmic:ndcg@10>=0", "foo@3>=0"])
def test_what_isnt_a_gate_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_difference_gate(text)


def test_the_encoder_it_has_already_is_refused(index: Index) -> None:
    with pytest.raises(UsageError, match="already"):
        change(index, "hashing:32")
    assert [one.info.name for one in versions(index.engine, "books")] == ["books"]


def test_a_plan_changes_nothing(index: Index) -> None:
    made = open_encoder("hashing:64")
    plan = plan_reembed(index, encoder_stamp("hashing:64", made), made)
    assert (plan.version, plan.documents) == ("books-v2", DOCUMENTS)
    assert len(index.engine.indexes()) == 1


def stop_after(count: int) -> Monitor:
    stop = threading.Event()

    def tell(done: int, total: int) -> None:
        assert done <= total == DOCUMENTS
        if done >= count:
            stop.set()

    return Monitor(tell, stop)


def test_interrupted_it_goes_on_where_it_stopped(index: Index) -> None:
    first = change(index, monitor=stop_after(100))
    assert first.interrupted and first.moved is None and 100 <= first.documents < DOCUMENTS
    assert index.engine.resolve("books") == "books"
    second = change(index)
    assert (second.version, second.encoded) == ("books-v2", DOCUMENTS - first.documents)
    assert second.moved is not None and second.documents == DOCUMENTS


def test_what_others_write_meanwhile_is_brought_over(index: Index) -> None:
    done = []

    def tell(count: int, total: int) -> None:
        if not done:
            done.append(count)
            index.ingest(
                [{"id": "d0", "text": "rewritten while the work ran"}, {"id": "late", "text": "a late lantern"}]
            )
            index.delete(["d1", "d299"])

    change(index, monitor=Monitor(tell))
    found = contents(index, "books")
    assert index.engine.resolve("books") == "books-v2" and len(found) == DOCUMENTS - 1
    assert found["d0"].document.text == "rewritten while the work ran"
    assert "d1" not in found and "d299" not in found and "late" in found
    np.testing.assert_allclose(
        found["d0"].vectors, open_encoder("hashing:64").encode_documents(["rewritten while the work ran"]), atol=5e-4
    )


def test_a_version_that_lacks_documents_never_takes_over(index: Index) -> None:
    with pytest.raises(StorageError, match="301"):
        check_complete(index.engine, "books", 301, CopyReport(), "the source")


def command(engine: Path, *more: str) -> list[str]:
    return [
        *(sys.executable, "-m", "searchctl", *more, "--engine", str(engine), "--index", "books", "--json"),
    ]


def test_killed_it_goes_on_where_it_stopped(index: Index, tmp_path: Path) -> None:
    change_it = command(tmp_path / "engine", "reembed", "--encoder", "hashing:64", "--known-items", "0")
    held = 0
    with subprocess.Popen([*change_it, "--docs-per-second", "100"], stdout=subprocess.DEVNULL) as process:
        try:
            while not held:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(0.02)
                assert process.poll() is None, "it ended before it could be killed"
                with suppress(IndexMissing):
                    held = index.engine.count("books-v2")
        finally:
            process.send_signal(signal.SIGKILL)
    held = index.engine.count("books-v2")
    assert 0 < held < DOCUMENTS and index.engine.resolve("books") == "books"
    report = json.loads(subprocess.run(change_it, check=True, capture_output=True).stdout)
    assert (report["version"], report["documents"], report["encoded"]) == ("books-v2", DOCUMENTS, DOCUMENTS - held)
    assert report["moved"] == {"name": "books", "before": "books-v1", "after": "books-v2"}
    assert {id: entry.document for id, entry in contents(index, "books").items()} == {
        id: entry.document for id, entry in contents(index, "books-v1").items()
    }


@dataclass
class Client:
    """Searches all the while, in a thread of its own, and remembers what it saw."""

    search: Callable[[], tuple[int, int]]
    stop: threading.Event
    answers: int = 0
    failures: tuple[str, ...] = ()

    def run(self) -> None:
        while not self.stop.is_set():
            try:
                hits, total = self.search()
            except Exception as error:  # noqa: BLE001 - whatever it is, the test shows it
                self.failures += (repr(error),)
                continue
            self.answers += 1
            if (hits, total) != (10, DOCUMENTS):
                self.failures += (f"{hits} hits of {total}",)


def test_nobody_who_searches_all_the_while_notices(index: Index, tmp_path: Path) -> None:
    stop = threading.Event()

    def asking(own: Index, mode: str) -> Callable[[], tuple[int, int]]:
        def search() -> tuple[int, int]:
            return len(own.search("tea end note", mode=mode)), own.count()  # type: ignore[arg-type]

        return search

    opened = [Index.open(tmp_path / "engine", "books", create=False) for _ in range(2)]
    modes = ("hybrid", "vector", "hybrid")
    clients = [Client(asking(one, mode), stop) for one, mode in zip((index, *opened), modes, strict=True)]
    threads = [threading.Thread(target=client.run) for client in clients]
    for thread in threads:
        thread.start()
    try:
        for encoder in ("hashing:64", "hashing:128"):
            options = ("--encoder", encoder, "--known-items", "0")
            subprocess.run(command(tmp_path / "engine", "reembed", *options), check=True, stdout=subprocess.DEVNULL)
        for _ in range(2):
            subprocess.run(command(tmp_path / "engine", "rollback"), check=True, stdout=subprocess.DEVNULL)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        for one in opened:
            one.close()
    assert [client.failures for client in clients] == [(), (), ()]
    assert all(client.answers for client in clients)
    assert index.engine.resolve("books") in ("books", "books-v1")


def test_passages_of_another_size_with_the_same_encoder(index: Index) -> None:
    encoder = open_encoder("hashing:32")
    stamp = encoder_stamp("hashing:32", encoder)
    with pytest.raises(UsageError, match="--passage-size"):
        reembed(index, stamp, encoder, Judging(known_items=0), Monitor())
    smaller = PassageSettings().resized(16)
    first = reembed(index, stamp, encoder, Judging(known_items=0), stop_after(100), passages=smaller)
    assert first.interrupted and index.schema.passages == PassageSettings()
    report = reembed(index, stamp, encoder, Judging(known_items=0), Monitor(), passages=smaller)
    assert report.moved is not None
    assert (report.version, report.encoded) == (first.version, DOCUMENTS - first.documents)
    with pytest.raises(UsageError, match="already"):
        reembed(index, stamp, encoder, Judging(known_items=0), Monitor(), passages=smaller)
    assert index.info().passages > 1.5 * DOCUMENTS
    assert index.schema.passages == PassageSettings(16, 2)
    again = index.ingest(rows())
    assert (again.written, again.unchanged) == (0, DOCUMENTS)


LABELS = {"route_label": "tea", "route_confidence": 0.9, "route_model": "route-1"}


def test_labels_outlive_passages_of_another_size_and_the_next_load(index: Index) -> None:
    (entry,) = index.engine.get("books", ["d7"], vectors=True)
    assert entry is not None
    labelled = replace(entry.document, fields={**entry.document.fields, **LABELS})  # the fingerprint stays
    index.engine.write("books", [replace(entry, document=labelled)])
    encoder = open_encoder("hashing:32")
    smaller = PassageSettings().resized(16)
    reembed(index, encoder_stamp("hashing:32", encoder), encoder, Judging(known_items=0), Monitor(), passages=smaller)
    assert index.ingest(rows()).unchanged == DOCUMENTS
    found = index.get("d7")
    assert found is not None and found.fields == {"n": 7, **LABELS}


class Asked(HashingEncoder):
    """An encoder that reads queries in a way of their own."""

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        return super().encode_queries([f"query {text}" for text in texts])


def test_the_routers_examples_stay_as_it_compares_them(index: Index) -> None:
    examples = [example_document(Example(f"where is my parcel {n}", ("delivery",))) for n in range(3)]
    write(index, examples, encoded(needed_encoder(index), [example.text for example in examples]))
    encoder = Asked(64)
    stamp = EncoderStamp(encoder.name, encoder.revision, encoder.dim)
    report = reembed(index, stamp, encoder, Judging(known_items=0), Monitor(), passages=PassageSettings().resized(16))
    assert report.documents == DOCUMENTS + 3
    found = contents(index, "books")
    for example in examples:
        entry = found[example.id]
        np.testing.assert_allclose(entry.vectors, encoder.encode_queries([example.text]), atol=5e-4)  # float16
        assert entry.fingerprint == mark(example)


def test_passages_that_the_encoder_cannot_read_are_refused(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = open_encoder("hashing:32")
    monkeypatch.setattr(encoder, "max_tokens", 100)
    stamp = encoder_stamp("hashing:32", encoder)
    with pytest.raises(UsageError, match="reads 100 tokens, so passages can't have 128; give at most 100"):
        reembed(index, stamp, encoder, Judging(known_items=0), Monitor(), passages=PassageSettings(128, 16))
    assert len(index.engine.indexes()) == 1
