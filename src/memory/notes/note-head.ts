/**
 * The line above every saved note: when, whether it was said in private or in a group, by which agent, in which session,
 * and from which foreign words. Owns its form and how it is read back; text under a head cannot make one.
 */

export interface NoteHead {
  readonly isGroup: boolean;
  readonly agentId: string;
  readonly sessionKey: string;
  /** Sources of foreign words, joined; null where there were none. */
  readonly foreign: string | null;
}

/** `## 23:30 private main agent:main:main`, and behind it, where it is so, ` — foreign: web page https://example.org`. */
export function headLine(time: string, { isGroup, agentId, sessionKey, foreign }: NoteHead): string {
  const head = `## ${time} ${isGroup ? "group" : "private"} ${agentId} ${oneLine(sessionKey)}`;
  return foreign === null ? head : `${head}${foreignMark}${oneLine(foreign)}`;
}

/** Null for a line that is no head. */
export function readHead(line: string): NoteHead | null {
  const found = /^## \d\d:\d\d (private|group) (\S+) (.*)$/.exec(line.trimEnd());
  if (found === null) return null;
  const [, kind, agentId = "", rest = ""] = found;
  const at = rest.indexOf(foreignMark);
  return {
    isGroup: kind === "group",
    agentId,
    sessionKey: at === -1 ? rest : rest.slice(0, at),
    foreign: at === -1 ? null : rest.slice(at + foreignMark.length),
  };
}

/** Whether Markdown takes a line for a heading with number signs. */
export function isHeading(line: string): boolean {
  return /^ {0,3}#{1,6}(\s|$)/.test(line);
}

/** Heads are ours: what a model wrote cannot pass for another session's. */
export function withoutHeads(markdown: string): string {
  return markdown
    .replaceAll(/\r\n?|[\u2028\u2029]/g, "\n")
    .replaceAll(/^(\s*)(#+(?:\s|$))/gm, String.raw`$1\$2`)
    .replaceAll(/^(\s*)(=+|-+)\s*$/gm, String.raw`$1\$2`);
}

const foreignMark = " — foreign: ";

function oneLine(text: string): string {
  const line = text
    .replaceAll(/[\s\p{Cc}\u2028\u2029]+/gu, " ")
    .slice(0, longestPartChars)
    .toWellFormed()
    .trim();
  // Never nothing: what an editor strips from the end of a line would take the mark with it.
  return line === "" ? "unknown" : line;
}

const longestPartChars = 500;
