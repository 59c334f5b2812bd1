// The page says everything without this. What this adds: it stays up to date, it filters as you
// type, and its buttons do their work without leaving it.
"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  document.documentElement.classList.add("scripted");

  // morph makes the children of one element like those of another. Elements with an id are the
  // same element before and after, so that focus, selection and what a screen reader has said
  // stay where they are.
  function morph(from, to) {
    for (const { name } of [...from.attributes]) {
      if (!to.hasAttribute(name) && !(name === "open" && from.nodeName === "DETAILS")) from.removeAttribute(name);
    }
    for (const { name, value } of to.attributes) if (from.getAttribute(name) !== value) from.setAttribute(name, value);
    const keyed = new Map();
    for (const child of from.children) if (child.id) keyed.set(child.id, child);
    let at = from.firstChild;
    for (const wanted of [...to.childNodes]) {
      const same = wanted.id ? keyed.get(wanted.id) : at && !at.id && at.nodeName === wanted.nodeName ? at : null;
      if (!same) {
        const added = document.importNode(wanted, true);
        if (added.nodeType === Node.ELEMENT_NODE && added.matches(".alert")) added.classList.add("fresh");
        from.insertBefore(added, at);
        continue;
      }
      if (same !== at) from.insertBefore(same, at);
      else at = at.nextSibling;
      if (same.nodeType === Node.ELEMENT_NODE) morph(same, wanted);
      else if (same.nodeValue !== wanted.nodeValue) same.nodeValue = wanted.nodeValue;
    }
    while (at) {
      const next = at.nextSibling;
      at.remove();
      at = next;
    }
  }

  // refresh fetches the page anew and changes what differs: one at a time, and once more when it is
  // asked for meanwhile.
  let asking = false;
  let again = false;
  async function refresh() {
    again = asking;
    if (asking) return;
    asking = true;
    do {
      again = false;
      try {
        await read();
      } catch {
        setTimeout(soon, 3000);
      }
    } while (again);
    asking = false;
  }
  async function read() {
    const answer = await fetch(location.pathname + location.search, { headers: { Accept: "text/html" }, signal: AbortSignal.timeout(10000) });
    if (!answer.ok) throw new Error(answer.statusText);
    const next = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const section of document.querySelectorAll("[data-live]")) {
      const wanted = next.getElementById(section.id);
      if (wanted) morph(section, wanted);
    }
    document.title = next.title;
    lastRead = Date.now();
    showLink();
  }

  // soon refreshes in a moment; what comes in the meantime is one refresh. A page that nobody
  // sees waits.
  let waiting = null;
  let lastRead = Date.now();
  function soon() {
    if (waiting || document.hidden) return;
    const pause = Math.max(120, 1000 - (Date.now() - lastRead));
    waiting = setTimeout(() => { waiting = null; refresh(); }, pause);
  }
  document.addEventListener("visibilitychange", () => { if (!document.hidden) soon(); });

  let connected = false;
  let everConnected = false;
  function showLink() {
    const link = $("link");
    link.classList.toggle("live", connected);
    link.classList.toggle("lost", everConnected && !connected);
    const time = new Date(lastRead).toLocaleTimeString(undefined, { hourCycle: "h23" });
    $("link-text").textContent = connected ? `live, ${time}` : everConnected ? `connection lost, as of ${time}` : `as of ${time}`;
  }

  function listen() {
    const events = new EventSource("/api/v1/events");
    events.onopen = () => { connected = everConnected = true; showLink(); soon(); };
    events.onerror = () => {
      connected = false;
      showLink();
      if (events.readyState === EventSource.CLOSED) { events.close(); setTimeout(listen, 5000); }
    };
    events.addEventListener("transition", (event) => {
      const t = JSON.parse(event.data);
      $("announce").textContent = `${t.status}: ${t.summary || t.rule} ${t.doc_id || t.server}`;
      soon();
    });
    events.addEventListener("board", (event) => {
      const of = document.body.dataset.server; // a story is of one server alone
      if (!of || JSON.parse(event.data).server === of) soon();
    });
    events.addEventListener("delivery", soon);
    events.addEventListener("said", soon);
    events.addEventListener("config", soon);
  }
  listen();

  // Links that only change the table keep the place on the page.
  function go(href, replace) {
    history[replace ? "replaceState" : "pushState"](null, "", href);
    showQuery();
    refresh();
  }
  // showQuery puts what the address says into the form, but never over what is being typed.
  function showQuery() {
    if (!$("filter")) return;
    const query = new URLSearchParams(location.search);
    for (const [name, otherwise] of [["q", ""], ["server", ""], ["sort", "state"]]) {
      const field = $("filter").elements[name];
      if (field && field !== document.activeElement) field.value = query.get(name) ?? otherwise;
    }
  }
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-nav]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    // All these links keep what is searched for; what has just been typed may not be in them yet.
    const to = new URL(link.href);
    const text = new URLSearchParams(location.search).get("q");
    if (text) to.searchParams.set("q", text);
    else to.searchParams.delete("q");
    go(to.href);
  });
  addEventListener("popstate", () => { showQuery(); refresh(); });

  const filter = $("filter");
  function find(names) {
    const query = new URLSearchParams(location.search);
    for (const name of names) {
      const value = filter.elements[name]?.value.trim();
      if (value) query.set(name, value);
      else query.delete(name);
    }
    if (query.get("sort") === "state") query.delete("sort");
    query.delete("page");
    go("/?" + query, true);
  }
  filter?.addEventListener("input", (event) => find(["q", event.target.name]));
  filter?.addEventListener("submit", (event) => { event.preventDefault(); find(["q", "server"]); });

  let toasting = null;
  function toast(text) {
    const box = $("toast");
    box.textContent = text;
    box.hidden = false;
    clearTimeout(toasting);
    toasting = setTimeout(() => { box.hidden = true; }, 5000);
  }
  // Who acts is said once, and remembered.
  const me = $("me");
  if (me) {
    try { me.value = localStorage.getItem("me") ?? ""; } catch { /* nothing may be kept here */ }
    me.addEventListener("change", () => {
      try { localStorage.setItem("me", me.value.trim()); } catch { /* then it is said each time */ }
    });
  }
  // filled is what a form says: by the button that was pressed, in the name of who acts, and with
  // times of this place turned into those of the server.
  function filled(form, button) {
    const sent = new URLSearchParams(new FormData(form, button));
    if (me?.value.trim()) sent.set(form.dataset.name ?? "created_by", me.value.trim());
    const until = sent.get("ends_at");
    if (until) sent.set("ends_at", new Date(until).toISOString());
    return sent;
  }
  document.addEventListener("submit", async (event) => {
    const form = event.target.closest("form[data-post]");
    if (!form) return;
    event.preventDefault();
    const button = event.submitter;
    const sent = filled(form, button);
    button.disabled = true;
    try {
      const answer = await fetch(form.action, { method: "POST", headers: { Accept: "application/json" }, body: sent });
      const said = await answer.json();
      toast(answer.ok ? [form.dataset.post, ...(said.warnings ?? [])].join("; but ") : said.detail);
      if (answer.ok) {
        const around = form.closest("details");
        if (around?.open) { around.open = false; around.querySelector("summary").focus(); form.reset(); }
        refresh();
      }
    } catch {
      toast("the daemon cannot be reached");
    } finally {
      button.disabled = false;
    }
  });

  // Times are told anew while nothing happens. The words are those of the server.
  const units = [[172800, 86400, "days"], [3600, 3600, "h"], [60, 60, "min"], [1, 1, "s"]];
  function ago(seconds) {
    const distance = Math.abs(seconds);
    const [, size, unit] = units.find(([from]) => distance >= from) ?? [0, 1, ""];
    if (!unit) return "now";
    const text = `${Math.floor(distance / size)} ${unit}`;
    return seconds < 0 ? `in ${text}` : `${text} ago`;
  }
  setInterval(() => {
    for (const time of document.querySelectorAll("time[data-ago]")) {
      const seconds = (Date.now() - Date.parse(time.dateTime)) / 1000;
      const text = ago(time.dataset.ago === "next" ? Math.min(seconds, 0) : seconds);
      if (time.textContent !== text) time.textContent = text;
    }
  }, 1000);
})();
