// Sends images one by one and shows the answers. Names of files stay in the browser.
"use strict";

const main = document.getElementById("main");
const results = document.getElementById("results");
const said = document.getElementById("status");
const drop = document.getElementById("drop");
const chooser = document.getElementById("files");
const AT_ONCE = 2;
const TRIES = 5;
const waiting = [];
let working = 0;
let added = 0;

const clone = (id) => document.getElementById(id).content.cloneNode(true);
const pause = (seconds) => new Promise((done) => setTimeout(done, 1000 * seconds));

function percent(share) {
  if (share > 0 && share < 0.001) return "< 0.1 %";
  if (share < 1 && share > 0.999) return "> 99.9 %";
  return `${(100 * share).toFixed(1)} %`;
}

function add(files) {
  for (const file of files) {
    added += 1;
    const item = clone("result").firstElementChild;
    item.querySelector("h2").textContent = file.name || `Image ${added}`;
    const whole = item.querySelector(".whole");
    whole.addEventListener("load", () => { whole.hidden = false; });
    whole.src = URL.createObjectURL(file);
    item.querySelector(".remove").addEventListener("click", () => remove(item, whole.src));
    results.append(item);
    waiting.push({ file, item });
  }
  tell();
  next();
}

function remove(item, url) {
  const neighbour = item.nextElementSibling || item.previousElementSibling;
  const place = waiting.findIndex((one) => one.item === item);
  if (place >= 0) waiting.splice(place, 1);
  URL.revokeObjectURL(url);
  item.remove();
  (neighbour ? neighbour.querySelector("h2") : chooser).focus();
}

function tell(text = "") {
  const left = waiting.length + working;
  const rest = left ? `${left} ${left === 1 ? "image is" : "images are"} being computed.` : "";
  said.textContent = [text, rest].filter(Boolean).join(" ");
}

function next() {
  while (waiting.length && working < AT_ONCE) {
    working += 1;
    const { file, item } = waiting.shift();
    work(file, item).then((text) => { working -= 1; tell(text); next(); });
  }
}

async function work(file, item) {
  const article = item.querySelector("article");
  const name = item.querySelector("h2").textContent;
  const { answer, problem } = await ask(file);
  item.querySelector(".working").remove();
  article.setAttribute("aria-busy", "false");
  article.append(answer ? shown(answer) : refused(problem));
  const text = answer ? `${answer.words}, ${percent(highest(answer))}` : problem.what;
  return `${name}: ${text}.`;
}

const highest = (answer) => Math.max(...answer.probabilities.map((one) => one.probability));

async function ask(file) {
  if (file.size > Number(main.dataset.bytes)) {
    const most = (Number(main.dataset.bytes) / 1e6).toFixed(0);
    return { problem: { what: "The image is too large", why: `it may have ${most} MB`, cure: "" } };
  }
  const url = `batch?map=true&similar=${main.dataset.similar}`;
  const body = new FormData();
  body.append("image", file, "image");
  try {
    for (let tries = 1; ; tries += 1) {
      const response = await fetch(url, { method: "POST", body });
      if (response.ok) return JSON.parse(await response.text());
      const after = Number(response.headers.get("Retry-After"));
      if (!after || tries === TRIES) return { problem: await response.json() };
      await pause(after);
    }
  } catch {
    const why = "the server does not answer; perhaps it was stopped";
    return { problem: { what: "There is no answer", why, cure: "start skinfw serve again" } };
  }
}

function refused(problem) {
  const part = clone("problem");
  for (const key of ["what", "why", "cure"]) {
    part.querySelector(`.${key}`).textContent = problem[key] || "";
  }
  return part;
}

function shown(answer) {
  const part = clone("answer");
  const get = (selector) => part.querySelector(selector);
  get(".chance").textContent = percent(highest(answer));
  get(".words").textContent = `${answer.words} (${answer.predicted})`;
  get(".unknown").hidden = answer.may_be_unknown !== true;
  for (const note of answer.notes) get(".notes").append(line(note));
  showMap(part, answer);
  showProbabilities(get(".bars tbody"), answer);
  get(".calibrated").textContent = answer.calibrated
    ? "Calibrated on validation images."
    : "Not calibrated: the run has fitted no temperature.";
  get(".set").textContent = setText(answer.prediction_set);
  if (answer.may_be_unknown === null) {
    get(".set").append(" Nothing was fitted that tells an image unlike all that was trained on.");
  }
  get(".scale").hidden = !answer.calibrated;
  showPoints(get(".points"), answer.operating_points);
  for (const one of answer.similar) get(".similar ul").append(similarLine(one));
  get(".similar").hidden = !answer.similar.length;
  return part;
}

