// Charts of /charts/data, in the page's own colours.
"use strict";

const page = document.getElementById("charts");
const HEIGHT = 220;
const FEW = 50; // points are shown where so few would not make a line
const LABELS = { decision_ms: "milliseconds", fps: "frames a second", temperature_c: "°C" };

function colour(name) {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  page.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

function told(at) {
  const there = new Date(at * 1000);
  const day = page.dataset.span !== "24h";
  return day ? there.toLocaleDateString([], { day: "numeric", month: "short" }) : there.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false });
}

function draw(name, span, columns, series) {
  const place = page.querySelector(`[data-chart=${name}]`);
  const filled = columns.slice(1).some((column) => column && column.some((value) => value !== null && value !== undefined));
  if (!filled) {
    const nothing = document.createElement("p");
    nothing.className = "quiet";
    nothing.textContent = "Nothing was reported for this time.";
    place.replaceChildren(nothing);
    return;
  }
  const axis = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line") } };
  const options = {
    width: place.clientWidth, height: HEIGHT, scales: { x: { range: span } },
    axes: [{ ...axis, values: (_, moments) => moments.map(told) }, axis],
    series: [{ value: (_, at) => (at === null ? "" : new Date(at * 1000).toLocaleString()) }, ...series],
  };
  const plot = new uPlot(options, columns, place);
  new ResizeObserver(() => plot.setSize({ width: place.clientWidth, height: HEIGHT })).observe(place);
}

function line(label, tint) {
  return { label, stroke: colour(tint), width: 1.5, points: { show: (plot) => plot.data[0].length < FEW, size: 5, fill: colour(tint) }, spanGaps: true };
}

function dots(label, tint) {
  return { label, stroke: colour(tint), width: 0, paths: () => null, points: { show: true, size: 5, fill: colour(tint) } };
}

async function main() {
  const query = new URLSearchParams({ door: page.dataset.door, span: page.dataset.span });
  const answer = await fetch(`/charts/data?${query}`);
  const { span, outcomes, similarity, figures } = await answer.json();
  draw("outcomes", span, [outcomes.at, outcomes.granted, outcomes.denied, outcomes.spoof], [line("granted", "--good"), line("denied", "--warn"), line("attacks", "--bad")]);
  draw("similarity", span, [similarity.at, similarity.similarity, similarity.threshold], [dots("similarity", "--act"), line("threshold", "--soft")]);
  for (const name of Object.keys(LABELS)) draw(name, span, [figures.at, figures[name]], [line(LABELS[name], "--act")]);
}

main();
