// From an image to what the network sees: the arithmetic of skinfw/data/warping.py, number by number.
// An image is {width, height, data}: RGB, a byte each, row by row.

const TINY = 1e-6;
const SPREAD = 0.4; // of a Gaussian, in input pixels, so that an output pixel sees what it covers
const SHARP = 0.3;

/** Return a number rounded as Python rounds: halves to the even neighbour. */
function roundToEven(value) {
  const low = Math.floor(value);
  if (value - low !== 0.5) return Math.round(value);
  return low % 2 === 0 ? low : low + 1;
}

/** Return the RGB of RGBA pixels that nothing shines through. */
function dropAlpha(pixels, width, height) {
  const data = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; to < data.length; from += 4, to += 3) {
    data[to] = pixels[from];
    data[to + 1] = pixels[from + 1];
    data[to + 2] = pixels[from + 2];
  }
  return {width, height, data};
}

/** Return by how much an image is reduced, 1, 2, 4 or 8, so that its short side keeps a length. */
function reductionFactor(width, height, short) {
  return [8, 4, 2].find((factor) => Math.min(width, height) >= factor * short) ?? 1;
}

/** Return an image averaged over squares; those at the right and lower edge may be smaller. */
function reduceImage(image, factor) {
  if (factor === 1) return image;
  const width = Math.ceil(image.width / factor);
  const height = Math.ceil(image.height / factor);
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const bottom = Math.min(image.height, (y + 1) * factor);
    for (let x = 0; x < width; x++) {
      const right = Math.min(image.width, (x + 1) * factor);
      const sums = [0, 0, 0];
      for (let row = y * factor; row < bottom; row++) {
        for (let at = (row * image.width + x * factor) * 3;
          at < (row * image.width + right) * 3; at += 3) {
          sums[0] += image.data[at];
          sums[1] += image.data[at + 1];
          sums[2] += image.data[at + 2];
        }
      }
      const count = (bottom - y * factor) * (right - x * factor);
      for (let c = 0; c < 3; c++) {
        data[(y * width + x) * 3 + c] = Math.floor(sums[c] / count + 0.5);
      }
    }
  }
  return {width, height, data};
}

/** Return the first and last pixel, along one side of the input, that a warp looks at. */
function warpSpan(along, athwart, start, size, length, margin) {
  const ends = start + Math.min(0, along * size[0]) + Math.min(0, athwart * size[1]);
  let low = ends - margin;
  let high = ends + Math.abs(along) * size[0] + Math.abs(athwart) * size[1] + margin;
  // What lies outside may be mirrored in, from as deep as it is far away.
  if (low < 0) high = Math.max(high, -low);
  if (high > length) low = Math.min(low, 2 * length - high);
  const first = Math.min(length - 1, Math.max(0, Math.floor(low + TINY)));
  return [first, Math.max(first + 1, Math.min(length, Math.ceil(high - TINY)))];
}

/** Return a part of an image. */
function cutImage(image, left, top, width, height) {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const start = ((top + y) * image.width + left) * 3;
    data.set(image.data.subarray(start, start + width * 3), y * width * 3);
  }
  return {width, height, data};
}

/** Return an image averaged over boxes of over x under pixels, which fill it. */
function averageBoxes(image, over, under) {
  if (over === 1 && under === 1) return image;
  const width = image.width / over;
  const height = image.height / under;
  // OpenCV rounds halves up where it averages two by two, and to the even number elsewhere.
  const round = Math.max(over, under) === 2 ? (value) => Math.floor(value + 0.5) : roundToEven;
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        for (let row = y * under; row < (y + 1) * under; row++) {
          for (let column = x * over; column < (x + 1) * over; column++) {
            sum += image.data[(row * image.width + column) * 3 + c];
          }
        }
        data[(y * width + x) * 3 + c] = round(sum / (over * under));
      }
    }
  }
  return {width, height, data};
}

/** Return the weight of a neighbour in 256ths, as OpenCV blurs bytes by three pixels. */
function neighbourWeight(spread) {
  const side = Math.exp(-0.5 / (spread * spread));
  return roundToEven((256 * side) / (1 + 2 * side));
}

