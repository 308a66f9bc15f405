/**
 * WebChat: logs in, shows the main conversation, sends and streams. What is shown follows the gateway: after every
 * (re)connect the history is read anew, so that an answer that went on without us is there in full, once.
 */
import { Connection, RequestError } from "./connection.js";
import { canHoldKeys, forgetIdentity } from "./identity.js";
import * as questions from "./questions.js";
import * as transcript from "./transcript.js";

const element = (id) => document.getElementById(id);
const [link, talk, door, text, send, stop, doing] = ["link", "talk", "door", "text", "send", "stop", "doing"].map(
  element,
);

const chat = {
  sessionKey: "agent:main:main",
  /** Answers under way: run id → entry on the page, null before the first word. */
  runs: new Map(),
  /** Runs that used a tool: what they did is told by the history alone. */
  withTools: new Set(),
  /** What we said and what is not answered yet: run id → { message, entry, isConfirmed, seenBefore }. */
  said: new Map(),
  /** Events that came while the history was being read. */
  held: null,
  reads: 0,
  /** The conversation as it was read last. */
  history: [],
  /** Whether this browser may answer what a turn asks; one that was paired for less may not. */
  mayApprove: false,
};

const connection = new Connection({ onState: showState, onEvent: hear });

// ------------------------------------------------------------ connection

function showState(change) {
  link.dataset.state = change.state;
  if (change.state === "connecting") link.textContent = "Connecting…";
  if (change.state === "waiting") link.textContent = "Offline, trying again…";
  if (change.state === "refused") void showDoor(change);
  if (change.state === "open") {
    chat.mayApprove = change.hello.auth?.scopes?.includes("operator.approvals") === true;
    void begin();
  }
  updateComposer();
}

async function begin() {
  link.textContent = "Connected";
  door.hidden = true;
  talk.hidden = false;
  element("fresh").hidden = false;
  element("token").value = "";
  try {
    const agents = await connection.ask("agents.list", {});
    chat.sessionKey = `agent:${agents.defaultId}:${agents.mainKey}`;
    const name = agents.agents?.find((agent) => agent.id === agents.defaultId)?.name;
    element("name").textContent = name && name !== agents.defaultId ? name : "OpenClaw";
    await readHistory();
    await readQuestions();
    for (const [key, said] of chat.said) if (!said.isConfirmed) void deliver(key, said);
  } catch (error) {
    if (error.code !== "LOST") announceFailure(`The conversation could not be read: ${error.message}`);
  }
  updateComposer();
  text.focus();
}

async function showDoor({ code, message }) {
  talk.hidden = true;
  door.hidden = false;
  element("fresh").hidden = true;
  link.textContent = "Not logged in";
  // A key whose token was refused is of no use any more: the browser comes back as a new device.
  if (code === "AUTH_DEVICE_TOKEN_MISMATCH" || code === "PAIRING_REQUIRED") await forgetIdentity();
  showLoginError(message ?? "");
  element("token").focus();
}

function showLoginError(message) {
  element("login-error").textContent = message;
  element("login-error").hidden = message === "";
}

element("login").addEventListener("submit", (event) => {
  event.preventDefault();
  const token = element("token").value.trim();
  if (token === "") return;
  showLoginError("");
  connection.connect({ token });
});

// ------------------------------------------------------------ conversation

