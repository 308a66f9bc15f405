/**
 * Which senders on different platforms are one person. An operator may say so in the configuration; a person proves it
 * from both sides: a code that only one chat was told comes back from the other, twice, the second time knowing what it
 * will be linked with. Nothing is ever concluded from a name.
 */
import { createHash } from "node:crypto";
import type { Config } from "../config/schema/root.ts";
import { limits } from "../domain/limits.ts";
import type { Identity, IdentityLinks } from "../domain/identity.ts";
import type { InboundMessage } from "../domain/message.ts";
import type { Clock } from "../platform/clock.ts";
import type { Ids } from "../platform/ids.ts";
import type { DocumentStore } from "../store/document-port.ts";
import { createSenderRateLimit } from "./rate-limit.ts";

export interface IdentityLinksDeps {
  readonly documents: DocumentStore;
  readonly config: () => Config;
  readonly clock: Clock;
  readonly ids: Ids;
}

const linkNamespace = "identity-link";
const codeNamespace = "identity-code";

interface Offer {
  readonly identity: Identity;
  readonly untilMs: number;
  /** Who was told last with whom the code links: only they can say yes. */
  readonly shownTo?: string;
  /** Who it was good for. The same message may be answered once more after a crash, and hears the same. */
  readonly usedBy?: string;
}

export function createIdentityLinks({ documents, config, clock, ids }: IdentityLinksDeps): IdentityLinks {
  const people = new Map<string, string>();
  const attempts = createSenderRateLimit(clock, () => limits.linkAttemptsPerMinute);
  /** Accepting reads, decides and writes: one at a time, so that no code is good twice. */
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const next = last.then(work, work);
    last = next;
    return next;
  };

  async function offerOf(code: string): Promise<Offer | null> {
    const found = (await documents.get(codeNamespace, codeKey(code))) as Offer | undefined;
    return found === undefined || found.untilMs <= clock.nowMs() ? null : found;
  }

  function keep(code: string, offer: Offer): Promise<void> {
    return documents.put(codeNamespace, codeKey(code), offer, clock.nowMs());
  }

  async function link(one: Identity, other: Identity): Promise<string> {
    const person = people.get(keyOf(one)) ?? people.get(keyOf(other)) ?? `person-${ids.hex(6)}`;
    // Whoever was one with either side before is one with both now.
    const before = [people.get(keyOf(one)), people.get(keyOf(other))];
    const joined = [...people].filter(([, known]) => before.includes(known)).map(([key]) => key);
    for (const key of new Set([...joined, keyOf(one), keyOf(other)])) {
      await documents.put(linkNamespace, key, { person }, clock.nowMs());
      people.set(key, person);
    }
    return person;
  }

  return {
    async load() {
      for (const { key, value } of await documents.list(linkNamespace)) {
        const { person } = (value ?? {}) as { person?: unknown };
        if (typeof person === "string") people.set(key, person);
      }
    },
    personOf: (identity) => configuredPerson(identity, config()) ?? people.get(keyOf(identity)) ?? null,
    offer: (identity) =>
      inTurn(async () => {
        await voidOffers(
          documents,
          (offer) => keyOf(offer.identity) === keyOf(identity) || offer.untilMs <= clock.nowMs(),
        );
        const code = ids.hex(5);
        await keep(code, { identity, untilMs: clock.nowMs() + limits.linkCodeTtlMs });
        return code;
      }),
    accept: (identity, code, confirmed) =>
      inTurn(async () => {
        if (!attempts.take(keyOf(identity))) return { outcome: "too-many-attempts" };
        const offer = await offerOf(code);
        if (offer === null) return { outcome: "unknown-code" };
        if (offer.usedBy !== undefined && offer.usedBy !== keyOf(identity)) return { outcome: "unknown-code" };
        if (keyOf(offer.identity) === keyOf(identity)) return { outcome: "same-identity" };
        if (!confirmed || offer.shownTo !== keyOf(identity)) {
          await keep(code, { ...offer, shownTo: keyOf(identity) });
          return { outcome: "confirm", other: offer.identity };
        }
        await keep(code, { ...offer, usedBy: keyOf(identity) });
        return { outcome: "linked", other: offer.identity, person: await link(offer.identity, identity) };
      }),
    unlink: (identity) =>
      inTurn(async () => {
        if (!people.delete(keyOf(identity))) return false;
        await documents.delete(linkNamespace, keyOf(identity));
        return true;
      }),
  };
}

export function identityOf({ address, sender }: Pick<InboundMessage, "address" | "sender">): Identity {
  return { channel: address.channel, accountId: address.accountId, senderId: sender.id };
}

/** The operator's word: `<channel>:<sender id>`, on whatever account, under the name of the person. */
function configuredPerson({ channel, senderId }: Identity, { session }: Config): string | null {
  const found = Object.entries(session.identityLinks).find(([, names]) => names.includes(`${channel}:${senderId}`));
  return found?.[0] ?? null;
}

async function voidOffers(documents: DocumentStore, isVoid: (offer: Offer) => boolean): Promise<void> {
  for (const { key, value } of await documents.list(codeNamespace)) {
    if (isVoid(value as Offer)) await documents.delete(codeNamespace, key);
  }
}

function keyOf({ channel, accountId, senderId }: Identity): string {
  return JSON.stringify([channel, accountId, senderId]);
}

/** The code itself is kept nowhere. */
function codeKey(code: string): string {
  return createHash("sha256").update(code.trim().toLowerCase()).digest("hex");
}
