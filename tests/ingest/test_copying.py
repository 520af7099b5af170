"""Works that may be begun again are, while a fault may pass; patience is for one fault, not for the whole run."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable

import pytest

from searchctl.errors import EngineUnreachable, ServerRefusal
from searchctl.ingest import copying
from searchctl.ingest.copying import Monitor, persist


def failing(times: int, error: Exception, worked: float = 0.0) -> Callable[[], str]:
    """Return a work that fails some times, each after `worked` seconds, and then is done."""
    attempts = itertools.count()

    def work() -> str:
        time.sleep(worked)
        if next(attempts) < times:
            raise error
        return "done"

    return work


LOST = ServerRefusal("No search context found for id [1]", status=404)


def test_a_lost_scroll_after_long_work_begins_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "_PATIENCE", 0.05)
    assert persist(failing(2, LOST, worked=0.1), Monitor()) == "done"


def test_a_fault_that_stays_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "_PATIENCE", 0.5)
    with pytest.raises(EngineUnreachable, match="gone"):
        persist(failing(100, EngineUnreachable("the server is gone")), Monitor())


def test_what_will_not_pass_and_a_stop_end_it_at_once() -> None:
    with pytest.raises(ServerRefusal, match="mapper"):
        persist(failing(1, ServerRefusal("mapper of the field is another", status=400)), Monitor())
    stop = threading.Event()
    stop.set()
    with pytest.raises(EngineUnreachable):
        persist(failing(1, EngineUnreachable("the server is gone")), Monitor(stop=stop))
