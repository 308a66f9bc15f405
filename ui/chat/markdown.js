/**
 * Markdown as DOM nodes: the part of it that assistants write. It never makes HTML out of text, so there is nothing
 * to clean: what it does not know stays the text it was. Links lead to http, https and mailto only; images are links.
 */

const deepestNesting = 8;

/** Returns a fragment for `text`. Never throws; a half-written text while it streams is fine. */
export function renderMarkdown(text) {
  const fragment = document.createDocumentFragment();
  renderBlocks(fragment, text.replaceAll("\r\n", "\n").split("\n"), 0);
  return fragment;
}

function renderBlocks(parent, lines, depth) {
  let index = 0;
  while (index < lines.length) {
    const line = lines[index];
    if (line.trim() === "") {
      index += 1;
      continue;
    }
    const block = blocks.find((candidate) => candidate.starts(line, lines[index + 1], depth));
    index = (block ?? paragraph).take(parent, lines, index, depth);
  }
}

const fence = {
  starts: (line) => /^ {0,3}(`{3,}|~{3,})/.test(line),
  take(parent, lines, start) {
    const [, mark, info] = /^ {0,3}(`{3,}|~{3,})\s*([^\s`]*)/.exec(lines[start]);
    let end = start + 1;
    while (end < lines.length && !isClosing(lines[end], mark)) end += 1;
    parent.append(codeBlock(lines.slice(start + 1, end).join("\n"), info));
    return end + 1;
  },
};

function isClosing(line, mark) {
  const text = line.trim();
  return text.length >= mark.length && text === mark[0].repeat(text.length);
}

const heading = {
  starts: (line) => /^ {0,3}#{1,6}(\s|$)/.test(line),
  take(parent, lines, start) {
    const text = lines[start].trim();
    const level = /^#+/.exec(text)[0].length;
    // The page has a first level of its own.
    const element = make(`h${Math.min(level + 1, 6)}`);
    renderInline(
      element,
      text
        .slice(level)
        .replace(/\s#+\s*$/, "")
        .trim(),
    );
    parent.append(element);
    return start + 1;
  },
};

const rule = {
  starts: (line) => /^ {0,3}([-*_])( *\1){2,} *$/.test(line),
  take(parent, _lines, start) {
    parent.append(make("hr"));
    return start + 1;
  },
};

const quote = {
  starts: (line, _next, depth) => depth < deepestNesting && /^ {0,3}>/.test(line),
  take(parent, lines, start, depth) {
    let end = start;
    while (end < lines.length && /^ {0,3}>/.test(lines[end])) end += 1;
    const element = make("blockquote");
    renderBlocks(
      element,
      lines.slice(start, end).map((line) => line.replace(/^ {0,3}> ?/, "")),
      depth + 1,
    );
    parent.append(element);
    return end;
  },
};

const itemStart = /^( {0,3})([-*+]|\d{1,9}[.)])( +|$)/;

const list = {
  starts: (line, _next, depth) => depth < deepestNesting && itemStart.test(line),
  take(parent, lines, start, depth) {
    const [, , marker] = itemStart.exec(lines[start]);
    const isOrdered = /\d/.test(marker);
    const element = make(isOrdered ? "ol" : "ul");
    if (isOrdered && parseInt(marker, 10) !== 1) element.start = parseInt(marker, 10);
    let index = start;
    while (index < lines.length) {
      const match = itemStart.exec(lines[index]);
      if (match === null || /\d/.test(match[2]) !== isOrdered || rule.starts(lines[index])) break;
      const width = match[0].length;
      const inner = [lines[index].slice(width)];
      index += 1;
      while (index < lines.length && belongsToItem(lines, index, width)) {
        inner.push(lines[index].slice(Math.min(width, indentOf(lines[index]))));
        index += 1;
      }
      element.append(listItem(inner, depth));
      while (lines[index]?.trim() === "" && itemStart.test(lines[index + 1] ?? "")) index += 1;
    }
    parent.append(element);
    return index;
  },
};

function belongsToItem(lines, index, width) {
  const line = lines[index];
  if (line.trim() === "") return indentOf(lines[index + 1] ?? "") >= width && (lines[index + 1] ?? "").trim() !== "";
  if (indentOf(line) >= Math.min(width, 2)) return true;
  // A line that begins nothing new goes on with the item's text.
  return (
    lines[index - 1].trim() !== "" &&
    !itemStart.test(line) &&
    !blocks.some((block) => block.starts(line, lines[index + 1], 0))
  );
}

function indentOf(line) {
  return /^ */.exec(line)[0].length;
}

function listItem(lines, depth) {
  const item = make("li");
  const task = /^\[([ xX])\] /.exec(lines[0]);
  if (task !== null) {
    const box = make("input");
    Object.assign(box, { type: "checkbox", checked: task[1] !== " ", disabled: true });
    box.setAttribute("aria-label", box.checked ? "done" : "to do");
    item.className = "task";
    item.append(box);
    lines[0] = lines[0].slice(4);
  }
  renderBlocks(item, lines, depth + 1);
  // A single paragraph in an item needs no space around it.
  const only = [...item.children].filter((child) => child.tagName === "P");
  if (only.length === 1) only[0].replaceWith(...only[0].childNodes);
  return item;
}

const table = {
  starts: (line, next) =>
    line.includes("|") &&
    next !== undefined &&
    /^ {0,3}[|:-]/.test(next) &&
    cells(next).every((cell) => /^:?-+:?$/.test(cell)) &&
    cells(line).length === cells(next).length,
  take(parent, lines, start) {
    const aligns = cells(lines[start + 1]).map((cell) =>
      cell.endsWith(":") ? (cell.startsWith(":") ? "center" : "right") : "left",
    );
    const element = make("table");
    const head = element.createTHead().insertRow();
    cells(lines[start]).forEach((cell, column) => head.append(tableCell("th", cell, aligns[column])));
    const body = element.createTBody();
    let end = start + 2;
    while (end < lines.length && lines[end].includes("|")) {
      const row = body.insertRow();
      cells(lines[end])
        .slice(0, aligns.length)
        .forEach((cell, column) => row.append(tableCell("td", cell, aligns[column])));
      end += 1;
    }
    const frame = make("div");
    frame.className = "table";
    frame.tabIndex = 0;
    frame.append(element);
    parent.append(frame);
    return end;
  },
};

function cells(line) {
  const text = line.trim().replace(/^\|/, "").replace(/\|$/, "");
  return text.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
}

function tableCell(tag, text, align) {
  const cell = make(tag);
  if (align !== "left") cell.className = align;
  renderInline(cell, text);
  return cell;
}

const paragraph = {
  take(parent, lines, start) {
    let end = start + 1;
    while (
      end < lines.length &&
      lines[end].trim() !== "" &&
      !blocks.some((block) => block.starts(lines[end], lines[end + 1], 0))
    ) {
      end += 1;
    }
    const element = make("p");
    renderInline(
      element,
      lines
        .slice(start, end)
        .map((line) => line.trimStart())
        .join("\n")
        .trimEnd(),
    );
    parent.append(element);
    return end;
  },
};

const blocks = [fence, heading, rule, quote, list, table];

function codeBlock(text, language) {
  const frame = make("div");
  frame.className = "code";
  const bar = make("div");
  bar.className = "code-bar";
  const name = make("span");
  name.textContent = language === "" ? "text" : language;
  const copy = make("button");
  copy.type = "button";
  copy.className = "copy";
  copy.textContent = "Copy";
  copy.addEventListener("click", () => void copyText(text, copy));
  bar.append(name, copy);
  const pre = make("pre");
  pre.tabIndex = 0;
  const code = make("code");
  code.textContent = text;
  pre.append(code);
  frame.append(bar, pre);
  return frame;
}

async function copyText(text, button) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    // The browser said no, perhaps for want of permission: the text can still be selected.
    button.textContent = "Not possible";
  }
  setTimeout(() => {
    button.textContent = "Copy";
  }, 1500);
}

/** One pass from left to right; what opens and never closes is text. */
function renderInline(parent, text, depth = 0) {
  let plain = "";
  // Marks that close nowhere further on: looking for their end again at each of them would take minutes.
  const unclosed = new Set();
  const flush = () => {
    if (plain !== "") parent.append(plain);
    plain = "";
  };
  let index = 0;
  while (index < text.length) {
    const found = depth < deepestNesting ? inlineAt(text, index, { depth, unclosed }) : null;
    if (found === null) {
      if (text[index] === "\n") {
        flush();
        parent.append(make("br"));
      } else if (text[index] === "\\" && /[\\`*_{}[\]()#+\-.!~|<>]/.test(text[index + 1] ?? "")) {
        plain += text[index + 1];
        index += 1;
      } else plain += text[index];
      index += 1;
    } else {
      flush();
      parent.append(found.node);
      index = found.end;
    }
  }
  flush();
}

