/** What a person in a chat is told when a turn fails: what happened, in words they can act on, without internals. */
import type { AppErrorJson } from "../domain/app-error.ts";
import { errorCodes } from "../domain/error-codes.ts";

export function failureText(error: AppErrorJson): string {
  const row = errorCodes[error.code];
  return `⚠️ ${row.meaning} ${row.remedy} (${error.code})`;
}
