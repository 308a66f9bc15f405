/**
 * Where the owners of this gateway can be reached: the direct conversations in which they wrote to it, remembered over
 * restarts. Asked anew each time whether they are owners still.
 */
import { z } from "zod";
import { AppError } from "../domain/app-error.ts";
import { limits } from "../domain/limits.ts";
import { addressSchema, noMentions, type Address, type InboundMessage } from "../domain/message.ts";
import type { Clock } from "../platform/clock.ts";
import type { Log } from "../platform/log.ts";
import type { DocumentStore } from "../store/document-port.ts";

export interface OwnerChats {
  /** An owner wrote. Cheap; what is new is written beside, and a failure is logged. */
  note(message: InboundMessage): void;
  list(): Promise<readonly Address[]>;
}

export interface OwnerChatsDeps {
  readonly documents: DocumentStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly isOwner: (message: InboundMessage) => boolean;
  /** Whether storing something for this channel is delivering it: nobody is told of anything there. */
  readonly storedIsDelivered: (channel: string) => boolean;
}

const namespace = "owner-chat";
const noteSchema = z.object({ address: addressSchema, senderId: z.string() });

export function createOwnerChats({ documents, clock, log, isOwner, storedIsDelivered }: OwnerChatsDeps): OwnerChats {
  const noted = new Set<string>();

  async function write(key: string, { address, sender }: InboundMessage): Promise<void> {
    const known = await documents.list(namespace);
    await documents.put(namespace, key, { address, senderId: sender.id }, clock.nowMs());
    const others = known.filter((document) => document.key !== key).toSorted((left, right) => right.atMs - left.atMs);
    for (const { key: oldest } of others.slice(limits.ownerChats - 1)) await documents.delete(namespace, oldest);
  }

  return {
    note(message) {
      const { address } = message;
      if (address.chatKind !== "dm" || storedIsDelivered(address.channel)) return;
      const key = JSON.stringify([address.channel, address.accountId, address.chatId]);
      if (noted.has(key)) return;
      noted.add(key);
      write(key, message).catch((thrown: unknown) => {
        noted.delete(key);
        log.warn("the chat of an owner could not be remembered", { error: AppError.from(thrown).toJSON() });
      });
    },
    async list() {
      const notes = await documents.list(namespace);
      return notes.flatMap(({ value }) => {
        const note = noteSchema.safeParse(value);
        if (!note.success) return [];
        const { address, senderId } = note.data;
        const { threadId, ...rest } = address;
        const chat: Address = { ...rest, ...(threadId === undefined ? {} : { threadId }) };
        return isOwner(fromThere(chat, senderId)) ? [chat] : [];
      });
    },
  };
}

/** A message as that sender would write it, for the question who they are. */
export function fromThere(address: Address, senderId: string): InboundMessage {
  return {
    id: "",
    kind: "message",
    address,
    sender: { id: senderId },
    platformMessageId: "",
    content: [],
    mentions: noMentions,
    sentAtMs: 0,
    receivedAtMs: 0,
    raw: null,
  };
}
