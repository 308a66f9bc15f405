/**
 * Order within a chat: at most one of its parts is a head, the first that is unfinished, and none while one is on its
 * way. Held parts and parts in doubt hold up nobody. Whoever changes the state of a part calls this in the same commit.
 */
import type { Database } from "../database.ts";

/** Whether a part of the chat waits or is on its way. */
export function isBusy(db: Database, chat: string): boolean {
  return db.get(`SELECT 1 FROM outbox WHERE chat = ? AND state IN ('prepared', 'sending') LIMIT 1`, chat) !== undefined;
}

export function moveUp(db: Database, chat: string): void {
  db.run(`UPDATE outbox SET head = 0 WHERE chat = ? AND state IN ('prepared', 'sending') AND head = 1`, chat);
  // A part that comes back into its old place waits until the younger one that left before it has arrived.
  if (db.get(`SELECT 1 FROM outbox WHERE chat = ? AND state = 'sending' LIMIT 1`, chat) !== undefined) return;
  db.run(
    `UPDATE outbox SET head = 1 WHERE seq = (
       SELECT seq FROM outbox WHERE chat = ? AND state IN ('prepared', 'sending') ORDER BY seq LIMIT 1)`,
    chat,
  );
}
