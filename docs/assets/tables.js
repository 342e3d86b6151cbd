/* Tables that sort and filter. Without this script they are plain tables. */
"use strict";
(() => {
  const aside = (node) => ["footnote-ref", "disputed"].some((name) => node.classList?.contains(name));
  const shown = (cell) => [...cell.childNodes].filter((node) => !aside(node)).map((node) => node.textContent).join("");
  const value = (cell) => cell.dataset.v ?? shown(cell).trim();
  const asNumber = (text) => (text === "" ? NaN : Number(String(text).replace(/[\s,]/g, "")));

  const compare = (a, b) => {
    const [x, y] = [asNumber(a), asNumber(b)];
    if (!Number.isNaN(x) && !Number.isNaN(y)) return x - y;
    return String(a).localeCompare(String(b), "en", { numeric: true, sensitivity: "base" });
  };

  const sortBy = (table, column, head) => {
    const descending = head.getAttribute("aria-sort") === "ascending";
    for (const other of head.parentNode.children) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", descending ? "descending" : "ascending");
    const body = table.tBodies[0];
    const rows = [...body.rows].sort((a, b) => {
      const [x, y] = [value(a.cells[column]), value(b.cells[column])];
      if ((x === "") !== (y === "")) return x === "" ? 1 : -1; /* what is unknown stands last either way */
      return descending ? compare(y, x) : compare(x, y);
    });
    body.append(...rows);
  };

  const makeSortable = (table) => {
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      const unit = head.querySelector("small");
      button.append(...[...head.childNodes].filter((node) => node !== unit));
      button.addEventListener("click", () => sortBy(table, column, head));
      head.prepend(button);
    });
  };

  let controls = 0;
  const labelled = (words, control) => {
    const pair = document.createElement("div");
    const label = document.createElement("label");
    control.id = label.htmlFor = "choose-" + ++controls;
    label.append(words);
    pair.append(label, control);
    return pair;
  };

  const wordsOf = (head) => {
    const unit = head.querySelector("small");
    const words = head.textContent.trim().replace(/\s+/g, " ");
    return unit ? words.slice(0, -unit.textContent.length).trim() + ", " + unit.textContent : words;
  };

  const choice = (table, column) => {
    const select = document.createElement("select");
    const known = new Set([...table.tBodies[0].rows].map((row) => value(row.cells[column])));
    select.append(new Option("any", ""));
    for (const word of [...known].filter(Boolean).sort(compare)) select.append(new Option(word, word));
    return [select, (row) => !select.value || value(row.cells[column]) === select.value];
  };

  const bound = (column, kind) => {
    const input = document.createElement("input");
    input.type = "number";
    input.min = "0";
    input.step = "any";
    const holds = (row) => {
      const seen = asNumber(value(row.cells[column]));
      return input.value === "" || (kind === "least" ? seen >= Number(input.value) : seen <= Number(input.value));
    };
    return [input, holds];
  };

  const makeFilter = (frame, table) => {
    const bar = document.createElement("form");
    bar.className = "choose";
    bar.setAttribute("role", "search");
    bar.setAttribute("aria-label", "Choose rows of: " + table.caption.textContent);
    const text = document.createElement("input");
    text.type = "search";
    text.name = "text";
    const tests = [(row) => row.textContent.toLowerCase().includes(text.value.trim().toLowerCase())];
    bar.append(labelled("Contains", text));
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const kind = head.dataset.filter;
      if (!kind) return;
      const [control, holds] = kind === "choice" ? choice(table, column) : bound(column, kind);
      const words = { choice: "", least: "At least: ", most: "At most: " }[kind] + wordsOf(head);
      tests.push(holds);
      bar.append(labelled(words, control));
    });
    const count = document.createElement("output");
    count.setAttribute("aria-live", "polite");
    bar.append(count);
    const show = () => {
      let seen = 0;
      for (const row of table.tBodies[0].rows) {
        row.hidden = !tests.every((holds) => holds(row));
        seen += row.hidden ? 0 : 1;
      }
      count.textContent = seen + " of " + table.tBodies[0].rows.length + " rows";
    };
    bar.addEventListener("input", show);
    bar.addEventListener("submit", (event) => event.preventDefault());
    show();
    frame.before(bar);
  };

  for (const frame of document.querySelectorAll(".facts[data-sortable]")) {
    const table = frame.querySelector("table");
    makeFilter(frame, table);
    makeSortable(table);
  }
})();