/** Blur as much as a resampling needs that is coarser by factors from 1 to 2. */
function blurImage(image, across, down) {
  const spreads = [across, down].map((one) => SPREAD * Math.sqrt(Math.max(0, one * one - 1)));
  if (Math.max(...spreads) < SHARP) return image;
  const [beside, above] = spreads.map((one) => (one >= SHARP ? neighbourWeight(one) : 0));
  const {width, height, data} = image;
  const mirror = (at, length) => {
    if (length === 1) return 0;
    return at < 0 ? 1 : at >= length ? length - 2 : at;
  };
  const rows = new Float64Array(data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const before = (y * width + mirror(x - 1, width)) * 3;
      const after = (y * width + mirror(x + 1, width)) * 3;
      for (let c = 0, at = (y * width + x) * 3; c < 3; c++, at++) {
        rows[at] = beside * (data[before + c] + data[after + c]) + (256 - 2 * beside) * data[at];
      }
    }
  }
  const blurred = new Uint8Array(data.length);
  for (let y = 0; y < height; y++) {
    const before = mirror(y - 1, height) * width * 3;
    const after = mirror(y + 1, height) * width * 3;
    for (let x = 0, at = y * width * 3; x < width * 3; x++, at++) {
      const sum = above * (rows[before + x] + rows[after + x]) + (256 - 2 * above) * rows[at];
      blurred[at] = Math.floor(sum / 65536 + 0.5);
    }
  }
  return {width, height, data: blurred};
}

/**
 * Return an image sampled between its pixels, mirrored about its edges.
 *
 * OpenCV computes with 32 bits and rounds halves to the even number; without the same rounding
 * after each step, a pixel in a thousand would be off by one, which a network answers to.
 */
function sampleImage(image, across, down, [height, width]) {
  const round = Math.fround;
  const [a, b, x0] = across.map(round);
  const [c, d, y0] = down.map(round);
  const mirror = (at, length) => {
    const place = ((at % (2 * length)) + 2 * length) % (2 * length);
    return 3 * (place < length ? place : 2 * length - 1 - place);
  };
  const source = image.data;
  const data = new Uint8Array(width * height * 3);
  for (let y = 0, to = 0; y < height; y++) {
    const startX = round(round(b * y) + x0);
    const startY = round(round(d * y) + y0);
    for (let x = 0; x < width; x++) {
      const column = round(a * x + startX);
      const row = round(c * x + startY);
      const left = Math.floor(column);
      const top = Math.floor(row);
      const [near, far] = [mirror(left, image.width), mirror(left + 1, image.width)];
      const above = mirror(top, image.height) * image.width;
      const below = mirror(top + 1, image.height) * image.width;
      for (let channel = 0; channel < 3; channel++, to++) {
        const first = source[above + near + channel];
        const second = source[below + near + channel];
        const upper = round((column - left) * (source[above + far + channel] - first) + first);
        const lower = round((column - left) * (source[below + far + channel] - second) + second);
        data[to] = roundToEven(round((row - top) * round(lower - upper) + upper));
      }
    }
  }
  return {width, height, data};
}

/** Resample once; where the output is coarser, what it cannot show is averaged away before. */
function warpImage(image, {matrix, size}) {
  let [[a, b, x], [c, d, y]] = matrix;
  // How many input pixels one output pixel spans, along each side of the input.
  const across = Math.hypot(a, b);
  const down = Math.hypot(c, d);
  if (across > 1 || down > 1) {
    const straight = Math.abs(b) < TINY && Math.abs(c) < TINY;
    const margin = straight ? 0 : 2;
    const turned = [size[1], size[0]];
    const [left, right] = warpSpan(a, b, x, turned, image.width, margin * across);
    const [top, bottom] = warpSpan(c, d, y, turned, image.height, margin * down);
    const over = Math.max(1, Math.floor(across + TINY));
    const under = Math.max(1, Math.floor(down + TINY));
    const columns = Math.max(1, Math.floor((right - left) / over));
    const rows = Math.max(1, Math.floor((bottom - top) / under));
    const part = cutImage(
      image, left, top,
      Math.min(columns * over, image.width - left), Math.min(rows * under, image.height - top),
    );
    image = blurImage(averageBoxes(part, over, under), across / over, down / under);
    [a, b, x] = [a / over, b / over, (x - left) / over];
    [c, d, y] = [c / under, d / under, (y - top) / under];
  }
  const left = roundToEven(x);
  const top = roundToEven(y);
  const off = [a - 1, b, x - left, c, d - 1, y - top];
  const inside = left >= 0 && top >= 0
    && left + size[1] <= image.width && top + size[0] <= image.height;
  if (inside && Math.max(...off.map(Math.abs)) < TINY) {
    return cutImage(image, left, top, size[1], size[0]);
  }
  // OpenCV counts from pixel centres.
  return sampleImage(image, [a, b, x + (a + b - 1) / 2], [c, d, y + (c + d - 1) / 2], size);
}
