"use strict";
// Charts by keyboard, pointer and ear: arrows move a cursor, a live region reads it, shift and arrows zoom. The drawing is the
// server's; this moves its view box. A report of `lanner detect` has this script too: it hands a figure its numbers as `figure.chart`,
// is told by `viewed` which time is shown, and asks for another by `view`.
(() => {
  const ROWS = 50, WIDTH = 1000, HEIGHT = 200, EDGE = 5;
  const number = (x) => x === null || x === undefined ? "no value" : Math.abs(x) >= 1e12 ? (x > 0 ? "∞" : "−∞")
    : Math.abs(x) >= 1e9 || (x !== 0 && Math.abs(x) < 1e-4) ? x.toExponential(3) : String(Number(x.toPrecision(6)));
  const usual = ([low, high] = [null, null]) => low === null && high === null ? "" : "; usual" + (low === null ? "" : " from " + number(low)) + (high === null ? "" : " to " + number(high));
  const range = (line, at) => number(line.values[at]) + (line.highest && line.highest[at] !== line.values[at] ? " to " + number(line.highest[at]) : "");
  const make = (name, text, parent) => { const made = document.createElement(name); made.textContent = text; if (parent) parent.append(made); return made; };

  // By which clock moments are told: UTC, that of a zone, or the number of a line. Swedish writes times as ISO 8601 does.
  const two = "2-digit", clocks = {};
  function clock(name) {
    if (name === "lines") return { name: "", moment: (at) => "line " + at, short: (at) => "line " + Math.round(at) };
    const zone = name || "UTC";
    const format = clocks[zone] ??= new Intl.DateTimeFormat("sv-SE", { timeZone: zone, year: "numeric", month: two, day: two, hour: two, minute: two, second: two });
    const moment = (at) => format.format(at).replace(",", "") + (at % 1e3 ? "." + String((at % 1e3 + 1e3) % 1e3).padStart(3, "0") : "");
    return { name: " " + zone, moment, short: (at, length) => length >= 1728e5 ? moment(at).slice(5, 16) : length >= 6e5 ? moment(at).slice(11, 16) : moment(Math.round(at)).slice(11) };
  }

  function start(figure) {
    const data = figure.chart || (figure.dataset.chart && JSON.parse(figure.dataset.chart));
    if (figure.dataset.ready || !data || !data.times.length) return;
    figure.dataset.ready = "yes";
    const { times, lines, band, findings, says = [] } = data, { name, moment, short } = clock(data.clock);
    const plots = [...figure.querySelectorAll(".plot svg")], read = figure.querySelector(".read"), labels = figure.querySelectorAll(".x span");
    const links = [...document.querySelectorAll("a[data-span]")].map((link) => [link, link.href]);
    const [first, last] = data.span || [times[0], times[times.length - 1]], whole = Math.max(1, last - first), least = Math.min(whole, 2 * whole / Math.max(1, times.length - 1));
    const found = new Set(findings);
    let at = null, from = first, to = first + whole, timer = 0, drag = null;

    const shape = (svg, name, kind) => { const made = document.createElementNS(svg.namespaceURI, name); made.setAttribute("class", kind); svg.append(made); return made; };
    const height = (svg) => svg.viewBox.baseVal.height;
    const cursors = plots.map((svg) => { const made = shape(svg, "line", "cursor"); made.setAttribute("y1", 0); made.setAttribute("y2", height(svg)); return made; });
    const selections = plots.map((svg) => { const made = shape(svg, "rect", "selection"); made.setAttribute("height", height(svg)); made.setAttribute("width", 0); return made; });
    const x = (time) => (time - first) / whole * WIDTH;
    const told = (index) => says.filter(([from, to]) => from <= times[index] && times[index] <= to).map((it) => ", finding: " + it[2]).join("") || (found.has(index) ? ", finding" : "");
    const sentence = () => moment(times[at]) + ": " + lines.map((line) => line.name + " " + range(line, at)).join(", ") + told(at) + usual(band[at]);
    const nearest = (time) => {
      let [low, high] = [0, times.length - 1];
      while (high - low > 1) { const middle = (low + high) >> 1; if (times[middle] < time) low = middle; else high = middle; }
      return time - times[low] < times[high] - time ? low : high;
    };

    // What is read waits for the last of many key strokes; what is seen does not.
    function show(quietly) {
      for (const cursor of cursors) { cursor.setAttribute("x1", x(times[at])); cursor.setAttribute("x2", x(times[at])); }
      figure.dataset.at = at;
      clearTimeout(timer);
      if (quietly) read.textContent = sentence(); else timer = setTimeout(() => { read.textContent = sentence(); }, 120);
    }
    const isWhole = () => from <= first && to >= first + whole;
    function view(low, high) {
      const width = Math.min(whole, Math.max(high - low, least));
      from = Math.max(first, Math.min(low, first + whole - width));
      to = from + width;
      for (const svg of plots) svg.setAttribute("viewBox", `${x(from)} 0 ${x(to) - x(from)} ${height(svg)}`);
      [from, (from + to) / 2, to].forEach((time, nth) => { if (labels[nth]) labels[nth].textContent = short(time, to - from) + (nth === 2 ? name : ""); });
      aim();
      figure.dispatchEvent(new CustomEvent("viewed", { bubbles: true, detail: { from, to, isWhole: isWhole() } }));
    }
    // Links that ask for a span of time ask for the one that is zoomed into.
    function aim() {
      const all = isWhole();
      for (const [link, whole] of links) {
        const there = new URL(whole);
        if (!all) [["from", from], ["to", to]].forEach(([name, time]) => there.searchParams.set(name, new Date(Math.round(time)).toISOString()));
        link.href = there.href;
        if (link.dataset.span) link.hidden = all;
      }
    }
    function move(to_) {
      at = Math.max(0, Math.min(times.length - 1, to_));
      if (times[at] < from) view(times[at], times[at] + to - from);
      if (times[at] > to) view(times[at] - to + from, times[at]);
      show(false);
    }
    function zoom(factor) {
      const middle = at === null ? (from + to) / 2 : times[at], width = (to - from) * factor;
      view(middle - width / 2, middle + width / 2);
    }
    const nextFinding = (step) => {
      for (let i = (at === null ? (step > 0 ? -1 : times.length) : at) + step; i >= 0 && i < times.length; i += step) if (found.has(i)) return i;
      return at === null ? times.length - 1 : at;
    };
    figure.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const here = at === null ? times.length : at, page = Math.max(1, Math.round((nearest(to) - nearest(from)) / 10));
      const done = {
        ArrowLeft: () => event.shiftKey ? zoom(2) : move(here - 1), ArrowRight: () => event.shiftKey ? zoom(.5) : move(at === null ? times.length - 1 : here + 1),
        ArrowUp: () => zoom(.5), ArrowDown: () => zoom(2), Home: () => move(0), End: () => move(times.length - 1),
        PageUp: () => move(here - page), PageDown: () => move(here + page), n: () => move(nextFinding(1)), p: () => move(nextFinding(-1)), Escape: () => view(first, first + whole),
      }[event.key];
      if (done) { event.preventDefault(); done(); }
    });
    figure.addEventListener("focus", () => { if (at === null && !read.textContent) read.textContent = "Arrows move, n and p go to findings, shift and arrows zoom, escape shows all."; });
    figure.addEventListener("view", ({ detail }) => view(detail.from, detail.to));

    for (const svg of plots) {
      const near = (event) => {
        const box = svg.getBoundingClientRect();
        return nearest(from + (event.clientX - box.left) / box.width * (to - from));
      };
      const select = (a, b) => { for (const made of selections) { made.setAttribute("x", Math.min(a, b)); made.setAttribute("width", Math.abs(b - a)); } };
      svg.addEventListener("pointermove", (event) => {
        at = near(event); show(true);
        if (drag !== null) select(x(times[drag]), x(times[at]));
      });
      svg.addEventListener("pointerdown", (event) => { if (event.pointerType === "mouse") { drag = near(event); svg.setPointerCapture(event.pointerId); } });
      svg.addEventListener("pointerup", (event) => {
        const end = near(event);
        if (drag !== null && Math.abs(end - drag) > 1) view(times[Math.min(drag, end)], times[Math.max(drag, end)]);
        drag = null; select(0, 0);
      });
      svg.addEventListener("dblclick", () => view(first, first + whole));
    }
    const table = document.getElementById(figure.getAttribute("aria-details"));
    if (table) pages(table, table.querySelector("tbody") ? hidden(table) : made(table, data, moment, told));
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

  // A long table is shown in pages. Its rows are the server's, of which a page is seen ...
  function hidden(details) {
    const rows = [...details.querySelectorAll("tbody tr")];
    return { length: rows.length, show: (from) => rows.forEach((row, nth) => { row.hidden = nth < from || nth >= from + ROWS; }) };
  }
  // ... or are made of the numbers when somebody looks at them, the newest first.
  function made(details, { times, lines, band }, moment, told) {
    const body = make("tbody", "", details.querySelector("table")), length = times.length, cell = (text, row, kind) => { make("td", text, row).className = kind; };
    const fill = (from) => {
      body.replaceChildren();
      for (let at = length - 1 - from; at >= 0 && at > length - 1 - from - ROWS; at--) {
        const row = make("tr", "", body);
        cell(moment(times[at]), row, "");
        for (const line of lines) cell(range(line, at), row, "n");
        for (const edge of band[at] || []) cell(edge === null ? "–" : number(edge), row, "n");
        cell(told(at).replace(/^, /, ""), row, "");
      }
    };
    let first = 0;
    details.addEventListener("toggle", () => { if (details.open) fill(first); else body.replaceChildren(); });
    return { length, show: (from) => { first = from; if (details.open) fill(from); } };
  }
  function pages(details, { length, show }) {
    if (length <= ROWS) return;
    const bar = document.createElement("p"), text = document.createElement("span"), last = Math.ceil(length / ROWS) - 1;
    let page = 0;
    const turn = (to) => {
      page = Math.max(0, Math.min(last, to));
      show(page * ROWS);
      text.textContent = ` rows ${page * ROWS + 1} to ${Math.min(length, (page + 1) * ROWS)} of ${length} `;
    };
    for (const [name, step] of [["Newer", -1], ["Older", 1]]) {
      const button = make("button", name, bar);
      button.type = "button"; button.className = "plain";
      button.addEventListener("click", () => turn(page + step));
    }
    text.setAttribute("role", "status");
    bar.append(text);
    details.append(bar);
    turn(0);
  }

  const all = () => { document.querySelectorAll("figure.chart").forEach(start); document.querySelectorAll("[data-limits]").forEach(handle); };
  document.addEventListener("swapped", all);
  all();
})();
