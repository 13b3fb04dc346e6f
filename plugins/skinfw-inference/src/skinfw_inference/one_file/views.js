// The views of skinfw_augment/views.py: for the size of an image, the warps that a network sees.
// A warp is {matrix, size}: the first two rows of the map from output to input, and [height, width].

/** Return the product of two maps, the second of which is applied first to output coordinates. */
function composeMaps([[a, b, x], [c, d, y]], [[e, f, u], [g, h, v]]) {
  return [
    [a * e + b * g, a * f + b * h, a * u + b * v + x],
    [c * e + d * g, c * f + d * h, c * u + d * v + y],
  ];
}

/** Return one warp for several that follow each other. */
function foldWarps(warps) {
  return warps.reduce((first, next) => (
    {matrix: composeMaps(first.matrix, next.matrix), size: next.size}
  ));
}

/** Return the map whose output pixel spans x by y input pixels. */
function scaling(x, y) {
  return [[x, 0, 0], [0, y, 0]];
}

/** Return the map that looks x to the right and y further down. */
function translation(x, y) {
  return [[1, 0, x], [0, 1, y]];
}

/** Return the warp that resizes an image to a short side. */
function resizeShortSide([height, width], short) {
  const factor = short / Math.min(height, width);
  const size = [roundToEven(height * factor), roundToEven(width * factor)];
  return {matrix: scaling(width / size[1], height / size[0]), size};
}

/** Return the warp that cuts a square out of the middle. */
function cropCentre([height, width], side) {
  const left = roundToEven((width - side) / 2);
  const top = roundToEven((height - side) / 2);
  return {matrix: translation(left, top), size: [side, side]};
}

/** Return the first symmetries of a square about its middle, as warps. */
function symmetries(side, count) {
  const flips = [scaling(1, 1), scaling(-1, -1), scaling(-1, 1), scaling(1, -1)];
  const quarter = [[0, -1, 0], [1, 0, 0]];
  const all = [...flips, ...flips.map((flip) => composeMaps(flip, quarter))];
  const half = side / 2;
  return all.slice(0, count).map((map) => ({
    matrix: composeMaps(composeMaps(translation(half, half), map), translation(-half, -half)),
    size: [side, side],
  }));
}

/** By name, the plans of views: from a table of the recipe and sizes to lists of warps. */
const VIEW_PLANS = {
  center({resize}, side, size) {
    const first = resizeShortSide(size, roundToEven(resize * side));
    return [[first, cropCentre(first.size, side)]];
  },

  dihedral({resize, count}, side, size) {
    const [middle] = VIEW_PLANS.center({resize}, side, size);
    return symmetries(side, count).map((turn) => [...middle, turn]);
  },

  "multi-crop"({resize, grid}, side, size) {
    const first = resizeShortSide(size, roundToEven(resize * side));
    const middle = first.size.map((length) => (length - side) / 2);
    const [rows, columns] = first.size.map((length) => (
      Array.from({length: grid}, (_, place) => Math.floor((place * (length - side)) / (grid - 1)))
    ));
    const corners = rows.flatMap((y) => columns.map((x) => [x, y]));
    const distance = ([x, y]) => Math.hypot(x - middle[1], y - middle[0]);
    corners.sort((one, other) => distance(one) - distance(other));
    return corners.map(([x, y]) => [first, {matrix: translation(x, y), size: [side, side]}]);
  },

  "multi-scale"({resize, scales, count}, side, size) {
    const first = resizeShortSide(size, roundToEven(resize * side));
    return scales.flatMap((scale) => {
      const part = roundToEven(scale * side);
      const shrunk = {matrix: scaling(part / side, part / side), size: [side, side]};
      return symmetries(side, count).map((turn) => (
        [first, cropCentre(first.size, part), shrunk, turn]
      ));
    });
  },
};

/** Return what a network sees of an image: images of one size. */
function renderViews(image, {view, size, short}) {
  const whole = reduceImage(image, reductionFactor(image.width, image.height, short));
  const plans = VIEW_PLANS[view.use](view, size, [whole.height, whole.width]);
  return plans.map((warps) => warpImage(whole, foldWarps(warps)));
}
