"""Who answers in `searchctl route predict`: the router's examples, a scorer beside them, or a trained classifier."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from searchctl.cli.context import Frame
from searchctl.cli.failures import say
from searchctl.cli.output import printable
from searchctl.cli.route.context import open_router
from searchctl.errors import IndexMissing
from searchctl.translation import _

if TYPE_CHECKING:
    from searchctl.routing.classifier import TrainedClassifier
    from searchctl.routing.guarantee import PrecisionGuarantee
    from searchctl.routing.router import Route, Router, RouteSettings
    from searchctl.routing.scorer import Scorer

_NAMED = 5  # labels that are named


@dataclass(frozen=True, slots=True)
class Answerer:
    """Routes texts: by a router's examples or its scorer, or by a classifier, with a router's neighbours where there is one."""

    router: Router | None
    classifier: TrainedClassifier | None
    scorer: Scorer | None

    def predict(self, texts: Sequence[str], settings: RouteSettings) -> list[Route]:
        """Route texts; see `Router.predict`."""
        if self.router is not None:
            return self.router.predict(texts, settings, scorer=self.scorer, classifier=self.classifier)
        assert self.classifier is not None
        return self.classifier.predict(texts, settings)

    def promise(self, target: float) -> PrecisionGuarantee:
        """Return what is promised of a precision, by whoever decides."""
        if self.classifier is not None:
            return self.classifier.promise(target)
        assert self.router is not None
        return self.router.promise(target)


@contextmanager
def opened_answerer(frame: Frame, folder: Path | None, scorer: Scorer | None) -> Iterator[Answerer]:
    """Open who answers. A classifier needs no index of examples; raises IndexMissing where there is neither."""
    with ExitStack() as stack:
        if folder is None:
            yield Answerer(stack.enter_context(open_router(frame)), None, scorer)
            return
        from searchctl.routing.classifier import TrainedClassifier
        from searchctl.settings.paths import user_path

        classifier = TrainedClassifier(user_path(folder))
        router = None
        try:
            router = stack.enter_context(open_router(frame))
        except IndexMissing:
            if any(setting.key == "index" and setting.origin != "default" for setting in frame.settings.shown):
                raise
        if not frame.quiet:
            _say_unlike(router, classifier)
        yield Answerer(router, classifier, None)


def _say_unlike(router: Router | None, classifier: TrainedClassifier) -> None:
    """Say which labels of the index the classifier can never give, and where nothing tells texts of no label."""
    state = router.state if router is not None else None
    missing = sorted(set(state.labels) - set(classifier.labels)) if state is not None else []
    if missing:
        more = _(" and {count} more").format(count=len(missing) - _NAMED) if len(missing) > _NAMED else ""
        say(
            printable(
                _(
                    "searchctl: the classifier doesn't know the labels {missing}{more} and never gives them; train "
                    "it again with their examples, or leave --classifier out"
                ).format(missing=", ".join(missing[:_NAMED]), more=more)
            )
        )
    if not classifier.settings.outside and (state is None or not state.examples):
        say(
            _(
                "searchctl: nothing here tells texts that belong to no label: every text gets one; give "
                "--threshold or --target-precision, or train with such texts: --outside LABEL"
            )
        )