function line(text) {
  const item = document.createElement("li");
  item.textContent = text;
  return item;
}

function setText(classes) {
  if (classes === null) return "No prediction sets were fitted.";
  const always = JSON.parse(main.dataset.always);
  const held = classes.filter((name) => !always.includes(name));
  const share = Math.round(100 * Number(main.dataset.coverage));
  const made = share ? ` (sets hold ${share} % of the images of each class)` : "";
  const none = always.length ? "All classes that can be ruled out are ruled out" : "No class fits";
  const first = held.length ? `Cannot be ruled out${made}: ${held.join(", ")}.` : `${none}${made}.`;
  if (!always.length) return first;
  return `${first} Never ruled out, for lack of validation lesions: ${always.join(", ")}.`;
}

function showPoints(section, points) {
  section.hidden = !points.length;
  const main = points.filter((one) => one.called || !one.of_a_class);
  const others = points.filter((one) => !main.includes(one));
  for (const point of main) section.querySelector(".main").append(pointLine(point));
  for (const point of others) section.querySelector(".others").append(pointLine(point));
  section.querySelector("details").hidden = !others.length;
  section.querySelector("summary").textContent = `Thresholds that are not reached (${others.length})`;
}

let maps = 0;
function showMap(part, answer) {
  const figure = part.querySelector(".evidence");
  if (!answer.map) {
    figure.remove();
    return;
  }
  const overlay = figure.querySelector(".overlay");
  const slider = figure.querySelector("input");
  const output = figure.querySelector("output");
  maps += 1;
  slider.id = `opacity-${maps}`;
  figure.querySelector("label").htmlFor = slider.id;
  output.htmlFor = slider.id;
  figure.querySelector(".seen").src = `data:image/png;base64,${answer.map.picture}`;
  overlay.src = `data:image/png;base64,${answer.map.overlay}`;
  const apply = () => {
    overlay.style.opacity = slider.value / 100;
    output.textContent = `${slider.value} %`;
    slider.setAttribute("aria-valuetext", `${slider.value} %`);
  };
  slider.addEventListener("input", apply);
  apply();
  figure.querySelector("figcaption").textContent =
    `What the network sees, and where its evidence for ${answer.predicted} is (${answer.map.method}). It is no outline of the lesion.`;
}

function showProbabilities(body, answer) {
  const ordered = [...answer.probabilities].sort((a, b) => b.probability - a.probability);
  for (const one of ordered) {
    const row = body.insertRow();
    const head = document.createElement("th");
    head.scope = "row";
    const name = document.createElement("span");
    name.className = "class";
    name.textContent = one.name;
    const kind = one.malignancy === "unknown" ? "" : `, ${one.malignancy}`;
    head.append(name, one.words === one.name ? kind : ` ${one.words}${kind}`);
    row.append(head);
    const cell = row.insertCell();
    cell.append(percent(one.probability));
    const meter = document.createElement("span");
    meter.className = "meter";
    meter.setAttribute("aria-hidden", "true");
    const filled = document.createElement("span");
    filled.style.width = `${100 * one.probability}%`;
    meter.append(filled);
    cell.append(meter);
  }
}

function pointLine(point) {
  const item = document.createElement("li");
  const name = document.createElement("strong");
  name.textContent = `${point.name}: `;
  item.append(name, `${point.does}. ${percent(point.chance)} against ${percent(point.threshold)}.`);
  return item;
}

function similarLine(one) {
  const item = document.createElement("li");
  if (one.thumbnail) {
    const image = document.createElement("img");
    image.src = `data:image/jpeg;base64,${one.thumbnail}`;
    image.alt = `Training image ${one.id}`;
    item.append(image);
  }
  const name = document.createElement("strong");
  name.textContent = one.label;
  item.append(name, ` ${one.words}, similarity ${one.similarity.toFixed(2)}`);
  return item;
}

chooser.addEventListener("change", () => {
  add(chooser.files);
  chooser.value = "";
});
document.addEventListener("paste", (event) => {
  const files = [...event.clipboardData.files];
  if (files.length) {
    event.preventDefault();
    add(files);
  }
});
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  drop.classList.add("over");
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) drop.classList.remove("over");
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  add(event.dataTransfer.files);
});
