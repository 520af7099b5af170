"""What bytes and pages say: encodings told apart on fixed samples, HTML turned into what a reader reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from searchctl.sources import FieldMapping, Limits, Record, discover, read
from searchctl.sources.cyrillic import ENCODINGS
from searchctl.sources.encodings import detect
from searchctl.sources.html import decode_html, html_to_text
from searchctl.sources.model import Unreadable

RUSSIAN = (
    "Как вернуть товар, если коробка уже открыта?",
    "Мой заказ не пришёл: прошло две недели, а посылки всё нет!",
    "«Возврат» возможен в течение 14 дней",
    "Цена выросла на 20 %, скидки больше нет. Почему?",
    "СРОЧНО! ОПЛАТА НЕ ПРОХОДИТ",
    "Error 404: страница не найдена (page not found)",
    "Хорошие рестораны",
)


@pytest.mark.parametrize("text", RUSSIAN)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", *ENCODINGS])
def test_russian_in_every_encoding(text: str, encoding: str) -> None:
    text = text if encoding.startswith("utf") or encoding == "cp1251" else text.replace("«", "").replace("»", "")
    data = text.encode(encoding)
    found = detect(data)
    assert found is not None
    assert data.decode(found) == text


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Це український текст для перевірки: їжак, ґанок, Європа", "cp1251"),
        ("Ελληνικό κείμενο για αναζήτηση και δοκιμή", "cp1253"),
        ("日本語のテキストです。検索のために使います。これはテストです。", "shift_jis"),
        ("plain ascii “quoted” — dash", "cp1252"),
        ("plain ascii", "ascii"),
    ],
)
def test_other_languages(text: str, encoding: str) -> None:
    data = text.encode(encoding)
    found = detect(data)
    assert found is not None and data.decode(found) == text


def test_utf8_with_a_damaged_letter_or_cut_in_a_letter_stays_utf8() -> None:
    data = "Привет, мир! Это обычный текст.".encode()
    assert detect(data[:9] + b"\xff" + data[10:]) == "utf-8"
    assert detect(data[:9], complete=False) == "utf-8"
    assert detect(b"{}" * 40_000) == "utf-8"


def test_what_is_no_text() -> None:
    assert detect(bytes(range(256)) * 10) is None
    assert detect(b"\0" * 10) is None
    assert detect(b"text\0and more text in this line, which is long enough") == "utf-8"


@pytest.mark.parametrize(
    ("name", "content"), [("f.jsonl", '{{"id": 1, "text": "{0}"}}\n'), ("f.csv", "id;text\n1;{0}\n"), ("f.txt", "{0}")]
)
@pytest.mark.parametrize("encoding", ["cp1251", "koi8-r", "cp866", "utf-16", "utf-16-le", "utf-8-sig"])
def test_files_in_every_encoding(tmp_path: Path, name: str, content: str, encoding: str) -> None:
    text = "Длинный русский текст, который нужно прочитать правильно; ёж и йод."
    path = tmp_path / name
    path.write_bytes(content.format(text.replace(";", ",")).encode(encoding))
    (record,) = read(discover([str(path)])[0], FieldMapping())
    assert isinstance(record, Record)
    assert record.document.text == text.replace(";", ",")


def test_one_line_in_another_encoding(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    lines = [
        '{"text": "Первая строка в кодировке UTF-8"}'.encode(),
        '{"text": "Вторая строка в другой кодировке"}'.encode("cp1251"),
    ]
    path.write_bytes(b"\n".join(lines))
    texts = [one.document.text for one in read(discover([str(path)])[0], FieldMapping()) if isinstance(one, Record)]
    assert texts == ["Первая строка в кодировке UTF-8", "Вторая строка в другой кодировке"]


PAGE = """<!doctype html><html><head><title> Возврат &amp; обмен
 — Магазин</title><style>p {color: red}</style><script>var x = "<p>no</p>";</script></head>
