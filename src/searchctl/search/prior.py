"""What cosines unrelated texts have by an encoder in general: for indexes too small to tell it of their own."""

from __future__ import annotations

from searchctl.encoders.base import Encoder
from searchctl.ranking.cosine_baseline import baseline_of
from searchctl.schema import Background

_TEXTS = (  # about one thing each, as different from each other as may be
    "The bakery on the corner opens at seven and sells rye bread.",
    "Interest on the loan is paid at the end of every quarter.",
    "Volcanoes form where plates of the Earth's crust meet.",
    "The patient was given antibiotics for ten days.",
    "A violin has four strings and is played with a bow.",
    "Press and hold the button until the light turns green.",
    "The goalkeeper saved two penalties in the final.",
    "Bees dance to show each other where flowers are.",
    "The treaty was signed after three years of war.",
    "Install the package and restart the server.",
    "Tenants have to give notice three months in advance.",
    "Her first novel tells of a childhood in the mountains.",
    "Поезд отправляется с третьего пути в восемь утра.",
    "Налоговый вычет можно получить за три последних года.",
    "Кошка спит на подоконнике, пока идёт дождь.",
    "Давление воды растёт с глубиной.",
    "Для теста смешайте муку, яйца и молоко.",
    "Музей закрыт по понедельникам и в праздники.",
    "Пароль должен содержать не меньше восьми символов.",
    "Спектакль поставлен по пьесе Чехова.",
    "Сборная проиграла в четвертьфинале чемпионата.",
    "Суд отложил заседание до понедельника.",
    "Саженцы яблони сажают ранней весной.",
    "Двигатель перегревается при низком уровне масла.",
)


_KNOWN: dict[tuple[str, int], Background | None] = {}  # by the encoder's revision and length


def general_background(encoder: Encoder) -> Background | None:
    """Return the baseline of two dozen sentences about different things, in English and Russian; encoded once in a process."""
    key = (encoder.revision, encoder.dim)
    if key not in _KNOWN:
        _KNOWN[key] = baseline_of(encoder.encode_documents(_TEXTS))
    return _KNOWN[key]
