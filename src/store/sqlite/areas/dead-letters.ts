/** Dead letters of the port: two kinds of rows as one list. */
import type { DeadLetter, DeadLetterStore } from "../../port.ts";
import type { Access } from "../access.ts";
import { deadLetterById, deadLetterCount, deadLetters, type DeadLetterRecords } from "../queries/dead-letters.ts";
import { inboxRow, outboxRow, storedMs } from "./rows.ts";

export function deadLetterStore(access: Access): DeadLetterStore {
  return {
    async list({ limit, beforeMs = Number.MAX_SAFE_INTEGER }) {
      const records = await access.near((db) => deadLetters(db, { limit, beforeMs }));
      return lettersOf(records)
        .toSorted((left, right) => right.atMs - left.atMs)
        .slice(0, limit);
    },
    async get(id) {
      return lettersOf(await access.near((db) => deadLetterById(db, { id })))[0] ?? null;
    },
    count: () => access.near(deadLetterCount),
    replay: (id, { atMs, expiresMs }) => access.write("replay", { id, atMs, expiresMs: storedMs(expiresMs) }),
    purge: (which, atMs) =>
      access.write(
        "purge",
        "ids" in which ? { ids: which.ids, beforeMs: 0, atMs } : { ids: null, beforeMs: which.beforeMs, atMs },
      ),
  };
}

function lettersOf({ messages, parts }: DeadLetterRecords): DeadLetter[] {
  return [
    ...messages.map((record): DeadLetter => {
      const row = inboxRow(record);
      return {
        kind: "message",
        id: row.message.id,
        atMs: row.endedMs ?? row.admittedMs,
        reason: row.reason ?? row.state,
        row,
      };
    }),
    ...parts.map((record): DeadLetter => {
      const row = outboxRow(record);
      return { kind: "part", id: row.id, atMs: row.updatedMs, reason: row.error?.message ?? row.state, row };
    }),
  ];
}
