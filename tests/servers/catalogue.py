"""Which servers the tests run against, and the parts each is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tests.servers.errors import ServerError


@dataclass(frozen=True, slots=True)
class Plugin:
    """An OpenSearch plugin's zip, and what has to be put right in it: jars it lacks (`alone`: without their own
    dependencies) and plugins it extends that can't be had."""

    name: str
    version: str
    jars: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Distribution:
    """One server in one version. `java` is the lowest and the highest JDK that runs it."""

    name: str
    product: Literal["opensearch", "elasticsearch"]
    version: str
    java: tuple[int, int]
    log4j: str = ""
    plugins: tuple[Plugin, ...] = ()

    @property
    def major(self) -> int:
        """The first number of the version."""
        return int(self.version.split(".")[0])


# transport-grpc is on Maven Central for 3.6.0 and later only. k-NN 3.5 extends it, and uses of it just these interfaces.
_GRPC = (
    "org.opensearch.plugin:transport-grpc-spi:3.6.0:jar",
    "org.opensearch:protobufs:1.3.0:jar",
    "io.grpc:grpc-api:1.75.0:jar",
    "com.google.guava:guava:33.2.1-jre:jar",
    "com.google.guava:failureaccess:1.0.1:jar",
)
DISTRIBUTIONS = (
    # JDK 24 took away the security manager, which OpenSearch 2 installs.
    Distribution(
        "opensearch-2",
        "opensearch",
        "2.19.1",
        (11, 23),
        "2.21.0",
        (Plugin("opensearch-knn", "2.19.1.0"), Plugin("neural-search", "2.19.1.0")),
    ),
    Distribution(
        "opensearch-3",
        "opensearch",
        "3.5.0",
        (21, 25),
        "2.25.3",
        (Plugin("opensearch-knn", "3.5.0.0", _GRPC, ("transport-grpc",)),),
    ),
    Distribution("elasticsearch-8", "elasticsearch", "8.19.0", (17, 23)),
    Distribution("elasticsearch-9", "elasticsearch", "9.2.0", (21, 25)),
)


def distribution(name: str) -> Distribution:
    """Return the one of that name, or the first whose name begins so; raises ServerError."""
    for one in DISTRIBUTIONS:
        if name in (one.name, one.product):
            return one
    raise ServerError(f"no server '{name}'; there are: {', '.join(one.name for one in DISTRIBUTIONS)}")
