// The gallery: shows the images that a reader asks for. Without a script it shows all.
for (const form of document.querySelectorAll("form.filter")) {
  const list = form.nextElementSibling, cards = [...list.children];
  const choices = [...form.querySelectorAll("select[data-by]")];
  const from = form.querySelector("[data-from]"), to = form.querySelector("[data-to]");
  const order = form.querySelector("[data-order]"), output = form.querySelector("output");
  const percent = (card) => Number(card.dataset.percent);

  const apply = () => {
    const low = from.value === "" ? 0 : from.valueAsNumber;
    const high = to.value === "" ? 100 : to.valueAsNumber;
    let count = 0;
    for (const card of cards) {
      const kept = percent(card) >= low && percent(card) <= high &&
        choices.every((one) => !one.value || card.dataset[one.dataset.by] === one.value);
      card.hidden = !kept;
      count += kept;
    }
    output.textContent = `${count} of ${cards.length} images`;
  };
  const sort = () => {
    const ordered = Number(order.value) > 0 ? cards : [...cards].reverse();
    list.append(...ordered);
  };

  form.addEventListener("input", apply);
  order.addEventListener("change", sort);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(() => { apply(); sort(); }));
  form.hidden = false;
  apply();
}
