import {
  bubble, showProblem, line, link, addPictureButtons, attempt, clearSent, followEnd, picture, send, sendFile, show, paragraph,
} from "./messages.js";

const log = document.getElementById("log");
const owner = document.getElementById("owner");
const typing = document.getElementById("typing");
const input = document.getElementById("text");
const names = { customer: "You", bot: "Assistant", agent: "Agent", system: "Notice" };
let typingEnds = 0;
followEnd(log);

function customer() {
  let id = localStorage.getItem("customer");
  if (!id) {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    const hex = Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
    id = hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
    localStorage.setItem("customer", id);
  }
  return id;
}

const user = customer();

function showEvent(event) {
  if (event.type === "typing") {
    typing.hidden = false;
    clearTimeout(typingEnds);
    typingEnds = setTimeout(() => { typing.hidden = true; }, 4000);
    return;
  }
  if (event.type === "closed") {
    show(log, line("The conversation ended"));
    return;
  }
  const who = event.ownerRole === "agent" ? "an agent" : "the assistant";
  owner.textContent = "with " + who;
  show(log, line("You are talking to " + who + (event.title ? " (" + event.title + ")" : "")));
}

function showEntry(entry) {
  if (entry.event) showEvent(entry.event);
  if (entry.role === "problem") { // the entry with this id was not sent; its sender sees why
    log.querySelector(`[data-id="${CSS.escape(entry.id)}"]`)?.remove();
    return;
  }
  const kind = Object.hasOwn(names, entry.role) ? entry.role : "system";
  if (entry.text || entry.media || entry.suggestions) {
    typing.hidden = true;
    const who = entry.role === "agent" && entry.name ? entry.name : names[kind];
    const item = bubble(kind, who, entry.text || "", entry.at);
    if (entry.id) item.dataset.id = entry.id;
    for (const m of entry.media || []) item.append(...medium(m));
    for (const s of entry.suggestions || []) item.append(suggestion(s));
    show(log, item);
  }
}

function medium(m) {
  const label = m.name || m.type || "File";
  const shown = m.type === "image" ? picture(m.url || "", label) : link(m.url || "", label);
  return m.text ? [shown, paragraph(m.text)] : [shown];
}

function suggestion(text) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "suggestion";
  button.textContent = text;
  button.addEventListener("click", () => say(text));
  return button;
}

// Each message keeps its id when it is sent again, so that the gateway recognizes it.
function newID() {
  return "m-" + Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => b.toString(16).padStart(2, "0")).join("");
}

function say(text) {
  const id = newID();
  return attempt(async () => {
    const problem = await send("/chat/messages", { user, text, id });
    if (!problem) clearSent(input, text);
    return problem;
  });
}

document.getElementById("say").addEventListener("submit", async (e) => {
  e.preventDefault();
  const text = input.value.trim();
  const button = e.target.querySelector("[type=submit]");
  if (!text || button.disabled) return;
  button.disabled = true;
  await say(text);
  button.disabled = false;
});

addPictureButtons((file) => {
  const id = newID();
  return attempt(() => sendFile("/chat/files", { user, id }, file));
});

document.getElementById("new").addEventListener("click", () => {
  localStorage.removeItem("customer");
  location.reload();
});

const events = new EventSource("/chat/events?user=" + encodeURIComponent(user));
events.addEventListener("message", (e) => showEntry(JSON.parse(e.data)));
events.addEventListener("open", () => showProblem(""));
events.addEventListener("error", () => showProblem("Connection lost, reconnecting …"));
