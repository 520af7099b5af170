"""Do we lose articles or keep frames, beside trafilatura; and what does Word's library leave out?

    python benchmarks/reading.py      # trafilatura and python-docx have to be installed

The pages are small ones of our own, of the kinds that help centres, blogs and old sites have. Each has words of its article
and words of its frame: the share of the first that is kept should be 1, of the second 0. Our rules were made with such pages in
sight, so this shows that no kind of layout loses its article, not how well pages of the web are cleaned.
"""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Callable

from report import machine, save

from searchctl.sources.html import html_to_text
from searchctl.sources.pages import PageInput
from searchctl.sources.word import docx

ARTICLE = (
    "Fill the kettle with water and citric acid, boil it once and wait for half an hour.",
    "Repeat this every month, and the kettle will serve you for many years without scale.",
)
SHORT = ("Call us before noon.",)
RUSSIAN = (
    "Залейте воду с лимонной кислотой, вскипятите и оставьте на полчаса.",
    "Накипь отойдёт сама, повторяйте раз в месяц.",
)
FRAME = "menuword cartword adword"
NAV = f"<nav><a href=/>{FRAME}</a></nav>"
FOOT = f"<footer><p>{FRAME}, all rights reserved</p></footer>"


def paragraphs(texts: tuple[str, ...], tag: str = "p") -> str:
    return "".join(f"<{tag}>{text}</{tag}>" for text in texts)


def pages() -> dict[str, tuple[str, tuple[str, ...]]]:
    links = "".join(f"<li><a href=/{n}>{FRAME} {n}</a></li>" for n in range(6))
    rows = "".join(f"<tr><td>{text}</td><td>{n}</td></tr>" for n, text in enumerate(ARTICLE))
    return {
        "article": (f"<body>{NAV}<article><h1>How</h1>{paragraphs(ARTICLE)}</article>{FOOT}", ARTICLE),
        "class has-sidebar": (
            f'<body>{NAV}<div class="area has-sidebar">{paragraphs(ARTICLE)}</div><aside>{FRAME}</aside>',
            ARTICLE,
        ),
        "menu of links": (
            f"<body><div id=main-menu><ul>{links}</ul></div><div>{paragraphs(ARTICLE)}</div>{FOOT}",
            ARTICLE,
        ),
        "a few words": (f"<body>{NAV}<main><h1>Hours</h1>{paragraphs(SHORT)}</main>{FOOT}", SHORT),
        "divs only": (f"<body>{NAV}<div>{paragraphs(ARTICLE, 'div')}</div>{FOOT}", ARTICLE),
        "whole page in a form": (f"<body><form><div id=footer>{FRAME}</div>{paragraphs(ARTICLE)}</form>", ARTICLE),
        "table of data": (f"<body>{NAV}<table>{rows}</table>{FOOT}", ARTICLE),
        "cookie banner": (
            f'<body><div class="cookie-banner"><p>{FRAME} agree</p></div>{paragraphs(ARTICLE)}{FOOT}',
            ARTICLE,
        ),
        "title and lead in header": (
            f"<body>{NAV}<header><h1>How</h1><p>{ARTICLE[0]}</p></header><p>{ARTICLE[1]}</p>",
            ARTICLE,
        ),
        "questions in details": (
            f"<body>{NAV}<details><summary>Scale?</summary><p>{ARTICLE[0]}</p></details>"
            f"<details><summary>Often?</summary><p>{ARTICLE[1]}</p></details>{FOOT}",
            ARTICLE,
        ),
        "Russian": (
            f"<body>{NAV}<div id=content>{paragraphs(RUSSIAN)}</div><div class=sidebar>{FRAME}</div>{FOOT}",
            RUSSIAN,
        ),
        "list of steps": (
            f"<body>{NAV}<ol>{paragraphs(ARTICLE, 'li')}</ol><div class=related-posts><ul>{links}</ul></div>",
            ARTICLE,
        ),
    }


def share(words: set[str], text: str) -> float:
    return sum(word in text for word in words) / len(words)


