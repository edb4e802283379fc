// The table of all rows: sorted, searched and shown a few hundred rows at a time, so that tens of
// thousands stay fluid. Text reaches the page as text only, never as markup.
(function () {
  const CHUNK = 200;
  const LONGEST = 160;
  const data = JSON.parse(document.getElementById("data").textContent);
  const place = Object.fromEntries(data.columns.map((column, i) => [column.name, i]));
  const element = (id) => document.getElementById(id);
  const body = element("body");
  const box = element("box");
  const more = element("more");
  // The text of a row that the search looks at, made once.
  const searched = data.rows.map((row) =>
    data.searched.filter((name) => name in place).map((name) => row[place[name]] || "").join("\n").toLowerCase());
  const everything = data.rows.map((_, i) => i);
  let order = everything;
  let shown = 0;
  let sorted = { column: -1, down: false };

  function worded(column, value) {
    if (value === null || value === undefined || value === "") return "–";
    const words = data.names[column.name];
    if (words && Object.hasOwn(words, value)) return words[value];
    if (column.kind === "keys") return value.map((v) => v.toFixed(3)).join(", ");
    if (column.kind === "number") {
      return value !== 0 && Math.abs(value) < 1e-4
        ? value.toExponential(1) : String(Number(value.toPrecision(4)));
    }
    return String(value);
  }

  function show() {
    const end = Math.min(shown + CHUNK, order.length);
    const fragment = document.createDocumentFragment();
    for (; shown < end; shown++) {
      const line = document.createElement("tr");
      data.columns.forEach((column, i) => {
        const cell = document.createElement("td");
        const text = worded(column, data.rows[order[shown]][i]);
        cell.className = column.kind;
        cell.dir = column.kind === "text" ? "auto" : "ltr";
        cell.textContent = text.length > LONGEST ? text.slice(0, LONGEST - 1) + "…" : text;
        line.append(cell);
      });
      fragment.append(line);
    }
    body.append(fragment);
    more.hidden = shown >= order.length;
  }

  function weigh(value) {
    return Array.isArray(value) ? value[0] : value;
  }

  function compare(a, b) {
    const x = weigh(data.rows[a][sorted.column]);
    const y = weigh(data.rows[b][sorted.column]);
    const gone = [x, y].map((v) => v === null || v === undefined || v === "");
    // Rows without a value stand last, whichever way the table is sorted.
    if (gone[0] || gone[1]) return gone[0] - gone[1] || a - b;
    const difference = x < y ? -1 : x > y ? 1 : 0;
    return (sorted.down ? -difference : difference) || a - b;
  }

  function refresh() {
    const asked = element("search").value.trim().toLowerCase();
    const chosen = data.choices
      .map(({ name }) => [place[name], element("choose-" + name).value])
      .filter(([, value]) => value !== "");
    const named = element("only-named").checked;
    order = everything.filter((i) => {
      const row = data.rows[i];
      const q = row[place.q_value];
      return (!asked || searched[i].includes(asked))
        && chosen.every(([column, value]) => row[column] === value)
        && (!named || (q !== null && q <= data.fdr));
    });
    if (sorted.column >= 0) order.sort(compare);
    body.replaceChildren();
    shown = 0;
    box.scrollTop = 0;
    show();
    element("count").textContent =
      `${order.length.toLocaleString("en")} of ${data.rows.length.toLocaleString("en")} rows`;
  }

  function sortBy(column) {
    sorted = { column, down: sorted.column === column && !sorted.down };
    [...element("head").children].forEach((cell, i) => {
      if (i === column) cell.setAttribute("aria-sort", sorted.down ? "descending" : "ascending");
      else cell.removeAttribute("aria-sort");
    });
    refresh();
  }

  function download() {
    saveCsv("solidmark-rows.csv", data.columns.map((column) => column.name),
      order.map((i) => data.rows[i]));
  }

  data.columns.forEach((column, i) => {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.className = column.kind;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = column.label;
    button.addEventListener("click", () => sortBy(i));
    cell.append(button);
    element("head").append(cell);
  });
  for (const { name } of data.choices) {
    const values = [...new Set(data.rows.map((row) => row[place[name]]))];
    for (const value of values) {
      const words = worded(data.columns[place[name]], value);
      element("choose-" + name).add(new Option(words, value));
    }
    element("choose-" + name).addEventListener("change", refresh);
  }
  let waiting = 0;
  element("search").addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(refresh, 120);
  });
  element("only-named").addEventListener("change", refresh);
  element("download").addEventListener("click", download);
  element("tools").addEventListener("submit", (event) => event.preventDefault());
  more.addEventListener("click", show);
  box.addEventListener("scroll", () => {
    if (!more.hidden && box.scrollTop + box.clientHeight > box.scrollHeight - 600) show();
  });
  element("tools").hidden = false;
  box.hidden = false;
  sortBy(place[data.sort]);
})();
