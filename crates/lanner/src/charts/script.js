"use strict";
(() => {
  const { head, series } = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const LEFT = 64, RIGHT = 10, LABELS = 18, MINUTE = 60e3, HOUR = 3600e3, DAY = 86400e3;

  const number = (x) => x === null || x === undefined ? "–" : Math.abs(x) >= 1e12 ? (x > 0 ? "∞" : "−∞")
    : Math.abs(x) >= 1e6 || (x !== 0 && Math.abs(x) < 1e-3) ? x.toExponential(3) : String(Number(x.toPrecision(6)));
  const plural = (n, word) => n.toLocaleString("en") + " " + word + (n === 1 ? "" : "s");

  // Swedish writes times as ISO 8601 does.
  const clock = head.has_times && new Intl.DateTimeFormat("sv-SE", { timeZone: head.zone || "UTC", year: "numeric", month: "2-digit",
    day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const iso = (at) => clock.format(new Date(at)).replace(",", "");
  const moment = (at) => head.has_times ? iso(at) + (at % 1e3 ? "." + String(((at % 1e3) + 1e3) % 1e3).padStart(3, "0") : "") : "line " + at;

  for (const one of series) {
    let at = 0;
    one.at = one.steps.map((step) => at += step);
    one.greatest = one.greatest || one.least;
    one.most = one.findings.reduce((most, finding) => Math.max(most, finding[2]), 0);
  }
  series.sort((a, b) => b.most - a.most);
  const drawn = series.filter((one) => one.at.length);
  const whole = drawn.reduce(([from, to], one) => [Math.min(from, one.at[0]), Math.max(to, one.at[one.at.length - 1])], [Infinity, -Infinity]);
  if (!drawn.length) [whole[0], whole[1]] = [0, 1];
  if (whole[1] <= whole[0]) whole[1] = whole[0] + 1;
  let view = whole.slice();

  // The first index whose time is not before `at`.
  const indexAt = (times, at) => {
    let [low, high] = [0, times.length];
    while (low < high) { const middle = (low + high) >> 1; if (times[middle] < at) low = middle + 1; else high = middle; }
    return low;
  };

  const TIME_STEPS = [1, 10, 100, 1e3, 5e3, 15e3, 30e3, MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY,
    2 * DAY, 7 * DAY, 14 * DAY, 30 * DAY, 90 * DAY, 365 * DAY, 1825 * DAY, 7300 * DAY];
  const niceStep = (span, count) => {
    const rough = span / count, power = 10 ** Math.floor(Math.log10(rough));
    return power * [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999);
  };
  const ticks = (low, high, step) => {
    const found = [];
    if (step > 0 && isFinite(step)) for (let k = Math.ceil(low / step); k * step <= high && found.length < 50; k++) found.push(k * step);
    return found;
  };
  const timeLabel = (at, step) => {
    if (!head.has_times) return String(Math.round(at));
    const text = iso(at);
    if (step >= DAY) return text.slice(0, 10);
    return text.slice(11, 16) === "00:00" ? text.slice(5, 10) : step >= MINUTE ? text.slice(11, 16) : moment(at).slice(11);
  };

  function holesOf(one) {
    const longest = one.holes.slice().sort((a, b) => (b[1] - b[0]) - (a[1] - a[0]))[0];
    if (!longest) return "";
    const more = one.holes.length > 1 ? ` and in ${plural(one.holes.length - 1, "more hole")}` : "";
    return `no values from ${moment(longest[0])} to ${moment(longest[1])}${more}`;
  }

  function element(name, text, parent) {
    const made = document.createElement(name);
    made.textContent = text;
    parent.append(made);
    return made;
  }

  const charts = series.map((one) => {
    const box = document.createElement("section"), title = element("h2", "", box);
    element("span", one.name, title);
    element("small", [one.findings.length ? plural(one.findings.length, "finding") : "", holesOf(one)].filter(Boolean).join(" – "), title);
    const save = element("button", "Save picture", title), canvas = element("canvas", "", box);
    save.type = "button";
    (one.findings.length ? byId("charts") : byId("quiet")).append(box);
    const chart = { one, canvas, visible: false, drag: null, hover: null };
    const atX = (event) => {
      const x = event.clientX - canvas.getBoundingClientRect().left, width = canvas.clientWidth - LEFT - RIGHT;
      return view[0] + Math.min(1, Math.max(0, (x - LEFT) / width)) * (view[1] - view[0]);
    };
    save.addEventListener("click", () => picture(chart));
    canvas.addEventListener("pointerdown", (event) => { chart.drag = [atX(event), atX(event)]; canvas.setPointerCapture(event.pointerId); });
    canvas.addEventListener("pointermove", (event) => {
      if (chart.drag) chart.drag[1] = atX(event);
      hover(chart, event, atX(event));
    });
    canvas.addEventListener("pointerup", () => {
      const drag = chart.drag && chart.drag.slice().sort((a, b) => a - b);
      chart.drag = null;
      if (drag && drag[1] - drag[0] > (view[1] - view[0]) / 200) zoom(drag); else draw(chart);
    });
    canvas.addEventListener("pointerleave", () => { chart.hover = null; byId("tip").style.display = "none"; draw(chart); });
    canvas.addEventListener("dblclick", () => zoom(whole));
    return chart;
  });

  function hover(chart, event, at) {
    const { one } = chart, tip = byId("tip");
    if (!one.at.length) return;
    let index = Math.min(indexAt(one.at, at), one.at.length - 1);
    if (index > 0 && at - one.at[index - 1] < one.at[index] - at) index--;
    chart.hover = index;
    const [least, greatest] = [one.least[index], one.greatest[index]];
    const lines = [moment(one.at[index]) + (one.together > 1 ? ` and ${one.together - 1} more` : ""),
      "value     " + (least === greatest ? number(least) : number(least) + " … " + number(greatest)),
      "expected  " + number(one.expected[index]),
      "usual     " + number(one.lower[index]) + " … " + number(one.upper[index]),
      (one.caption || "score").padEnd(10) + number(one.score[index])];
    for (const finding of one.findings) if (finding[0] <= at && at <= finding[1]) lines.push(finding[3]);
    tip.textContent = lines.join("\n");
    tip.style.display = "block";
    tip.style.left = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8) + "px";
    tip.style.top = Math.min(event.clientY + 14, innerHeight - tip.offsetHeight - 8) + "px";
    draw(chart);
  }

  function zoom(to) {
    view = [Math.max(whole[0], to[0]), Math.min(whole[1], to[1])];
    if (!(view[1] > view[0])) view = whole.slice();
    charts.forEach(draw);
  }

  // What is drawn, one entry a pixel at most: what falls on the same pixel is joined.
  function thin(one, x, width) {
    const from = Math.max(0, indexAt(one.at, view[0]) - 1), to = Math.min(one.at.length, indexAt(one.at, view[1]) + 2);
    const joins = to - from > 2 * width, points = [];
    for (let i = from; i < to; i++) {
      const px = joins ? Math.round(x(one.at[i])) : x(one.at[i]), last = points[points.length - 1];
      if (joins && last && last.px === px && one.least[i] !== null) {
        if (last.least === null || one.least[i] < last.least) last.least = one.least[i];
        if (last.greatest === null || one.greatest[i] > last.greatest) last.greatest = one.greatest[i];
        if (one.score[i] !== null && (last.score === null || one.score[i] > last.score))
          [last.score, last.expected, last.lower, last.upper] = [one.score[i], one.expected[i], one.lower[i], one.upper[i]];
      } else if (!joins || !last || last.px !== px) {
        points.push({ px, least: one.least[i], greatest: one.greatest[i], expected: one.expected[i], lower: one.lower[i],
          upper: one.upper[i], score: one.score[i] });
      }
    }
    return points;
  }

  function draw(chart) {
    if (!chart.visible) return;
    const { canvas } = chart, ratio = devicePixelRatio || 1, [w, h] = [canvas.clientWidth, canvas.clientHeight];
    if (!w || !h) return;
    if (canvas.width !== Math.round(w * ratio) || canvas.height !== Math.round(h * ratio)) {
      canvas.width = Math.round(w * ratio);
      canvas.height = Math.round(h * ratio);
    }
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, w, h);
    paint(pen, chart, w, h);
  }

  // The chart as it is seen now, with its name, at twice the size.
  function picture(chart) {
    const { canvas, one } = chart, [w, h] = [canvas.clientWidth, canvas.clientHeight], copy = document.createElement("canvas"), top = 24;
    [copy.width, copy.height] = [2 * w, 2 * (h + top)];
    const pen = copy.getContext("2d");
    pen.scale(2, 2);
    pen.fillStyle = colour("back"); pen.fillRect(0, 0, w, h + top);
    pen.fillStyle = colour("text"); pen.font = "bold 13px system-ui, sans-serif"; pen.fillText(one.name, LEFT, 16);
    pen.translate(0, top);
    paint(pen, { ...chart, hover: null, drag: null }, w, h);
    copy.toBlob((blob) => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(blob);
      link.download = one.name.replace(/[^\p{L}\p{N}._-]+/gu, "_").slice(0, 80) + ".png";
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60e3);
    });
  }

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name);

  // The values above, their scores below, and the times under both.
  function paint(pen, chart, w, h) {
    const { one } = chart, scores = [h - LABELS - 42, h - LABELS], values = [6, scores[0] - 10];
    const width = w - LEFT - RIGHT, x = (at) => LEFT + (at - view[0]) / (view[1] - view[0]) * width;
    const points = thin(one, x, width);
    pen.font = "11px system-ui, sans-serif";
    const limit = limitOf(one);
    let [low, high] = [Infinity, -Infinity], most = limit === null ? 0 : 2 * limit;
    for (const point of points) {
      for (const value of [point.least, point.greatest, point.expected])
        if (value !== null) { low = Math.min(low, value); high = Math.max(high, value); }
      if (point.score !== null) most = Math.max(most, limit === null ? point.score : Math.min(point.score, 10 * limit));
    }
    most = most || 1;
    if (!(high >= low)) [low, high] = [0, 1];
    const margin = (high - low) * 0.08 || Math.abs(high) * 0.1 || 1;
    low -= margin; high += margin;
    const y = (value) => values[1] - (value - low) / (high - low) * (values[1] - values[0]);
    const yScore = (score) => scores[1] - Math.max(0, Math.min(score, most)) / most * (scores[1] - scores[0]);
    const scale = { x, y, yScore, low, high, width, w, values, scores, limit, most, caption: one.caption || "score" };
    axes(pen, scale);
    pen.save();
    pen.beginPath(); pen.rect(LEFT, 0, width, scores[1] + 1); pen.clip();
    shades(pen, chart, scale);
    lines(pen, chart, points, scale);
    if (chart.hover !== null) {
      const px = x(one.at[chart.hover]);
      pen.strokeStyle = colour("text"); pen.globalAlpha = 0.5;
      pen.beginPath(); pen.moveTo(px, values[0]); pen.lineTo(px, scores[1]); pen.stroke();
    }
    pen.restore();
  }

  // The line through the lower curve; a series may have none.
  const limitOf = (one) => one.limit === undefined ? head.threshold : one.limit;

  function axes(pen, { x, y, yScore, low, high, width, w, values, scores, limit, most, caption }) {
    pen.strokeStyle = colour("line"); pen.fillStyle = colour("dim"); pen.lineWidth = 1;
    pen.textAlign = "right"; pen.textBaseline = "middle";
    for (const tick of ticks(low, high, niceStep(high - low, 4))) {
      pen.beginPath(); pen.moveTo(LEFT, y(tick)); pen.lineTo(w - RIGHT, y(tick)); pen.stroke();
      pen.fillText(number(tick), LEFT - 6, y(tick));
    }
    if (limit !== null) pen.fillText(caption + " " + number(limit), LEFT - 6, yScore(limit));
    else pen.fillText(number(Number(most.toPrecision(2))), LEFT - 6, scores[0] + 5);
    pen.textAlign = "center"; pen.textBaseline = "top";
    const span = view[1] - view[0], wanted = span / Math.max(2, width / 110);
    const step = head.has_times ? TIME_STEPS.find((step) => step >= wanted) || niceStep(span, 8) : Math.max(1, niceStep(span, width / 110));
    for (const tick of ticks(view[0], view[1], step)) {
      pen.beginPath(); pen.moveTo(x(tick), values[0]); pen.lineTo(x(tick), scores[1] + 3); pen.stroke();
      pen.fillText(timeLabel(tick, step), x(tick), scores[1] + 6);
    }
  }

  function shades(pen, { one, drag }, { x, values, scores }) {
    const shade = (name, alpha, stretches, bottom) => {
      pen.fillStyle = colour(name); pen.globalAlpha = alpha;
      for (const [from, to] of stretches)
        if (to >= view[0] && from <= view[1]) pen.fillRect(x(from) - 1, values[0], Math.max(2, x(to) - x(from) + 2), bottom - values[0]);
    };
    shade("known", 0.22, one.incidents, scores[1]);
    shade("dim", 0.12, one.holes, values[1]);
    shade("bad", 0.2, one.findings, scores[1]);
    if (drag) shade("value", 0.2, [drag.slice().sort((a, b) => a - b)], scores[1]);
    pen.globalAlpha = 1;
  }

  function lines(pen, { one }, points, { x, y, yScore, width, w, values, limit }) {
    // Runs of points that have `has`; a hole ends one.
    const holes = one.holes.map(([from, to]) => [x(from), x(to)]);
    const isHole = (from, to) => holes.some(([start, end]) => start >= from - 1 && end <= to + 1 && end - start > 2);
    const runs = (has, use) => {
      let run = [];
      for (const point of points) {
        if (run.length && (point[has] === null || isHole(run[run.length - 1].px, point.px))) { use(run); run = []; }
        if (point[has] !== null) run.push(point);
      }
      if (run.length) use(run);
    };
    const path = (run, at) => { pen.beginPath(); run.forEach((point) => pen.lineTo(point.px, at(point))); };
    const clipped = (value) => Math.max(-1e4, Math.min(1e4, y(value)));
    pen.save();
    pen.beginPath(); pen.rect(LEFT, 0, width, values[1] + 4); pen.clip();
    pen.fillStyle = colour("band"); pen.globalAlpha = 0.35;
    runs("lower", (run) => {
      path(run, (point) => clipped(point.upper));
      run.slice().reverse().forEach((point) => pen.lineTo(point.px, clipped(point.lower)));
      pen.fill();
    });
    pen.globalAlpha = 1;
    pen.strokeStyle = colour("expected"); pen.setLineDash([3, 3]);
    runs("expected", (run) => { path(run, (point) => clipped(point.expected)); pen.stroke(); });
    pen.setLineDash([]);
    pen.strokeStyle = pen.fillStyle = colour("value"); pen.lineWidth = 1.3;
    runs("least", (run) => {
      if (run.length === 1) return pen.fillRect(run[0].px - 1, y(run[0].greatest) - 1, 2, Math.max(2, y(run[0].least) - y(run[0].greatest)));
      pen.beginPath();
      run.forEach((point) => { pen.lineTo(point.px, y(point.greatest)); if (point.least !== point.greatest) pen.lineTo(point.px, y(point.least)); });
      pen.stroke();
    });
    pen.restore();
    pen.strokeStyle = colour("bad"); pen.lineWidth = 1.2;
    runs("score", (run) => { path(run, (point) => yScore(point.score)); pen.stroke(); });
    if (limit === null) return;
    pen.globalAlpha = 0.5; pen.setLineDash([4, 4]); pen.strokeStyle = colour("dim");
    pen.beginPath(); pen.moveTo(LEFT, yScore(limit)); pen.lineTo(w - RIGHT, yScore(limit)); pen.stroke();
    pen.setLineDash([]); pen.globalAlpha = 1;
  }

  // The most improbable first.
  const found = series.flatMap((one, index) => one.listed === false ? [] : one.findings.map((finding) => [index, ...finding])).sort((a, b) => b[3] - a[3] || a[1] - b[1]);
  for (const [index, from, to, score, what] of found.slice(0, 2000)) {
    const row = element("tr", "", byId("findings"));
    row.tabIndex = 0;
    [[number(Number(score.toPrecision(3))), "n"], [series[index].name, ""], [moment(from), "when"], [moment(to), "when to"], [what, "what"]].forEach(([text, kind]) => {
      element("td", text, row).className = kind;
    });
    const go = () => {
      const points = series[index].at, step = points.length > 1 ? (whole[1] - whole[0]) / points.length : 1;
      const around = Math.max(to - from, 60 * step);
      zoom([from - around, to + around]);
      charts[index].canvas.scrollIntoView({ block: "center" });
    };
    row.addEventListener("click", go);
    row.addEventListener("keydown", (event) => { if (event.key === "Enter") go(); });
  }
  const quiet = series.filter((one) => !one.findings.length).length, zone = head.has_times ? ` (${head.zone || "UTC"})` : "";
  byId("title").textContent = document.title = head.title;
  byId("summary").textContent = (head.summary || `${plural(found.length, "finding")} in ${series.length - quiet} of ${series.length} series, ${plural(head.rows, "row")}, `
    + `${moment(whole[0])} to ${moment(whole[1])}${zone}.`) + " " + head.note;
  for (const [name, value] of head.facts || []) {
    const row = element("tr", "", byId("facts").tBodies[0]);
    element("th", name, row);
    element("td", value, row);
  }
  byId("facts").hidden = !(head.facts || []).length;
  byId("known").hidden = !series.some((one) => one.incidents.length);
  byId("list").hidden = !found.length;
  byId("quiet").hidden = !quiet;
  byId("quiet").querySelector("summary").textContent = `${quiet} series without findings`;
  byId("quiet").open = !found.length && quiet <= 4;
  byId("all").addEventListener("click", () => zoom(whole));
  const watch = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      const chart = charts.find((chart) => chart.canvas === entry.target);
      chart.visible = entry.isIntersecting;
      draw(chart);
    }
  }, { rootMargin: "200px" });
  charts.forEach((chart) => watch.observe(chart.canvas));
  // On paper everything is seen at once, and nothing scrolls.
  addEventListener("beforeprint", () => {
    document.body.style.maxWidth = "720px";
    charts.forEach((chart) => { chart.visible = true; draw(chart); });
  });
  addEventListener("afterprint", () => { document.body.style.maxWidth = ""; charts.forEach(draw); });
  addEventListener("resize", () => charts.forEach(draw));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => charts.forEach(draw));
})();
