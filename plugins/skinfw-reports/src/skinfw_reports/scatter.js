// Planes of images: pointing at a point, or going there with the arrow keys, shows its image.
for (const figure of document.querySelectorAll("figure.scatter")) {
  const plane = figure.querySelector(".plane"), svg = plane.querySelector("svg");
  const points = [...svg.querySelectorAll(".point")];
  const images = JSON.parse(figure.querySelector("script").textContent);
  const asked = figure.querySelector(".asked"), image = asked.querySelector("img");
  const text = asked.querySelector("p"), toggles = [...figure.querySelectorAll("button")];
  const marked = figure.querySelector("input");
  const texts = points.map((point) => {
    const title = point.querySelector("title");
    title.remove();  // its tooltip would hide the image
    return title.textContent;
  });
  const at = points.map((point) => [Number(point.dataset.x), Number(point.dataset.y)]);
  const halo = document.createElementNS(svg.namespaceURI, "circle");
  halo.setAttribute("class", "halo");
  halo.setAttribute("r", "8");
  let current = -1;

  const pressed = (one) => one.getAttribute("aria-pressed") === "true";
  const seen = (index) => !points[index].hasAttribute("hidden");
  const nearest = (cost) => {
    let best = -1, least = Infinity;
    points.forEach((_, index) => {
      const own = seen(index) ? cost(index) : Infinity;
      if (own < least) [best, least] = [index, own];
    });
    return best;
  };
  const first = () => nearest((index) => index);
  const show = (index) => {
    if (index < 0 || index === current) return;
    current = index;
    halo.setAttribute("transform", points[index].getAttribute("transform"));
    svg.append(points[index], halo);
    image.src = images[index];
    image.hidden = false;
    text.textContent = texts[index];
  };
  const filter = () => {
    const on = new Set(toggles.filter(pressed).map((one) => one.dataset.group));
    for (const point of points) {
      const kept = on.has(point.dataset.group) && (!marked.checked || "marked" in point.dataset);
      point.toggleAttribute("hidden", !kept);
    }
    if (current >= 0 && !seen(current)) {
      halo.remove();
      current = -1;
    }
  };
  const under = (event) => {
    const own = new DOMPoint(event.clientX, event.clientY)
      .matrixTransform(svg.getScreenCTM().inverse());
    const far = (index) => Math.hypot(at[index][0] - own.x, at[index][1] - own.y);
    const index = nearest(far);
    if (index >= 0 && far(index) < 14) show(index);
  };
  const steps = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };

  plane.addEventListener("pointermove", under);
  plane.addEventListener("click", under);
  plane.addEventListener("focus", () => {
    if (current < 0) show(first());
  });
  plane.addEventListener("keydown", (event) => {
    const step = steps[event.key];
    if (event.key === "Home" || (step && current < 0)) show(first());
    else if (event.key === "End") show(nearest((index) => -index));
    else if (step) {
      show(nearest((index) => {
        const aside = [at[index][0] - at[current][0], at[index][1] - at[current][1]];
        const ahead = aside[0] * step[0] + aside[1] * step[1];
        return ahead > 0 ? ahead + 2 * Math.abs(aside[0] * step[1] + aside[1] * step[0]) : Infinity;
      }));
    } else return;
    event.preventDefault();
  });
  for (const one of toggles) {
    one.disabled = false;
    one.addEventListener("click", () => {
      one.setAttribute("aria-pressed", String(!pressed(one)));
      filter();
    });
  }
  marked.addEventListener("change", filter);
  marked.parentElement.hidden = asked.hidden = false;
  plane.tabIndex = 0;
  plane.setAttribute("role", "application");
}
