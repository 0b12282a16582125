const SVG = "http://www.w3.org/2000/svg";
const parsed = id => JSON.parse(document.getElementById(id).textContent);
const { classes, rows, lines, minor } = parsed("index");
const grid = document.getElementById("grid"), details = document.getElementById("details");
const chosen = { class: new Set(), shape: new Set(), split: new Set(), line: new Set(), text: "", marked: false };
const cards = new Map();
let selected = null;

const made = (name, texts, ...children) => {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(texts)) {
    if (key === "text") element.textContent = value; else element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
};
const drawn = (name, attributes) => {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
};
const has = (set, value) => !set.size || set.has(value);
const isShown = number => has(chosen.class, classes[number].n) && has(chosen.shape, classes[number].s);
const ofImages = new Set(rows.flatMap(row => row.f.flatMap(frame => frame.m)));
const isGrave = line => lines[line].gravity < minor;
const isWanted = marks => chosen.line.size ? marks.some(line => chosen.line.has(line)) : !chosen.marked || marks.some(isGrave);
const styleOf = shape => {
  const gravest = Math.min(...(shape.m ?? []).map(([line]) => lines[line].gravity));
  return gravest >= minor ? [] : [shape.new ? "added" : gravest > 0 ? "changed" : "lost"];
};
const isFrameShown = frame => isWanted(frame.m) && (!chosen.class.size && !chosen.shape.size || frame.c.some(isShown));

// --- one image ------------------------------------------------------------------------------------------------------

const PATHS = { a: "area", l: "line", p: "dots", h: "hollow" };

function shapeOf(shape, number) {
  const { n: name, s: kind, k: colour } = classes[shape.c];
  const group = drawn("g", { class: "shape", stroke: colour, fill: colour, "data-number": number });
  group.classList.add(...styleOf(shape));
  for (const [key, style] of Object.entries(PATHS)) {
    if (!shape[key]) continue;
    group.append(drawn("path", { class: `${style} under`, d: shape[key] }), drawn("path", { class: style, d: shape[key] }));
  }
  const title = drawn("title", {});
  title.textContent = `${name} (${kind})`;
  group.append(title);
  return group;
}

function draw(card) {
  const frame = card.row.f[card.at];
  card.image = parsed(`i${frame.b}`);
  const { svg, image } = card;
  svg.setAttribute("viewBox", `0 0 ${frame.w} ${frame.h}`);
  svg.replaceChildren(drawn("rect", { width: frame.w, height: frame.h, class: "ground" }));
  const whole = { width: frame.w, height: frame.h, preserveAspectRatio: "none" };
  if (image.i) svg.append(drawn("image", { ...whole, href: image.i }));
  if (image.o) svg.append(drawn("image", { ...whole, href: image.o, class: "overlay" }));
  image.s.forEach((shape, number) => { if (isDrawn(shape)) svg.append(shapeOf(shape, number)); });
  const words = image.s.flatMap((shape, number) => isDrawn(shape) ? [] : [wordOf(card, shape, number)]);
  const notes = (image.n ?? []).map(text => made("p", { class: "note", text }));
  card.below.replaceChildren(...words, ...notes);
  if (card.count) card.count.textContent = `frame ${frame.n} (${card.at + 1} of ${card.row.f.length})`;
  restyle(card);
}

const isDrawn = shape => Object.keys(PATHS).some(key => shape[key]);

// What is of the whole frame, or has nothing that can be drawn, is a word below the image.
function wordOf(card, shape, number) {
  const { n: name, s: kind } = classes[shape.c], answers = (shape.q ?? []).map(([, answer]) => answer).join(", ");
  const text = kind === "frame" ? `${name}: ${answers}` : `${name} (${kind}, nothing to draw)`;
  const word = made("button", { class: "word", type: "button", text, "data-number": number });
  word.classList.add(...styleOf(shape));
  word.addEventListener("click", () => select(card, number));
  return word;
}

function restyle(card) {
  if (!card.image) return;
  for (const element of card.figure.querySelectorAll("[data-number]")) {
    const shape = card.image.s[element.dataset.number];
    element.classList.toggle("off", !isShown(shape.c));
    element.classList.toggle("selected", selected?.row === card.row && selected.id === shape.i);
  }
}

function cardOf(row) {
  const first = row.f[0];
  const svg = drawn("svg", { viewBox: `0 0 ${first.w} ${first.h}` });
  const larger = made("button", { class: "larger", type: "button", title: "Larger or smaller", text: "⤢" });
  const below = made("div", { class: "below" });
  const caption = made("figcaption", {}, made("b", { text: row.t }), ...(row.s ? [made("span", { class: "split", text: row.s })] : []), larger);
  const figure = made("figure", {}, svg, caption);
  const card = { row, svg, figure, below, at: Math.max(0, row.f.findIndex(frame => frame.m.some(isGrave))), image: null };
  if (row.f.length > 1) {
    card.slider = made("input", { type: "range", min: 0, max: row.f.length - 1, "aria-label": "Frame" });
    card.slider.value = card.at;
    card.count = made("output", {});
    card.slider.addEventListener("input", () => { card.at = +card.slider.value; draw(card); });
    figure.append(made("label", { class: "frames" }, card.slider, card.count));
  }
  figure.append(below);
  larger.addEventListener("click", () => { figure.classList.toggle("large"); figure.scrollIntoView({ block: "nearest" }); });
  svg.addEventListener("click", event => choose(card, event));
  cards.set(figure, card);
  return figure;
}

// --- one shape ------------------------------------------------------------------------------------------------------

