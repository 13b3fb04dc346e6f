// From what a network says of views to an answer: skinfw's view averaging and calibration.

const SMALLEST = 1e-12; // in place of zero, which votes of several views may give

/** Return the place of the largest number, the first of several. */
function largestPlace(numbers) {
  return numbers.reduce((best, own, place) => (own > numbers[best] ? place : best), 0);
}

/** Return one answer of the probabilities of each view. */
function averageViews(views, combine) {
  const sums = views[0].map(() => 0);
  for (const view of views) {
    const first = largestPlace(view);
    view.forEach((own, place) => {
      sums[place] += combine === "vote" ? Number(place === first) : own;
    });
  }
  const total = sums.reduce((sum, own) => sum + own, 0);
  return sums.map((own) => own / total);
}

/** Return the probabilities at a temperature; null leaves them as they are. */
function atTemperature(probabilities, temperature) {
  if (temperature === null) return probabilities;
  const logits = probabilities.map((own) => Math.log(Math.max(own, SMALLEST)) / temperature);
  const highest = Math.max(...logits);
  const powers = logits.map((own) => Math.exp(own - highest));
  const total = powers.reduce((sum, own) => sum + own, 0);
  return powers.map((own) => own / total);
}

/** Return how badly each class fits: one minus its probability, or the sum down to its own. */
function misfits(probabilities, sets) {
  if (sets === "lac") return probabilities.map((own) => 1 - own);
  const order = probabilities.map((_, place) => place);
  order.sort((one, other) => probabilities[other] - probabilities[one] || one - other);
  const found = probabilities.map(() => 0);
  let sum = 0;
  for (const place of order) {
    sum += probabilities[place];
    found[place] = sum;
  }
  found[order[0]] = 0; // the first class fits perfectly, so that no set is empty
  return found;
}

/** Return the answer: probabilities, prediction set and whether the image may be unknown. */
function makeAnswer(views, {classes, combine, calibration}) {
  const raw = averageViews(views, combine);
  const {temperature, limits, sets, unknown} = calibration;
  const fits = misfits(raw, sets);
  const hasSets = Object.keys(limits).length > 0;
  const lacking = 1 - Math.max(...raw);
  return {
    probabilities: atTemperature(raw, temperature),
    predicted: largestPlace(raw),
    predictionSet: hasSets
      ? classes.filter((name, place) => limits[name] === null || fits[place] <= limits[name])
      : null,
    lacking,
    mayBeUnknown: unknown === null ? null : lacking > unknown,
  };
}

/** Return what a prediction set says, and apart from it what no set can rule out. */
function setText(held, {classes, calibration}, inWords) {
  const always = classes.filter((name) => calibration.limits[name] === null);
  const fit = held.filter((name) => !always.includes(name)).map(inWords).join("; ");
  const none = always.length ? "All classes that can be ruled out are ruled out." : "No class fits.";
  const first = fit ? `Cannot be ruled out: ${fit}.` : none;
  if (!always.length) return first;
  return `${first} Never ruled out, for lack of validation lesions: ${always.join(", ")}.`;
}

/** Return an id for each image: its name without the ending, or with it where two would be the same. */
function imageIds(names) {
  const stems = names.map((name) => name.replace(/(?<=.)\.[^.]*$/, ""));
  return new Set(stems).size === stems.length ? stems : names;
}
