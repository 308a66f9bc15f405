/** The conversation on the page: one entry per message, the newest last. Knows the DOM and nothing of the gateway. */
import { renderMarkdown } from "./markdown.js";

const list = document.getElementById("messages");
const scroll = document.getElementById("scroll");
const welcome = document.getElementById("welcome");
const latest = document.getElementById("latest");

/** How far from the end still counts as reading along. */
const nearPx = 80;

let followsEnd = true;

scroll.addEventListener("scroll", () => {
  followsEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < nearPx;
  latest.hidden = followsEnd;
});
latest.addEventListener("click", () => {
  followsEnd = true;
  keepEnd();
});
new ResizeObserver(keepEnd).observe(list);

/** Stays at the end for whoever reads along, and leaves alone whoever reads further up. */
export function keepEnd() {
  if (followsEnd) scroll.scrollTop = scroll.scrollHeight;
  latest.hidden = followsEnd;
}

export function clear() {
  list.replaceChildren();
  showWelcome();
}

export function showWelcome() {
  welcome.hidden = list.childElementCount > 0;
}

/** `role`: `user`, `assistant` or `note`. Returns the handle by which the entry is changed. */
export function addEntry({ role, text = "", time = null, isLive = false }) {
  const item = document.createElement("li");
  item.className = `entry ${role}`;
  const author = document.createElement("span");
  author.className = "unseen";
  author.textContent = { user: "You", assistant: "Assistant", note: "Note" }[role];
  const body = document.createElement("div");
  body.className = "body";
  const foot = document.createElement("p");
  foot.className = "foot";
  item.append(author, body, foot);
  list.append(item);
  welcome.hidden = true;
  const entry = { item, body, foot, role, text: "", drawn: null };
  setText(entry, text);
  setLive(entry, isLive);
  if (time !== null) setFoot(entry, clockTime(time));
  keepEnd();
  return entry;
}

/** Draws at the next frame, however often the text changes before it. */
export function setText(entry, text) {
  entry.text = text;
  if (entry.drawn !== null) return;
  entry.drawn = requestAnimationFrame(() => draw(entry));
  // A hidden page gets no frames, but may be read by a screen reader or be brought back at any time.
  if (document.visibilityState === "hidden") draw(entry);
}

function draw(entry) {
  if (entry.drawn !== null) cancelAnimationFrame(entry.drawn);
  entry.drawn = null;
  if (entry.role === "assistant") entry.body.replaceChildren(renderMarkdown(entry.text));
  else entry.body.textContent = entry.text;
  keepEnd();
}

export function setLive(entry, isLive) {
  entry.item.classList.toggle("live", isLive);
}

export function setFoot(entry, text) {
  entry.foot.textContent = text;
}

/** What went wrong, in words, and what can be done about it. */
export function setFailure(entry, message, retry = null) {
  entry.item.classList.add("failed");
  entry.foot.textContent = message;
  if (retry === null) return;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "again";
  button.textContent = "Try again";
  button.addEventListener("click", () => {
    entry.item.classList.remove("failed");
    entry.foot.textContent = "";
    retry();
  });
  entry.foot.append(" ", button);
}

export function remove(entry) {
  entry.item.remove();
}

export function append(entry) {
  list.append(entry.item);
  welcome.hidden = true;
}

export function clockTime(ms) {
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) return "";
  const isToday = date.toDateString() === new Date().toDateString();
  const time = date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  return isToday ? time : `${date.toLocaleDateString([], { day: "numeric", month: "short" })}, ${time}`;
}