// Of shapes over each other the smallest is meant; a second click means the next larger.
function choose(card, event) {
  const groups = document.elementsFromPoint(event.clientX, event.clientY).map(element => element.closest(".shape"));
  const under = [...new Set(groups.filter(group => group && card.svg.contains(group)))];
  const area = group => { const box = group.getBBox(); return box.width * box.height; };
  const numbers = under.sort((one, other) => area(one) - area(other)).map(group => +group.dataset.number);
  details.classList.toggle("left", event.clientX > innerWidth / 2);  // not above what was clicked
  const at = selected?.row === card.row ? numbers.findIndex(number => card.image.s[number].i === selected.id) : -1;
  select(card, numbers[(at + 1) % numbers.length]);
}

function select(card, number) {
  const before = selected && [...cards.values()].find(one => one.row === selected.row);
  const shape = card.image.s[number];
  selected = shape ? { row: card.row, id: shape.i } : null;
  if (before) restyle(before);
  restyle(card);
  if (!shape) return void (details.hidden = true);
  const { n: name, s: kind, k: colour } = classes[shape.c], frame = card.row.f[card.at];
  const dot = drawn("svg", { class: "dot", viewBox: "0 0 8 8" });
  dot.append(drawn("circle", { cx: 4, cy: 4, r: 4, fill: colour }));
  const place = [card.row.file && shape.y ? `${card.row.file}:${shape.y}` : card.row.file, shape.e].filter(Boolean).join(" ");
  const facts = [
    ["Shape", kind], ...(shape.q ?? []), ["Confidence", shape.f], ["Instance", shape.i], ["Image", card.row.t],
    ["Frame", card.row.f.length > 1 ? frame.n : undefined], ["In the source", place],
  ].filter(([, value]) => value !== undefined && value !== "");
  const terms = facts.flatMap(([term, value]) => [made("dt", { text: term }), made("dd", { text: value })]);
  const marks = (shape.m ?? []).map(([line, text]) => made("li", {}, made("b", { text: `${lines[line].verb} ` }), text));
  show([dot, name], ...(marks.length ? [made("ul", { class: "marks" }, ...marks)] : []), made("dl", {}, ...terms));
}

function show(title, ...children) {
  const close = made("button", { type: "button", title: "Close", text: "×" });
  close.addEventListener("click", unselect);
  details.replaceChildren(close, made("h2", {}, ...title), ...children);
  const { bottom } = document.querySelector("nav").getBoundingClientRect();
  document.documentElement.style.setProperty("--top", `${Math.max(bottom, 0)}px`);
  details.hidden = false;
}

function unselect() {
  const card = selected && [...cards.values()].find(one => one.row === selected.row);
  if (card) select(card, -1);
  details.hidden = true;
}

function showLine({ verb, count, things, places }) {
  const items = places.map(([where, text]) => made("li", {}, made("code", { text: where }), ` ${text}`));
  const title = `${count} ${things} ${verb}`;
  show([title], made("ul", { class: "marks" }, ...items), ...(places.length < count ? [made("p", { class: "note", text: `${places.length} of ${count} places are known here.` })] : []));
}

// --- filters --------------------------------------------------------------------------------------------------------

function refresh() {
  let shown = 0;
  for (const [figure, card] of cards) {
    const { row } = card;
    const isIn = has(chosen.split, row.s) && row.t.toLowerCase().includes(chosen.text) && row.f.some(isFrameShown);
    figure.hidden = !isIn;
    if (!isIn) continue;
    shown += row.f.length;
    if (!isFrameShown(row.f[card.at])) {
      card.at = row.f.findIndex(isFrameShown);
      card.slider.value = card.at;
      if (card.image) draw(card);
    } else restyle(card);
  }
  document.getElementById("shown").textContent = shown;
  document.getElementById("none").hidden = shown > 0;
}

function toggle(button, set, value) {
  const isOn = !set.delete(value) && Boolean(set.add(value));
  button.setAttribute("aria-pressed", isOn);
  refresh();
  return isOn;
}

for (const button of document.querySelectorAll("button[data-filter]")) {
  const { filter, value } = button.dataset;
  button.addEventListener("click", () => {
    const key = filter === "line" ? +value : value;
    if (filter === "line" && !ofImages.has(key)) return showLine(lines[key]);  // it is of no image that is shown
    const isOn = toggle(button, chosen[filter], key);
    if (filter === "line") isOn ? showLine(lines[key]) : unselect();
  });
}
document.getElementById("text").addEventListener("input", event => {
  chosen.text = event.target.value.toLowerCase();
  refresh();
});
const marked = document.getElementById("marked");
marked?.addEventListener("change", () => { chosen.marked = marked.checked; refresh(); });
document.addEventListener("keydown", event => {
  if (event.key === "Escape") unselect();
});

const seen = new IntersectionObserver(entries => {
  for (const { isIntersecting, target } of entries) {
    const card = cards.get(target);
    if (isIntersecting && !card.image) draw(card);
    if (!isIntersecting && card.image) {  // what is far away is drawn again when it comes near
      card.svg.replaceChildren();
      card.image = null;
    }
  }
}, { rootMargin: "600px" });
grid.append(...rows.map(cardOf));
grid.classList.toggle("few", rows.length <= 6);
if (rows.length === 1) grid.firstChild.classList.add("large");
for (const figure of cards.keys()) seen.observe(figure);

// A report links here: #code=… shows the images of a loss, #row=… one image.
const asked = new URLSearchParams(location.hash.slice(1));
if (asked.has("code")) {
  lines.forEach((line, number) => { if (line.code === asked.get("code")) document.querySelector(`[data-filter="line"][data-value="${number}"]`)?.click(); });
}
if (asked.has("row")) chosen.text = document.getElementById("text").value = asked.get("row").toLowerCase();
chosen.marked = marked?.checked ?? false;
refresh();
document.body.dataset.ready = "true";
