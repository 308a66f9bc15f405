/** I3 and I4: what leaves the house was allowed when it left, and a doubt is never decided by forgetting it. */
import type { EndPart, Truth } from "../truth.ts";

/**
 * Nothing is shown that no part said it was sending, and nothing is shown in a chat after it was closed. A part that says
 * `sending` has passed the last question; what left without one is what this finds.
 */
export function permissionAsked({ seen, parts, closures }: Truth): readonly string[] {
  const sending = new Map<string, EndPart>();
  for (const part of parts) for (const id of part.platformMessageIds) sending.set(`${part.chat} ${id}`, part);
  return seen.flatMap((message) => {
    const name = `${message.chat} ${message.platformMessageId}`;
    const closed = closures.find((one) => one.chat === message.chat && one.fromMs < message.atMs);
    const part = sending.get(name);
    return [
      ...(closed === undefined
        ? []
        : [`${name} was shown ${message.atMs - closed.fromMs} ms after its chat was closed`]),
      ...(part === undefined || saidSending(part)
        ? []
        : [`${name} was shown, and ${part.id} never said that it was sending`]),
    ];
  });
}

/** After `unknown` comes another attempt, a word that it failed, or nothing: never `sent` out of itself. */
export function unknownStaysUnknown({ parts }: Truth): readonly string[] {
  return parts.flatMap(({ id, chat, history }) =>
    history.flatMap(({ state }, index) => {
      if (state !== "sent" || history[index - 1]?.state !== "unknown") return [];
      return [`${id} in ${chat} was unknown and became sent without an attempt and without a look`];
    }),
  );
}

function saidSending({ history }: EndPart): boolean {
  return history.some(({ state }) => state === "sending");
}
