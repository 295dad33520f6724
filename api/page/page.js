// The page of the service: the same requests as any program's, shown as text and never as markup.

const at = (id) => document.getElementById(id);
const AROUND = 600; // characters shown before and after a quote
const PATIENCE = 5; // tries while the service starts or is busy
let after = "";
const latest = {}; // by form: what was asked last; answers to anything before are dropped

function element(name, text = "", properties = {}) {
  const made = Object.assign(document.createElement(name), properties);
  made.textContent = text;
  return made;
}

function say(text, isError = false) {
  at("status").textContent = text;
  at("status").classList.toggle("error", isError);
}

const wait = (seconds) => new Promise((done) => { setTimeout(done, seconds * 1000); });

function collection() {
  return at("collection").value.trim() || "default";
}

// The response's JSON; an Error with what the service advises where it refuses.
async function request(path, options = {}, tries = PATIENCE) {
  const headers = new Headers(options.headers);
  const key = sessionStorage.getItem("key");
  if (key) headers.set("Authorization", `Bearer ${key}`);
  const response = await fetch(path, { ...options, headers }).catch(() => {
    throw new Error("The service cannot be reached.");
  });
  if (response.ok) {
    return response.json().catch(() => { throw new Error("That is no answer of Quoth's."); });
  }
  const later = Number(response.headers.get("Retry-After"));
  if (response.status === 503 && later && tries > 1) {
    await wait(later);
    return request(path, options, tries - 1);
  }
  const body = await response.json().catch(() => ({}));
  if (response.status === 401) sessionStorage.removeItem("key");
  const wantsKey = response.status === 401 || (body.type || "").endsWith("insufficient-scope");
  if (wantsKey) at("key").hidden = false;
  const error = new Error(body.detail || body.title || `The service says ${response.status}.`);
  error.status = response.status;
  throw error;
}

// Does something that a later use of the same form takes the place of; says what came of it.
// `work` is given a function that says whether it is still wanted.
async function during(form, what, work) {
  const turn = (latest[form] || 0) + 1;
  latest[form] = turn;
  const isWanted = () => latest[form] === turn;
  say(what);
  try {
    const done = await work(isWanted);
    if (isWanted()) say(done || "");
  } catch (error) {
    if (isWanted()) say(error.message, true);
  }
}

// Text with some words in it marked, where they stand in it once and whole.
function marked(name, text, words) {
  const made = element(name, "", { dir: "auto" });
  const place = words ? text.indexOf(words) : -1;
  const isOnce = place >= 0 && text.indexOf(words, place + 1) < 0;
  const isPartOf = (one, other) => (
    /^(\d\d|[\p{sc=Latin}\p{sc=Greek}\p{sc=Cyrillic}]{2})$/u.test(one + other)
  );
  const end = place + (words || "").length;
  const isWhole = !isPartOf(text.charAt(place - 1), text.charAt(place))
    && !isPartOf(text.charAt(end - 1), text.charAt(end));
  if (!isOnce || !isWhole) {
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
  open.addEventListener("click", () => during("source", "Opening…", () => show(one, quote)));
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
  if (characters.slice(first, last).join("") !== quote) {
    throw new Error("The document has changed since: ask again.");
  }
  at("source-title").textContent = one.title || one.source;
  at("source-text").lang = one.language;
  at("source-text").replaceChildren(
    characters.slice(0, first).join(""),
    element("mark", quote),
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
  if (!question) return;
  const asked = { question, collection: collection() };
  history.replaceState(null, "", `?${new URLSearchParams({ q: question, in: asked.collection })}`);
  during("ask", "Reading…", async (isWanted) => {
    at("result").replaceChildren();
    const response = await request("v1/answer", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(asked),
    });
    if (!isWanted()) return "";
    answered(response);
    return response.status === "answered" ? "Answered." : "No answer.";
  });
}

// Names to choose from; any other can be written.
async function collections() {
  const { collections: found } = await request("v1/collections");
  at("collections").replaceChildren(
    ...found.map((one) => element("option", "", { value: one.name })),
  );
}

async function list(isWanted, from = "") {
  const wanted = new URLSearchParams({ collection: collection(), limit: 100 });
  if (from) wanted.set("after", from);
  // A collection begins with its first document.
  const found = await request(`v1/documents?${wanted}`).catch((error) => {
    if (error.status === 404) return { documents: [], next: null };
    throw error;
  });
  if (!isWanted()) return;
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
  form.append("collection", collection());
  during("documents", "Sending…", async (isWanted) => {
    let job = await request("v1/documents?background=true", { method: "POST", body: form });
    try {
      while (isWanted()) {
        job = await request(`v1/jobs/${encodeURIComponent(job.id)}`);
        at("outcomes").replaceChildren(...job.outcomes.map(outcome));
        if (job.status === "done" || job.status === "cancelled") break;
        say(`Taking them in: ${job.finished} of ${job.files}…`);
        await wait(1);
      }
      await collections();
      await list(isWanted);
    } catch (error) {
      // A key that may only write does not see what became of it.
      if (error.status !== 403) throw error;
      at("key").hidden = true;
      return "The service has them.";
    }
    return job.failed ? "Not all could be taken in." : "They are in.";
  });
}

function outcome(one) {
  const line = element("li");
  const why = one.reason || one.note;
  line.append(element("bdi", one.source), `: ${one.status}${why ? `. ${why}` : ""}`);
  return line;
}

function begin() {
  const asked = new URLSearchParams(location.search);
  at("collection").value = asked.get("in") || collection();
  at("question").value = asked.get("q") || at("question").value;
  if (at("question").value) ask();
  else during("ask", "", collections);
}

function changed() {
  if (at("documents").open) during("documents", "", list);
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
  // 229: Safari's Enter that ends the writing of a Chinese or Japanese word.
  const isComposing = event.isComposing || event.keyCode === 229;
  if (event.key === "Enter" && !event.shiftKey && !isComposing) {
    event.preventDefault();
    at("ask").requestSubmit();
  }
});
at("documents").addEventListener("toggle", changed);
at("collection").addEventListener("focus", () => collections().catch(() => {}));
at("collection").addEventListener("change", changed);
at("more").addEventListener("click", () => {
  during("documents", "", (isWanted) => list(isWanted, after));
});
at("change-key").addEventListener("click", () => {
  at("key").hidden = false;
  at("secret").focus();
});
begin();
