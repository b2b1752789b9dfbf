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

const NARROW = 600; // pixels of a chart below which its legend and its colours go under and above it
const ENTRY = 19; // pixels of an entry of a legend
const dark = matchMedia("(prefers-color-scheme: dark)");
// The colours of the page by those that charts are stored in.
function inks() {
  const own = getComputedStyle(document.documentElement);
  const named = { ink: "--ink", grid: "--line", paper: "--paper" };
  return new Map(Object.entries(content.inks).map(([name, stored]) => [stored, own.getPropertyValue(named[name]).trim()]));
}

// A copy of a chart's part in the colours of the page.
function inked(part, colours) {
  return JSON.parse(JSON.stringify(part), (_, value) => colours.get(value) ?? value);
}

// The layout of a chart of that width: where it is narrow nothing stands beside the data.
function fitted(layout, data, width) {
  if (width >= NARROW) return layout;
  const entries = data.filter((trace) => trace.showlegend).length;
  const bar = layout.coloraxis?.colorbar;
  const above = bar && { ...bar, orientation: "h", x: 0, xanchor: "left", len: 1, y: 1.02, yanchor: "bottom", thickness: 10, title: { ...bar.title, side: "top" } };
  const below = 70; // pixels of the ticks and the title of the axis
  const high = layout.height - layout.margin.t;
  return {
    ...layout,
    ...(bar ? { coloraxis: { ...layout.coloraxis, colorbar: above } } : {}),
    height: layout.height + below + ENTRY * entries,
    margin: { ...layout.margin, t: bar ? 90 : 30, r: 10, l: 50, b: below + ENTRY * entries },
    legend: { ...layout.legend, orientation: "v", x: 0, y: -below / high, yanchor: "top" },
    font: { ...layout.font, size: 10 },
    xaxis: layout.xaxis.ticktext ? { ...layout.xaxis, tickangle: -20 } : layout.xaxis,
  };
}

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
    .flatMap((column, i) => (!column.listed || row[i] === null || row[i] === "" ? [] : [`${column.label}: ${shown(row[i])}`]))
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
  const listed = content.columns.flatMap((column, i) => (column.listed ? [i] : []));
  byId("table").querySelectorAll("th").forEach((head, i) => {
    const name = content.columns[listed[i]].name;
    const direction = sort === name ? "ascending" : sort === `-${name}` ? "descending" : "none";
    head.setAttribute("aria-sort", direction);
  });
  byId("table").tBodies[0].replaceChildren(...sorted(rows, sort).slice(0, LISTED).map((row) => {
    const line = document.createElement("tr");
    for (const i of listed) {
      const field = line.insertCell();
      field.textContent = shown(row[i]);
      if (content.columns[i].text) field.className = "text";
    }
    return line;
  }));
}

function update() {
  if (!content.rows.length) {
    draw([]);
    return;
  }
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
  draw(content.rows.map(matches));
}

// Draws every chart in the colours and the width of the page, without the rows that are left out.
function draw(kept) {
  const colours = inks();
  content.figures.forEach((figure, number) => {
    const chart = byId(`chart-${number}`);
    const data = figure.data.map((trace) => (trace.customdata ? {
      ...trace,
      y: trace.y.map((height, point) => (trace.customdata[point] === null || kept[trace.customdata[point]] ? height : null)),
    } : trace));
    const layout = fitted(figure.layout, data, chart.clientWidth);
    Plotly.react(chart, inked(data, colours), inked(layout, colours), { responsive: true, displaylogo: false });
  });
}

// The places of the charts, with what hovering over their points says.
function place() {
  content.figures.forEach((figure, number) => {
    const title = document.createElement("h2");
    title.textContent = figure.title;
    const chart = document.createElement("div");
    chart.id = `chart-${number}`;
    chart.className = "chart";
    byId("charts").append(title, chart);
    for (const trace of figure.data) {
      if (trace.customdata) {
        trace.hovertext = trace.customdata.map((row) => (row === null ? "" : hover(content.rows[row])));
      }
    }
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
    if (column.listed) line.append(cell);
    if (!column.text) byId("column").append(new Option(column.label, column.name));
  }
}

place();
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
}
let width = document.body.clientWidth;
window.addEventListener("resize", () => {
  if (width < NARROW !== document.body.clientWidth < NARROW) update();
  width = document.body.clientWidth;
});
dark.addEventListener("change", update);
update();
