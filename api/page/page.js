// The page of the service: the same requests as any program's, shown as text and never as markup.

const at = (id) => document.getElementById(id);
const AROUND = 600; // characters shown before and after a quote
let after = "";

function element(name, text = "", properties = {}) {
  const made = Object.assign(document.createElement(name), properties);
  made.textContent = text;
  return made;
}

function say(text, isError = false) {
  at("status").textContent = text;
  at("status").classList.toggle("error", isError);
}

// The response's JSON; an Error with what the service advises where it refuses.
async function request(path, options = {}) {
  const headers = new Headers(options.headers);
  const key = sessionStorage.getItem("key");
  if (key) headers.set("Authorization", `Bearer ${key}`);
  const response = await fetch(path, { ...options, headers });
  const body = await response.json().catch(() => ({}));
  if (response.ok) return body;
  if (response.status === 401) at("key").hidden = false;
  const error = new Error(body.detail || body.title || `The service says ${response.status}.`);
  error.status = response.status;
  throw error;
}

// Does something while a form is locked; says what went wrong.
async function during(form, what, work) {
  const buttons = form.querySelectorAll("button");
  buttons.forEach((button) => { button.disabled = true; });
  say(what);
  try {
    await work();
    say("");
  } catch (error) {
    say(error instanceof TypeError ? "The service cannot be reached." : error.message, true);
  } finally {
    buttons.forEach((button) => { button.disabled = false; });
  }
}

// Text with the first place of some words in it marked.
function marked(name, text, words) {
  const made = element(name, "", { dir: "auto" });
  const place = words ? text.indexOf(words) : -1;
  if (place < 0) {
    made.textContent = text;
  } else {
    made.append(text.slice(0, place), element("mark", words), text.slice(place + words.length));
  }
  return made;
}

// A quote or passage with where it stands. Offsets count code points, as everywhere in Quoth.
function source(one, quote, words) {
  const made = element("article");
  const text = marked("blockquote", quote, words);
  text.lang = one.language;
  const about = element("p", "", { className: "about" });
  const name = element("bdi", one.title || one.source);
  const where = one.page ? `, page ${one.page}` : "";
  const open = element("button", "In the document", { type: "button" });
  open.addEventListener("click", () => during(made, "Opening…", () => show(one, quote)));
  about.append(name, `${where} · ${one.language} `, open);
  made.append(text, about);
  return made;
}

async function show(one, quote) {
  const start = Math.max(0, one.start - AROUND);
  const path = `v1/documents/${encodeURIComponent(one.document_id)}/text?start=${start}`;
  // Past the document's end a range is refused: what is left is short then.
  const found = await request(`${path}&end=${one.end + AROUND}`).catch((error) => {
    if (error.status !== 422) throw error;
    return request(path);
  });
  const characters = Array.from(found.text);
  const [first, last] = [one.start - start, one.end - start];
  at("source-title").textContent = one.title || one.source;
  at("source-text").lang = one.language;
  at("source-text").replaceChildren(
    characters.slice(0, first).join(""),
    element("mark", characters.slice(first, last).join("") || quote),
    characters.slice(last).join(""),
  );
  at("source").showModal();
  at("source-text").querySelector("mark").scrollIntoView({ block: "center" });
}

function said(text, language, confidence) {
  const answer = element("p", text, { className: "answer", dir: "auto", lang: language || "" });
  const sure = element("p", `Confidence ${confidence.toFixed(2)}`, { className: "about" });
  return [answer, sure];
}

function answered(response) {
  const parts = [];
  if (response.status === "answered") {
    parts.push(...said(response.answer, response.answer_language, response.confidence));
    parts.push(...response.citations.map((one) => source(one, one.quote, response.answer)));
  } else {
    parts.push(element("p", "The documents do not answer this.", { className: "answer" }));
    const nearest = (response.passages || []).slice(0, 3);
    if (nearest.length) parts.push(element("h2", "Nearest passages"));
    parts.push(...nearest.map((one) => source(one, one.text)));
  }
  if (response.alternatives.length) parts.push(element("h2", "Other sources say"));
  for (const other of response.alternatives) {
    parts.push(...said(other.answer, other.answer_language, other.confidence));
    parts.push(...other.citations.map((one) => source(one, one.quote, other.answer)));
  }
  at("result").replaceChildren(...parts);
}

function ask() {
  const question = at("question").value.trim();
  const collection = at("collection").value || "default";
  if (!question) return;
  history.replaceState(null, "", `?${new URLSearchParams({ q: question, in: collection })}`);
  during(at("ask"), "Reading…", async () => {
    at("result").replaceChildren();
    answered(await request("v1/answer", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ question, collection }),
    }));
  });
}

async function collections() {
  const wanted = at("collection").value || new URLSearchParams(location.search).get("in");
  const { collections: found } = await request("v1/collections");
  const names = found.length ? found.map((one) => one.name) : ["default"];
  at("collection").replaceChildren(...names.map((name) => element("option", name)));
  const first = [wanted, "default", names[0]].find((name) => names.includes(name));
  at("collection").value = first;
}

async function list(from = "") {
  const collection = at("collection").value || "default";
  const wanted = new URLSearchParams({ collection, limit: 100 });
  if (from) wanted.set("after", from);
  const found = await request(`v1/documents?${wanted}`);
  const lines = found.documents.map((one) => {
    const line = element("li");
    line.append(element("bdi", one.title || one.source), ` · ${one.language}`);
    return line;
  });
  if (!from) at("list").replaceChildren();
  at("list").append(...lines);
  after = found.next || "";
  at("more").hidden = !after;
}

function upload() {
  const form = new FormData();
  for (const file of at("files").files) form.append("files", file);
  form.append("collection", at("collection").value || "default");
  during(at("upload"), "Taking them in…", async () => {
    const { outcomes } = await request("v1/documents", { method: "POST", body: form });
    at("outcomes").replaceChildren(...outcomes.map((one) => {
      const line = element("li");
      const why = one.reason || one.note;
      line.append(element("bdi", one.source), `: ${one.status}${why ? `. ${why}` : ""}`);
      return line;
    }));
    await collections();
    await list();
  });
}

async function begin() {
  await during(at("ask"), "", collections);
  const asked = new URLSearchParams(location.search).get("q");
  if (asked && at("key").hidden) {
    at("question").value = asked;
    ask();
  }
}

function onSubmit(id, work) {
  at(id).addEventListener("submit", (event) => {
    event.preventDefault();
    work();
  });
}

onSubmit("ask", ask);
onSubmit("upload", upload);
onSubmit("key", () => {
  sessionStorage.setItem("key", at("secret").value.trim());
  at("secret").value = "";
  at("key").hidden = true;
  begin();
});
at("question").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    at("ask").requestSubmit();
  }
});
at("documents").addEventListener("toggle", () => {
  if (at("documents").open) during(at("documents"), "", list);
});
at("collection").addEventListener("change", () => {
  if (at("documents").open) during(at("documents"), "", list);
});
at("more").addEventListener("click", () => during(at("documents"), "", () => list(after)));
begin();
