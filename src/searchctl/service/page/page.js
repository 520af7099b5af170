"use strict";
// The page asks the API of the server it came from, and nothing else. All text goes in as text, never as markup.
const at = (id) => document.getElementById(id);
const PAGE = 10, WAIT = 120;
let indexes = [], turn = 0, timer = 0;
let language = localStorage.getItem("language") || (navigator.language.startsWith("ru") ? "ru" : "en");
const word = (key, ...given) => { const found = WORDS[language][key]; return typeof found === "function" ? found(...given) : found; };

function make(kind, properties = {}, ...children) {
  const node = document.createElement(kind);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "class") node.className = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

class Problem extends Error {}

async function ask(path, options = {}) {
  const token = sessionStorage.getItem("token");
  const headers = { ...(options.body ? { "Content-Type": "application/json" } : {}), ...(token ? { Authorization: `Bearer ${token}` } : {}) };
  const response = await fetch(path, { ...options, headers });
  if (response.status === 401) { await signIn(); return ask(path, options); }
  const body = await response.json();
  if (!response.ok) throw new Problem(body.detail || body.title);
  return body;
}

function signIn() {
  return new Promise((done) => {
    at("sign-in-form").onsubmit = () => { sessionStorage.setItem("token", at("token").value); done(); };
    if (!at("sign-in").open) at("sign-in").showModal();
  });
}

const state = () => new URLSearchParams(location.search);
const indexName = () => state().get("index") || (indexes[0] && indexes[0].name) || "";
const base = () => `/v1/indexes/${encodeURIComponent(indexName())}`;

function go(changes, replace) {
  const parameters = state();
  for (const [name, value] of Object.entries(changes)) value ? parameters.set(name, value) : parameters.delete(name);
  const address = `${location.pathname}?${parameters}`;
  replace ? history.replaceState(null, "", address) : history.pushState(null, "", address);
  show();
}

function translate() {
  document.documentElement.lang = language;
  for (const node of document.querySelectorAll("[data-word]")) node.textContent = word(node.dataset.word);
  for (const node of document.querySelectorAll("[data-label]")) node.setAttribute("aria-label", word(node.dataset.label));
  for (const node of document.querySelectorAll("[data-placeholder]")) node.placeholder = word(node.dataset.placeholder);
  at("language").textContent = language === "en" ? "Русский" : "English";
  at("language").lang = language === "en" ? "ru" : "en";
}

const TABS = ["search", "route", "map"];

function show() {
  const now = state(), tab = TABS.includes(now.get("tab")) ? now.get("tab") : "search";
  for (const name of TABS) {
    at(`view-${name}`).hidden = name !== tab;
    name === tab ? at(`tab-${name}`).setAttribute("aria-current", "page") : at(`tab-${name}`).removeAttribute("aria-current");
  }
  at("index").value = indexName();
  if (at("q").value.trim() !== (now.get("q") || "")) at("q").value = now.get("q") || "";
  at("where").value = now.get("where") || "";
  const fields = ownFields().map(([name]) => name);
  at("where-fields").textContent = fields.length ? `${word("fields")} ${fields.join(", ")}` : "";
  drawChips(now.get("where"));
  drawOrders();
  drawGroups();
  if (tab === "search") search();
  if (tab === "map") showMap();
}

async function search() {
  const mine = ++turn, now = state(), query = now.get("q"), like = now.get("like");
  if (!query && !like) { clear(); return; }
  const common = { k: PAGE, start: now.get("start") || 0 };
  const facets = facetsAsked(), order = now.get("sort");
  if (now.get("where")) common.where = now.get("where");
  at("status").textContent = word("searching");
  try {
    if (like) { const alike = await ask(`${base()}/similar?${new URLSearchParams({ ...common, id: like })}`); if (mine === turn) draw(alike, word("similarTo", like)); return; }
    if (order) common.sort = order;
    if (now.get("group")) common.group_by = now.get("group");
    const words = ask(`${base()}/search?${new URLSearchParams({ ...common, q: query, mode: "lexical" })}`);
    const both = ask(`${base()}/search?${new URLSearchParams({ ...common, q: query, sentences: "true", ...(facets ? { facets } : {}) })}`);
    let whole = false;
    words.then((results) => { if (mine === turn && !whole && results.hits.length) draw(results, word("byWords")); }, () => {});
    const results = await both;
    whole = true;
    if (mine === turn) draw(results);
  } catch (error) {
    if (mine === turn) { clear(); at("status").textContent = `${word("failed")} ${error.message}`; }
  }
}

