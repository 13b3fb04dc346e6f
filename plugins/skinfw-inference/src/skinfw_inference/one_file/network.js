// The network in this page, computed by ONNX Runtime Web, which is in this page, too.

/** Return the bytes of a block of the page, base64 of gzip, and free its text. */
async function unpackBlock(id) {
  const block = document.getElementById(id);
  const packed = decodeBase64(block.textContent.trim());
  block.remove();
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Return the bytes of base64. */
function decodeBase64(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let at = 0; at < letters.length; at++) bytes[at] = letters.charCodeAt(at);
  return bytes;
}

/** Open the network; returns a function from views to {rows, maps}. */
async function openNetwork(about) {
  const script = new Blob([await unpackBlock("runtime-script")], {type: "text/javascript"});
  const address = URL.createObjectURL(script);
  const ort = await import(address);
  URL.revokeObjectURL(address);
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmBinary = await unpackBlock("runtime-wasm");
  const session = await ort.InferenceSession.create(await unpackBlock("network"), {
    executionProviders: ["wasm"],
    freeDimensionOverrides: {N: about.views},
    logSeverityLevel: 3, // errors alone
  });
  return (views) => askNetwork(ort, session, views, about);
}

/** Return the probabilities of each view, and the maps of the first one, a class after the other. */
async function askNetwork(ort, session, views, {size, classes}) {
  const pixels = new Uint8Array(views.length * size * size * 3);
  views.forEach((view, place) => pixels.set(view.data, place * view.data.length));
  const images = new ort.Tensor("uint8", pixels, [views.length, size, size, 3]);
  const {probabilities, maps} = await session.run({images});
  const said = Array.from(probabilities.data);
  const rows = views.map((_, place) => (
    said.slice(place * classes.length, (place + 1) * classes.length)
  ));
  if (!rows.flat().every(Number.isFinite)) throw new Error("the network's answer is not finite");
  if (!maps) return {rows, maps: null};
  const [, , height, width] = maps.dims;
  const values = classes.map((_, place) => (
    maps.data.slice(place * height * width, (place + 1) * height * width)
  ));
  return {rows, maps: {height, width, values}};
}
