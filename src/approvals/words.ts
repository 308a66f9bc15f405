/** What people read of a question: in plain words, with all of what would run, and with nothing that hides or styles itself. */
import { limits } from "../domain/limits.ts";
import { hasHidden, visibleText } from "../domain/visible-text.ts";
import type { ApprovalView } from "./contract.ts";

/** Whether a chat may show it whole. */
export function fitsChat(shown: string): boolean {
  return visibleText(shown).length <= limits.approvalChatChars;
}

/** Markdown. `nowMs`: when it is said. */
export function questionMarkdown(view: ApprovalView, nowMs: number): string {
  const { id, shown, always } = view;
  const ways = [`\`/approve ${id}\` (once)`, `\`/deny ${id}\``];
  if (always !== null) ways.splice(1, 0, `\`/approve ${id} always\` (from now on: ${plain(always)})`);
  const until = `Without an answer within ${timeWords(view.expiresMs - nowMs)} it is not done.`;
  if (!fitsChat(shown)) {
    const length = `It is ${visibleText(shown).length} characters long, which is too long to be shown here whole, so it cannot be allowed here.`;
    const where = `Look at it on the gateway's page or with \`openclaw approvals show ${id}\`, or refuse it here: \`/deny ${id}\`. ${until}`;
    return [headline(view), ...surroundings(view), length, where].join("\n\n");
  }
  return [
    headline(view),
    codeBlock(visibleText(shown)),
    ...(hasHidden(shown) ? ["It holds characters that cannot be seen; they are written as `\\u{…}`."] : []),
    ...surroundings(view),
    `Answer with ${ways.join(", ")}. ${until}`,
  ].join("\n\n");
}

function headline({ kind, tool }: ApprovalView): string {
  switch (kind) {
    case "exec":
      return "🔐 May this command run?";
    case "tool":
      return `🔐 May this be done? (${plain(tool)})`;
    case "in-doubt":
      return `🔐 This may have been done already, just before the gateway stopped. May it be done (again)? (${plain(tool)})`;
  }
}

function surroundings({ cwd, reasons, taint }: ApprovalView): string[] {
  const read = taint.map(({ source }) => `- ${codeSpan(visibleText(source))}`);
  return [
    ...(cwd === null ? [] : [`Folder: ${codeSpan(visibleText(cwd))}`]),
    ...(reasons.length === 0
      ? []
      : [["Why it is asked:", ...reasons.map((reason) => `- ${plain(reason)}`)].join("\n")]),
    ...(read.length === 0 ? [] : [["What the assistant had read before it asked:", ...read].join("\n")]),
  ];
}

export function expiredSentence({ id }: Pick<ApprovalView, "id">): string {
  return `⌛ Nobody answered question \`${id}\` in time: it is not done.`;
}

/** A fence that nothing in the text can end. */
function codeBlock(text: string): string {
  const fence = "`".repeat(Math.max(3, longestRun(text) + 1));
  return `${fence}\n${text}\n${fence}`;
}

/** One line; a span that begins or ends with a backtick needs its spaces. */
function codeSpan(text: string): string {
  const line = text.replaceAll(/\s+/g, " ");
  const ticks = "`".repeat(longestRun(line) + 1);
  const pad = line.startsWith("`") || line.endsWith("`") ? " " : "";
  return `${ticks}${pad}${line}${pad}${ticks}`;
}

function longestRun(text: string): number {
  return Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
}

/** Words that may hold what somebody else wrote: one line, without markup. */
function plain(text: string): string {
  return visibleText(text)
    .replaceAll(/\s+/g, " ")
    .replaceAll(/[\\`*_[\]<>#|~!]/g, (mark) => `\\${mark}`);
}

function timeWords(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 120) return seconds === 1 ? "1 second" : `${seconds} seconds`;
  return `${Math.round(seconds / 60)} minutes`;
}
