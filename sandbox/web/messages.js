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
  const body = document.createElement("p");
  body.textContent = text;
  item.append(head, body);
  return item;
}

export function line(text) {
  const item = document.createElement("li");
  item.className = "line";
  item.textContent = text;
  return item;
}

// link returns an element for an address, and a link only if it is one of the web.
export function link(address, label) {
  const url = URL.parse ? URL.parse(address) : null;
  if (!url || (url.protocol !== "https:" && url.protocol !== "http:")) {
    const text = document.createElement("span");
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

// show appends to a log and keeps its end in sight, unless the reader has scrolled up.
export function show(log, item) {
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  log.append(item);
  if (atEnd) log.scrollTop = log.scrollHeight;
}

// send posts JSON; it returns "" or what went wrong.
export async function send(path, data) {
  try {
    const answer = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(data),
    });
    if (answer.ok) return "";
    const { error } = await answer.json();
    return error || "Error " + answer.status;
  } catch {
    return "The sandbox does not answer.";
  }
}

export function complain(text) {
  const problem = document.getElementById("problem");
  problem.textContent = text;
  problem.hidden = text === "";
}
