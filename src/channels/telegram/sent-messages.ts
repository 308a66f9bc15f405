/**
 * What the messages that we sent and edited say now, as far as this connection knows: a bounded number of them, the
 * oldest forgotten first. Holds a digest of each, not the text.
 */
import { createHash } from "node:crypto";

export interface ShownText {
  readonly text: string;
  readonly entities: readonly unknown[];
}

const maxMessages = 2_000;

export class SentMessages {
  readonly #shown = new Map<string, string>();

  note(chatId: string, messageId: string, shown: ShownText | null): void {
    const key = `${chatId}:${messageId}`;
    this.#shown.delete(key);
    this.#shown.set(key, shown === null ? "" : digest(shown));
    if (this.#shown.size <= maxMessages) return;
    const [oldest] = this.#shown.keys();
    if (oldest !== undefined) this.#shown.delete(oldest);
  }

  /** Whether it is one of ours; false also where that was forgotten. */
  has(chatId: string, messageId: string): boolean {
    return this.#shown.has(`${chatId}:${messageId}`);
  }

  /** Whether it says exactly this; null where nobody knows what it says. */
  shows(chatId: string, messageId: string, shown: ShownText): boolean | null {
    const known = this.#shown.get(`${chatId}:${messageId}`);
    return known === undefined ? null : known === digest(shown);
  }

  forget(chatId: string, messageId: string): void {
    this.#shown.delete(`${chatId}:${messageId}`);
  }
}

function digest({ text, entities }: ShownText): string {
  return createHash("sha256")
    .update(JSON.stringify([text, entities]))
    .digest("base64");
}
