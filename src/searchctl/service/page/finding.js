"use strict";
// Suggestions as one types, facets, filters and orders. Uses what page.js has; all text goes in as text.
const FACETS = 6, FACET_VALUES = 8;
let typing = 0, chosen = -1;

// Suggestions: a combobox as WAI-ARIA describes it. The query stays what was typed until one is taken.

async function suggest() {
  const typed = at("q").value, mine = ++typing;
  if (typed.trim().length < 2) { hideSuggestions(); return; }
  try {
    const given = await ask(`${base()}/suggest?${new URLSearchParams({ q: typed.slice(-200), k: 8 })}`);
    if (mine !== typing || document.activeElement !== at("q") || at("q").value !== typed) return;
    drawSuggestions(given.suggestions.filter((one) => one.text.toLowerCase() !== typed.trim().toLowerCase()));
  } catch { hideSuggestions(); }
}

function drawSuggestions(suggestions) {
  chosen = -1;
  at("suggestions").replaceChildren(...suggestions.map((one, place) => make("li", {
    id: `suggestion-${place}`, role: "option", "aria-selected": "false", onmousedown: (event) => { event.preventDefault(); take(one.text); },
  }, make("span", {}, one.text), make("small", {}, one.repair ? word(one.repair) : word(one.kind)))));
  at("suggestions").hidden = !suggestions.length;
  at("q").setAttribute("aria-expanded", String(suggestions.length > 0));
  at("q").removeAttribute("aria-activedescendant");
}

function hideSuggestions() { typing++; drawSuggestions([]); }

function take(text) {
  at("q").value = text;
  hideSuggestions();
  clearTimeout(timer);
  go({ q: text, like: "", start: "" });
}

function choose(event) {
  const options = [...at("suggestions").children];
  if (event.key === "Escape" && options.length) { event.preventDefault(); hideSuggestions(); return; }
  if (event.key === "Enter" && chosen >= 0) { event.preventDefault(); take(options[chosen].firstChild.textContent); return; }
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step || !options.length) return;
  event.preventDefault();
  chosen = (chosen + step + options.length + 1) % (options.length + 1);
  if (chosen === options.length) chosen = -1;
  options.forEach((option, place) => option.setAttribute("aria-selected", String(place === chosen)));
  if (chosen < 0) at("q").removeAttribute("aria-activedescendant");
  else { at("q").setAttribute("aria-activedescendant", options[chosen].id); options[chosen].scrollIntoView({ block: "nearest" }); }
}

// Filters: a text of conditions, of which each has a chip.

const quoted = (text) => /^[\p{L}\p{N}_][\p{L}\p{N}_.-]*$/u.test(text) && !/^(AND|OR|NOT|IN|ALL|IS|NULL)$/.test(text) ? text : `"${String(text).replace(/["\\]/g, "\\$&")}"`;
const clauseOf = (name, value) => `${quoted(name)}=${(Array.isArray(value) ? value : [value]).map((one) => quoted(String(one))).join(",")}`;

function conditions(where) {
  // Parted at AND outside quotes and parentheses; with an OR there it is one condition.
  const parts = [""];
  let quote = "", depth = 0, alternatives = false;
  for (let i = 0; i < where.length; i++) {
    const sign = where[i];
    if (quote) { if (sign === "\\") parts[parts.length - 1] += where[i++]; else if (sign === quote) quote = ""; }
    else if (sign === '"' || sign === "'") quote = sign;
    else if (sign === "(") depth++;
    else if (sign === ")") depth--;
    else if (!depth && where.startsWith(" AND ", i)) { parts.push(""); i += 4; continue; }
    else if (!depth && where.startsWith(" OR ", i)) alternatives = true;
    parts[parts.length - 1] += where[i] || "";
  }
  return (alternatives ? [where] : parts).map((part) => part.trim()).filter(Boolean);
}

function toggled(clause) {
  const before = conditions(state().get("where") || "");
  const after = before.includes(clause) ? before.filter((one) => one !== clause) : [...before.map((one) => before.length === 1 && / OR /.test(one) ? `(${one})` : one), clause];
  return after.join(" AND ");
}

function drawChips(where) {
  at("chips").replaceChildren(...conditions(where || "").map((clause) => make("li", {}, make("button", {
    type: "button", "aria-label": `${word("remove")}: ${clause}`, onclick: () => { go({ where: toggled(clause), start: "" }); at("q").focus(); },
  }, clause, make("span", { "aria-hidden": "true" }, " ×")))));
}

// Facets and orders, as the fields of the index allow.

const ownFields = () => { const own = indexes.find((index) => index.name === indexName()); return own ? Object.entries(own.fields) : []; };
const facetsAsked = () => ownFields().filter(([name, kind]) => (kind === "keyword" || kind === "boolean") && !/[,:]/.test(name)).slice(0, FACETS).map(([name]) => `${name}:${FACET_VALUES}`).join(",");

function drawFacets(facets) {
  const told = facets.filter((one) => one.values.length && (one.values[0].count > 1 || !one.more));
  const now = conditions(state().get("where") || "");
  at("facets").hidden = !told.length;
  at("facet-list").replaceChildren(...told.map((one) => make("fieldset", {}, make("legend", {}, one.field),
    ...one.values.map(({ value, count }) => {
      const clause = clauseOf(one.field, value), box = make("input", { type: "checkbox", onchange: () => go({ where: toggled(clause), start: "" }) });
      box.checked = now.includes(clause);
      return make("label", { class: "facet" }, box, make("span", {}, typeof value === "boolean" ? word(String(value)) : String(value)), make("small", {}, count.toLocaleString(language)));
    }),
    one.missing ? make("p", { class: "note" }, word("missing", one.missing)) : null,
    one.more ? make("p", { class: "note" }, word("more")) : null)));
  at("facet-note").textContent = told.length ? word(told[0].counts === "lexical" ? "countsWords" : "countsAll", told[0].documents) : "";
}

function drawOrders() {
  const fields = ownFields().filter(([name, kind]) => (kind === "date" || kind === "number") && !/,/.test(name));
  const options = fields.flatMap(([name, kind]) => [[`-${name},relevance`, word(kind === "date" ? "newest" : "highest", name)], [`${name},relevance`, word(kind === "date" ? "oldest" : "lowest", name)]]);
  const now = state().get("sort") || "";
  if (now && !options.some(([value]) => value === now)) options.push([now, now]);
  at("sort").replaceChildren(...[["", word("byRelevance")], ...options].map(([value, text]) => make("option", { value }, text)));
  at("sort").value = now;
  at("sort").parentElement.hidden = !options.length;
}

function startFinding() {
  at("q").addEventListener("input", suggest);
  at("q").addEventListener("keydown", choose);
  at("q").addEventListener("blur", hideSuggestions);
  at("sort").addEventListener("change", () => go({ sort: at("sort").value, start: "" }));
}
