/** Ids of tool calls: always there, never one that the conversation has already. Keeps the provider's own where it can. */
import type { ModelMessage } from "../domain/conversation.ts";
import type { Ids } from "../platform/ids.ts";

/** Returns the id to use for a proposed one. Some servers call every first call `call_0`, and some name none. */
export function callIds(messages: readonly ModelMessage[], ids: Ids): (proposed: string) => string {
  let taken: Set<string> | undefined;
  return (proposed) => {
    taken ??= new Set(
      messages.flatMap((message) =>
        message.role === "assistant"
          ? message.content.flatMap((part) => (part.type === "tool-call" ? [part.callId] : []))
          : [],
      ),
    );
    const id = proposed === "" || taken.has(proposed) ? `call_${ids.hex(8)}` : proposed;
    taken.add(id);
    return id;
  };
}

/** An id may come from another provider; the strictest takes letters, digits, `_` and `-` alone, and 64 of them. */
export function wireCallId(callId: string): string {
  return callId.replaceAll(/[^A-Za-z0-9_-]/g, "_").slice(-64);
}
