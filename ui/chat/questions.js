/**
 * What waits for a yes: one card per question, with all that is allowed by it, and how it ended. Knows the DOM and nothing
 * of the gateway; what it shows is text, never markup.
 */
const place = document.getElementById("questions");

/** Question id → its card. */
const cards = new Map();

/**
 * `approval` as the gateway tells it; `answer(decision)` resolves when the gateway has taken it, and rejects with words.
 * A question that is shown already stays as it is.
 */
export function show(approval, answer) {
  if (cards.has(approval.id)) return;
  for (const [id, { isOver }] of cards) if (isOver) remove(id);
  const card = make("article", "question");
  const title = make("h2", "", titleOf(approval));
  title.id = `question-${approval.id}`;
  card.setAttribute("aria-labelledby", title.id);
  const outcome = make("p", "outcome");
  outcome.setAttribute("role", "status");
  const buttons = make("div", "choices");
  const choose = (label, className, decision) => {
    const button = make("button", className, label);
    button.type = "button";
    button.addEventListener("click", () => void decide(card, { decision, answer }));
    buttons.append(button);
  };
  choose("Allow once", "wide", "allow-once");
  if (approval.always !== null) choose("Always", "quiet", "allow-always");
  choose("Deny", "quiet", "deny");
  card.append(title, whole(approval), about(approval), buttons, outcome);
  cards.set(approval.id, { card, buttons, outcome, isOver: false });
  place.append(card);
  place.hidden = false;
}

/** How it ended, wherever it was answered. */
export function end(id, state, decision, by) {
  const shown = cards.get(id);
  if (shown === undefined) return;
  shown.isOver = true;
  shown.buttons.remove();
  shown.card.classList.add(state === "allowed" ? "allowed" : "denied");
  shown.outcome.textContent = outcomeText(state, decision, by);
  const close = make("button", "quiet", "Close");
  close.type = "button";
  close.addEventListener("click", () => remove(id));
  shown.outcome.after(close);
}

/** Those that are open, and no others; how one ended stays to be read. */
export function keep(ids) {
  for (const [id, { isOver }] of cards) if (!isOver && !ids.includes(id)) remove(id);
}

export function clear() {
  for (const id of cards.keys()) remove(id);
}

function remove(id) {
  cards.get(id)?.card.remove();
  cards.delete(id);
  place.hidden = cards.size === 0;
}

async function decide(card, { decision, answer }) {
  const buttons = [...card.querySelectorAll("button")];
  for (const button of buttons) button.disabled = true;
  try {
    await answer(decision);
  } catch (error) {
    for (const button of buttons) button.disabled = false;
    card.querySelector(".outcome").textContent = `Not answered: ${error.message}`;
  }
}

function titleOf({ kind, tool }) {
  if (kind === "exec") return "May this command run?";
  if (kind === "in-doubt") return `This may have been done already. May it be done again? (${tool})`;
  return `May this be done? (${tool})`;
}

/** All of it, however long: what is not shown is not allowed. */
function whole({ shown }) {
  const block = make("pre", "shown");
  block.tabIndex = 0;
  block.setAttribute("aria-label", "What would be done");
  block.append(make("code", "", visible(shown)));
  if (visible(shown) === shown) return block;
  const both = document.createDocumentFragment();
  both.append(block, make("p", "beware", "It holds characters that cannot be seen; they are written as \\u{…}."));
  return both;
}

function about({ cwd, programs, reasons, taint, always, expiresMs }) {
  const list = make("dl", "about");
  const row = (name, lines) => {
    if (lines.length === 0) return;
    const said = make("dd");
    for (const line of lines) said.append(make("span", "", visible(line)));
    list.append(make("dt", "", name), said);
  };
  row("Folder", cwd === null ? [] : [cwd]);
  row("Programs", programs);
  row("Asked because", reasons);
  row(
    "Had read",
    taint.map(({ source }) => source),
  );
  row("Always would allow", always === null ? [] : [always]);
  const until = new Date(expiresMs).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  row("Open until", [`${until}, then it is a no`]);
  return list;
}

function outcomeText(state, decision, by) {
  const who = by === null ? "" : ` by ${by.startsWith("device:") ? "a browser" : by}`;
  if (state === "expired") return "Nobody answered in time: it is not done.";
  if (state !== "allowed") return `Denied${who}.`;
  return decision === "allow-always" ? `Allowed${who}, from now on too.` : `Allowed once${who}.`;
}

/** What has no width, turns the direction or looks like nothing is written as its number. */
function visible(text) {
  return text.replace(hidden, (character) => `\\u{${character.codePointAt(0).toString(16)}}`);
}

const hidden =
  /[\p{Cc}--[\n\t]]|\p{Cf}|\p{Co}|\p{Cn}|[\p{Z}--[ ]]|[\u115f\u1160\u3164\uffa0\u2800]|[\ufe00-\ufe0f\u{e0100}-\u{e01ef}]/gv;

function make(tag, className = "", text = "") {
  const made = document.createElement(tag);
  if (className !== "") made.className = className;
  if (text !== "") made.textContent = text;
  return made;
}
