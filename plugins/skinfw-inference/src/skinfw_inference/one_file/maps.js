// What the network saw, and where the evidence is: Grad-CAM of each class, computed by the network itself.

const INFERNO = [
  [0, 0, 4], [31, 12, 72], [85, 15, 109], [136, 34, 106], [186, 54, 85], [227, 89, 51],
  [249, 140, 10], [249, 201, 50], [252, 255, 164],
];

/** Draw what the network saw, and the map over it. */
function showPicture(item, name, view, maps, predicted) {
  const seen = item.querySelector(".seen");
  Object.assign(seen, {width: view.width, height: view.height});
  seen.setAttribute("aria-label", `What the network saw of ${name}`);
  const pixels = new ImageData(view.width, view.height);
  for (let from = 0, to = 0; from < view.data.length; from += 3, to += 4) {
    pixels.data.set([view.data[from], view.data[from + 1], view.data[from + 2], 255], to);
  }
  seen.getContext("2d").putImageData(pixels, 0, 0);
  const what = item.querySelector(".what");
  what.textContent = "What the network saw.";
  if (!maps) {
    item.querySelector(".map-controls").remove();
    return;
  }
  const over = item.querySelector(".map");
  const choice = item.querySelector("select");
  const slider = item.querySelector("input");
  choice.append(...about.classes.map((own, place) => new Option(inWords(own), place)));
  choice.value = predicted;
  Object.assign(over, {width: view.width, height: view.height});
  const draw = () => {
    const nothing = drawMap(over, maps, maps.values[choice.value]);
    what.textContent = nothing
      ? "What the network saw; nothing in it speaks for this class."
      : "What the network saw, and where the evidence for this class is: the lighter, the more.";
  };
  const fade = () => { over.style.opacity = slider.value / 100; };
  choice.addEventListener("change", draw);
  slider.addEventListener("input", fade);
  draw();
  fade();
}

/** Return the value of a map between its places, as torch's bilinear interpolation has it. */
function mapValue(values, {height, width}, y, x) {
  const row = Math.min(height - 1, Math.max(0, y));
  const column = Math.min(width - 1, Math.max(0, x));
  const [top, left] = [Math.floor(row), Math.floor(column)];
  const [bottom, right] = [Math.min(height - 1, top + 1), Math.min(width - 1, left + 1)];
  const [low, far] = [row - top, column - left];
  const above = values[top * width + left] * (1 - far) + values[top * width + right] * far;
  const below = values[bottom * width + left] * (1 - far) + values[bottom * width + right] * far;
  return above * (1 - low) + below * low;
}

/** Return the colour of a share of the largest value, with its alpha: where nothing is, the image shows. */
function mapColour(share) {
  const step = Math.min(INFERNO.length - 2, Math.floor(share * (INFERNO.length - 1)));
  const part = share * (INFERNO.length - 1) - step;
  const colour = INFERNO[step].map((low, c) => low + part * (INFERNO[step + 1][c] - low));
  return [...colour, 255 * share];
}

/** Draw a map, scaled so that its largest value is 1; return whether it is zero everywhere. */
function drawMap(canvas, maps, values) {
  const {width, height} = canvas;
  const pixels = new ImageData(width, height);
  const spread = new Float64Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      spread[y * width + x] = mapValue(
        values, maps,
        ((y + 0.5) * maps.height) / height - 0.5, ((x + 0.5) * maps.width) / width - 0.5,
      );
    }
  }
  const highest = spread.reduce((most, own) => Math.max(most, own), 0);
  spread.forEach((own, at) => {
    pixels.data.set(mapColour(highest ? own / highest : 0), 4 * at);
  });
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  return highest === 0;
}