<body><nav><a href="/">Главная</a></nav>
<header class="top"><a href="/">Лого</a></header>
<div id="main-menu"><ul><li><a href=1>Раз</a></li><li><a href=2>Два</a></li></ul></div>
<main><header><h1>Как вернуть товар</h1></header>
<p>Первый   абзац,<br>с <b>пере</b>носом &lt;строки&gt;&nbsp;и&shy;тут.</p>
<ul><li>один</li><li>два <i>с половиной</i></ul>
<table><tr><th>Срок<th><p>Цена</p></tr><tr><td>14 дней</td><td><div>0</div> ₽</td></tr></table>
<pre>a = 1
b = 2</pre>
<noscript>Включите скрипты</noscript><template>шаблон</template><svg><text>рисунок</text></svg><!-- тайна -->
<div>Смотрите также: <a href=3>Доставка по стране</a> <a href=4>Оплата картой</a> <a href=5>Обмен размера</a></div>
</main><aside>Реклама</aside><footer>© Магазин</footer></body></html>"""
CONTENT = """Как вернуть товар

Первый абзац,
с переносом <строки>\u00a0и\u00adтут.

один
два с половиной

Срок | Цена
14 дней | 0 ₽

a = 1
b = 2"""


def test_html_is_what_a_reader_reads() -> None:
    title, text = html_to_text(PAGE)
    assert title == "Возврат & обмен — Магазин"
    assert (
        text
        == f"Лого\n\nРаз\nДва\n\n{CONTENT}\n\nСмотрите также: Доставка по стране Оплата картой Обмен размера\n\nРеклама\n\n© Магазин"
    )


def test_boilerplate_can_be_left_out() -> None:
    assert html_to_text(PAGE, boilerplate=True)[1] == CONTENT


def test_a_page_of_links_only_stays_whole() -> None:
    page = "<ul>" + "".join(f"<li><a href={n}>Статья номер {n}</a>" for n in range(9)) + "</ul>"
    assert html_to_text(page, boilerplate=True)[1] == "\n".join(f"Статья номер {n}" for n in range(9))


@pytest.mark.parametrize(
    ("html", "title", "text"),
    [
        ("<h1>Only <em>heading</em></h1>text", "Only heading", "Only heading\n\ntext"),
        ("just text &copy; & more", "", "just text © & more"),
        ("", "", ""),
        ("<div>a</div>b<div>c<div>d</div></div>", "", "a\nb\nc\nd"),
        ("<p>one<p>two", "", "one\n\ntwo"),
        ("a\x1db\x1ec\x1fd", "", "a b c d"),
        (
            "<table><tr><td><h2>Layout</h2><p>one</p><p>two</p></td><td>side</td></tr></table>",
            "",
            "Layout\n\none\n\ntwo\n\nside",
        ),
        ("<svg><title>icon</title></svg><p>x", "", "x"),
    ],
)
def test_html_details(html: str, title: str, text: str) -> None:
    found = html_to_text(html)
    assert (found[0], found[1]) == (title, text)


def test_html_nested_absurdly_deep_is_refused_and_nested_deep_is_read() -> None:
    assert html_to_text("<div>" * 2000 + "x" + "</div>" * 2000)[1] == "x"
    with pytest.raises(Unreadable, match="nested"):
        html_to_text("<div>" * 20_000 + "x")


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [
        ("windows-1251", "cp1251"),
        ("koi8-r", "koi8-r"),
        ("utf-8", "utf-8"),
        ("windows-1252", "cp1252"),
        ("none", "cp1251"),
    ],
)
def test_a_page_is_decoded_as_it_declares_unless_that_is_false(declared: str, encoding: str) -> None:
    text = "é" if encoding == "cp1252" else "Обычный русский текст страницы"
    html = f'<meta http-equiv="Content-Type" content="text/html; charset={declared}"><p>{text}'
    assert decode_html(html.encode(encoding)) == html
    wrong = f'<meta charset="windows-1251"><p>{text}'
    assert decode_html(wrong.encode("utf-8")) == wrong


def test_html_files(tmp_path: Path) -> None:
    path = tmp_path / "f.html"
    path.write_text("<p>text</p>")
    (record,) = read(discover([str(path)])[0], FieldMapping(), boilerplate=True, limits=Limits())
    assert isinstance(record, Record)
    assert (record.document.id, record.document.title, record.document.text) == ("f.html", "f", "text")
