/**
 * Who a text addresses. Telegram marks mentions and commands by offsets in UTF-16 units; only what it marked counts,
 * so that an address in a code block or a mail address is none. Pure.
 */
import type { Mentions } from "../../domain/message.ts";
import type { Me, TelegramEntity } from "./wire.ts";

export interface MarkedText {
  readonly text: string;
  readonly entities: readonly TelegramEntity[];
}

export interface Addressing {
  /** Without the mention of us at its beginning, and without our name behind a command. */
  readonly text: string;
  readonly mentions: Mentions;
  /** What the text begins with; null where it is no command. */
  readonly command: "ours" | "anybodys" | "anothers" | null;
}

export function addressing(marked: MarkedText, me: Me): Addressing {
  const users: string[] = [];
  let self = false;
  for (const entity of marked.entities) {
    if (entity.type === "mention") {
      const name = covered(marked.text, entity).slice(1);
      if (isMe(name, me)) self = true;
      else if (name !== "") users.push(name);
    } else if (entity.type === "text_mention" && entity.user !== undefined) {
      if (entity.user.id === me.id) self = true;
      else users.push(String(entity.user.id));
    }
  }
  const command = leadingCommand(marked, me);
  return {
    text: command?.to === "ours" ? withoutOwnName(marked.text, command.end, me) : withoutLeadingMention(marked, me),
    mentions: { users, roles: [], channels: [], everyone: false, self: self || command?.to === "ours" },
    command: command?.to ?? null,
  };
}

function leadingCommand(
  { text, entities }: MarkedText,
  me: Me,
): { readonly to: "ours" | "anybodys" | "anothers"; readonly end: number } | null {
  const entity = entities.find(({ type, offset }) => type === "bot_command" && offset === 0);
  if (entity === undefined) return null;
  const [, name] = covered(text, entity).split("@");
  const end = entity.offset + entity.length;
  if (name === undefined) return { to: "anybodys", end };
  return { to: isMe(name, me) ? "ours" : "anothers", end };
}

/** `/status@claw now` → `/status now`. */
function withoutOwnName(text: string, end: number, me: Me): string {
  return text.slice(0, end - me.username.length - 1) + text.slice(end);
}

/** `@claw, do it` → `do it`: as anywhere else, being called is not part of what is asked. */
function withoutLeadingMention({ text, entities }: MarkedText, me: Me): string {
  const first = entities.find(
    (entity) =>
      (entity.type === "mention" || entity.type === "text_mention") && text.slice(0, entity.offset).trim() === "",
  );
  if (first === undefined) return text;
  const ours = first.type === "mention" ? isMe(covered(text, first).slice(1), me) : first.user?.id === me.id;
  if (!ours) return text;
  const rest = text.slice(first.offset + first.length).replace(/^[:,;]?\s*/, "");
  // Called and nothing else: the name is all that was said.
  return rest === "" ? text : rest;
}

function covered(text: string, { offset, length }: TelegramEntity): string {
  return text.slice(offset, offset + length);
}

/** Names on Telegram are the same in capitals. */
function isMe(name: string, me: Me): boolean {
  return name.toLowerCase() === me.username.toLowerCase();
}
