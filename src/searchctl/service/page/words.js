"use strict";
// Every sentence of the page, in each of its languages. A test holds that both have the same keys.
const WORDS = {
  en: {
    skip: "Skip to results", sections: "Sections", search: "Search", route: "Routing", index: "Index", query: "Query",
    placeholder: "Search by words and by meaning", filter: "Filter", results: "Results", pages: "Pages",
    filterHelp: "Fields and values, as in lang=ru, price>=10, tag=a,b; joined by AND, OR, NOT and parentheses.",
    fields: "Fields:", pasteText: "Paste a text", routeIt: "Find its label", signIn: "A token is needed", token: "Token",
    continue: "Continue", searching: "Searching…", nothing: "Nothing found.", noIndex: "There is no index here yet. Make one with: searchctl ingest FOLDER",
    noGoodAnswer: "No good answer. These are the nearest documents:", byWords: "by words; looking for meaning…",
    count: (n, least) => `${least ? "At least " : ""}${n.toLocaleString("en")} ${n === 1 && !least ? "document" : "documents"}`,
    excluded: "Filtered by", remove: "Remove the filter", similar: "Similar documents", similarTo: (id) => `Documents like ${id}`,
    why: "Why this one?", whyTitle: "Why this document was found", relevance: (share) => share >= 0.6 ? "a good answer" : share >= 0.2 ? "may answer" : "probably not an answer",
    lexical: "By words", vector: "By meaning", notFound: "not found", place: (n) => `place ${n}`, weight: (w) => `counts ${Math.round(w * 100)} %`,
    repaired: (typed, read) => `Showing results for “${read}”; no word of “${typed}” is in the index.`,
    unmet: (phrases) => `No document has ${phrases}; looked for the words one by one.`, answerIs: "Answer", next: "Next", previous: "Previous",
    label: "Label", noLabel: "No label is sure enough", nearest: "The nearest one is", confidence: "How sure", examples: "Examples that speak for it",
    addExample: "Add this text as an example of", add: "Add", undo: "Undo", added: "Added.", undone: (what) => `Undone: ${what}`, failed: "That didn’t work:", open: "Read the whole text", close: "Close the text",
    map: "Topics", mapOf: "Map of the documents; the list beside it has the same topics", suggestions: "Suggestions", order: "Order", narrow: "Narrow down", byRelevance: "best first",
    newest: (name) => `${name}: newest first`, oldest: (name) => `${name}: oldest first`, highest: (name) => `${name}: highest first`, lowest: (name) => `${name}: lowest first`,
    missing: (n) => `${n.toLocaleString("en")} without a value`, more: "and further values", countsWords: (n) => `Counted over the ${n.toLocaleString("en")} ${n === 1 ? "document" : "documents"} with words of the query.`,
    countsAll: (n) => `No document has these words; counted over all ${n.toLocaleString("en")} that the filter allows.`, page: (n) => `page ${n}`, true: "yes", false: "no", title: "title", phrase: "phrase", term: "word",
    spelling: "corrected", "keyboard layout": "other layout", transliteration: "other alphabet", drawing: "Drawing the map; that may take a minute…", noTopics: "No group of documents is dense enough for a topic.",
    topics: (n, all, outside) => `${n} ${n === 1 ? "topic" : "topics"} in ${all.toLocaleString("en")} documents, ${outside.toLocaleString("en")} in none. Choose a topic or a point.`,
  },
  ru: {
    skip: "К результатам", sections: "Разделы", search: "Поиск", route: "Метки", index: "Индекс", query: "Запрос",
    placeholder: "Ищите по словам и по смыслу", filter: "Фильтр", results: "Результаты", pages: "Страницы",
    filterHelp: "Поля и значения: lang=ru, price>=10, tag=a,b; условия соединяют AND, OR, NOT и скобки.",
    fields: "Поля:", pasteText: "Вставьте текст", routeIt: "Найти метку", signIn: "Нужен токен", token: "Токен",
    continue: "Продолжить", searching: "Ищем…", nothing: "Ничего не найдено.", noIndex: "Здесь ещё нет индекса. Создайте его: searchctl ingest ПАПКА",
    noGoodAnswer: "Подходящего ответа нет. Самые близкие документы:", byWords: "по словам; ищем по смыслу…",
    count: (n, least) => `${least ? "Не меньше " : ""}${n.toLocaleString("ru")} ${plural(n, "документ", "документа", "документов", least)}`,
    excluded: "Фильтр", remove: "Убрать фильтр", similar: "Похожие документы", similarTo: (id) => `Документы, похожие на ${id}`,
    why: "Почему найден?", whyTitle: "Почему найден этот документ", relevance: (share) => share >= 0.6 ? "хороший ответ" : share >= 0.2 ? "возможно, ответ" : "вряд ли ответ",
    lexical: "По словам", vector: "По смыслу", notFound: "не найден", place: (n) => `место ${n}`, weight: (w) => `вес ${Math.round(w * 100)} %`,
    repaired: (typed, read) => `Показано для «${read}»: слов запроса «${typed}» в индексе нет.`,
    unmet: (phrases) => `Ни в одном документе нет ${phrases}; слова искали по отдельности.`, answerIs: "Ответ", next: "Дальше", previous: "Назад",
    label: "Метка", noLabel: "Ни в одной метке нет уверенности", nearest: "Ближайшая", confidence: "Уверенность", examples: "Похожие примеры",
    addExample: "Добавить текст как пример метки", add: "Добавить", undo: "Отменить", added: "Добавлено.", undone: (what) => `Отменено: ${what}`, failed: "Не получилось:", open: "Весь текст", close: "Скрыть текст",
    map: "Темы", mapOf: "Карта документов; темы есть и в списке рядом", suggestions: "Подсказки", order: "Порядок", narrow: "Уточнить", byRelevance: "сначала лучшие",
    newest: (name) => `${name}: сначала новые`, oldest: (name) => `${name}: сначала старые`, highest: (name) => `${name}: по убыванию`, lowest: (name) => `${name}: по возрастанию`,
    missing: (n) => `без значения: ${n.toLocaleString("ru")}`, more: "и другие значения", countsWords: (n) => `Учтены документы со словами запроса: ${n.toLocaleString("ru")}.`,
    countsAll: (n) => `Этих слов в документах нет; учтены все, что допускает фильтр: ${n.toLocaleString("ru")}.`, page: (n) => `страница ${n}`, true: "да", false: "нет", title: "заголовок", phrase: "фраза", term: "слово",
    spelling: "исправлено", "keyboard layout": "другая раскладка", transliteration: "другой алфавит", drawing: "Рисуем карту; это может занять минуту…", noTopics: "Ни одна группа документов не складывается в тему.",
    topics: (n, all, outside) => `Тем: ${n}, документов: ${all.toLocaleString("ru")}, вне тем: ${outside.toLocaleString("ru")}. Выберите тему или точку.`,
  },
};
function plural(n, one, few, many, genitive) {
  if (genitive) return n % 10 === 1 && n % 100 !== 11 ? few : many;
  const ten = n % 10, hundred = n % 100;
  if (ten === 1 && hundred !== 11) return one;
  return ten >= 2 && ten <= 4 && (hundred < 12 || hundred > 14) ? few : many;
}
