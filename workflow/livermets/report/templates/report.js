"use strict";
// The report works without this script; it opens what a link leads to, sorts and filters tables,
// and shows the values of curves. It loads nothing and sends nothing.

const folds = [...document.querySelectorAll("details.folded")];

// A link to a folded section opens it, and every fold around its target.
function openTarget() {
  const id = decodeURIComponent(location.hash.slice(1));
  let part = id && document.getElementById(id);
  if (!part) return;
  for (let at = part; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  part.scrollIntoView();
}
addEventListener("hashchange", openTarget);
openTarget();

const openAll = document.getElementById("open-all");
openAll.hidden = false;
openAll.addEventListener("click", () => {
  const open = folds.some((fold) => !fold.open);
  folds.forEach((fold) => { fold.open = open; });
  openAll.textContent = open ? "Fold all sections" : "Open all sections";
});

// A print has every section; folds inside a section stay as the reader left them.
let closed = [];
addEventListener("beforeprint", () => {
  closed = folds.filter((fold) => !fold.open);
  closed.forEach((fold) => { fold.open = true; });
});
addEventListener("afterprint", () => closed.forEach((fold) => { fold.open = false; }));

// A wide table or figure can be scrolled with the keyboard, but only where it is wider than its box.
function nameScrollers() {
  for (const box of document.querySelectorAll(".scroll")) {
    if (box.scrollWidth <= box.clientWidth) { box.removeAttribute("tabindex"); continue; }
    box.tabIndex = 0;
    box.setAttribute("role", "group");
    const near = box.closest("details, section") || document.body;
    const title = near.querySelector("h3, h2, summary");
    box.setAttribute("aria-label", `${title ? title.textContent.trim() : "Table"}, scrolls sideways`);
  }
}
addEventListener("resize", nameScrollers);
document.addEventListener("toggle", nameScrollers, true);
nameScrollers();

// Tables of class "sortable": a button in each heading, and a field that filters the rows.
const number = (cell) => parseFloat(cell.textContent.trim().replace("−", "-"));

function compare(column, way) {
  return (first, second) => {
    const [a, b] = [first, second].map((row) => row.cells[column]);
    const [x, y] = [number(a), number(b)];
    if (isNaN(x) && isNaN(y)) return way * a.textContent.localeCompare(b.textContent);
    if (isNaN(x)) return 1; // rows without a value stand last in both directions
    return isNaN(y) ? -1 : way * (x - y);
  };
}

function makeSortable(table) {
  const groups = [...table.tBodies].map((body) => ({ body, rows: [...body.rows] }));
  const rows = groups.flatMap((group) => group.rows).filter((row) => !row.classList.contains("family"));
  // A model's name stands once above its rows; rows that are sorted or filtered each show it.
  const state = { sorted: false, filtered: false };
  const nameRows = () => table.classList.toggle("apart", state.sorted || state.filtered);
  const restore = () => groups.forEach(({ body, rows }) => body.append(...rows));
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const before = heading.getAttribute("aria-sort");
      headings.forEach((other) => other.removeAttribute("aria-sort"));
      restore();
      const next = { null: "descending", descending: "ascending" }[before];
      state.sorted = Boolean(next);
      nameRows();
      table.querySelectorAll(".family").forEach((row) => { row.hidden = Boolean(next); });
      if (!next) return;
      heading.setAttribute("aria-sort", next);
      groups[0].body.append(...[...rows].sort(compare(column, next === "ascending" ? 1 : -1)));
    });
  });
  addFilter(table, rows, (filtered) => { state.filtered = filtered; nameRows(); });
}

function addFilter(table, rows, whenFiltered) {
  const line = document.createElement("label");
  line.className = "filter";
  const input = Object.assign(document.createElement("input"), { type: "search", placeholder: "e.g. SMOTE" });
  const count = document.createElement("output");
  line.append("Show arms with", input, count);
  table.closest(".scroll").before(line);
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/);
    let shown = 0;
    for (const row of rows) {
      const text = `${row.cells[0].textContent} ${row.cells[1].textContent}`.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      shown += !row.hidden;
    }
    whenFiltered(Boolean(input.value));
    count.textContent = input.value ? `${shown} of ${rows.length} arms` : "";
  });
}
document.querySelectorAll("table.sortable").forEach(makeSortable);

// The pointer over a curve shows its name and values; tables have the same numbers for all others.
const NEAR = 40; // pixels from the pointer

// The point of a curve that is nearest to (x, y), all in shares of the panel, times its size.
function nearest(curve, panel, x, y, width, height) {
  const px = curve.x.map((v) => (v - panel.x[0]) / (panel.x[1] - panel.x[0]) * width);
  const py = curve.y.map((v) => (1 - (v - panel.y[0]) / (panel.y[1] - panel.y[0])) * height);
  let best = { far: Infinity };
  for (let i = 0; i + 1 < px.length; i++) {
    const [dx, dy] = [px[i + 1] - px[i], py[i + 1] - py[i]];
    const share = ((x - px[i]) * dx + (y - py[i]) * dy) / (dx * dx + dy * dy || 1);
    const t = Math.min(1, Math.max(0, share));
    const [at, up] = [px[i] + t * dx, py[i] + t * dy];
    const far = Math.hypot(at - x, up - y);
    if (far < best.far) {
      const value = (values) => values[i] + t * (values[i + 1] - values[i]);
      best = { far, at, up, curve, x: value(curve.x), y: value(curve.y) };
    }
  }
  return best;
}

function showValues(chart) {
  const panels = JSON.parse(chart.querySelector("script").textContent);
  const [dot, values] = ["dot", "values"].map((name) => {
    const part = Object.assign(document.createElement("span"), { className: name, hidden: true });
    part.setAttribute("aria-hidden", "true");
    chart.append(part);
    return part;
  });
  const image = chart.querySelector("img");
  const hide = () => { dot.hidden = values.hidden = true; };
  const show = (event) => {
    const frame = image.getBoundingClientRect();
    const [x, y] = [event.clientX - frame.left, event.clientY - frame.top];
    let best = { far: NEAR };
    for (const panel of panels) {
      const [left, top, width, height] = panel.box.map((v, i) => v * (i % 2 ? frame.height : frame.width));
      if (x < left - 9 || x > left + width + 9 || y < top - 9 || y > top + height + 9) continue;
      for (const curve of panel.curves) {
        const found = nearest(curve, panel, x - left, y - top, width, height);
        if (found.far < best.far) best = { ...found, panel, left: left + found.at, top: top + found.up };
      }
    }
    if (!best.curve) return hide();
    const axis = (label, value) => `${label || "value"} ${value.toFixed(2).replace("-", "−")}`;
    values.textContent = `${best.curve.name}: ${axis(best.panel.xlabel, best.x)}, ${axis(best.panel.ylabel, best.y)}`;
    dot.hidden = values.hidden = false;
    dot.style.cssText = `left:${best.left}px;top:${best.top}px;border-color:${best.curve.colour}`;
    const beyond = best.left > frame.width / 2;
    values.style.cssText = `top:${best.top + 12}px;`
      + (beyond ? `right:${frame.width - best.left + 8}px` : `left:${best.left + 8}px`);
  };
  image.addEventListener("pointermove", show);
  image.addEventListener("pointerdown", show);
  image.addEventListener("pointerleave", hide);
}
document.querySelectorAll(".chart:has(script)").forEach(showValues);
