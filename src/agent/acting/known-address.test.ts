import { describe, expect, it } from "vitest";
import type { Taint } from "../../domain/taint.ts";
import type { TranscriptDraft } from "../../store/session-port.ts";
import { toolEntry } from "../transcript-entry.ts";
import type { Turn } from "../turn.ts";
import { isKnownAddress } from "./known-address.ts";
import { bornKey } from "./turn-taint.ts";

const web: Taint = { class: "foreign", source: "web page https://tea.example/" };
const file: Taint = { class: "local", source: "file links.md" };

interface Told {
  /** What the person says. */
  readonly says?: string;
  readonly born?: readonly Taint[];
  readonly earlier?: readonly TranscriptDraft[];
  readonly transcript?: readonly TranscriptDraft[];
  readonly options?: object;
}

function turnWith({ says = "", born, earlier = [], transcript = [], options = {} }: Told): Turn {
  const row = { message: { content: [{ type: "text", text: says }] } };
  const rights = born === undefined ? {} : { born: { taint: born } };
  return { row, options: { ...rights, ...options }, earlier, transcript, conversation: [] } as unknown as Turn;
}

const gave = (output: string, { tool = "web_fetch", taint = web as Taint | null, isError = false } = {}) =>
  toolEntry("e1", { callId: "c", tool, output, isError }, 1, taint);

function line(role: "user" | "assistant", text: string, more: object = {}): TranscriptDraft {
  return {
    id: "e2",
    type: "message",
    atMs: 1,
    body: { message: { role, content: [{ type: "text", text }] }, ...more },
  };
}

const known = (url: string, told: Told): boolean => isKnownAddress(turnWith(told), url);
const address = "https://tea.example/a?b=c";

describe("an address that somebody named", () => {
  it.each([
    ["as it was written", address],
    ["with the host in capitals", "HTTPS://TEA.example/a?b=c"],
    ["with the usual port", "https://tea.example:443/a?b=c"],
    ["with another fragment, which no server sees", "https://tea.example/a?b=c#secret"],
    ["by dots that lead nowhere", "https://tea.example/x/../a?b=c"],
  ])("R8: is known %s", (_how, url) => {
    expect(known(url, { says: `Look at ${address} please` })).toBe(true);
    expect(known(address, { says: `Look at ${url} please` })).toBe(true);
  });

  it.each([
    ["another query", "https://tea.example/a?b=secret"],
    ["more of a query", "https://tea.example/a?b=c&k=secret"],
    ["a longer path", "https://tea.example/a/secret?b=c"],
    ["a shorter address", "https://tea.example/a"],
    ["the same in capitals", "https://tea.example/A?b=c"],
    ["another name below it", "https://secret.tea.example/a?b=c"],
    ["another port", "https://tea.example:8443/a?b=c"],
    ["another scheme", "http://tea.example/a?b=c"],
    ["a name in front of the host", "https://secret@tea.example/a?b=c"],
    ["a letter written as its number", "https://tea.example/%61?b=c"],
    ["a question mark more", "https://tea.example/a?b=c?"],
    ["no address", "tea.example/a?b=c"],
  ])("R8: is not known as %s", (_how, url) => {
    expect(known(url, { says: `Look at ${address} please` })).toBe(false);
  });

  it.each([".", ",", ";", ":", "!", "?", "...", "?!", ")", "]", ">", '"', "'", "`", "**", "_", ")**", "](x)", "))."])(
    "R8: is known where a sentence goes on with %s behind it",
    (mark) => {
      expect(known("https://tea.example/a", { says: `See https://tea.example/a${mark} There` })).toBe(true);
      expect(known("https://tea.example/a", { says: `See (https://tea.example/a)${mark}` })).toBe(true);
    },
  );
});

describe("an address with brackets", () => {
  it("R8: is known with them and without, and no shorter", () => {
    const tea = "https://tea.example/wiki/Tea_(drink)";
    for (const says of [tea, `[tea](${tea})`, `(${tea})`, `(see ${tea}, or not)`]) {
      expect(known(tea, { says })).toBe(true);
      expect(known("https://tea.example/wiki/Tea_", { says })).toBe(false);
    }
    expect(known("https://tea.example/a", { says: `https://tea.example/a${")".repeat(5_000)}` })).toBe(true);
  });
});

describe("who named it", () => {
  it("R8: a page, a search, a file that holds nothing from elsewhere: now and earlier", () => {
    for (const entry of [
      gave(`- [more](${address})`),
      gave(`1. Tea\n   ${address}`, { tool: "web_search" }),
      gave(address, { tool: "read", taint: file }),
      line("user", address),
    ]) {
      expect(known(address, { earlier: [entry] })).toBe(true);
      expect(known(address, { transcript: [entry] })).toBe(true);
    }
    expect(
      known(address, { options: { history: [{ role: "user", content: [{ type: "text", text: address }] }] } }),
    ).toBe(true);
  });

  it("R8: never the model itself, and nothing that gives its words back", () => {
    for (const entry of [
      line("assistant", address),
      gave(address, { isError: true }),
      gave(`There is no tool named "${address}".`, { tool: address, taint: null, isError: true }),
      gave(address, { tool: "read", taint: web }),
      gave(address, { tool: "exec", taint: { class: "local", source: "output of echo" } }),
      gave(address, { tool: "grep", taint: file }),
      gave(address, { tool: "mcp__tracker__echo", taint: { class: "foreign", source: "MCP server tracker" } }),
      gave(address, { tool: "memory_search" }),
      gave(address, { tool: "sessions_history" }),
      line("user", address, { [bornKey]: true }),
      { id: "e3", type: "compaction", atMs: 1, body: { summary: address } } as const,
    ]) {
      expect(known(address, { earlier: [entry], transcript: [entry] }), JSON.stringify(entry.body)).toBe(false);
    }
    const history = [{ role: "assistant", content: [{ type: "text", text: address }] }];
    expect(known(address, { options: { history } })).toBe(false);
  });

  it("R8: another turn only where it had read nothing", () => {
    expect(known(address, { says: address, born: [] })).toBe(true);
    expect(known(address, { says: address, born: [web] })).toBe(false);
  });
});
