// The page: takes images, asks the network about one after the other, and shows what it says.

const about = JSON.parse(document.getElementById("about").textContent);
const find = (name) => document.getElementById(name);
const answers = []; // {file name, answer}, in the order of the page
let ask = null;
let waiting = [];
let busy = false;

/** Say something where screen readers hear it. */
function say(text, failed = false) {
  find("status").textContent = text;
  find("status").classList.toggle("failure", failed);
}

/** Return a share as people read it. */
function percent(share) {
  const text = (100 * share).toFixed(1);
  if (share > 0 && text === "0.0") return "< 0.1 %";
  return `${share < 1 && text === "100.0" ? "> 99.9" : text} %`;
}

/** Return a class as people read it. */
function inWords(name) {
  return Object.hasOwn(about.words, name) ? `${about.words[name]} (${name})` : name;
}

/** Decode an image file, upright and without a change of its colours, transparency on white. */
async function decodeFile(file) {
  if (file.size > about.max_bytes) {
    throw new Error(`it has more than ${about.max_bytes / 1e6} MB`);
  }
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, {
      colorSpaceConversion: "none", premultiplyAlpha: "none", imageOrientation: "from-image",
    });
  } catch {
    throw new Error("this browser cannot decode it; PNG, JPEG and WebP work");
  }
  const {width, height} = bitmap;
  if (width * height > about.max_pixels) {
    bitmap.close();
    throw new Error(`it has ${width} x ${height} pixels, more than ${about.max_pixels}`);
  }
  const canvas = Object.assign(document.createElement("canvas"), {width, height});
  const context = canvas.getContext("2d", {willReadFrequently: true});
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return dropAlpha(context.getImageData(0, 0, width, height).data, width, height);
}

/** Take files, and answer for them one after the other. */
async function takeFiles(files) {
  waiting.push(...files);
  if (busy || !ask) return;
  busy = true;
  let done = 0;
  const failures = [];
  while (waiting.length) {
    const file = waiting.shift();
    say(`Looking at ${file.name} … ${waiting.length} more are waiting.`);
    await new Promise((shown) => setTimeout(shown)); // the page draws what was said
    try {
      const start = performance.now();
      const image = await decodeFile(file);
      const views = renderViews(image, about);
      const {rows, maps} = await ask(views);
      const answer = makeAnswer(rows, about);
      showAnswer(file.name, answer, views[0], maps, performance.now() - start);
      done += 1;
    } catch (error) {
      failures.push(`${file.name}: ${error.message}`);
    }
  }
  busy = false;
  const said = `${done} ${done === 1 ? "image" : "images"} answered.`;
  say(failures.length ? `${said} Not answered: ${failures.join("; ")}.` : said, failures.length > 0);
}

/** Add an answer to the page. */
function showAnswer(name, answer, view, maps, milliseconds) {
  const item = find("answer").content.firstElementChild.cloneNode(true);
  const entry = {name, answer};
  const first = about.classes[answer.predicted];
  item.querySelector("h3").textContent = name;
  item.querySelector(".first").append(
    "Most probable: ", bold(inWords(first)), ", ",
    bold(percent(answer.probabilities[answer.predicted])),
  );
  if (answer.mayBeUnknown) {
    const warning = item.querySelector(".unknown");
    warning.hidden = false;
    warning.append(bold("Unlike anything it was trained on."), ` The highest probability lacks `
      + `${percent(answer.lacking)} of one, more than the ${percent(about.calibration.unknown)} that `
      + "known images may lack. The image may show none of the classes.");
  }
  if (answer.predictionSet) {
    const set = item.querySelector(".set");
    set.hidden = false;
    set.textContent = setText(answer.predictionSet, about, inWords);
  }
  item.querySelector("tbody").append(...probabilityRows(answer));
  item.querySelector(".time").textContent = `Computed in ${Math.round(milliseconds)} ms.`;
  showPicture(item, name, view, maps, answer.predicted);
  item.querySelector(".remove").addEventListener("click", () => {
    answers.splice(answers.indexOf(entry), 1);
    item.remove();
    noteCount();
    find("files").focus();
  });
  answers.push(entry);
  find("answers").append(item);
  noteCount();
}

