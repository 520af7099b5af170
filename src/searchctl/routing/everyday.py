"""Everyday sentences of all kinds, in English and Russian: what a text is like that has nothing to do with anything stored.

How like the examples a text is says little by itself: encoders give short and common texts a high cosine with everything. So
it is read against the text's likeness to these (the cohort of speaker verification; Auckenthaler, Carey and Lloyd-Thomas
2000, "Score Normalization for Text-Independent Speaker Verification Systems").
"""

from __future__ import annotations

EVERYDAY: tuple[str, ...] = tuple(
    """
How tall is the Eiffel Tower?
When did the Second World War end?
What will the weather be like tomorrow?
How do I boil an egg?
My dog doesn't want to eat.
Why is the sky blue?
Who won the election?
Set an alarm for seven in the morning.
How do you say "good morning" in Spanish?
Is there a good Italian restaurant near here?
I need a flight to Berlin on Friday.
My back hurts when I sit.
How can I fall asleep faster?
Translate this letter into French.
What is the square root of 144?
What is photosynthesis?
The new film is rather boring.
Who sings this song?
How do I change a tyre?
How much petrol does this engine need?
When should roses be cut back?
What colour goes well with grey walls?
What is inflation?
How much is the rent for a small flat?
Hello, how are you?
My name is Anna and I live in London.
The government plans a new tax.
The museum is closed on Mondays.
ok
asdfgh qwerty
Кто написал «Войну и мир»?
Расскажи анекдот про кота.
Весь день идёт дождь.
Дай рецепт яблочного пирога.
Сколько планет в Солнечной системе?
Футбольный матч закончился вничью.
Включи спокойную музыку.
Выключи свет на кухне.
Который час в Токио?
Забронируй столик на двоих на вечер.
Сколько ехать на поезде до Казани?
Какие витамины помогают при простуде?
Какие упражнения полезны для плеч?
Напиши стихотворение про осень.
Как решить квадратное уравнение?
Объясни, как возникает чёрная дыра.
Посоветуй книгу русского писателя.
Весной группа едет на гастроли.
Машина издаёт странный звук.
Как сажать помидоры?
Как вывести пятно от вина с ковра?
Соседи шумят по ночам.
Как написать цикл на Питоне?
Совещание перенесли на понедельник.
Сколько зарабатывает учитель?
Стоит ли сейчас покупать акции?
Большое спасибо за помощь!
Хороших выходных.
Вчера мы с детьми ездили на озеро.
Учёные открыли новый вид рыб.
Во время бури рухнул старый мост.
ок
""".strip().split("\n")
)
