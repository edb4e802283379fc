// Pairs are judged blind: one by one, in random order, without names, numbers and sides. What was
// said stays in the page until it is downloaded.
(function () {
  const KEYS = { c: "copy", n: "not", u: "unsure" };
  const element = (id) => document.getElementById(id);
  const cards = new Map();
  for (const card of document.querySelectorAll("[data-pair]")) {
    const whole = card.querySelectorAll(".pictures img").length === 2;
    if (whole && !cards.has(card.dataset.pair)) cards.set(card.dataset.pair, card);
  }
  const order = shuffled([...cards.keys()]);
  const said = [];
  let saved = 0;

  function shuffled(list) {
    for (let i = list.length - 1; i > 0; i--) {
      const j = Math.floor(Math.random() * (i + 1));
      [list[i], list[j]] = [list[j], list[i]];
    }
    return list;
  }

  function show() {
    const done = said.length === order.length;
    const pictures = done ? [] : [...cards.get(order[said.length]).querySelectorAll(".pictures img")];
    element("both").replaceChildren(...shuffled(pictures).map((picture, i) => {
      const shown = picture.cloneNode();
      shown.alt = i ? "the other picture" : "one picture";
      shown.loading = "eager";
      const figure = document.createElement("figure");
      figure.append(shown);
      return figure;
    }));
    element("pair").hidden = done;
    element("keep").disabled = !said.length;
    element("back").disabled = !said.length;
    element("said").textContent = `${said.length} of ${order.length} pairs judged.`
      + (done ? " Download what you said." : "");
    (done ? element("keep") : element("pair")).focus();
  }

  function judge(verdict) {
    if (said.length === order.length) return;
    said.push([...JSON.parse(order[said.length]), verdict, element("who").value.trim(),
      new Date().toISOString()]);
    show();
  }

  function back() {
    said.pop();
    show();
  }

  element("pair").addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const key = event.key.toLowerCase();
    if (Object.hasOwn(KEYS, key)) judge(KEYS[key]);
    else if (key === "b") back();
    else return;
    event.preventDefault();
  });
  for (const button of element("pair").querySelectorAll("[data-verdict]")) {
    button.addEventListener("click", () => judge(button.dataset.verdict));
  }
  element("back").addEventListener("click", back);
  element("begin").addEventListener("click", show);
  element("keep").addEventListener("click", () => {
    saveCsv("solidmark-judgements.csv",
      ["split", "generation", "image", "verdict", "who", "when"], said);
    saved = said.length;
  });
  element("judging").addEventListener("submit", (event) => event.preventDefault());
  window.addEventListener("beforeunload", (event) => {
    if (said.length > saved) event.preventDefault();
  });
  element("judging").hidden = !order.length;
  if (!order.length) element("said").textContent = "No pair here has both of its pictures.";
})();