function inlineAt(text, index, { depth, unclosed }) {
  switch (text[index]) {
    case "`":
      return codeAt(text, index, unclosed);
    case "*":
    case "_":
    case "~":
      return emphasisAt(text, index, { depth, unclosed });
    case "!":
      return text[index + 1] === "[" ? linkAt(text, index + 1, depth) : null;
    case "[":
      return linkAt(text, index, depth);
    case "<":
    case "h":
      return addressAt(text, index);
    default:
      return null;
  }
}

function codeAt(text, index, unclosed) {
  const mark = /^`+/.exec(text.slice(index, index + 16))[0];
  if (unclosed.has(mark)) return null;
  for (let end = text.indexOf(mark, index + mark.length); end !== -1; end = text.indexOf(mark, end + 1)) {
    if (text[end + mark.length] === "`" || text[end - 1] === "`") continue;
    const code = make("code");
    code.textContent = text
      .slice(index + mark.length, end)
      .replace(/^ (.+) $/s, "$1")
      .replaceAll("\n", " ");
    return { node: code, end: end + mark.length };
  }
  unclosed.add(mark);
  return null;
}

const emphasis = { "***": ["strong", "em"], "**": ["strong"], __: ["strong"], "*": ["em"], _: ["em"], "~~": ["del"] };

function emphasisAt(text, index, { depth, unclosed }) {
  const sign = text[index];
  const run = /^(\*{1,3}|_{1,2}|~{2})/.exec(text.slice(index, index + 3))?.[0];
  if (run === undefined || unclosed.has(run) || /\s/.test(text[index + run.length] ?? " ")) return null;
  // snake_case is no emphasis.
  if (sign === "_" && /\w/.test(text[index - 1] ?? " ")) return null;
  for (let end = text.indexOf(run, index + run.length + 1); end !== -1; end = text.indexOf(run, end + 1)) {
    const isWordInside = sign === "_" && /\w/.test(text[end + run.length] ?? " ");
    if (
      /\s/.test(text[end - 1]) ||
      text[end - 1] === "\\" ||
      isWordInside ||
      (run.length === 1 && text[end + 1] === sign)
    ) {
      if (run.length === 1 && text[end + 1] === sign) end += 1;
      continue;
    }
    const tags = emphasis[run];
    const outer = make(tags[0]);
    const inner = tags.length === 1 ? outer : outer.appendChild(make(tags[1]));
    renderInline(inner, text.slice(index + run.length, end), depth + 1);
    return { node: outer, end: end + run.length };
  }
  unclosed.add(run);
  return null;
}

function linkAt(text, index, depth) {
  const close = text.indexOf("](", index);
  if (close === -1 || close - index > 1000) return null;
  const end = text.indexOf(")", close);
  if (end === -1 || end - close > 2000) return null;
  const label = text.slice(index + 1, close);
  const target = text
    .slice(close + 2, end)
    .trim()
    .split(/\s/)[0]
    .replace(/^<|>$/g, "");
  const address = safeAddress(target);
  if (address === null) return null;
  const link = anchor(address);
  renderInline(link, label === "" ? target : label, depth + 1);
  return { node: link, end: end + 1 };
}

function addressAt(text, index) {
  const isBracketed = text[index] === "<";
  const match = /^https?:\/\/[^\s<>"'`]{1,2000}/.exec(text.slice(index + (isBracketed ? 1 : 0), index + 2100));
  if (match === null || (!isBracketed && /\w/.test(text[index - 1] ?? " "))) return null;
  const written = isBracketed ? match[0] : match[0].replace(/[.,;:!?)\]]+$/, "");
  const after = index + written.length + (isBracketed ? 1 : 0);
  if (isBracketed && text[after] !== ">") return null;
  const address = safeAddress(written);
  if (address === null) return null;
  const link = anchor(address);
  link.textContent = written;
  return { node: link, end: after + (isBracketed ? 1 : 0) };
}

function anchor(address) {
  const link = make("a");
  link.href = address;
  link.target = "_blank";
  link.rel = "noopener noreferrer";
  return link;
}

function safeAddress(target) {
  if (!/^(https?:\/\/|mailto:)/i.test(target) || !URL.canParse(target)) return null;
  const { protocol, href } = new URL(target);
  return ["http:", "https:", "mailto:"].includes(protocol) ? href : null;
}

function make(tag) {
  return document.createElement(tag);
}
