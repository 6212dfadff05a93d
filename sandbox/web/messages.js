// Functions of both pages: they show messages and send forms. Text is inserted as text only, never as HTML.

const time = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit" });

export function bubble(kind, who, text, at) {
  const item = document.createElement("div");
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
  if (text) item.append(paragraph(text));
  return item;
}

export function paragraph(text) {
  const body = document.createElement("p");
  body.textContent = text;
  return body;
}

export function line(text) {
  const item = document.createElement("div");
  item.className = "line";
  item.textContent = text;
  return item;
}

// link returns a link to a web address, and plain text for any other address.
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

// picture returns a link that shows the image, or the label if the image cannot be shown.
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

// followEnd makes a log show its end, also when it gets another size, until the reader scrolls up.
export function followEnd(log) {
  log.dataset.end = "true";
  log.addEventListener("scroll", () => notePosition(log));
  new ResizeObserver(() => scrollToEnd(log)).observe(log);
}

function notePosition(log) {
  log.dataset.end = String(log.scrollHeight - log.scrollTop - log.clientHeight < 80);
}

export function show(log, item) {
  notePosition(log); // the event of a scroll may still be on its way
  log.append(item);
  scrollToEnd(log);
}

// clear empties a log, which then follows its end again.
export function clear(log) {
  log.replaceChildren();
  log.dataset.end = "true";
}

// send posts JSON and returns the problem, "" for none.
export function send(path, data) {
  return post(path, JSON.stringify(data), "application/json");
}

// sendFile posts a file and returns the problem, "" for none.
export function sendFile(path, data, file) {
  const query = new URLSearchParams({ ...data, name: file.name || "" });
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

// addPictureButtons makes the buttons for pictures call take with a file: a chosen one, or the sample.
export function addPictureButtons(take) {
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

// showProblem shows a problem, "" for none. With retry, a button offers to try again.
export function showProblem(text, retry) {
  const problem = document.getElementById("problem");
  problem.replaceChildren(text);
  problem.hidden = text === "";
  if (!text || !retry) return;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet";
  button.textContent = "Try again";
  button.addEventListener("click", retry);
  problem.append(" ", button);
}

// attempt makes a call, which returns a problem or "", and shows the problem with a button that makes the call again.
export async function attempt(call) {
  const problem = await call();
  showProblem(problem, () => attempt(call));
}

// clearSent empties an input whose text was sent, unless it has another text by now.
export function clearSent(input, text) {
  if (input.value.trim() === text) input.value = "";
}
