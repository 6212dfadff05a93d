import {
  bubble, showProblem, line, link, addPictureButtons, attempt, clear, clearSent, followEnd, picture, send, sendFile, show,
} from "./messages.js";

const log = document.getElementById("log");
const list = document.getElementById("chats");
const input = document.getElementById("text");
const say = document.getElementById("say");
const open = document.getElementById("open");
const buttons = {
  accept: document.getElementById("accept"),
  timeout: document.getElementById("timeout"),
  close: document.getElementById("close"),
};
const states = {
  robot: "with the robot", waiting: "waiting", active: "in chat",
  closed: "closed", offline: "may leave messages", left: "left",
};

let desk = { chats: [], open: true };
let chosen = "";
let shown = { user: "", lines: 0 };
const drafts = new Map(); // texts that are not sent yet, by user
const read = new Map(); // number of lines that the agent has seen, by user
followEnd(log);

const speakers = { agent: ["customer", "You"], robot: ["bot", "Robot"], customer: ["agent", "Customer"] };

function showLine(l) {
  if (l.from === "system") return show(log, line(l.text));
  const [kind, who] = Object.hasOwn(speakers, l.from) ? speakers[l.from] : speakers.customer;
  const item = bubble(kind, who, l.mediaType === "TEXT" ? l.text : l.file ? "" : l.mediaType + ": " + l.text, l.at);
  if (l.file) {
    const address = "/desk/files/" + l.file.split("/").map(encodeURIComponent).join("/");
    const image = l.mediaType === "IMAGE" || l.mediaType === "FILE_IMAGE";
    item.append(image ? picture(address, "Picture") : link(address, l.mediaType));
  }
  show(log, item);
}

function showTalk() {
  const chat = desk.chats.find((c) => c.user === chosen);
  document.getElementById("talk-title").textContent = chat ? nameOf(chat) : "No chat chosen";
  const state = chat ? chat.state : "";
  buttons.accept.hidden = state !== "waiting";
  buttons.timeout.hidden = state !== "waiting" && state !== "active";
  buttons.close.hidden = state !== "active";
  say.hidden = state !== "active";
  const lines = (chat && chat.lines) || [];
  if (shown.user !== chosen || lines.length < shown.lines) {
    clear(log);
    shown = { user: chosen, lines: 0 };
  }
  lines.slice(shown.lines).forEach(showLine);
  shown.lines = lines.length;
  if (!document.hidden) read.set(chosen, lines.length);
}

// nameOf distinguishes customers with the same name by the end of their id.
function nameOf(chat) {
  return (chat.name || "Customer") + " · " + chat.user.slice(-4);
}

function duration(since) {
  const minutes = Math.floor((Date.now() - Date.parse(since)) / 60000);
  return minutes < 1 ? "less than 1 min" : minutes < 60 ? minutes + " min" : Math.floor(minutes / 60) + " h " + (minutes % 60) + " min";
}

function choice(chat) {
  const item = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "choice " + (Object.hasOwn(states, chat.state) ? chat.state : "");
  button.dataset.user = chat.user;
  button.setAttribute("aria-pressed", String(chat.user === chosen));
  const said = (chat.lines || []).filter((l) => l.from === "customer");
  const unread = (chat.lines || []).slice(read.get(chat.user) || 0).filter((l) => l.from === "customer").length;
  const state = states[chat.state] || chat.state;
  button.append(
    text("b", nameOf(chat)),
    text("small", chat.state === "waiting" ? state + " for " + duration(chat.since) : state),
    text("span", said.length > 0 ? said[said.length - 1].text : "Earlier words follow after Accept."),
  );
  if (unread > 0) button.append(text("mark", unread + " unread"));
  button.addEventListener("click", () => choose(chat.user));
  item.append(button);
  return item;
}

function text(name, content) {
  const element = document.createElement(name);
  element.textContent = content;
  return element;
}

function choose(user) {
  drafts.set(chosen, input.value);
  chosen = user;
  input.value = drafts.get(user) || "";
  showProblem("");
  showDesk();
}

function showDesk() {
  const order = { waiting: 0, active: 1 };
  const rank = (c) => order[c.state] ?? 2;
  const focused = document.activeElement?.dataset.user;
  const chats = [...desk.chats].sort((a, b) => rank(a) - rank(b) || Date.parse(a.since) - Date.parse(b.since));
  showTalk(); // before the list, which shows what is unread
  list.replaceChildren(...chats.map(choice));
  if (focused) list.querySelector(`[data-user="${CSS.escape(focused)}"]`)?.focus();
  document.getElementById("empty").hidden = chats.length > 0;
  const waiting = chats.filter((c) => c.state === "waiting").length;
  document.getElementById("summary").textContent =
    waiting === 0 ? "No customer is waiting." : waiting === 1 ? "One customer is waiting." : waiting + " customers are waiting.";
  document.title = (waiting ? "(" + waiting + ") " : "") + "Agent desk – Patchbay sandbox";
  open.checked = desk.open;
}

function act(action, data) {
  return attempt(() => send("/desk/" + action, data));
}

for (const [action, button] of Object.entries(buttons)) {
  button.addEventListener("click", async () => {
    await act(action, { user: chosen });
    if (action === "accept") input.focus();
  });
}

say.addEventListener("submit", async (e) => {
  e.preventDefault();
  const user = chosen;
  const text = input.value.trim();
  const button = say.querySelector("[type=submit]");
  if (!text || button.disabled) return;
  button.disabled = true;
  await attempt(async () => {
    const problem = await send("/desk/say", { user, text });
    if (!problem && user === chosen) clearSent(input, text);
    if (!problem && user !== chosen && drafts.get(user).trim() === text) drafts.delete(user);
    return problem;
  });
  button.disabled = false;
});

addPictureButtons((file) => {
  const user = chosen;
  return attempt(() => sendFile("/desk/files", { user }, file));
});

open.addEventListener("change", () => act("hours", { open: open.checked }));

const events = new EventSource("/desk/events");
events.addEventListener("message", (e) => {
  desk = JSON.parse(e.data);
  if (!chosen && desk.chats.length > 0) chosen = desk.chats[0].user;
  showDesk();
});
document.addEventListener("visibilitychange", showDesk);
setInterval(showDesk, 20000); // the waiting times
events.addEventListener("open", () => showProblem(""));
events.addEventListener("error", () => showProblem("Connection lost, reconnecting …"));