def boilerplate() -> list[str]:
    import trafilatura

    readers: dict[str, Callable[[str], str]] = {
        "searchctl": lambda html: html_to_text(html, boilerplate=True)[1],
        "trafilatura": lambda html: trafilatura.extract(html, include_comments=False) or "",
        "trafilatura, favour recall": lambda html: (
            trafilatura.extract(html, favor_recall=True, include_comments=False) or ""
        ),
    }
    lines = ["| page | " + " | ".join(f"{name}: article | frame" for name in readers) + " |"]
    lines.append("|---|" + "---|" * 2 * len(readers))
    totals = {name: [0.0, 0.0] for name in readers}
    found = pages()
    for kind, (html, article) in found.items():
        cells = []
        for name, read in readers.items():
            text = read(f"<!doctype html><html><head><title>Kettles</title></head>{html}</html>")
            kept = share({word for part in article for word in part.split()}, text), share(set(FRAME.split()), text)
            totals[name] = [total + one for total, one in zip(totals[name], kept, strict=True)]
            cells += [f"{one:.2f}" for one in kept]
        lines.append(f"| {kind} | {' | '.join(cells)} |")
    means = [f"**{total / len(found):.2f}**" for name in readers for total in totals[name]]
    return [*lines, f"| mean | {' | '.join(means)} |"]


W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
KINDS = "application/vnd.openxmlformats-"
TYPES = (
    f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
    f'<Default Extension="rels" ContentType="{KINDS}package.relationships+xml"/><Override PartName="/word/document.xml" '
    f'ContentType="{KINDS}officedocument.wordprocessingml.document.main+xml"/></Types>'
)
RELATIONS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>'
)


def word_file(body: str, namespace: str = W, notes: str = "") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        strict = namespace != W
        relations = RELATIONS.replace(
            "http://schemas.openxmlformats.org/officeDocument/2006", "http://purl.oclc.org/ooxml/officeDocument"
        )
        file.writestr("[Content_Types].xml", TYPES)
        file.writestr("_rels/.rels", relations if strict else RELATIONS)
        file.writestr("word/document.xml", f'<w:document xmlns:w="{namespace}"><w:body>{body}</w:body></w:document>')
        if notes:
            file.writestr("word/footnotes.xml", f'<w:footnotes xmlns:w="{namespace}">{notes}</w:footnotes>')
    return buffer.getvalue()


def by_python_docx(data: bytes) -> str:
    from docx import Document

    document = Document(io.BytesIO(data))
    tables = (cell.text for table in document.tables for row in table.rows for cell in row.cells)
    return "\n".join([*(paragraph.text for paragraph in document.paragraphs), *tables])


def word() -> list[str]:
    run = "<w:p><w:r><w:t>needle</w:t></w:r></w:p>"
    nested = "<w:tbl><w:tr><w:tc>" * 3 + run + "</w:tc></w:tr></w:tbl>" * 3
    files = {
        "paragraph": word_file(run),
        "table": word_file(f"<w:tbl><w:tr><w:tc>{run}</w:tc></w:tr></w:tbl>"),
        "table in a table": word_file(nested),
        "text box": word_file(f"<w:p><w:r><w:pict><w:txbxContent>{run}</w:txbxContent></w:pict></w:r></w:p>"),
        "footnote": word_file("<w:p/>", notes=f"<w:footnote>{run}</w:footnote>"),
        "within a control": word_file(f"<w:sdt><w:sdtContent>{run}</w:sdtContent></w:sdt>"),
        "moved here": word_file("<w:p><w:moveTo><w:r><w:t>needle</w:t></w:r></w:moveTo></w:p>"),
        "Strict Open XML": word_file(run, "http://purl.oclc.org/ooxml/wordprocessingml/main"),
    }
    readers = {"searchctl": lambda data: docx(PageInput("docx", data)).text, "python-docx": by_python_docx}
    lines = ["| where the word stands | searchctl | python-docx |", "|---|---|---|"]
    for kind, data in files.items():
        cells = []
        for read in readers.values():
            try:
                cells.append(f"{read(data).count('needle')} ×")
            except Exception as error:  # noqa: BLE001 - the point is whether it reads
                cells.append(type(error).__name__)
        lines.append(f"| {kind} | {' | '.join(cells)} |")
    long = word_file("".join(f"<w:p><w:r><w:t>paragraph {n} of many words</w:t></w:r></w:p>" for n in range(3000)))
    times = []
    for read in readers.values():
        best = min(_timed(read, long) for _ in range(3))
        times.append(best)
    return [*lines, "", f"3,000 paragraphs: python-docx takes {times[1] / times[0]:.1f} times as long."]


def _timed(read: Callable[[bytes], str], data: bytes) -> float:
    began = time.perf_counter()
    read(data)
    return time.perf_counter() - began


def main() -> None:
    text = [
        "## Pages and Word files",
        "",
        machine("trafilatura", "python-docx", "selectolax"),
        "",
        "Twelve layouts of our own, in sight when our rules were made. Share of the article's words that is kept (1 is right), "
        "and of the frame's (0 is right), by page:",
        "",
        *boilerplate(),
        "",
        "How often a word is read that stands once in a Word file:",
        "",
        *word(),
    ]
    save("reading", "\n".join(text))


if __name__ == "__main__":
    main()
