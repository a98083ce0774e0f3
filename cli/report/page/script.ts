/**
 * The page's script: a search over both tables, and a sort by the clicked column. Without it the page shows everything.
 * Values to sort by stand in `data-value`.
 */
export const SCRIPT = `
"use strict";
const rows = [...document.querySelectorAll("tbody tr")];
const search = document.querySelector("#search");
const found = document.querySelector("#found");
search.parentElement.hidden = false;
search.addEventListener("input", () => {
  const words = search.value.toLowerCase().split(/\\s+/).filter(Boolean);
  for (const row of rows) {
    const text = row.textContent.toLowerCase();
    row.hidden = !words.every((word) => text.includes(word));
  }
  for (const table of document.querySelectorAll("table")) {
    table.closest("section").hidden = table.querySelector("tbody tr:not([hidden])") === null;
  }
  found.value = words.length ? rows.filter((row) => !row.hidden).length + " of " + rows.length : "";
});

const { compare } = new Intl.Collator("en", { numeric: true });
const valueOf = (cell) => cell.dataset.value ?? cell.textContent;
for (const head of document.querySelectorAll("thead th")) {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...head.childNodes);
  head.append(button);
  button.addEventListener("click", () => {
    const order = head.ariaSort === "ascending" ? "descending" : "ascending";
    for (const other of head.parentElement.children) other.removeAttribute("aria-sort");
    head.ariaSort = order;
    const sign = order === "ascending" ? 1 : -1;
    const body = head.closest("table").tBodies[0];
    const value = (row) => valueOf(row.cells[head.cellIndex]);
    body.append(...[...body.rows].sort((a, b) => sign * compare(value(a), value(b))));
  });
}

const folded = [...document.querySelectorAll("details:not([open])")];
addEventListener("beforeprint", () => folded.forEach((each) => { each.open = true; }));
addEventListener("afterprint", () => folded.forEach((each) => { each.open = false; }));
`;
