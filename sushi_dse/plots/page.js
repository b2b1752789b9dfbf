"use strict";
// Draws the charts of a page, and lists, sorts and filters its rows.  All that is shown goes into
// the page as text, never as HTML.
const content = JSON.parse(document.getElementById("content").textContent);
const byId = (name) => document.getElementById(name);
const LISTED = 500; // rows of the table at once
const RELATIONS = {
  "<=": (a, b) => a <= b, ">=": (a, b) => a >= b, "<": (a, b) => a < b, ">": (a, b) => a > b,
  "=": (a, b) => a === b, "!=": (a, b) => a !== b,
};
const BOUND = /^(\w+)(<=|>=|!=|=|<|>)(.*)$/s;

// As the tool's own tables: four significant digits of a fraction, all of a whole number.
function shown(value) {
  if (value === null) return "";
  if (typeof value === "string" || Number.isInteger(value)) return String(value);
  return Math.abs(value) >= 1e4 ? value.toFixed(0) : String(Number(value.toPrecision(4)));
}

// plotly reads a little HTML in its texts.
function plotlyText(text) {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}

function hover(row) {
  return content.columns
    .flatMap((column, i) => (row[i] === null || row[i] === "" ? [] : [`${column.label}: ${shown(row[i])}`]))
    .map(plotlyText)
    .join("<br>");
}

// The test of a row that a filter stands for; throws what is wrong with it.
function matcher(filter) {
  const names = content.columns.map((column) => column.name);
  const tests = filter.split(/\s+/).filter(Boolean).map((word) => {
    const [, name, relation, value] = word.match(BOUND) ?? [];
    if (name === undefined) {
      const sought = word.toLowerCase();
      return (row) => row.some((cell, i) =>
        typeof cell === "string" ? cell.toLowerCase().includes(sought)
          : names[i] === "design" && String(cell) === word);
    }
    const place = names.indexOf(name);
    if (place < 0) throw `unknown column ${name}; known: ${names.join(", ")}`;
    if (content.columns[place].text) return (row) => RELATIONS[relation](row[place], value);
    const bound = Number(value);
    if (value === "" || Number.isNaN(bound)) throw `${word}: a number is wanted after ${relation}`;
    return (row) => row[place] !== null && RELATIONS[relation](row[place], bound);
  });
  return (row) => tests.every((test) => test(row));
}

// What the address of the page says: filter, rows, and the column to sort by, - before it downwards.
function state() {
  const given = new URLSearchParams(location.hash.slice(1));
  return { filter: given.get("filter") ?? "", rows: given.get("rows") ?? "front", sort: given.get("sort") ?? "" };
}

function go(changes) {
  const next = Object.entries({ ...state(), ...changes }).filter(([, value]) => value !== "");
  history.replaceState(null, "", `#${new URLSearchParams(next)}`);
  update();
}

function sorted(rows, sort) {
  const downwards = sort.startsWith("-");
  const place = content.columns.findIndex((column) => column.name === sort.replace(/^-/, ""));
  if (place < 0) return rows;
  const order = (a, b) => {
    if (a[place] === b[place]) return 0;
    if (a[place] === null || b[place] === null) return a[place] === null ? 1 : -1;
    return (a[place] < b[place] ? -1 : 1) * (downwards ? -1 : 1);
  };
  return [...rows].sort(order);
}

function list(rows, sort) {
  byId("table").querySelectorAll("th").forEach((head, i) => {
    const name = content.columns[i].name;
    const direction = sort === name ? "ascending" : sort === `-${name}` ? "descending" : "none";
    head.setAttribute("aria-sort", direction);
  });
  byId("table").tBodies[0].replaceChildren(...sorted(rows, sort).slice(0, LISTED).map((row) => {
    const line = document.createElement("tr");
    row.forEach((cell, i) => {
      const field = line.insertCell();
      field.textContent = shown(cell);
      if (content.columns[i].text) field.className = "text";
    });
    return line;
  }));
}

function update() {
  const { filter, rows, sort } = state();
  let matches = () => true;
  byId("problem").hidden = true;
  try {
    matches = matcher(filter);
  } catch (problem) {
    byId("problem").textContent = String(problem);
    byId("problem").hidden = false;
  }
  if (document.activeElement !== byId("filter")) byId("filter").value = filter;
  byId("rows").value = rows;
  const offered = content.rows.filter((row) => rows === "all" || row[0] !== "");
  const found = offered.filter(matches);
  const cut = found.length > LISTED ? `; the first ${LISTED} are listed` : "";
  byId("status").textContent = `${found.length} of ${offered.length} rows match${cut}.`;
  list(found, sort);
  hide(content.rows.map(matches));
}

// Leaves out of every chart the points of rows that the filter leaves out.
function hide(kept) {
  if (!window.Plotly) return;
  content.figures.forEach((figure, number) => {
    const places = figure.data.flatMap((trace, i) => (trace.customdata ? [i] : []));
    const heights = places.map((i) => figure.data[i].customdata.map(
      (row, point) => (row === null || kept[row] ? figure.heights[i][point] : null)));
    if (places.length) Plotly.restyle(byId(`chart-${number}`), { y: heights }, places);
  });
}

function draw() {
  content.figures.forEach((figure, number) => {
    const title = document.createElement("h2");
    title.textContent = figure.title;
    const chart = document.createElement("div");
    chart.id = `chart-${number}`;
    chart.className = "chart";
    byId("charts").append(title, chart);
    figure.heights = figure.data.map((trace) => trace.y);
    for (const trace of figure.data) {
      if (trace.customdata) {
        trace.hovertext = trace.customdata.map((row) => (row === null ? "" : hover(content.rows[row])));
      }
    }
    Plotly.newPlot(chart, figure.data, figure.layout, { responsive: true, displaylogo: false });
  });
}

function head() {
  const line = byId("table").tHead.insertRow();
  for (const column of content.columns) {
    const button = document.createElement("button");
    button.textContent = column.label;
    button.type = "button";
    button.addEventListener("click", () =>
      go({ sort: state().sort === column.name ? `-${column.name}` : column.name }));
    const cell = document.createElement("th");
    cell.append(button);
    line.append(cell);
    if (!column.text) byId("column").append(new Option(column.label, column.name));
  }
}

if (window.Plotly) {
  draw();
} else {
  byId("problem").textContent = "The charts need plotly.min.js, which was written beside this page: keep both in one folder.";
  byId("problem").hidden = false;
}
if (content.rows.length) {
  head();
  byId("search").hidden = byId("table").hidden = false;
  byId("filter").addEventListener("input", (event) => go({ filter: event.target.value.trim() }));
  byId("rows").addEventListener("change", (event) => go({ rows: event.target.value }));
  byId("add").addEventListener("click", () => {
    const bound = `${byId("column").value}${byId("relation").value}${byId("bound").value.trim()}`;
    go({ filter: `${state().filter} ${bound}`.trim() });
  });
  window.addEventListener("hashchange", update);
  update();
}