/** Reads what was said and draws it anew. What is still being said, and what is not sent yet, stays behind it. */
async function readHistory() {
  chat.reads += 1;
  const read = chat.reads;
  chat.held ??= [];
  let history;
  try {
    history = await connection.ask("chat.history", { sessionKey: chat.sessionKey, limit: 200 });
  } finally {
    // A later read holds the events for itself.
    if (read === chat.reads && history === undefined) chat.held = null;
  }
  if (read !== chat.reads) return;
  transcript.clear();
  for (const message of history.messages) showMessage(message);
  const held = chat.held ?? [];
  chat.held = null;
  // Not ended: its next words carry the whole text. Ended meanwhile: the history may have been read just before that,
  // so it is read once more behind the end.
  for (const { payload } of held) if (isEnd(payload)) forgetRun(payload.runId);
  for (const { name, payload } of held) if (!isEnd(payload) && !hasEnded(held, payload)) hear(name, payload);
  for (const [runId, { message, entry, seenBefore }] of chat.said) {
    if (timesSaid(history.messages, message) <= seenBefore) transcript.append(entry);
    if (!chat.runs.has(runId)) continue;
    const answer = chat.runs.get(runId);
    if (answer !== null) transcript.append(answer);
  }
  for (const [runId, answer] of chat.runs) if (answer !== null && !chat.said.has(runId)) transcript.append(answer);
  chat.history = history.messages;
  transcript.showWelcome();
  transcript.keepEnd();
  showDoing();
  updateComposer();
  if (held.some(({ payload }) => isEnd(payload))) reread();
}

/** The same words may have been said before: only one time more than then is ours. */
function timesSaid(messages, text) {
  return messages.filter((message) => message.role === "user" && textOf(message) === text).length;
}

function forgetRun(runId) {
  chat.runs.delete(runId);
  chat.said.delete(runId);
  chat.withTools.delete(runId);
}

function isEnd(payload) {
  return payload.state === "final" || payload.state === "aborted" || payload.state === "error";
}

function hasEnded(held, { runId }) {
  return held.some(({ payload }) => payload.runId === runId && isEnd(payload));
}

function showMessage(message) {
  const said = textOf(message);
  if (message.role === "user" && said !== "") {
    transcript.addEntry({ role: "user", text: said, time: message.timestamp ?? null });
  } else if (message.role === "assistant") {
    if (said !== "") {
      const entry = transcript.addEntry({ role: "assistant", text: said });
      transcript.setFoot(entry, footOf({ time: message.timestamp, usage: message.usage }));
    }
    // Behind the words that announce them, as it was.
    const tools = partsOf(message).filter((part) => part.type === "toolCall");
    for (const tool of tools) transcript.addEntry({ role: "note", text: `Used ${tool.name}` });
    if (message.errorMessage) transcript.setFailure(transcript.addEntry({ role: "note" }), message.errorMessage);
  }
}

function partsOf({ content }) {
  return Array.isArray(content) ? content : typeof content === "string" ? [{ type: "text", text: content }] : [];
}

function textOf(message) {
  return partsOf(message)
    .filter((part) => part.type === "text")
    .map((part) => part.text)
    .join("\n");
}

function footOf({ time = null, usage = null, note = "" }) {
  const tokens = usage === null ? "" : tokenText(usage);
  return [note, time === null ? "" : transcript.clockTime(time), tokens].filter((piece) => piece !== "").join(" · ");
}

function tokenText(usage) {
  const taken = (usage.input ?? 0) + (usage.cacheRead ?? 0) + (usage.cacheWrite ?? 0);
  const given = usage.output ?? 0;
  if (taken + given === 0) return "";
  const cost = usage.cost?.total;
  const price = typeof cost === "number" && cost > 0 ? ` · $${cost < 0.01 ? cost.toFixed(4) : cost.toFixed(2)}` : "";
  return `${taken.toLocaleString()} in, ${given.toLocaleString()} out${price}`;
}

// ------------------------------------------------------------ events

function hear(name, payload) {
  if (name === "shutdown") link.textContent = "The gateway is restarting…";
  if (name === "resync") {
    reread();
    readQuestions().catch(tellUnlessLost);
  }
  if (name === "exec.approval.requested" && payload.approval.sessionKey === chat.sessionKey) ask(payload.approval);
  if (name === "exec.approval.resolved") endQuestion(payload);
  if (
    name === "sessions.changed" &&
    payload.sessionKey === chat.sessionKey &&
    (payload.change === "reset" || payload.change === "deleted")
  ) {
    reread();
  }
  if (name === "chat" && payload.sessionKey === chat.sessionKey) {
    if (chat.held !== null) chat.held.push({ name, payload });
    else hearChat(payload);
  }
  if (name === "agent" && chat.runs.has(payload.runId)) hearAgent(payload);
}

