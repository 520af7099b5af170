"""What was written anew, out of mails as programs send them."""

from __future__ import annotations

import pytest

from searchctl.routing.message import message_of

MESSAGE = "The kettle leaks at the handle."
РУССКОЕ = "Чайник протекает у ручки."


@pytest.mark.parametrize(
    "after",
    [
        "\n\nOn Tue, 4 Mar 2025 at 10:02, Help Desk <help@shop.example> wrote:\n> We have received your order.\n> Thanks",
        "\n\nOn Tue, 4 Mar 2025 at 10:02, Help Desk\n<help@shop.example> wrote:\n\nWe have received your order.",
        "\n\n-----Original Message-----\nFrom: Help Desk\nSent: Tuesday\nTo: me\n\nWe have received your order.",
        "\n\n________________________________\nFrom: Help <help@shop.example>\nSent: 4 March\nSubject: Re: kettle\n\nWe have it.",
        "\n\nBest regards,\nMary Major\nMajor Ltd, Leeds\n+44 113 496 0000",
        "\n\n-- \nMary Major | Sales",
        "\n\nSent from my iPhone",
        "\n\nThanks,\nMary",
        "\n\nThis e-mail and its attachments are confidential and intended for the addressee alone.",
    ],
)
def test_english_mail(after: str) -> None:
    assert message_of(MESSAGE + after) == MESSAGE
    assert message_of(f"Hello,\n\n{MESSAGE}{after}") == MESSAGE


@pytest.mark.parametrize(
    "after",
    [
        "\n\nвт, 4 мар. 2025 г. в 10:02, Поддержка <help@shop.example>:\n> Ваш заказ получен.\n> Спасибо",
        "\n\n4 марта 2025 г., 10:02, Поддержка <help@shop.example> написал(а):\n\nВаш заказ получен.",
        "\n\nВторник, 4 марта 2025, 10:02 +03:00 от Поддержка <help@shop.example>:\nВаш заказ получен.",
        "\n\n-------- Пересылаемое сообщение --------\nОт: Поддержка\nКому: мне\n\nВаш заказ получен.",
        "\n\nОт: Поддержка <help@shop.example>\nОтправлено: 4 марта\nТема: чайник\n\nВаш заказ получен.",
        "\n\nС уважением,\nМария Петрова\nООО «Ромашка»",
        "\n\n--\nМария Петрова",
        "\n\nОтправлено с iPhone",
        "\n\nЗаранее спасибо!",
        " С уважением, Мария Петрова.",
    ],
)
def test_russian_mail(after: str) -> None:
    assert message_of(РУССКОЕ + after) == РУССКОЕ
    assert message_of(f"Добрый день!\n{РУССКОЕ}{after}") == РУССКОЕ


def test_answers_between_quoted_lines_are_all_kept() -> None:
    mail = "> Which colour?\nThe red one.\n> And the size?\nLarge, please."
    assert message_of(mail) == "The red one.\nLarge, please."
    assert message_of("On Tue, 4 Mar 2025, Help wrote:\n> Which colour?\n\nThe red one.") == "The red one."


def test_a_forwarded_mail_is_what_was_forwarded() -> None:
    mail = "---------- Forwarded message ---------\nFrom: Bob\nDate: Tue\nSubject: kettle\n\n" + MESSAGE
    assert message_of(mail) == MESSAGE


@pytest.mark.parametrize(
    "text",
    [
        "Hello",
        "Thanks",
        "Thank you, but where is my money?",
        "Спасибо",
        "> 5 kg allowed?",
        "- one\n- two\n- three",
        "Sent from my iPhone",
        "From: A\nTo: B",
        "I wrote: nothing came",
        "On Monday I wrote: nothing came",
        "Which SIM does the X200 take",
        "I bought a lamp.\nThanks for the quick delivery.\nBut it's broken and I want a refund.",
        "Не пришла посылка.\nСпасибо за быстрый ответ.\nПрошу вернуть деньги на карту.",
        "Ticket 123\n-----\nMy card was charged twice and I want my money back",
        "I want to change my booking:\nFrom: Berlin\nTo: Paris\nDate: 3 May\nPlease refund the difference.",
        "| item | price |\n| kettle | 20 |\nThe kettle is broken",
        "The kettle is broken.\n\nBest regards,\nAnna\n\nP.S. And the second parcel has not come.",
        "E17",
        "",
    ],
)
def test_what_is_no_mail_stays(text: str) -> None:
    assert message_of(text) == text


def test_shouting_is_lowered() -> None:
    assert message_of("WHERE IS MY PARCEL?") == "where is my parcel?"
    assert message_of("ГДЕ ЗАКАЗ") == "где заказ"
    assert message_of("Hi, I WANT MY MONEY BACK, order x2") == "i want my money back, order x2"
    assert message_of("My PIN and the SIM") == "My PIN and the SIM"


def test_long_text_takes_no_longer_than_its_length() -> None:
    assert message_of("word " * 100_000).startswith("word word")
    assert message_of("\n> quoted" * 20_000 + "\nanswer") == "answer"


@pytest.mark.parametrize("rule", ["___", "-----", "—", "====="])
def test_a_rule_parts_a_signature_and_not_a_message(rule: str) -> None:
    assert message_of(f"{MESSAGE}\n{rule}\nJohn Smith\nACME Ltd, 12 Baker Street\n+44 20 1234") == MESSAGE
    assert message_of(f"Request\n{rule}\n{MESSAGE} Can you help me with it?").endswith("Can you help me with it?")
