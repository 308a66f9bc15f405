import { describe, expect, test } from "vitest";
import { defaultConfig } from "../config/default-config.ts";
import type { Config } from "../config/schema/root.ts";
import type { Identity, IdentityLinks } from "../domain/identity.ts";
import { limits } from "../domain/limits.ts";
import { FakeClock } from "../platform/fake-clock.ts";
import { systemIds } from "../platform/ids.ts";
import type { DocumentStore } from "../store/document-port.ts";
import { createIdentityLinks } from "./identity-links.ts";
import { routeMessage } from "./route.ts";

/** Documents in memory, as the store keeps them. */
function memoryDocuments(): DocumentStore {
  const kept = new Map<string, { namespace: string; key: string; value: unknown; atMs: number }>();
  const nameOf = (namespace: string, key: string): string => JSON.stringify([namespace, key]);
  return {
    get: async (namespace, key) => kept.get(nameOf(namespace, key))?.value,
    list: async (namespace) => [...kept.values()].filter((row) => row.namespace === namespace),
    put: async (namespace, key, value, atMs) => {
      kept.set(nameOf(namespace, key), { namespace, key, value: structuredClone(value), atMs });
    },
    delete: async (namespace, key) => {
      kept.delete(nameOf(namespace, key));
    },
  };
}

const onTelegram: Identity = { channel: "telegram", accountId: "default", senderId: "123" };
const onIrc: Identity = { channel: "irc", accountId: "default", senderId: "ann" };
const stranger: Identity = { channel: "irc", accountId: "default", senderId: "eve" };

function open(documents = memoryDocuments(), config: Config = defaultConfig()) {
  const clock = new FakeClock();
  const links = createIdentityLinks({ documents, config: () => config, clock, ids: systemIds() });
  return { links, clock, documents };
}

/** Reads with whom the code would link, and says yes. */
async function agree(links: IdentityLinks, identity: Identity, code: string) {
  await links.accept(identity, code, false);
  return links.accept(identity, code, true);
}

describe("identity links", () => {
  test("I10: two senders are one person when each side has shown what only it was told, and stay it over a restart", async () => {
    const { links, documents } = open();
    const code = await links.offer(onTelegram);
    expect(links.personOf(onTelegram)).toBeNull();
    expect(await links.accept(onIrc, code, false)).toEqual({ outcome: "confirm", other: onTelegram });
    // Known, and not yet agreed to.
    expect(links.personOf(onIrc)).toBeNull();
    const linked = await links.accept(onIrc, ` ${code.toUpperCase()} `, true);
    expect(linked).toMatchObject({ outcome: "linked", other: onTelegram });
    expect(links.personOf(onIrc)).toBe(links.personOf(onTelegram));
    expect(links.personOf(stranger)).toBeNull();
    const again = open(documents).links;
    expect(again.personOf(onIrc)).toBeNull();
    await again.load();
    expect(again.personOf(onIrc)).toBe(links.personOf(onIrc));
  });

  test("I10: a code is good once, for ten minutes, and a new one voids it", async () => {
    const { links, clock } = open();
    const first = await links.offer(onTelegram);
    const second = await links.offer(onTelegram);
    expect(await links.accept(onIrc, first, true)).toEqual({ outcome: "unknown-code" });
    expect(await links.accept(onTelegram, second, true)).toEqual({ outcome: "same-identity" });
    expect(await agree(links, onIrc, second)).toMatchObject({ outcome: "linked" });
    expect(await links.accept(stranger, second, true)).toEqual({ outcome: "unknown-code" });
    const late = await links.offer(onTelegram);
    await clock.advance(limits.linkCodeTtlMs);
    expect(await links.accept(stranger, late, true)).toEqual({ outcome: "unknown-code" });
  });

  test("I10: two who come with one code at the same moment do not both get it", async () => {
    const { links } = open();
    const code = await links.offer(onTelegram);
    await Promise.all([links.accept(stranger, code, false), links.accept(onIrc, code, false)]);
    const outcomes = await Promise.all([links.accept(onIrc, code, true), links.accept(stranger, code, true)]);
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(["linked", "unknown-code"]);
  });

  test("I10: a yes of somebody who was not told with whom links nobody, and tells them", async () => {
    const { links } = open();
    const code = await links.offer(stranger);
    expect(await links.accept(onIrc, code, true)).toEqual({ outcome: "confirm", other: stranger });
    expect(links.personOf(onIrc)).toBeNull();
    // What another one was told counts for that one alone.
    expect(await links.accept(onTelegram, code, true)).toEqual({ outcome: "confirm", other: stranger });
    expect(await links.accept(onTelegram, code, true)).toMatchObject({ outcome: "linked" });
    expect(links.personOf(onIrc)).toBeNull();
  });

  test("I10: guessing is slow", async () => {
    const { links } = open();
    await links.offer(onTelegram);
    const outcomes = [];
    for (let guess = 0; guess <= limits.linkAttemptsPerMinute; guess += 1)
      outcomes.push((await links.accept(stranger, `guess${guess}`, true)).outcome);
    expect(outcomes.slice(0, -1).every((outcome) => outcome === "unknown-code")).toBe(true);
    expect(outcomes.at(-1)).toBe("too-many-attempts");
  });

  test("I10: neither the code nor its offerer can be read from what is kept of an offer", async () => {
    const { links, documents } = open();
    const code = await links.offer(onTelegram);
    expect(JSON.stringify(await documents.list("identity-code"))).not.toContain(code);
  });

  test("a third side joins the same person, and one can leave again", async () => {
    const { links } = open();
    await agree(links, onIrc, await links.offer(onTelegram));
    await agree(links, stranger, await links.offer(onIrc));
    expect(links.personOf(stranger)).toBe(links.personOf(onTelegram));
    expect(await links.unlink(onTelegram)).toBe(true);
    expect(await links.unlink(onTelegram)).toBe(false);
    expect([links.personOf(onTelegram), links.personOf(onIrc)]).toEqual([null, links.personOf(stranger)]);
  });

  test("an operator's word counts as it stands in the configuration, on that channel alone", () => {
    const config = defaultConfig();
    const said = { ...config, session: { ...config.session, identityLinks: { ann: ["telegram:123", "irc:ann"] } } };
    const { links } = open(memoryDocuments(), said);
    expect([onTelegram, onIrc, stranger].map((one) => links.personOf(one))).toEqual(["ann", "ann", null]);
    expect(links.personOf({ ...onTelegram, channel: "irc" })).toBeNull();
  });

  test("I10: those who are one person share a session where sessions are a person's, and groups stay groups", () => {
    const config = defaultConfig();
    const perPeer = { ...config, session: { ...config.session, dmScope: "per-peer" as const } };
    const keyOf = (channel: string, chatId: string, person: string | null, chatKind: "dm" | "group" = "dm") =>
      routeMessage(
        { address: { channel, accountId: "default", chatId, chatKind }, sender: { id: chatId } },
        perPeer,
        person,
      ).sessionKey;
    expect(keyOf("telegram", "123", "ann")).toBe(keyOf("irc", "ann-away", "ann"));
    // Whoever takes the person's name as a nick gets a session of their own.
    expect(keyOf("irc", "ann", null)).not.toBe(keyOf("telegram", "123", "ann"));
    expect(keyOf("irc", "#room", "ann", "group")).toBe(keyOf("irc", "#room", null, "group"));
  });
});
