// What both pages share: showing messages and sending forms. Text only ever goes in as text.

const time = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit" });

export function bubble(kind, who, text, at) {
  const item = document.createElement("li");
  item.className = "bubble " + kind;
  const head = document.createElement("span");
  head.className = "who";
  head.textContent = who;
  const stamp = document.createElement("time");
  const when = new Date(at);
  stamp.dateTime = when.toISOString();
  stamp.textContent = time.format(when);
  head.append(" ", stamp);
  item.append(head);
  if (text) item.append(words(text));
  return item;
}

export function words(text) {
  const body = document.createElement("p");
  body.textContent = text;
  return body;
}

export function line(text) {
  const item = document.createElement("li");
  item.className = "line";
  item.textContent = text;
  return item;
}

// link returns an element for an address, and a link only if it is one of the web.
export function link(address, label) {
  const url = URL.parse ? URL.parse(address, location.href) : null;
  if (!url || (url.protocol !== "https:" && url.protocol !== "http:")) {
    const text = document.createElement("span");
    text.className = "file";
    text.textContent = label;
    return text;
  }
  const a = document.createElement("a");
  a.href = url.href;
  a.rel = "noopener noreferrer";
  a.target = "_blank";
  a.textContent = label;
  return a;
}

// picture returns a link that shows the image behind it, or its label if the image can't be shown.
export function picture(address, label) {
  const a = link(address, label);
  if (!a.href) return a;
  const image = document.createElement("img");
  image.alt = label;
  image.addEventListener("load", () => scrollToEnd(a.closest("#log")));
  image.addEventListener("error", () => a.replaceChildren(label));
  image.src = a.href;
  a.replaceChildren(image);
  return a;
}

function scrollToEnd(log) {
  if (log && log.dataset.end === "true") log.scrollTop = log.scrollHeight;
}

// show appends to a log and keeps its end in sight, unless the reader has scrolled up.
export function show(log, item) {
  log.dataset.end = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  log.append(item);
  scrollToEnd(log);
}

// send posts JSON; it returns "" or what went wrong.
export function send(path, data) {
  return post(path, JSON.stringify(data), "application/json");
}

// sendFile posts a file as it is; it returns "" or what went wrong.
export function sendFile(path, user, file) {
  const query = new URLSearchParams({ user, name: file.name || "" });
  return post(path + "?" + query, file, file.type || "application/octet-stream");
}

async function post(path, body, type) {
  try {
    const answer = await fetch(path, { method: "POST", headers: { "Content-Type": type }, body });
    if (answer.ok) return "";
    const { error } = await answer.json();
    return error || "Error " + answer.status;
  } catch {
    return "The sandbox does not answer.";
  }
}

// offerPictures has the page's buttons for pictures hand over a file: one that is chosen, or the sample.
export function offerPictures(take) {
  const file = document.getElementById("file");
  document.getElementById("picture").addEventListener("click", () => file.click());
  file.addEventListener("change", () => {
    if (file.files.length > 0) take(file.files[0]);
    file.value = "";
  });
  document.getElementById("sample").addEventListener("click", async () => {
    const answer = await fetch("/web/sample.png");
    take(new File([await answer.blob()], "sample.png", { type: "image/png" }));
  });
}

export function complain(text) {
  const problem = document.getElementById("problem");
  problem.textContent = text;
  problem.hidden = text === "";
}
