"use strict";
// The topic map: every document a point on a canvas, every topic a button beside it. Uses what page.js has.
const HUES = 12, AGAIN = 1500;
let mapped = null, lit = -1, mapTurn = 0;

const hue = (topic) => topic < 0 ? "hsl(0 0% 60% / .45)" : `hsl(${(topic * 360 / HUES + 15 * Math.floor(topic / HUES)) % 360} 65% ${matchMedia("(prefers-color-scheme: dark)").matches ? 65 : 42}%)`;

async function showMap() {
  const mine = ++mapTurn, name = indexName();
  if (mapped && mapped.index === name) { drawMap(); return; }
  mapped = null; lit = -1;
  at("map-topics").replaceChildren(); at("map-document").replaceChildren(); at("map-box").hidden = true;
  at("map-status").textContent = word("drawing");
  try {
    let told = await ask(`${base()}/topics`);
    while (!told.ready && mine === mapTurn) { await new Promise((done) => setTimeout(done, AGAIN)); if (mine === mapTurn) told = await ask(`${base()}/topics`); }
    if (mine !== mapTurn) return;
    mapped = { index: name, ...told };
    at("map-box").hidden = false;
    const outside = told.documents.filter((one) => one.topic < 0).length;
    at("map-status").textContent = told.topics.length ? word("topics", told.topics.length, told.documents.length, outside) : word("noTopics");
    at("map-topics").replaceChildren(...told.topics.map((topic) => make("li", {}, make("button", { type: "button", "aria-pressed": "false", onclick: () => light(topic.id) }, dot(topic.id), make("span", {}, topic.name), make("small", {}, topic.size.toLocaleString(language))))));
    drawMap();
  } catch (error) { if (mine === mapTurn) at("map-status").textContent = `${word("failed")} ${error.message}`; }
}

function dot(topic) { const node = make("i", { class: "dot", "aria-hidden": "true" }); node.style.background = hue(topic); return node; }

function light(topic) {
  lit = lit === topic ? -1 : topic;
  [...at("map-topics").querySelectorAll("button")].forEach((button, place) => button.setAttribute("aria-pressed", String(place === lit)));
  const own = lit < 0 ? [] : mapped.documents.filter((one) => one.topic === lit).slice(0, 20);
  at("map-document").replaceChildren(...own.map(drawPoint));
  drawMap();
}

function drawPoint(one) {
  return make("li", {}, make("p", {}, one.text || one.id), make("button", { type: "button", onclick: () => go({ tab: "", like: one.id, q: "", start: "", where: "" }) }, word("similar")));
}

const spots = () => {
  const canvas = at("map-canvas"), edge = 12, xs = mapped.documents.map((one) => one.x), ys = mapped.documents.map((one) => one.y);
  const range = (values) => { let low = Infinity, high = -Infinity; for (const value of values) { low = Math.min(low, value); high = Math.max(high, value); } return [low, high - low || 1]; };
  const [left, width] = range(xs), [top, height] = range(ys);
  return mapped.documents.map((one) => [edge + (one.x - left) / width * (canvas.clientWidth - 2 * edge), edge + (one.y - top) / height * (canvas.clientHeight - 2 * edge)]);
};

function drawMap() {
  if (!mapped || at("view-map").hidden) return;
  const canvas = at("map-canvas"), scale = devicePixelRatio || 1, pen = canvas.getContext("2d");
  canvas.width = canvas.clientWidth * scale; canvas.height = canvas.clientHeight * scale;
  pen.scale(scale, scale);
  const places = spots(), radius = mapped.documents.length > 3000 ? 2 : 4;
  mapped.documents.forEach((one, place) => {
    pen.globalAlpha = lit < 0 || one.topic === lit ? 1 : 0.12;
    pen.fillStyle = hue(one.topic);
    pen.beginPath(); pen.arc(places[place][0], places[place][1], radius, 0, 7); pen.fill();
  });
}

function point(event) {
  if (!mapped) return;
  const box = at("map-canvas").getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
  let best = -1, least = 20 ** 2;
  spots().forEach(([left, top], place) => { const far = (left - x) ** 2 + (top - y) ** 2; if (far < least) { least = far; best = place; } });
  if (best >= 0) at("map-document").replaceChildren(drawPoint(mapped.documents[best]));
}

function startMap() {
  at("map-canvas").addEventListener("click", point);
  addEventListener("resize", drawMap);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawMap);
}
