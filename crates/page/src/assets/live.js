"use strict";
// Keeps a page up to date: swaps the parts of it that the server says have changed, and lets ages grow.
(() => {
  const body = document.body, status = document.getElementById("live");
  const filtered = document.querySelector("[data-filtered]"), own = location.pathname === "/" && !filtered;
  let address = body.dataset.live, source = null, asking = false, again = false, stale = 0, isFirst = true;

  const say = (text) => { if (status && status.textContent !== text) status.textContent = text; };

  // What is focused or opened stays so: it is found again by its address or name.
  const place = (element) => element && (element.id ? "#" + CSS.escape(element.id) : element.getAttribute("href") ? `[href="${CSS.escape(element.getAttribute("href"))}"]` : null);
  function swap(fresh) {
    const old = document.getElementById(fresh.id);
    if (!old || old.innerHTML === fresh.innerHTML) return;
    // Whoever reads a chart is not interrupted.
    if (old.querySelector("figure:focus, figure:hover")) return;
    const focused = old.contains(document.activeElement) ? place(document.activeElement) : null;
    const open = [...old.querySelectorAll("details[open]")].map(place).filter(Boolean);
    old.replaceWith(fresh);
    for (const each of open) { const details = fresh.querySelector(each); if (details) details.open = true; }
    if (focused) { const again = fresh.querySelector(focused); if (again) again.focus({ preventScroll: true }); }
    fresh.dispatchEvent(new CustomEvent("swapped", { bubbles: true }));
  }
  const parts = (text) => [...new DOMParser().parseFromString(text, "text/html").querySelectorAll("[data-fragment]")];

  // Other pages than the first, and filtered ones, ask for themselves again.
  async function ask() {
    if (asking) { again = true; return; }
    asking = true;
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" } });
      if (answer.redirected) out();
      else if (answer.ok) parts(await answer.text()).forEach(swap);
    } catch { /* the stream says that the server is away */ }
    asking = false;
    if (again) { again = false; setTimeout(ask, 1000); }
  }

  // Where pages lead to the form for signing in, nothing is live any more. What is typed here stays.
  function out() { close(); clearTimeout(stale); address = ""; say("signed out; sign in in another tab, or reload"); }

  // What goes on is asked for again while it does.
  setInterval(() => { if (!document.hidden && document.querySelector("[data-again]")) ask(); }, 3000);

  function listen() {
    if (!address || source || document.hidden) return;
    source = new EventSource(address);
    // What changed while nobody listened is in the first events of the first page; others ask.
    source.onopen = () => { clearTimeout(stale); say("live"); if (!isFirst && !own) ask(); isFirst = false; };
    source.onerror = () => { say("connection lost, trying again"); if (source && source.readyState === 2) { close(); stale = setTimeout(listen, 5000); ask(); } };
    source.addEventListener("part", (event) => own ? parts(JSON.parse(event.data)).forEach(swap) : ask());
    source.addEventListener("count", (event) => { const n = Number(event.data); document.title = document.title.replace(/^(\(\d+\) )?/, n ? `(${n}) ` : ""); });
  }
  function close() { if (source) { source.close(); source = null; } }
  // A browser keeps few connections to one server: pages that nobody sees give theirs back.
  document.addEventListener("visibilitychange", () => document.hidden ? close() : listen());
  addEventListener("pagehide", close);
  addEventListener("pageshow", listen);
  listen();

  // A form that is checked while it is typed: what the answer says of the text is swapped, the text is left alone.
  const form = document.querySelector("form[data-checked]"), preview = document.getElementById("preview");
  let typed = 0, sent = 0;
  async function check() {
    const own = ++sent, fields = new URLSearchParams(new FormData(form));
    fields.set("step", "check");
    try {
      const answer = await fetch(form.getAttribute("action"), { method: "POST", body: fields, headers: { accept: "text/html" } });
      const text = await answer.text();
      if (answer.redirected) out();
      else if (own === sent) parts(text).forEach(swap);
    } catch { /* the button asks again */ }
  }
  if (form) form.addEventListener("input", (event) => {
    if (event.target.name !== "text") return;
    clearTimeout(typed);
    typed = setTimeout(check, 500);
    if (preview && !preview.querySelector(".old")) {
      const note = document.createElement("p");
      note.className = "notice old"; note.textContent = "The text has changed since this was previewed.";
      preview.prepend(note);
    }
  });

  // An expression is completed where it is typed: the names of series, one step of the tree at a time, and of functions.
  const completed = document.querySelectorAll("[data-completed]"), names = document.getElementById("series");
  let functions = null, asked = 0, waiting = 0;
  async function complete(input) {
    const own = ++asked, whole = input.value.slice(0, input.selectionStart), word = /[^\s(),"'=]*$/.exec(whole)[0];
    const before = whole.slice(0, whole.length - word.length), rest = input.value.slice(whole.length);
    try {
      const get = async (path) => { const answer = await fetch(path); return answer.ok ? answer.json() : null; };
      functions ??= Object.keys(await get("/functions") || {});
      const found = await get("/metrics/find?format=completer&query=" + encodeURIComponent(word));
      if (own !== asked) return;
      const all = [...(found ? found.metrics : []).map((metric) => metric.path).filter(Boolean), ...functions.filter((name) => word && name.startsWith(word)).map((name) => name + "(")];
      names.replaceChildren(...all.slice(0, 50).map((name) => { const option = document.createElement("option"); option.value = before + name + rest; return option; }));
    } catch { /* what is typed stays */ }
  }
  for (const input of completed) input.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(complete, 150, input); });

  // The server's clock may be another than this machine's.
  const main = document.querySelector("[data-now]"), offset = main ? Number(main.dataset.now) - Date.now() : 0;
  const span = (ms) => ms < 6e4 ? Math.floor(ms / 1e3) + "s" : ms < 36e5 ? Math.floor(ms / 6e4) + "m" : ms < 1728e5 ? Math.floor(ms / 36e5) + "h" : Math.floor(ms / 864e5) + "d";
  setInterval(() => {
    if (!document.hidden) for (const time of document.querySelectorAll("time:not(.full)")) {
      const at = Date.parse(time.dateTime), now = Date.now() + offset;
      const text = span(Math.max(0, time.classList.contains("until") ? at - now : now - at));
      if (!Number.isNaN(at) && time.textContent !== text) time.textContent = text;
    }
  }, 5000);
})();
