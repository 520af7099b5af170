"""What every report has to keep on a telephone and on a large screen, in both colour schemes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SIZES = ((390, 844), (1440, 900))
UNNAMED = "[...document.querySelectorAll('svg, canvas')].filter(one => !one.getAttribute('aria-label')).length"
CUT = """[...document.querySelectorAll('svg text')].filter(one => {
  const [box, frame] = [one.getBoundingClientRect(), one.ownerSVGElement.getBoundingClientRect()];
  return box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 || box.bottom > frame.bottom + 1;
}).map(one => one.textContent)"""


def look_at(browser: Any, file: Path, axe: str) -> None:
    """Open a report at both sizes, light and dark: nothing sticks out or is cut, drawings have names, axe finds nothing serious."""
    for width, height in SIZES:
        for scheme in ("light", "dark"):
            context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
            page = context.new_page()
            wrong: list[str] = []
            page.on("pageerror", lambda error, wrong=wrong: wrong.append(str(error)))
            page.on(
                "console", lambda message, wrong=wrong: wrong.append(message.text) if message.type == "error" else None
            )
            page.on(
                "request",
                lambda request, wrong=wrong: None if request.url.startswith("file:") else wrong.append(request.url),
            )
            page.goto(file.as_uri())
            place = f"{file.name} at {width} px, {scheme}"
            assert page.evaluate("document.documentElement.scrollWidth") <= width, place
            assert page.evaluate(UNNAMED) == 0, place
            assert page.evaluate(CUT) == [], place
            page.evaluate(axe)
            found = page.evaluate("axe.run()")["violations"]
            serious = [
                (one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")
            ]
            assert serious == [], place
            assert wrong == [], place
            context.close()