/** Return bold text. */
function bold(text) {
  return Object.assign(document.createElement("b"), {textContent: text});
}

/** Return a row for each class, the most probable one first. */
function probabilityRows({probabilities, predicted}) {
  const order = about.classes.map((_, place) => place);
  order.sort((one, other) => probabilities[other] - probabilities[one] || one - other);
  return order.map((place) => {
    const row = document.createElement("tr");
    const head = Object.assign(document.createElement("th"), {scope: "row"});
    head.textContent = inWords(about.classes[place]);
    const number = Object.assign(document.createElement("td"), {className: "number"});
    number.textContent = percent(probabilities[place]);
    const bar = Object.assign(document.createElement("td"), {className: "bar"});
    const length = document.createElement("div");
    length.style.width = `${100 * probabilities[place]}%`;
    length.classList.toggle("likely", place === predicted);
    bar.setAttribute("aria-hidden", "true");
    bar.append(length);
    row.append(head, number, bar);
    return row;
  });
}

/** Show what fits the number of answers. */
function noteCount() {
  find("none").hidden = answers.length > 0;
  find("save").disabled = find("clear").disabled = answers.length === 0;
}

/** Return a cell that no spreadsheet computes, as skinfw writes tables. */
function tableCell(text) {
  const computed = /^'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/.test(text);
  const guarded = computed && Number.isNaN(Number(text)) ? `'${text}` : text;
  return /[",\r\n]/.test(guarded) ? `"${guarded.replaceAll('"', '""')}"` : guarded;
}

/** Save a table with the columns and ids of skinfw predict. */
function saveTable() {
  const {calibration, classes} = about;
  const sets = Object.keys(calibration.limits).length > 0;
  const unknown = calibration.unknown !== null;
  const header = [
    "id", "predicted", ...classes,
    ...(sets ? ["prediction_set"] : []), ...(unknown ? ["may_be_unknown"] : []),
  ];
  const ids = imageIds(answers.map(({name}) => name));
  const rows = answers.map(({answer}, place) => [
    ids[place], classes[answer.predicted], ...answer.probabilities.map((own) => own.toFixed(8)),
    ...(sets ? [answer.predictionSet.join(" ")] : []),
    ...(unknown ? [String(answer.mayBeUnknown)] : []),
  ]);
  const text = [header, ...rows].map((row) => `${row.map(tableCell).join(",")}\n`).join("");
  const href = URL.createObjectURL(new Blob([text], {type: "text/csv"}));
  Object.assign(document.createElement("a"), {href, download: "predictions.csv"}).click();
  setTimeout(() => URL.revokeObjectURL(href), 10_000);
}

/** Let the page take images. */
function listen() {
  const place = find("place");
  for (const input of [find("files"), find("camera")]) {
    input.disabled = false;
    input.addEventListener("change", () => {
      takeFiles([...input.files]);
      input.value = ""; // the same file may be chosen again
    });
  }
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    place.classList.add("over");
  });
  document.addEventListener("dragleave", () => place.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    place.classList.remove("over");
    takeFiles([...event.dataTransfer.files]);
  });
  document.addEventListener("paste", (event) => takeFiles([...event.clipboardData.files]));
  find("save").addEventListener("click", saveTable);
  find("clear").addEventListener("click", () => {
    answers.length = 0;
    find("answers").replaceChildren();
    noteCount();
    find("files").focus();
  });
}

openNetwork(about).then((network) => {
  ask = network;
  listen();
  say("Ready. Choose, drop or paste images.");
}).catch((error) => say(`The network cannot be opened here: ${error.message}`, true));
