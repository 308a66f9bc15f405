/** What a caller of the gateway might do when it wrote: it stands with the message, for whoever judges it later. Pure. */
import type { InboundMessage } from "./message.ts";

/** Null where no caller wrote it, but a person on a platform. Believe it of the channels alone that the gateway makes itself. */
export function callerScopes({ raw }: Pick<InboundMessage, "raw">): readonly string[] | null {
  if (typeof raw !== "object" || raw === null || !("scopes" in raw) || !Array.isArray(raw.scopes)) return null;
  return raw.scopes.filter((scope) => typeof scope === "string");
}