function clear() {
  at("results").replaceChildren(); at("pages").replaceChildren(); at("answer").replaceChildren(); at("status").textContent = ""; at("facets").hidden = true;
}

function draw(results, note) {
  const hits = results.hits, notes = [];
  if (hits.length) notes.push(word("count", results.total.value, results.total.relation === "gte"));
  if (hits.length && results.groups) notes.push(word("groups", results.groups.value, results.groups.relation === "gte", state().get("group")));
  else notes.push(word("nothing"));
  if (note) notes.push(note);
  const page = Math.floor((Number(state().get("start")) || 0) / PAGE) + 1;
  if (page > 1 && hits.length) notes.push(word("page", page));
  notes.push(...(results.remarks || []));
  if (results.repaired) notes.push(word("repaired", results.query, results.repaired.query));
  if (results.unmet.length) notes.push(word("unmet", results.unmet.map((phrase) => `“${phrase}”`).join(", ")));
  if (!hits.length) notes.push(...Object.values(results.legs).map((leg) => leg.reason).filter(Boolean));
  at("status").textContent = notes.join(" · ");
  at("answer").replaceChildren(...(hits.length && !results.answered && !note ? [make("p", { class: "nothing" }, word("noGoodAnswer"))] : []));
  drawHits(hits.map((hit) => drawHit(hit, results.answered)));
  if (!note) drawFacets(results.facets);
  else if (state().get("like")) at("facets").hidden = true;
  pages(results);
}

function drawHits(hits) {
  // What came by words is drawn anew when meaning arrives: the focus and opened explanations stay.
  const list = at("results"), focused = document.activeElement, own = list.contains(focused) ? focused.closest(".hit") : null;
  const opened = new Set([...list.querySelectorAll(".actions [aria-expanded=true].reasons")].map((button) => button.closest(".hit").dataset.id));
  list.replaceChildren(...hits);
  for (const hit of hits) if (opened.has(hit.dataset.id)) hit.querySelector(".reasons").click();
  const same = own && hits.find((hit) => hit.dataset.id === own.dataset.id);
  const button = same && [...same.querySelectorAll("button")].find((one) => one.textContent === focused.textContent);
  if (button) button.focus();
}

function drawHit(hit, answered) {
  const passage = hit.passage, body = passage && passage.text ? make("p", {}, ...marked(passage)) : null;
  const fields = Object.entries(hit.fields).slice(0, 8).map(([name, value]) => make("button", {
    type: "button", class: "field", onclick: () => go({ where: conditions(state().get("where") || "").includes(clauseOf(name, value)) ? state().get("where") : toggled(clauseOf(name, value)), start: "" }),
  }, `${name}: ${Array.isArray(value) ? value.join(", ") : value}`));
  const why = explained(hit);
  return make("li", { class: answered ? "hit" : "hit folded", "data-id": hit.id },
    make("h2", {}, hit.title || hit.id),
    make("p", { class: "where" }, make("span", { class: hit.relevance >= 0.2 ? "sure" : "unsure" }, word("relevance", hit.relevance)), hit.title ? make("span", {}, hit.id) : null),
    hit.group ? drawGroup(hit.group) : null,
    body,
    fields.length ? make("div", { class: "chips" }, ...fields) : null,
    make("div", { class: "actions" },
      make("button", { type: "button", onclick: () => go({ like: hit.id, q: "", start: "" }) }, word("similar")),
      make("button", { type: "button", class: "reasons", "aria-expanded": "false", onclick: (event) => { why.hidden = !why.hidden; event.currentTarget.setAttribute("aria-expanded", String(!why.hidden)); } }, word("why")),
      reader(hit)),
    why);
}

