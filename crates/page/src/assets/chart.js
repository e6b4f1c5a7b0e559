"use strict";
// Charts by keyboard, pointer and ear: arrows move a cursor, a live region reads it, shift and arrows zoom. The drawing is the
// server's; this moves its view box.
(() => {
  const ROWS = 50, WIDTH = 1000, HEIGHT = 200, EDGE = 5;
  const number = (x) => x === null || x === undefined ? "no value" : Math.abs(x) >= 1e9 || (x !== 0 && Math.abs(x) < 1e-4) ? x.toExponential(3) : String(Number(x.toPrecision(6)));
  const moment = (at) => new Date(at).toISOString().slice(0, 19).replace("T", " ");
  const short = (at, length) => length >= 1728e5 ? moment(at).slice(5, 16) : length >= 6e5 ? moment(at).slice(11, 16) : moment(at).slice(11);

  const usual = ([low, high] = [null, null]) => low === null && high === null ? "" : "; usual" + (low === null ? "" : " from " + number(low)) + (high === null ? "" : " to " + number(high));

  function start(figure) {
    if (figure.dataset.ready) return;
    figure.dataset.ready = "yes";
    const { times, lines, band, findings } = JSON.parse(figure.dataset.chart);
    if (!times.length) return;
    const svg = figure.querySelector(".plot svg"), read = figure.querySelector(".read"), labels = figure.querySelectorAll(".x span");
    const links = [...document.querySelectorAll("a[data-span]")].map((link) => [link, link.href]);
    const found = new Set(findings), first = times[0], whole = Math.max(1, times[times.length - 1] - first);
    let at = null, from = 0, to = times.length - 1, timer = 0, drag = null;

    const shape = (name, kind) => { const made = document.createElementNS("http://www.w3.org/2000/svg", name); made.setAttribute("class", kind); svg.append(made); return made; };
    const cursor = shape("line", "cursor"), selection = shape("rect", "selection");
    cursor.setAttribute("y1", 0); cursor.setAttribute("y2", HEIGHT);
    selection.setAttribute("height", HEIGHT); selection.setAttribute("width", 0);
    const x = (index) => (times[index] - first) / whole * WIDTH;
    const sentence = () => moment(times[at]) + ": " + lines.map((line) => line.name + " " + number(line.values[at])).join(", ") + (found.has(at) ? ", finding" : "") + usual(band[at]);

    // What is read waits for the last of many key strokes; what is seen does not.
    function show(quietly) {
      cursor.setAttribute("x1", x(at)); cursor.setAttribute("x2", x(at));
      figure.dataset.at = at;
      clearTimeout(timer);
      if (quietly) read.textContent = sentence(); else timer = setTimeout(() => { read.textContent = sentence(); }, 120);
    }
    function view(low, high) {
      [from, to] = [Math.max(0, Math.min(low, times.length - 2)), Math.min(times.length - 1, Math.max(high, low + 1))];
      if (times.length < 2) return;
      const [left, right] = [x(from), x(to)], length = times[to] - times[from];
      svg.setAttribute("viewBox", `${left} 0 ${Math.max(right - left, 1e-6)} ${HEIGHT}`);
      [times[from], (times[from] + times[to]) / 2, times[to]].forEach((time, nth) => { if (labels[nth]) labels[nth].textContent = short(time, length) + (nth === 2 ? " UTC" : ""); });
      aim();
    }
    // Links that ask for a span of time ask for the one that is zoomed into.
    function aim() {
      const all = from === 0 && to === times.length - 1;
      for (const [link, whole] of links) {
        const there = new URL(whole);
        if (!all) [["from", from], ["to", to]].forEach(([name, index]) => there.searchParams.set(name, new Date(times[index]).toISOString()));
        link.href = there.href;
        if (link.dataset.span) link.hidden = all;
      }
    }
    function move(to_) {
      at = Math.max(0, Math.min(times.length - 1, to_));
      if (at < from) view(at, at + to - from);
      if (at > to) view(at - to + from, at);
      show(false);
    }
    function zoom(factor) {
      const middle = at === null ? (from + to) / 2 : at, width = Math.max(2, Math.min(times.length - 1, (to - from) * factor));
      const low = Math.max(0, Math.min(times.length - 1 - width, middle - width / 2));
      view(Math.round(low), Math.round(low + width));
    }
    const nextFinding = (step) => {
      for (let i = (at === null ? (step > 0 ? -1 : times.length) : at) + step; i >= 0 && i < times.length; i += step) if (found.has(i)) return i;
      return at === null ? times.length - 1 : at;
    };
    figure.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const here = at === null ? times.length : at, page = Math.max(1, Math.round((to - from) / 10));
      const done = {
        ArrowLeft: () => event.shiftKey ? zoom(2) : move(here - 1), ArrowRight: () => event.shiftKey ? zoom(.5) : move(at === null ? times.length - 1 : here + 1),
        ArrowUp: () => zoom(.5), ArrowDown: () => zoom(2), Home: () => move(0), End: () => move(times.length - 1),
        PageUp: () => move(here - page), PageDown: () => move(here + page), n: () => move(nextFinding(1)), p: () => move(nextFinding(-1)), Escape: () => view(0, times.length - 1),
      }[event.key];
      if (done) { event.preventDefault(); done(); }
    });
    figure.addEventListener("focus", () => { if (at === null && !read.textContent) read.textContent = "Arrows move, n and p go to findings, shift and arrows zoom, escape shows all."; });

    const near = (event) => {
      const box = svg.getBoundingClientRect(), time = times[from] + (event.clientX - box.left) / box.width * (times[to] - times[from]);
      let [low, high] = [0, times.length - 1];
      while (high - low > 1) { const middle = (low + high) >> 1; if (times[middle] < time) low = middle; else high = middle; }
      return time - times[low] < times[high] - time ? low : high;
    };
    svg.addEventListener("pointermove", (event) => {
      at = near(event); show(true);
      if (drag !== null) { const [a, b] = [x(Math.min(drag, at)), x(Math.max(drag, at))]; selection.setAttribute("x", a); selection.setAttribute("width", b - a); }
    });
    svg.addEventListener("pointerdown", (event) => { if (event.pointerType === "mouse") { drag = near(event); svg.setPointerCapture(event.pointerId); } });
    svg.addEventListener("pointerup", (event) => {
      const end = near(event);
      if (drag !== null && Math.abs(end - drag) > 1) view(Math.min(drag, end), Math.max(drag, end));
      drag = null; selection.setAttribute("width", 0);
    });
    svg.addEventListener("dblclick", () => view(0, times.length - 1));
    const table = document.getElementById(figure.getAttribute("aria-details"));
    if (table) pages(table);
  }

  // Other limits as a handle: the band moves with it, and a voice says how often the rule would have fired.
  function handle(place) {
    if (place.dataset.ready) return;
    place.dataset.ready = "yes";
    const { choices, current } = JSON.parse(place.dataset.limits), figure = document.getElementById("chart");
    const input = document.createElement("input"), said = document.createElement("output"), rows = place.querySelectorAll("tbody tr");
    Object.assign(input, { type: "range", min: 0, max: choices.length - 1, value: current, id: "limit" });
    input.setAttribute("aria-label", "Limits, from lax to strict");
    said.htmlFor = "limit";
    place.querySelector("h3").after(input, said);
    const show = () => {
      const choice = choices[input.value];
      said.textContent = choice.text;
      input.setAttribute("aria-valuetext", choice.text);
      rows.forEach((row, nth) => { row.className = nth === Number(input.value) ? "chosen" : ""; });
      if (figure) band(figure, choice);
    };
    input.addEventListener("input", show);
    show();
  }
  // The band between fixed edges, or between parts of the baseline; edges that are not watched lie beyond the drawing.
  function band(figure, choice) {
    const area = figure.querySelector(".plot .band"), { times, lines, low, high } = JSON.parse(figure.dataset.chart);
    const base = lines.find((line) => line.name === "baseline"), length = Math.max(1, times[times.length - 1] - times[0]);
    if (!area || [choice.low, choice.high, choice.lowFactor, choice.highFactor].every((edge) => edge === null)) return;
    const y = (value) => HEIGHT - EDGE - (Math.max(low, Math.min(high, value)) - low) / (high - low) * (HEIGHT - 2 * EDGE);
    const edge = (fixed, factor, other, at) => fixed !== null ? fixed : factor === null ? other : base && base.values[at] !== null ? base.values[at] * factor : null;
    let path = "", above = [], below = [];
    const close = () => { if (above.length) path += "M" + below.concat(above.reverse()).join("L") + "Z"; above = []; below = []; };
    times.forEach((time, at) => {
      const [bottom, top] = [edge(choice.low, choice.lowFactor, low, at), edge(choice.high, choice.highFactor, high, at)], x = (time - times[0]) / length * WIDTH;
      if (bottom === null || top === null) return close();
      below.push(x + " " + y(bottom)); above.push(x + " " + y(top));
    });
    close();
    area.setAttribute("d", path);
  }

  // A long table is shown in pages.
  function pages(details) {
    const rows = [...details.querySelectorAll("tbody tr")];
    if (rows.length <= ROWS) return;
    const bar = document.createElement("p"), text = document.createElement("span");
    let page = 0;
    const last = Math.ceil(rows.length / ROWS) - 1;
    const show = (to) => {
      page = Math.max(0, Math.min(last, to));
      rows.forEach((row, nth) => { row.hidden = Math.floor(nth / ROWS) !== page; });
      text.textContent = ` rows ${page * ROWS + 1} to ${Math.min(rows.length, (page + 1) * ROWS)} of ${rows.length} `;
    };
    for (const [name, step] of [["Newer", -1], ["Older", 1]]) {
      const button = document.createElement("button");
      button.type = "button"; button.className = "plain"; button.textContent = name;
      button.addEventListener("click", () => show(page + step));
      bar.append(button);
    }
    text.setAttribute("role", "status");
    bar.append(text);
    details.append(bar);
    show(0);
  }

  const all = () => { document.querySelectorAll("figure[data-chart]").forEach(start); document.querySelectorAll("[data-limits]").forEach(handle); };
  document.addEventListener("swapped", all);
  all();
})();