function hearChat(payload) {
  const { runId, state } = payload;
  const isOurs = chat.said.has(runId);
  if (state === "delta") {
    const isNew = !chat.runs.has(runId);
    const entry = chat.runs.get(runId) ?? transcript.addEntry({ role: "assistant", isLive: true });
    chat.runs.set(runId, entry);
    transcript.setText(entry, textOf(payload.message));
    showDoing("");
    updateComposer();
    // Somebody else asked: the question stands in the history.
    if (isNew && !isOurs) reread();
    return;
  }
  if (!isEnd(payload)) return;
  const entry = chat.runs.get(runId) ?? null;
  const usedTools = chat.withTools.has(runId);
  // What it answers would be the first line of the conversation that it makes: that one begins empty.
  const beganAnew = state === "final" && /^\/(new|reset)$/i.test(chat.said.get(runId)?.message ?? "");
  forgetRun(runId);
  if (isOurs && !beganAnew) finish(entry, payload);
  if (!isOurs || usedTools || beganAnew) reread();
  showDoing();
  updateComposer();
}

/** A failure is not told: the line was lost, and is read again when it is back. */
function reread() {
  readHistory().catch(tellUnlessLost);
}

function tellUnlessLost(error) {
  if (error.code !== "LOST") announceFailure(error.message);
}

function finish(live, { state, message, usage, errorMessage }) {
  const said = message === undefined ? "" : textOf(message);
  if (live === null && said === "" && state === "final") return;
  const entry = live ?? transcript.addEntry({ role: said === "" ? "note" : "assistant" });
  if (said !== "") transcript.setText(entry, said);
  transcript.setLive(entry, false);
  const note = state === "aborted" ? "Stopped" : "";
  transcript.setFoot(entry, footOf({ time: Date.now(), usage: usage ?? null, note }));
  if (state === "error") transcript.setFailure(entry, errorMessage ?? "The answer failed.");
  element("announce").textContent =
    state === "error" ? `Failed: ${errorMessage}` : `The assistant said: ${said.slice(0, 500)}`;
}

function hearAgent({ runId, stream, data }) {
  // A question has a card of its own.
  if (stream === "notice" && data.text && !(data.kind === "approval" && chat.mayApprove))
    transcript.addEntry({ role: "note", text: data.text });
  if (stream === "tool") chat.withTools.add(runId);
  if (stream === "thinking") showDoing("Thinking…");
  if (stream === "tool" && data.phase === "start") showDoing(`Using ${data.name}…`);
  if (stream === "tool" && data.phase === "result") showDoing("Thinking…");
}

/** What the assistant does while nothing can be read yet. Without a text: whatever is true now. */
function showDoing(what = hasSilentRun() ? "Thinking…" : "") {
  doing.hidden = what === "";
  element("doing-text").textContent = what;
  transcript.keepEnd();
}

function hasSilentRun() {
  return [...chat.runs.values()].includes(null);
}

function announceFailure(message) {
  transcript.setFailure(transcript.addEntry({ role: "note" }), message);
}

// ------------------------------------------------------------ questions

/** What is open in this conversation, also after a reload. */
async function readQuestions() {
  if (!chat.mayApprove) return;
  const { approvals } = await connection.ask("exec.approval.list", { sessionKey: chat.sessionKey });
  questions.keep(approvals.map(({ id }) => id));
  for (const approval of approvals.toReversed()) ask(approval);
}

function ask(approval) {
  questions.show(approval, async (decision) => {
    const { ok, state, decidedBy } = await connection.ask("exec.approval.resolve", { id: approval.id, decision });
    // Somebody else was here first: it ended as they said. Of our own answer the event tells, like of everybody's.
    if (!ok) endQuestion({ id: approval.id, state, decision: null, resolvedBy: decidedBy });
  });
  element("announce").textContent = "The assistant asks you something.";
}

