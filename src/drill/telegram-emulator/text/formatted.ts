/**
 * Text as a bot sends it, in the two steps of the real server: markup is parsed before anything else is looked at,
 * while entities and lengths are judged only when the message is about to be sent.
 */
import { botApiLimits } from "../bot-api-limits.ts";
import { badRequest, Refusal } from "../refusal.ts";
import { notJson, objectOf, type Params } from "../request/params.ts";
import { detectEntities } from "./detect.ts";
import type { Entity, FormattedText } from "./entity.ts";
import { parseHtml } from "./html.ts";
import { checkedLink, isEmojiId, linkedUserId } from "./link.ts";
import { parseMarkdown } from "./markdown.ts";
import { parseMarkdownV2 } from "./markdown-v2.ts";
import { addDetected, settleEntities } from "./settle-entities.ts";

/** Where the text, its markup and its entities are: a caption has other names than a text. */
export interface TextFields {
  readonly text: string;
  readonly entities: string;
}

export const textFields: TextFields = { text: "text", entities: "entities" };
export const captionFields: TextFields = { text: "caption", entities: "caption_entities" };

/** Step one. */
export function parseText(params: Params, fields: TextFields): FormattedText | Refusal {
  const given = params.json(fields.entities);
  if (given === notJson) return badRequest("can't parse entities JSON object");
  return formatted(params.text(fields.text), params.text("parse_mode"), given);
}

/** The same for a text inside an object, as the captions of an album are. */
export function formatted(text: string, parseMode: string, given: unknown): FormattedText | Refusal {
  if (Buffer.byteLength(text) > botApiLimits.rawTextBytes) return badRequest("text is too long");
  const mode = parseMode.toLowerCase();
  if (text !== "" && mode !== "" && mode !== "none") {
    const parse = parsers[mode];
    return parse === undefined ? badRequest("unsupported parse_mode") : parse(text);
  }
  if (!Array.isArray(given)) return { text, entities: [] };
  const entities: Entity[] = [];
  for (const value of given) {
    const entity = readEntity(value);
    if (entity instanceof Refusal) return entity;
    if (entity !== null) entities.push(entity);
  }
  return { text, entities };
}

const parsers: Readonly<Record<string, (text: string) => FormattedText | Refusal>> = {
  html: parseHtml,
  markdown: parseMarkdown,
  markdownv2: parseMarkdownV2,
};

/** Step two: what people see, with the entities that the server finds itself. */
export function settleText(draft: FormattedText, longest: number, tooLong: string): FormattedText | Refusal {
  const linked: Entity[] = [];
  for (const entity of draft.entities) {
    const checked = checkedEntity(entity);
    if (checked instanceof Refusal) return checked;
    linked.push(checked);
  }
  const settled = settleEntities({ text: draft.text, entities: linked });
  if (settled instanceof Refusal) return settled;
  const { text, entities } = settled;
  if (text.length > longest) return badRequest(tooLong);
  const all = addDetected(entities, detectEntities(text));
  return { text, entities: all.slice(0, botApiLimits.entities) };
}

/** Telegram's core looks at links and emoji once more, and at links to a person as at mentions. */
function checkedEntity(entity: Entity): Entity | Refusal {
  const { url, custom_emoji_id: emoji, ...rest } = entity;
  if (emoji !== undefined && !isEmojiId(emoji)) return badRequest("invalid custom emoji identifier specified");
  if (url === undefined) return entity;
  const userId = linkedUserId(url);
  if (userId !== null) return { ...rest, type: "text_mention", user: { id: userId } };
  const link = checkedLink(url);
  return link === null ? badRequest(`entity URL '${url}' is invalid: Wrong HTTP URL`) : { ...rest, url: link };
}

/** Types that a bot may set, with what each needs. Those that the server finds itself are ignored where given. */
function readEntity(value: unknown): Entity | null | Refusal {
  const fields = objectOf(value);
  if (fields === undefined) return badRequest("can't parse MessageEntity: expected an Object");
  const { type, offset, length } = fields;
  const place = { offset: wholeNumber(offset), length: wholeNumber(length) };
  if (place.offset === null) return cannotParse("offset", offset);
  if (place.length === null) return cannotParse("length", length);
  if (typeof type !== "string") return badRequest(`can't parse MessageEntity: Can't find field "type"`);
  return typedEntity(type, { offset: place.offset, length: place.length }, fields);
}

function typedEntity(
  type: string,
  place: { readonly offset: number; readonly length: number },
  fields: Readonly<Record<string, unknown>>,
): Entity | null | Refusal {
  if (plainTypes.has(type)) return { type, ...place };
  const { url, user, language, custom_emoji_id: emoji } = fields;
  if (type === "pre") {
    return { type, ...place, ...(typeof language === "string" && language !== "" ? { language } : {}) };
  }
  if (type === "text_link") {
    if (typeof url !== "string") return badRequest(`can't parse MessageEntity: Can't find field "url"`);
    return { type, ...place, url };
  }
  if (type === "text_mention") {
    const person = objectOf(user);
    if (person === undefined) return badRequest(`can't parse MessageEntity: Can't find field "user"`);
    return { type, ...place, user: person };
  }
  if (type === "custom_emoji") {
    if (typeof emoji !== "string") return badRequest(`can't parse MessageEntity: Can't find field "custom_emoji_id"`);
    return { type, ...place, custom_emoji_id: emoji };
  }
  return detectedTypes.has(type) ? null : badRequest("can't parse MessageEntity: Unsupported type specified");
}

const plainTypes: ReadonlySet<string> = new Set([
  "bold",
  "italic",
  "underline",
  "strikethrough",
  "spoiler",
  "code",
  "blockquote",
  "expandable_blockquote",
]);
const detectedTypes: ReadonlySet<string> = new Set([
  "mention",
  "hashtag",
  "cashtag",
  "bot_command",
  "url",
  "email",
  "phone_number",
  "bank_card_number",
]);

function wholeNumber(value: unknown): number | null {
  const number = typeof value === "string" && /^-?\d+$/.test(value) ? Number(value) : value;
  return Number.isInteger(number) ? (number as number) : null;
}

function cannotParse(name: string, value: unknown): Refusal {
  const why = value === undefined ? `Can't find field "${name}"` : `Field "${name}" must be a Number`;
  return badRequest(`can't parse MessageEntity: ${why}`);
}