function reader(hit) {
  let shown = null;
  return make("button", { type: "button", "aria-expanded": "false", onclick: async (event) => {
    const button = event.currentTarget;
    if (shown) { shown.remove(); shown = null; button.textContent = word("open"); button.setAttribute("aria-expanded", "false"); return; }
    try {
      const whole = await ask(`${base()}/documents/${hit.id.split("/").map(encodeURIComponent).join("/")}`);
      shown = make("div", { class: "why" }, ...whole.text.split(/\n{2,}/).map((paragraph) => make("p", {}, paragraph)));
      button.closest(".hit").append(shown); button.textContent = word("close"); button.setAttribute("aria-expanded", "true");
    } catch (error) { at("status").textContent = `${word("failed")} ${error.message}`; }
  } }, word("open"));
}

function marked(passage) {
  // Places count code points, as Python does, not UTF-16 units.
  const letters = Array.from(passage.text), own = (place) => place - passage.start;
  const marks = passage.marks.map((mark) => [own(mark.start), own(mark.end)]);
  const sentence = passage.sentence ? [own(passage.sentence.start), own(passage.sentence.end)] : [0, 0];
  const whole = sentence[1] - sentence[0] >= letters.length;
  let [begin, end] = [0, letters.length];
  if (letters.length > 360) { begin = Math.max(0, Math.min(sentence[1] ? sentence[0] - 40 : 0, letters.length - 360)); end = Math.min(letters.length, Math.max(begin + 360, sentence[1])); }
  const cuts = [...new Set([begin, end, ...sentence, ...marks.flat()])].filter((place) => place >= begin && place <= end).sort((a, b) => a - b);
  const pieces = begin ? ["…"] : [];
  for (let i = 0; i + 1 < cuts.length; i++) {
    const piece = letters.slice(cuts[i], cuts[i + 1]).join("");
    const inMark = marks.some(([from, to]) => cuts[i] >= from && cuts[i] < to);
    const inSentence = !whole && cuts[i] >= sentence[0] && cuts[i] < sentence[1];
    const node = inMark ? make("mark", {}, piece) : piece;
    pieces.push(inSentence ? make("span", { class: "sentence" }, node) : node);
  }
  if (end < letters.length) pieces.push("…");
  return pieces;
}

function explained(hit) {
  const lexical = hit.legs.lexical, vector = hit.legs.vector;
  const reasons = [
    lexical ? lexical.rank ? word("byItsWords", lexical.rank, held(hit.passage)) : word("notByWords") : null,
    vector ? vector.rank ? word("byItsMeaning", vector.rank) : word("notByMeaning") : null,
    lexical && vector && lexical.rank && vector.rank ? word("both", Math.round(lexical.weight / (lexical.weight + vector.weight || 1) * 100)) : null,
    word("likely", Math.round(hit.relevance * 100)),
  ].filter(Boolean);
  const rows = Object.entries(hit.legs).flatMap(([name, leg]) => [
    make("dt", {}, word(name) || name),
    make("dd", {}, leg.rank ? `${word("place", leg.rank)}, ${word("weight", leg.weight)}` : word("notFound"), meter(leg.normalised)),
  ]);
  const box = make("div", { class: "why" }, make("strong", {}, word("whyTitle")), make("ul", {}, ...reasons.map((reason) => make("li", {}, reason))), make("dl", {}, ...rows));
  box.hidden = true;
  return box;
}

function held(passage) {
  if (!passage) return "";
  const letters = Array.from(passage.text), words = passage.marks.map((mark) => letters.slice(mark.start - passage.start, mark.end - passage.start).join(""));
  return [...new Map(words.map((one) => [one.toLowerCase(), one])).values()].slice(0, 6).join(", ");
}

function meter(share) {
  const fill = make("i"), percent = Math.round(Math.max(0, Math.min(1, share)) * 100);
  fill.style.width = `${percent}%`;
  return make("span", { class: "meter", role: "img", "aria-label": `${percent} %` }, fill);
}

