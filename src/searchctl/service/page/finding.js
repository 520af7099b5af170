"use strict";
// Suggestions as one types, facets, filters and orders. Uses what page.js has; all text goes in as text.
const FACETS = 6, RANGED = 4, FACET_VALUES = 8;
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
const ofKind = (...kinds) => ownFields().filter(([name, kind]) => kinds.includes(kind) && !/[,:]/.test(name));
const facetsAsked = () => [
  ...ofKind("keyword", "boolean").slice(0, FACETS).map(([name]) => `${name}:${FACET_VALUES}`),
  ...ofKind("number", "date").slice(0, RANGED).map(([name]) => `${name}:auto`),
].join(",");

function drawFacets(facets) {
  const told = facets.filter((one) => one.values.length && (one.values[0].count > 1 || !one.more));
  const now = conditions(state().get("where") || "");
  at("facets").hidden = !told.length;
  at("facet-list").replaceChildren(...told.map((one) => make("fieldset", {}, make("legend", {}, one.field),
    ...one.values.map((each) => (each.range ? rangeChoice : valueChoice)(one.field, each, now)),
    ["number", "date"].includes(kindOf(one.field)) ? ownRange(one.field, now) : null,
    one.missing ? make("p", { class: "note" }, word("missing", one.missing)) : null,
    one.more ? make("p", { class: "note" }, word("more")) : null)));
  at("facet-note").textContent = told.length ? word(told[0].counts === "lexical" ? "countsWords" : "countsAll", told[0].documents) : "";
}

function choice(box, text, count) {
  return make("label", { class: "facet" }, box, make("span", {}, text), make("small", {}, count.toLocaleString(language)));
}

function valueChoice(field, { value, count }, now) {
  const clause = clauseOf(field, value), box = make("input", { type: "checkbox", onchange: () => go({ where: toggled(clause), start: "" }) });
  box.checked = now.includes(clause);
  return choice(box, typeof value === "boolean" ? word(String(value)) : String(value), count);
}

// Ranges: one at a time for a field, as two conditions, "from" and "below".

const kindOf = (field) => (ownFields().find(([name]) => name === field) || [])[1];
const bounded = (field) => (clause) => clause.startsWith(`${quoted(field)}>`) || clause.startsWith(`${quoted(field)}<`);
const isBound = (value) => value !== undefined && value !== null && value !== "";
const bounds = (field, low, high, below) => [...(isBound(low) ? [`${quoted(field)}>=${low}`] : []), ...(isBound(high) ? [`${quoted(field)}${below}${high}`] : [])];

function ranged(field, clauses) {
  const before = conditions(state().get("where") || "").filter((one) => !bounded(field)(one));
  return [...before.map((one) => before.length + clauses.length > 1 && / OR /.test(one) ? `(${one})` : one), ...clauses].join(" AND ");
}

function rangeChoice(field, { range, count }, now) {
  const clauses = bounds(field, range.gte, range.lt, "<"), own = now.filter(bounded(field));
  const box = make("input", { type: "checkbox", onchange: () => go({ where: ranged(field, box.checked ? clauses : []), start: "" }) });
  box.checked = own.length === clauses.length && clauses.every((one) => own.includes(one));
  return choice(box, word(kindOf(field) === "date" ? "betweenDates" : "between", shortly(range.gte), shortly(range.lt)), count);
}

const shortly = (bound) => typeof bound === "number" ? bound.toLocaleString(language) : bound;

function ownRange(field, now) {
  const type = kindOf(field) === "date" ? "date" : "number";
  const clause = (sign) => now.find((one) => one.startsWith(quoted(field) + sign)) || "", written = (text) => text.slice(quoted(field).length).replace(/^[<>]=?/, "");
  const whole = (value) => type === "date" && /^\d{4}(-\d\d)?$/.test(value) ? `${value}-01-01`.slice(0, 10) : value;
  const input = (label, value) => { const box = make("input", { type, "aria-label": `${field}: ${label}`, placeholder: label, ...(type === "number" ? { step: "any", inputmode: "decimal" } : {}) }); box.value = value; return box; };
  const below = clause("<"), low = input(word("from"), whole(written(clause(">")))), high = input(word("to"), whole(written(below)));
  const sign = () => below.startsWith(`${quoted(field)}<=`) || high.value !== whole(written(below)) ? "<=" : "<";
  const use = () => { if (low.checkValidity() && high.checkValidity()) go({ where: ranged(field, bounds(field, low.value, high.value, sign())), start: "" }); };
  for (const box of [low, high]) box.addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); use(); } });
  return make("div", { class: "range" }, low, make("span", { "aria-hidden": "true" }, "–"), high, make("button", { type: "button", "aria-label": `${field}: ${word("use")}`, onclick: use }, word("use")));
}

function drawGroups() {
  const fields = ofKind("keyword"), now = state().get("group") || "";
  if (now && !fields.some(([name]) => name === now)) fields.push([now]);
  at("group").replaceChildren(...[["", word("ungrouped")], ...fields.map(([name]) => [name, name])].map(([value, text]) => make("option", { value }, text)));
  at("group").value = now;
  at("group").parentElement.hidden = !fields.length;
}

function drawGroup(group) {
  const least = group.total.relation === "gte", more = group.total.value > 1 || least;
  return make("p", { class: "group" }, make("span", {}, `${group.field}: ${group.value}`), more ? make("button", {
    type: "button", onclick: () => go({ group: "", start: "", where: conditions(state().get("where") || "").includes(clauseOf(group.field, group.value)) ? state().get("where") : toggled(clauseOf(group.field, group.value)) }),
  }, word("wholeGroup", group.total.value, least)) : null);
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
  at("group").addEventListener("change", () => go({ group: at("group").value, start: "" }));
  at("sort").addEventListener("change", () => go({ sort: at("sort").value, start: "" }));
}
