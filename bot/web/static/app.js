// The page's only script: takes questions to the server, puts turns into the thread, opens sources, moves weights.
// HTML comes from our own server, cleaned there; nothing here builds HTML out of text.
"use strict";
window.whichway = (() => {
  const ID = /^[\w-]{8,64}$/;
  const $ = (selector, within = document) => within.querySelector(selector);
  const reduced = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
  // Milliseconds. A refused request or a broken stream says nothing here: it shows in that no turn begins, or goes on.
  const BEGINS = 10_000, GOES_ON = 120_000;
  const state = { send: null, waiting: null, asked: 0, opened: null, returnTo: null };

  const fresh = () => [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");
  const remembered = (store, key) => {
    try {
      let value = store.getItem(key);
      if (!ID.test(value || "")) store.setItem(key, (value = fresh()));
      return value;
    } catch { return (state[key] ||= fresh()); }
  };
  const conversation = () => remembered(sessionStorage, "whichway-conversation");
  const reader = () => remembered(localStorage, "whichway-reader");

  async function get(path, options) {
    let response;
    try { response = await fetch(path, options); } catch { throw new Error("The server does not answer; is it still running?"); }
    if (response.ok) return response.text();
    let line = `The server answered ${response.status}.`;
    try { line = (await response.json()).error || line; } catch { /* no JSON: the status has to do */ }
    throw new Error(line);
  }
  const post = (path, body) => get(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  const say = (text) => { const said = $("#said"); if (said) said.textContent = text; };

  // Turns

  const placed = (key) => $(`#thread [data-turn="${CSS.escape(key)}"]`);

  function place(article) {
    const thread = $("#thread");
    const known = placed(article.dataset.turn);
    if (known) known.replaceWith(article); else thread.append(article);
    $("#whichway").dataset.empty = "false";
    $("#question").placeholder = "Ask a follow-up, or something new";
    const done = !article.classList.contains("pending");
    if (article.dataset.turn === state.waiting?.key) wait(done ? null : state.waiting, GOES_ON);
    if (!known) article.scrollIntoView({ block: "start", behavior: reduced() ? "auto" : "smooth" });
    else if (done) $(".asked", article)?.focus({ preventScroll: true });
  }

  function receive(element, watch) {
    watch("value", () => {
      for (const article of [...element.querySelectorAll("article")]) place(article);
      element.replaceChildren();
    });
  }

  function ask(question) {
    const text = question.trim();
    if (!text || state.waiting || !state.send) return;
    state.asked += 1;
    const key = `${fresh().slice(0, 8)}-${state.asked}`;
    wait({ key, text }, BEGINS);
    const box = $("#question");
    box.value = "";
    grow(box);
    closePanel(false);
    const about = new URLSearchParams(location.search).get("a") || "";
    state.send({ question: text, key, conversation: conversation(), about });
  }

  function wait(asked, most) {
    clearTimeout(state.waiting?.timer);
    state.waiting = asked && { ...asked, timer: setTimeout(giveUp, most) };
    $(".send").disabled = Boolean(asked);
  }

  function giveUp() {
    const { key, text } = state.waiting, box = $("#question");
    wait(null);
    placed(key)?.remove();
    box.value ||= text;
    grow(box);
    fail("No answer came: the server is busy, or was stopped. Ask again in a moment.");
  }

  async function show(path) {
    const parsed = new DOMParser().parseFromString(await get(path), "text/html");
    for (const article of [...parsed.querySelectorAll("article")]) place(document.adoptNode(article));
  }

  async function restore() {
    const query = new URLSearchParams(location.search);
    const wanted = query.get("a");
    try {
      if (wanted) {
        await show(`ui/answers/${encodeURIComponent(wanted)}`);
        if (query.get("c")) await openPanel(wanted, query.get("c"), null);
      } else if (sessionStorage.getItem("whichway-conversation")) await show(`ui/conversations/${conversation()}`);
    } catch (error) { fail(error.message); }
  }

  function fail(line) {
    const note = document.createElement("p");
    note.className = "notice";
    note.setAttribute("role", "alert");
    note.textContent = line;
    $("#thread").append(note);
    note.scrollIntoView({ block: "nearest" });
  }

  // Sources

  async function openPanel(answer, n, invoker) {
    const page = $("#whichway"), panel = $("#panel"), body = $("#panel-body");
    try {
      body.innerHTML = await get(`ui/answers/${encodeURIComponent(answer)}/citations/${encodeURIComponent(n)}`);
    } catch (error) { return fail(error.message); }
    if (invoker) state.returnTo = invoker;
    const source = $(".source", body);
    state.opened = { answer, n: Number(n), numbers: source.dataset.numbers.split(",").map(Number) };
    panel.hidden = false;
    page.dataset.panel = "open";
    const at = state.opened.numbers.indexOf(state.opened.n);
    $('[data-do="previous"]', panel).disabled = at <= 0;
    $('[data-do="next"]', panel).disabled = at >= state.opened.numbers.length - 1;
    for (const link of document.querySelectorAll(".cite[aria-current]")) link.removeAttribute("aria-current");
    for (const link of document.querySelectorAll(".cite[data-cite]"))
      if (link.dataset.answer === answer && Number(link.dataset.cite) === state.opened.n) link.setAttribute("aria-current", "true");
    $("#panel-title").focus({ preventScroll: true });
    body.scrollTop = 0;
    const mark = $("mark", body);
    if (mark) {
      const top = mark.getBoundingClientRect().top - body.getBoundingClientRect().top;
      if (top > body.clientHeight * 0.6) body.scrollTo({ top: top - body.clientHeight / 3, behavior: reduced() ? "auto" : "smooth" });
    }
  }

  function closePanel(focus = true) {
    const panel = $("#panel");
    if (!panel || panel.hidden) return;
    panel.hidden = true;
    delete $("#whichway").dataset.panel;
    for (const link of document.querySelectorAll(".cite[aria-current]")) link.removeAttribute("aria-current");
    if (focus && state.returnTo?.isConnected) state.returnTo.focus();
    state.opened = state.returnTo = null;
  }

  function step(by) {
    if (!state.opened) return;
    const next = state.opened.numbers[state.opened.numbers.indexOf(state.opened.n) + by];
    if (next !== undefined) openPanel(state.opened.answer, next, null);
  }

  // Weights

  const weightsOf = (turn) => Object.fromEntries([...turn.querySelectorAll("[data-criterion]")].map((i) => [i.dataset.criterion, Number(i.value)]));
  const words = (w) => (w <= 0 ? "ignored" : w <= 0.75 ? "matters a little" : w <= 1.25 ? "matters" : w <= 2.25 ? "matters a lot" : "decides");

  function relabel(input) {
    const row = input.closest("tr");
    $("output", row).textContent = words(Number(input.value));
    input.setAttribute("aria-valuetext", words(Number(input.value)));
    row.toggleAttribute("data-ignored", Number(input.value) === 0);
  }

  async function weigh(turn) {
    const ticket = (turn.weighing = (turn.weighing || 0) + 1);
    const weights = weightsOf(turn);
    const record = $('[data-do="record"]', turn);
    if (record) record.href = `${record.href.split("?")[0]}?w=${encodeURIComponent(Object.entries(weights).map(([c, w]) => `${c}:${w}`).join(","))}`;
    try {
      const html = await post(`ui/answers/${encodeURIComponent(turn.dataset.answer)}/verdict`, { weights });
      if (ticket !== turn.weighing) return;
      const card = new DOMParser().parseFromString(html, "text/html").body.firstElementChild;
      const old = $(".verdict", turn);
      if (!card || !old) return;
      old.replaceWith(document.adoptNode(card));
      say($(".choice", card)?.textContent || "");
    } catch (error) { fail(error.message); }
  }

  // What is done with an answer

  async function copy(text) {
    try { await navigator.clipboard.writeText(text); } catch {
      const box = document.createElement("textarea");
      box.value = text;
      document.body.append(box);
      box.select();
      document.execCommand("copy");
      box.remove();
    }
  }

  async function judge(turn, opinion, comment) {
    const said = $(".said", turn);
    try {
      await post("ui/feedback", { answer_id: turn.dataset.answer, opinion, comment, who: reader() });
    } catch (error) { said.textContent = error.message; return; }
    for (const thumb of turn.querySelectorAll(".thumb")) thumb.setAttribute("aria-pressed", String(thumb.dataset.opinion === opinion));
    const form = $(".comment", turn);
    form.hidden = Boolean(comment);
    form.dataset.opinion = opinion;
    form.querySelector("label").firstChild.textContent = opinion === "up" ? "Anything to add? " : "What was wrong, or missing? ";
    said.textContent = comment ? "Thank you, noted." : "Thank you.";
    if (!form.hidden) form.scrollIntoView({ block: "nearest", behavior: reduced() ? "auto" : "smooth" });
  }

  const deeds = {
    theme() {
      const root = document.documentElement;
      const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
      root.dataset.theme = dark ? "light" : "dark";
      try { localStorage.setItem("whichway-theme", root.dataset.theme); } catch { /* kept for this page alone */ }
    },
    previous: () => step(-1),
    next: () => step(1),
    close: () => closePanel(),
    reset(button) {
      const turn = button.closest(".turn");
      for (const input of turn.querySelectorAll("[data-criterion]")) { input.value = input.dataset.weight; relabel(input); }
      weigh(turn);
      $("[data-criterion]", turn).focus();
    },
    async copy(button) {
      const turn = button.closest(".turn");
      try { await copy(await get(`ui/answers/${encodeURIComponent(turn.dataset.answer)}/answer.md`)); } catch (error) { return fail(error.message); }
      $(".said", turn).textContent = "Copied as Markdown.";
    },
    async link(anchor) {
      await copy(anchor.href);
      $(".said", anchor.closest(".turn")).textContent = "Link copied. It opens this answer as it is now.";
    },
  };

  const grow = (box) => { box.style.height = "auto"; box.style.height = `${Math.min(box.scrollHeight, 208)}px`; };

  document.addEventListener("click", (event) => {
    const plain = !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
    const target = event.target.closest?.(".whichway [data-cite], .whichway [data-ask], .whichway [data-do], .whichway .thumb");
    if (!target || !plain) return;
    if (target.dataset.cite) { event.preventDefault(); openPanel(target.dataset.answer, target.dataset.cite, target); }
    else if (target.dataset.ask) ask(target.dataset.ask);
    else if (target.dataset.opinion) judge(target.closest(".turn"), target.dataset.opinion, "");
    else if (deeds[target.dataset.do]) { event.preventDefault(); deeds[target.dataset.do](target); }
  });
  document.addEventListener("submit", (event) => {
    if (event.target.id === "composer") { event.preventDefault(); ask($("#question").value); }
    else if (event.target.matches(".comment")) {
      event.preventDefault();
      judge(event.target.closest(".turn"), event.target.dataset.opinion || "down", $("textarea", event.target).value.trim());
    }
  });
  document.addEventListener("input", (event) => {
    if (event.target.id === "question") grow(event.target);
    else if (event.target.dataset?.criterion) { relabel(event.target); weigh(event.target.closest(".turn")); }
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches?.("textarea, input:not([type=range])");
    if (event.target.id === "question" && event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); ask(event.target.value); }
    else if (event.key === "Escape") closePanel();
    else if (typing || event.metaKey || event.ctrlKey || event.altKey) return;
    else if (state.opened && event.key === "j") step(1);
    else if (state.opened && event.key === "k") step(-1);
    else if (event.key === "/" && $("#question")) { event.preventDefault(); $("#question").focus(); }
  });

  try { const theme = localStorage.getItem("whichway-theme"); if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme; } catch { /* the system's theme */ }

  function start(element, send) {
    state.send = send;
    $("#question", element).focus({ preventScroll: true });
    restore();
  }
  return { start, receive };
})();