function pages(results) {
  const start = Number(state().get("start")) || 0, shown = results.groups || results.total, more = results.hits.length === PAGE && (shown.relation === "gte" || shown.value > start + PAGE);
  at("pages").replaceChildren(
    ...(start ? [make("button", { type: "button", onclick: () => { go({ start: String(Math.max(0, start - PAGE) || "") }); at("results").focus(); } }, word("previous"))] : []),
    ...(more ? [make("button", { type: "button", onclick: () => { go({ start: String(start + PAGE) }); at("results").focus(); } }, word("next"))] : []));
}

async function route(event) {
  event.preventDefault();
  const text = at("text").value.trim();
  if (!text) return;
  at("route-status").textContent = word("searching");
  try {
    const [labels, answer] = await Promise.all([ask(`${base()}/labels`), ask(`${base()}/predict`, { method: "POST", body: JSON.stringify({ texts: [text] }) })]);
    at("route-status").textContent = "";
    drawRoute(text, answer.routes[0], labels.labels);
  } catch (error) { at("route-result").replaceChildren(); at("route-status").textContent = `${word("failed")} ${error.message}`; }
}

function drawRoute(text, told, labels) {
  const own = indexes.find((index) => index.name === indexName()), select = make("select", { "aria-label": word("label") }, ...labels.map((one) => make("option", {}, one.label)));
  if (told.top) select.value = told.top;
  const change = async (path, body, say) => {
    try { const done = await ask(`${base()}/${path}`, { method: "POST", ...(body ? { body: JSON.stringify(body) } : {}) }); at("route-status").textContent = say(done); } catch (error) { at("route-status").textContent = `${word("failed")} ${error.message}`; }
  };
  at("route-result").replaceChildren(make("div", { class: "hit" },
    make("h2", {}, told.label ? `${word("label")}: ${told.label}` : word("noLabel")),
    told.label ? null : make("p", {}, `${word("nearest")}: ${told.top || "–"}`),
    make("p", { class: "where" }, `${word("confidence")}: ${Math.round(told.confidence * 100)} %`, meter(told.confidence)),
    told.why ? make("p", { class: "note" }, told.why) : null,
    make("p", {}, make("strong", {}, word("examples"))),
    make("ul", {}, ...told.neighbours.map((one) => make("li", {}, `${one.labels.join(", ")}: ${one.text}`))),
    own && own.writable ? make("div", { class: "actions" }, make("label", {}, `${word("addExample")} `, select),
      make("button", { type: "button", onclick: () => change("examples", { label: select.value, texts: [text] }, () => word("added")) }, word("add")),
      make("button", { type: "button", onclick: () => change("undo", null, (done) => word("undone", done.undone)) }, word("undo"))) : null));
}

async function start() {
  translate();
  at("language").addEventListener("click", () => { language = language === "en" ? "ru" : "en"; localStorage.setItem("language", language); translate(); show(); });
  at("tab-search").addEventListener("click", () => go({ tab: "" }));
  at("tab-route").addEventListener("click", () => go({ tab: "route", index: indexes.some((one) => one.name === "routes") ? "routes" : indexName() }));
  at("tab-map").addEventListener("click", () => go({ tab: "map" }));
  at("index").addEventListener("change", () => go({ index: at("index").value, start: "", where: "", sort: "", group: "", like: "" }));
  at("q").addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(() => go({ q: at("q").value.trim(), like: "", start: "" }, true), WAIT); });
  at("where").addEventListener("change", () => go({ where: at("where").value.trim(), start: "" }));
  at("search-form").addEventListener("submit", (event) => { event.preventDefault(); clearTimeout(timer); hideSuggestions(); go({ q: at("q").value.trim(), where: at("where").value.trim(), like: "", start: "" }); });
  at("route-form").addEventListener("submit", route);
  window.addEventListener("popstate", show);
  at("facet-box").open = innerWidth > 640;
  startFinding();
  startMap();
  try { indexes = (await ask("/v1/indexes")).indexes; } catch (error) { at("status").textContent = `${word("failed")} ${error.message}`; return; }
  at("index").replaceChildren(...indexes.map((index) => make("option", { value: index.name }, index.name)));
  if (!indexes.length) at("status").textContent = word("noIndex");
  show();
}
start();