function endQuestion({ id, state, decision, resolvedBy }) {
  questions.end(id, state, decision, resolvedBy);
}

// ------------------------------------------------------------ composer

async function deliver(runId, said) {
  const { message, entry } = said;
  transcript.setFoot(entry, "Sending…");
  // The run is known before the answer comes: its first words may be faster.
  if (!chat.runs.has(runId)) chat.runs.set(runId, null);
  try {
    await connection.ask("chat.send", { sessionKey: chat.sessionKey, message, idempotencyKey: runId });
    said.isConfirmed = true;
    transcript.setFoot(entry, transcript.clockTime(Date.now()));
  } catch (error) {
    if (chat.runs.get(runId) === null) chat.runs.delete(runId);
    const isLost = error instanceof RequestError && (error.code === "LOST" || error.code === "TIMEOUT");
    // The same id is sent again after the reconnect: however often it arrives, it is one message.
    if (isLost) transcript.setFoot(entry, "Waiting for the connection…");
    else {
      chat.said.delete(runId);
      transcript.setFailure(entry, `Not sent: ${error.message}`, () => utter(message, entry));
    }
  }
  showDoing();
  updateComposer();
}

/** A new message, or one that was refused, said again. */
function utter(message, entry) {
  const runId = crypto.randomUUID();
  const earlier = [...chat.said.values()].filter((other) => other.message === message).length;
  const said = { message, entry, isConfirmed: false, seenBefore: timesSaid(chat.history, message) + earlier };
  chat.said.set(runId, said);
  void deliver(runId, said);
}

function say(message) {
  const trimmed = message.trim();
  if (trimmed === "" || !connection.isOpen) return;
  utter(trimmed, transcript.addEntry({ role: "user", text: trimmed }));
  text.value = "";
  fitComposer();
  updateComposer();
}

async function stopAll() {
  const runIds = [...chat.runs.keys()];
  stop.disabled = true;
  try {
    await Promise.all(runIds.map((runId) => connection.ask("chat.abort", { sessionKey: chat.sessionKey, runId })));
  } catch (error) {
    announceFailure(`The answer could not be stopped: ${error.message}`);
  }
  stop.disabled = false;
}

function updateComposer() {
  const isBusy = chat.runs.size > 0;
  stop.hidden = !isBusy;
  send.disabled = text.value.trim() === "" || !connection.isOpen;
}

function fitComposer() {
  text.style.height = "auto";
  text.style.height = `${Math.min(text.scrollHeight, 220)}px`;
}

text.addEventListener("input", () => {
  fitComposer();
  updateComposer();
});
text.addEventListener("keydown", (event) => {
  // While an input method composes, Enter belongs to it.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  say(text.value);
});
element("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  say(text.value);
});
stop.addEventListener("click", () => void stopAll());
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && chat.runs.size > 0) void stopAll();
});
element("fresh").addEventListener("click", () => say("/new"));
for (const idea of document.querySelectorAll(".idea")) idea.addEventListener("click", () => say(idea.textContent));

element("theme").addEventListener("click", () => {
  const root = document.documentElement;
  const current = root.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  root.dataset.theme = current === "dark" ? "light" : "dark";
  try {
    localStorage.setItem("openclaw-theme", root.dataset.theme);
  } catch {
    // Storage may be forbidden.
    element("announce").textContent = "The colours are kept until this page is closed.";
  }
});

// ------------------------------------------------------------ start

/** A login code stands in the fragment, which no server and no log ever sees; it is taken away at once. */
function takeCode() {
  const code = new URLSearchParams(location.hash.slice(1)).get("code");
  if (location.hash !== "") history.replaceState(null, "", location.pathname);
  return code;
}

function start() {
  const code = takeCode();
  if (!canHoldKeys()) {
    link.dataset.state = "refused";
    void showDoor({
      code: "",
      message: "A browser keeps keys only for https pages and for localhost. Open this page by one of these.",
    });
    return;
  }
  connection.connect(code === null ? {} : { code });
}

start();
