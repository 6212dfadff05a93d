import { bubble, showProblem, line, link, addPictureButtons, picture, send, sendFile, show } from "./messages.js";

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
  document.getElementById("talk-title").textContent = chat ? chat.name : "No chat chosen";
  const state = chat ? chat.state : "";
  buttons.accept.hidden = state !== "waiting";
  buttons.timeout.hidden = state !== "waiting" && state !== "active";
  buttons.close.hidden = state !== "active";
  say.hidden = state !== "active";
  const lines = (chat && chat.lines) || [];
  if (shown.user !== chosen || lines.length < shown.lines) {
    log.replaceChildren();
    shown = { user: chosen, lines: 0 };
  }
  lines.slice(shown.lines).forEach(showLine);
  shown.lines = lines.length;
}

function choice(chat) {
  const item = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "choice " + (Object.hasOwn(states, chat.state) ? chat.state : "");
  button.dataset.user = chat.user;
  button.setAttribute("aria-pressed", String(chat.user === chosen));
  const name = document.createElement("span");
  name.textContent = chat.name;
  const state = document.createElement("small");
  state.textContent = states[chat.state] || chat.state;
  button.append(name, state);
  button.addEventListener("click", () => choose(chat.user));
  item.append(button);
  return item;
}

function choose(user) {
  chosen = user;
  showProblem("");
  showDesk();
}

function showDesk() {
  const order = { waiting: 0, active: 1 };
  const rank = (c) => order[c.state] ?? 2;
  const focused = document.activeElement?.dataset.user;
  const chats = [...desk.chats].sort((a, b) => rank(a) - rank(b));
  list.replaceChildren(...chats.map(choice));
  if (focused) list.querySelector(`[data-user="${CSS.escape(focused)}"]`)?.focus();
  document.getElementById("empty").hidden = chats.length > 0;
  const waiting = chats.filter((c) => c.state === "waiting").length;
  document.getElementById("summary").textContent =
    waiting === 0 ? "No customer is waiting." : waiting === 1 ? "One customer is waiting." : waiting + " customers are waiting.";
  document.title = (waiting ? "(" + waiting + ") " : "") + "Agent desk – Patchbay sandbox";
  open.checked = desk.open;
  showTalk();
}

async function act(action, data) {
  showProblem(await send("/desk/" + action, data));
}

for (const [action, button] of Object.entries(buttons)) {
  button.addEventListener("click", async () => {
    await act(action, { user: chosen });
    if (action === "accept") input.focus();
  });
}

say.addEventListener("submit", (e) => {
  e.preventDefault();
  const text = input.value.trim();
  if (!text) return;
  input.value = "";
  act("say", { user: chosen, text });
});

addPictureButtons(async (file) => showProblem(await sendFile("/desk/files", chosen, file)));

open.addEventListener("change", () => act("hours", { open: open.checked }));

const events = new EventSource("/desk/events");
events.addEventListener("message", (e) => {
  desk = JSON.parse(e.data);
  if (!chosen && desk.chats.length > 0) chosen = desk.chats[0].user;
  showDesk();
});
events.addEventListener("open", () => showProblem(""));
events.addEventListener("error", () => showProblem("Connection lost, reconnecting …"));
