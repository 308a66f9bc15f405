/**
 * One line of the IRC protocol, to and from its parts. Pure. Reading never throws: what is not a line gives null.
 * Writing refuses every character that would end the line, so that no text becomes a second command.
 */
import { AppError } from "../../domain/app-error.ts";

export interface IrcLine {
  readonly tags: Readonly<Record<string, string>>;
  /** Who sent it, as the server says; null where it says nothing. */
  readonly source: IrcSource | null;
  /** Upper case. */
  readonly command: string;
  readonly params: readonly string[];
}

export interface IrcSource {
  /** A nick, or a server's name. */
  readonly name: string;
  readonly user: string | null;
  readonly host: string | null;
}

export function parseLine(text: string): IrcLine | null {
  let rest = text;
  let tags: Record<string, string> = {};
  if (rest.startsWith("@")) {
    const [word, after] = cutWord(rest.slice(1));
    tags = parseTags(word);
    rest = after;
  }
  let source: IrcSource | null = null;
  if (rest.startsWith(":")) {
    const [word, after] = cutWord(rest.slice(1));
    source = parseSource(word);
    rest = after;
  }
  const params: string[] = [];
  while (rest !== "") {
    if (rest.startsWith(":")) {
      params.push(rest.slice(1));
      break;
    }
    const [word, after] = cutWord(rest);
    params.push(word);
    rest = after;
  }
  const command = params.shift();
  if (command === undefined || !/^([A-Za-z]+|\d{3})$/.test(command)) return null;
  return { tags, source, command: command.toUpperCase(), params };
}

/** Without the line end. The last parameter may hold spaces. Throws MSG_001 on anything that would break the line. */
export function formatLine(
  command: string,
  params: readonly string[],
  tags: Readonly<Record<string, string>> = {},
): string {
  const last = params.length - 1;
  const words = params.map((param, index) => {
    if (index !== last) return isWord(param) ? param : refuse(command);
    return isWord(param) ? param : `:${param}`;
  });
  const tagText = Object.entries(tags)
    .map(([key, value]) => (value === "" ? key : `${key}=${escapeTag(value)}`))
    .join(";");
  const text = [...(tagText === "" ? [] : [`@${tagText}`]), command, ...words].join(" ");
  return /[\r\n\0]/.test(text) ? refuse(command) : text;
}

function refuse(command: string): never {
  throw new AppError("MSG_001", `A ${command} command holds a character that IRC cannot carry.`);
}

function isWord(param: string): boolean {
  return param !== "" && !param.startsWith(":") && !/\s/.test(param);
}

function cutWord(text: string): readonly [string, string] {
  const space = text.indexOf(" ");
  if (space === -1) return [text, ""];
  let next = space;
  while (text[next] === " ") next += 1;
  return [text.slice(0, space), text.slice(next)];
}

function parseSource(word: string): IrcSource {
  const match = /^([^!@]*)(?:!([^@]*))?(?:@(.*))?$/s.exec(word);
  return { name: match?.[1] ?? word, user: match?.[2] ?? null, host: match?.[3] ?? null };
}

function parseTags(word: string): Record<string, string> {
  // A tag may be named like a property of every object; without a prototype there is none to meet.
  const tags: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const tag of word.split(";")) {
    const equals = tag.indexOf("=");
    const key = equals === -1 ? tag : tag.slice(0, equals);
    if (key !== "") tags[key] = equals === -1 ? "" : unescapeTag(tag.slice(equals + 1));
  }
  return tags;
}

const escapes: Readonly<Record<string, string>> = { ":": ";", s: " ", r: "\r", n: "\n", "\\": "\\" };

function unescapeTag(value: string): string {
  return value.replace(/\\(.?)/gs, (_all, letter: string) => escapes[letter] ?? letter);
}

function escapeTag(value: string): string {
  return value.replace(/[;\s\\]/g, (char) => {
    const letter = Object.entries(escapes).find(([, meaning]) => meaning === char)?.[0];
    return letter === undefined ? "" : `\\${letter}`;
  });
}
