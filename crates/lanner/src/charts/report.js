"use strict";
// What only a report does: it hands the numbers that it was written with to `chart.js`, has all charts show the same time, draws
// what is zoomed into anew, and saves pictures.
(() => {
  const { clock, span, series } = JSON.parse(document.getElementById("data").textContent);
  // As the page is drawn: see `draw.rs`.
  const WIDTH = 1000, EDGE = 5, MAX_POINTS = 1500;
  const shown = [];
  const make = (name, text, parent) => { const made = document.createElement(name); made.textContent = text; parent.append(made); return made; };

  series.forEach((one, nth) => {
    const figure = document.getElementById("chart-" + nth);
    if (!figure || !one.steps.length) return;
    let at = 0;
    const times = one.steps.map((step) => at += step), lines = [{ name: "value", values: one.least, highest: one.greatest }];
    if (one.expected.some((value) => value !== null)) lines.push({ name: "expected", values: one.expected });
    lines.push({ name: one.caption, values: one.score });
    figure.chart = { times, lines, band: one.lower.map((low, at) => [low, one.upper[at]]), findings: one.marked, says: one.findings, clock, span };
    shown.push(figure);
    const save = make("button", "Save picture", figure.parentElement.querySelector("h2"));
    save.type = "button"; save.className = "plain";
    save.addEventListener("click", () => picture(figure, one.name));
  });

  // All charts show the same time, drawn anew once the last of many key strokes has come.
  let zoomed = null, waiting = 0;
  document.addEventListener("viewed", ({ target, detail }) => {
    if (zoomed) return;
    zoomed = detail;
    for (const figure of shown) if (figure !== target) figure.dispatchEvent(new CustomEvent("view", { detail }));
    zoomed = null;
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(() => shown.forEach((figure) => redraw(figure, detail)));
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-from]"), figure = link && document.getElementById(link.hash.slice(1));
    if (!figure || !figure.chart) return;
    event.preventDefault();
    const [from, to] = [Number(link.dataset.from), Number(link.dataset.to)], { times } = figure.chart;
    const around = Math.max(to - from, 60 * (span[1] - span[0]) / times.length), folded = figure.closest("details");
    if (folded) folded.open = true;
    figure.dispatchEvent(new CustomEvent("view", { detail: { from: from - around, to: to + around } }));
    figure.scrollIntoView({ block: "center" });
    figure.focus({ preventScroll: true });
  });

  // The first index whose time is not before `at`.
  const indexAt = (times, at) => {
    let [low, high] = [0, times.length];
    while (low < high) { const middle = (low + high) >> 1; if (times[middle] < at) low = middle + 1; else high = middle; }
    return low;
  };
  const x = (time) => ((time - span[0]) / (span[1] - span[0]) * WIDTH).toFixed(4);
  const number = (x) => Math.abs(x) >= 1e9 || (x !== 0 && Math.abs(x) < 1e-4) ? x.toExponential(2) : String(Number(x.toPrecision(4)));

  // Of many points the lowest and the highest of each slot, and the gaps.
  function thinned(points) {
    if (points.length <= MAX_POINTS) return points;
    const kept = [], length = Math.ceil(points.length / (MAX_POINTS / 2));
    for (let from = 0; from < points.length; from += length) {
      const slot = points.slice(from, from + length), known = slot.filter((point) => point[1] !== null);
      const pick = (better) => known.reduce((best, point) => best === undefined || better(point[1], best[1]) ? point : best, undefined);
      const own = new Set([pick((a, b) => a < b), pick((a, b) => a > b), slot.find((point) => point[1] === null)]);
      kept.push(...slot.filter((point) => own.has(point)));
    }
    return kept;
  }
  // A line, interrupted where there is no value, or none for more than three usual steps.
  function path(times, longest, points, y) {
    let text = "", last = null;
    for (const [at, value] of thinned(points)) {
      const isDrawing = value !== null && last !== null && (at === last || !cut(times, longest, last, at));
      if (value !== null) text += (isDrawing ? "L" : "M") + x(times[at]) + " " + y(value).toFixed(2) + (isDrawing ? "" : "h0");
      last = value === null ? null : at;
    }
    return text;
  }
  const cut = (times, longest, from, to) => { for (let at = from + 1; at <= to; at++) if (times[at] - times[at - 1] > longest) return true; return false; };
  function area(times, longest, edges, y) {
    let text = "", above = [], below = [], last = null;
    const close = () => { if (above.length) text += "M" + below.concat(above.reverse()).join("L") + "Z"; above = []; below = []; };
    for (const [at, low, high] of edges) {
      if (low === null && high === null || last !== null && times[at] - times[last] > longest) close();
      if (low !== null || high !== null) { below.push(x(times[at]) + " " + y(low, 0)); above.push(x(times[at]) + " " + y(high, 1)); }
      last = at;
    }
    close();
    return text;
  }

  // The lines within what is shown, from the lowest to the highest value that is there.
  function redraw(figure, { from, to, isWhole }) {
    const { times, lines, band, findings } = figure.chart, labels = [...figure.querySelectorAll(".plot .y:first-child span")];
    const parts = [...figure.querySelectorAll(".plot .line, .plot .band, .plot .finding")];
    figure.whole ??= { paths: parts.map((part) => part.getAttribute("d")), labels: labels.map((label) => label.textContent) };
    if (isWhole) {
      parts.forEach((part, nth) => part.setAttribute("d", figure.whole.paths[nth]));
      labels.forEach((label, nth) => { label.textContent = figure.whole.labels[nth]; });
      return;
    }
    figure.longest ??= 3 * times.slice(1).map((time, at) => time - times[at]).sort((a, b) => a - b)[Math.floor((times.length - 1) / 2)];
    const first = Math.max(0, indexAt(times, from) - 1), end = Math.min(times.length, indexAt(times, to) + 2), longest = figure.longest;
    const points = ({ values, highest }) => {
      const all = [];
      for (let at = first; at < end; at++) { all.push([at, values[at]]); if (highest && highest[at] !== values[at]) all.push([at, highest[at]]); }
      return all;
    };
    const upper = lines.slice(0, -1).map(points), score = lines[lines.length - 1];
    let [low, high] = [Infinity, -Infinity];
    for (const line of upper) for (const [, value] of line) if (value !== null) { low = Math.min(low, value); high = Math.max(high, value); }
    if (!(low <= high)) [low, high] = [0, 1];
    const room = (high - low) * .08 || Math.abs(high) * .1 || 1;
    [low, high] = [low - room, high + room];
    const place = (height, low, high) => (value) => height - EDGE - (value - low) / (high - low) * (height - 2 * EDGE), y = place(200, low, high);
    const edge = (value, isHigh) => y(value === null ? (isHigh ? high : low) : Math.max(2 * low - high, Math.min(2 * high - low, value))).toFixed(2);
    const edges = [];
    for (let at = first; at < end; at++) edges.push([at, ...band[at]]);
    const set = (selector, text) => { const part = figure.querySelector(".plot " + selector); if (part) part.setAttribute("d", text); };
    upper.forEach((line, nth) => set(".l" + nth, path(times, longest, line, y)));
    set(".band", area(times, longest, edges, edge));
    set(".finding", findings.filter((at) => lines[0].values[at] !== null).map((at) => `M${x(times[at])} ${y(lines[0].values[at]).toFixed(2)}h0`).join(""));
    const below = figure.querySelector(".below"), most = Number(below.dataset.most), clipped = place(60, 0, most);
    set(".score", path(times, longest, points(score), (value) => clipped(Math.min(value, most))));
    [high, (low + high) / 2, low].forEach((value, nth) => { labels[nth].textContent = number(value); });
  }

  // The chart as it is seen now, with its name, at twice the size: shapes in their own colours, and texts where they stand.
  function picture(figure, name) {
    const box = figure.getBoundingClientRect(), top = 24, canvas = document.createElement("canvas"), pen = canvas.getContext("2d");
    [canvas.width, canvas.height] = [2 * box.width, 2 * (box.height + top)];
    pen.scale(2, 2);
    const { color, backgroundColor } = getComputedStyle(document.body);
    pen.fillStyle = backgroundColor; pen.fillRect(0, 0, box.width, box.height + top);
    pen.fillStyle = color; pen.font = "bold 13px system-ui, sans-serif"; pen.fillText(name, 0, 15);
    for (const svg of figure.querySelectorAll("svg")) shapes(pen, svg, box, top);
    const texts = document.createTreeWalker(figure, NodeFilter.SHOW_TEXT), range = document.createRange();
    pen.textBaseline = "top";
    for (let text = texts.nextNode(); text; text = texts.nextNode()) {
      if (text.parentElement.closest(".read") || !text.data.trim()) continue;
      range.selectNodeContents(text);
      const at = range.getBoundingClientRect(), style = getComputedStyle(text.parentElement);
      pen.fillStyle = style.color; pen.font = `${style.fontSize} system-ui, sans-serif`;
      pen.fillText(text.data, at.x - box.x, at.y - box.y + top);
    }
    canvas.toBlob((blob) => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(blob);
      link.download = name.replace(/[^\p{L}\p{N}._-]+/gu, "_").slice(0, 80) + ".png";
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60e3);
    });
  }
  function shapes(pen, svg, box, top) {
    const own = svg.getBoundingClientRect(), seen = svg.viewBox.baseVal, to = new DOMMatrix();
    to.translateSelf(own.x - box.x, own.y - box.y + top).scaleSelf(own.width / seen.width, own.height / seen.height).translateSelf(-seen.x, -seen.y);
    pen.save();
    pen.beginPath(); pen.rect(own.x - box.x, own.y - box.y + top, own.width, own.height); pen.clip();
    for (const shape of svg.querySelectorAll("path, line:not(.cursor)")) {
      const style = getComputedStyle(shape), line = ["x1", "y1", "x2", "y2"].map((name) => shape.getAttribute(name)), path = new Path2D();
      path.addPath(new Path2D(shape.getAttribute("d") || `M${line[0]} ${line[1]}L${line[2]} ${line[3]}`), to);
      pen.lineCap = pen.lineJoin = "round"; pen.lineWidth = parseFloat(style.strokeWidth); pen.setLineDash(style.strokeDasharray === "none" ? [] : style.strokeDasharray.split(/[ ,]+/).map(parseFloat));
      if (style.fill !== "none") { pen.globalAlpha = style.fillOpacity; pen.fillStyle = style.fill; pen.fill(path); }
      if (style.stroke !== "none") { pen.globalAlpha = style.strokeOpacity; pen.strokeStyle = style.stroke; pen.stroke(path); }
      pen.globalAlpha = 1;
    }
    pen.restore();
  }
})();
