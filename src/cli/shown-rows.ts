/** Parts and times as a person reads them in a terminal. */
import type { ShownPart } from "../protocol/shown-item.ts";
import type { Output } from "./output.ts";

export type Fact = readonly [name: string, text: string];

/** `2026-11-20 12:00:00`, in UTC. */
export function momentOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace("T", " ");
}

/** `1 piece`, `2 pieces`. */
export function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? "" : "s"}`;
}

/** Names in a column, their texts beside them; a text of several lines stays in its column. */
export function facts(rows: readonly Fact[], output: Output): string {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows
    .map(([name, text]) => `${output.bold(name.padEnd(width))}  ${text.replaceAll("\n", `\n${" ".repeat(width + 2)}`)}`)
    .join("\n");
}

export function partFacts(part: ShownPart): readonly Fact[] {
  const facts: Fact[] = [
    ["chat", `${part.channel}/${part.accountId} ${part.chatId}`],
    ["does", part.action],
    ["state", part.state],
    ["made", momentOf(part.createdMs)],
    ["attempts", String(part.attempts)],
  ];
  if (part.platformMessageIds.length > 0) facts.push(["arrived as", part.platformMessageIds.join(", ")]);
  if (part.error !== null) facts.push(["error", `${part.error.message} (${part.error.code})`]);
  if (part.attachments > 0) facts.push(["files", String(part.attachments)]);
  facts.push(["text", part.text]);
  return facts;
}

/** One line of a table: the first words, to know it by. */
export function excerptOf(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length <= excerptChars ? line : `${line.slice(0, excerptChars).toWellFormed()}…`;
}

const excerptChars = 60;
