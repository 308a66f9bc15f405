/** Keyboards below a message, judged as the server judges them. Only an inline keyboard is part of the message. */
import { botApiLimits } from "../bot-api-limits.ts";
import { badRequest, type Refusal } from "../refusal.ts";
import { notJson, objectOf, type Params } from "../request/params.ts";

type Fields = Readonly<Record<string, unknown>>;

/** What is shown at the message, or null. */
export function replyMarkupOf(params: Params): Fields | null | Refusal {
  const given = params.json("reply_markup");
  if (given === undefined) return null;
  if (given === notJson) return badRequest("can't parse reply keyboard markup JSON object");
  const markup = objectOf(given);
  if (markup === undefined) return badRequest("object expected as reply markup");
  const rows = markup["inline_keyboard"];
  if (rows === undefined) return null;
  if (!Array.isArray(rows)) return badRequest(`field "inline_keyboard" must be of type Array`);
  for (const row of rows as unknown[]) {
    if (!Array.isArray(row)) return badRequest(`field "inline_keyboard" must be an Array of Arrays`);
    for (const button of row as unknown[]) {
      const wrong = wrongButton(objectOf(button));
      if (wrong !== null) return wrong;
    }
  }
  const filled = (rows as unknown[][]).filter((row) => row.length > 0);
  return filled.length === 0 ? null : { inline_keyboard: filled };
}

function wrongButton(button: Fields | undefined): Refusal | null {
  if (button === undefined) return cannotParse("expected an Object");
  const { text, callback_data: data, url } = button;
  if (typeof text !== "string") return cannotParse(`Can't find field "text"`);
  if (text === "") return badRequest("BUTTON_TEXT_INVALID");
  if (data !== undefined) {
    const isGood = typeof data === "string" && data !== "" && Buffer.byteLength(data) <= botApiLimits.callbackDataBytes;
    return isGood ? null : badRequest("BUTTON_DATA_INVALID");
  }
  if (typeof url === "string") {
    return URL.canParse(url) ? null : badRequest(`inline keyboard button URL '${url}' is invalid: Wrong HTTP URL`);
  }
  return otherActions.some((action) => button[action] !== undefined)
    ? null
    : cannotParse("Text buttons are unallowed in the inline keyboard");
}

const otherActions = [
  "switch_inline_query",
  "switch_inline_query_current_chat",
  "switch_inline_query_chosen_chat",
  "web_app",
  "login_url",
  "copy_text",
  "callback_game",
  "pay",
];

function cannotParse(why: string): Refusal {
  return badRequest(`can't parse inline keyboard button: ${why}`);
}
