"""The router, under the address that it had before `searchctl.routing`; new code imports it from `searchctl`."""

from __future__ import annotations

from searchctl.routing.router import Candidate, Example, LabelInfo, Neighbour, Route, Router, RouteSettings

__all__ = ["Candidate", "Example", "LabelInfo", "Neighbour", "Route", "RouteSettings", "Router"]
