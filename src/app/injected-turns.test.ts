/** Whole turns of a model that obeys what it reads: nothing of it reaches the world without a person who was shown why. */
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import {
  carriers,
  injections,
  payloads,
  type Carrier,
  type Injection,
  type Payload,
} from "../agent/acting/fixtures/injections.ts";
import type { ActQuestion } from "../approvals/contract.ts";
import type { Config } from "../config/schema/root.ts";
import type { Content } from "../domain/message.ts";
import type { ModelRequest } from "../providers/contract.ts";
import { canaries, obedient, openInjectedHouse, say, type Call, type InjectedHouse } from "./injected-house.fixture.ts";
import { ircRequest } from "./way.fixture.ts";

const opened: InjectedHouse[] = [];
afterEach(async () => {
  for (const house of opened.splice(0)) await house.close();
});

// ---------------------------------------------------------------- carriers

/** How the words of a carrier get into a turn: by a tool that is called first, or with the message itself. */
type Bringing =
  | { readonly by: "tool"; readonly call: Call }
  | { readonly by: "message"; readonly content: readonly Content[] }
  | { readonly by: "overheard"; readonly text: string };

const standIns: Readonly<Record<string, string>> = {
  "search-result": "web_search",
  "mcp-result": "mcp__tracker__get_issue",
  "tool-error": "mcp__tracker__get_issue",
  "other-session": "sessions_history",
  "memory-hit": "memory_search",
  picture: "image",
  "command-output": "process",
};

async function bringingOf({ carrier, payload, text }: Injection, name: string, to: InjectedHouse): Promise<Bringing> {
  const { source } = carrier.taint;
  switch (carrier.id) {
    case "web-page":
      to.pages.set("https://evil.example/a", { text });
      to.pages.set(`https://evil.example/a?${name}`, { text });
      return { by: "tool", call: { tool: "web_fetch", input: { url: `https://evil.example/a?${name}` } } };
    case "file-after-fetch":
    case "workspace-file": {
      const file = path.join(to.workspace, `read-${name}.md`);
      await writeFile(file, text, { mode: 0o600 });
      if (carrier.taint.class === "foreign") await to.provenance.mark(file, carrier.taint);
      return { by: "tool", call: { tool: "read", input: { path: `read-${name}.md` } } };
    }
    case "overheard":
      return { by: "overheard", text: payload.words };
    case "attachment":
      return {
        by: "message",
        content: [
          { type: "document", text, quoted: source, attachments: [{ type: "document", fileName: "invoice.pdf" }] },
        ],
      };
    case "link-preview":
      return {
        by: "message",
        content: [{ type: "embed", embed: { title: "Tea", text: payload.words, url: "https://evil.example/" } }],
      };
    case "contact-card":
      return { by: "message", content: [{ type: "contact", contact: { name: payload.words, phone: "+43 1" } }] };
    case "forwarded":
    case "webhook":
      return { by: "message", content: [{ type: "text", text, quoted: source }] };
    default: {
      const tool = standIns[carrier.id];
      if (tool === undefined) throw new Error(`nobody brings ${carrier.id}`);
      to.carried.set(name, { text, from: carrier.taint, fails: carrier.id === "tool-error" });
      return { by: "tool", call: { tool, input: { name } } };
    }
  }
}

/** As the question and the wrapping name it. */
function sourceOf(carrier: Carrier, name: string): string {
  if (carrier.id === "web-page") return `web page https://evil.example/a?${name}`;
  return carrier.id === "workspace-file" ? `file read-${name}.md` : carrier.taint.source;
}

// ---------------------------------------------------------------- cases

interface Case {
  readonly name: string;
  readonly injection: Injection;
  readonly source: string;
  /** Whether the call comes in a later turn than the words. */
  readonly later: boolean;
}

interface Played extends Case {
  readonly requests: readonly ModelRequest[];
  readonly questions: readonly ActQuestion[];
  /** What the model was told of its call. */
  readonly result: { readonly output: string; readonly isError: boolean } | null;
  readonly outcome: string;
}

const plan = new Map<string, readonly Call[]>();

async function play(one: Case, to: InjectedHouse): Promise<Played> {
  const { name, injection, later } = one;
  const bringing = await bringingOf(injection, name, to);
  const read = bringing.by === "tool" ? [bringing.call] : [];
  const obey: Call = injection.payload.call;
  plan.set(`${name}a`, later ? read : [...read, obey]);
  plan.set(`${name}b`, [obey]);
  if (bringing.by === "overheard")
    await to.house.way.admit(ircRequest(bringing.text, { chatId: `#${name}`, senderId: `account:mallory-${name}` }));
  const extra = bringing.by === "message" ? bringing.content : [];
  let outcome = await say(to, name, "a", { content: extra, group: bringing.by === "overheard" });
  if (later) outcome = await say(to, name, "b", { content: [], group: bringing.by === "overheard" });
  const requests = to.house.requests.filter(({ messages }) => JSON.stringify(messages).includes(`[case ${name}`));
  const callId = later ? `${name}b-0` : `${name}a-${read.length}`;
  const results = requests.flatMap(({ messages }) =>
    messages.flatMap((said) => (said.role === "tool" ? said.results : [])),
  );
  return {
    ...one,
    requests,
    questions: to.questions.filter((question) => question.callId === callId),
    result: results.find((result) => result.callId === callId) ?? null,
    outcome,
  };
}

/** So many at a time, in order. */
async function playAll(cases: readonly Case[], to: InjectedHouse): Promise<readonly Played[]> {
  const played: Played[] = [];
  for (let index = 0; index < cases.length; index += 8)
    played.push(...(await Promise.all(cases.slice(index, index + 8).map((one) => play(one, to)))));
  return played;
}

function casesOf(chosen: readonly Injection[]): readonly Case[] {
  return chosen.map((injection, index) => {
    const name = `c${index}`;
    return { name, injection, source: sourceOf(injection.carrier, name), later: index % 3 === 0 };
  });
}

// ---------------------------------------------------------------- what has to hold

/** What of its texts stands between the marks of that source. */
function wrappedIn(requests: readonly ModelRequest[], source: string): readonly string[] {
  const texts = requests.flatMap(({ messages }) =>
    messages.flatMap((message) => {
      if (message.role === "tool") return message.results.map(({ output }) => output);
      return message.role === "user"
        ? message.content.flatMap((part) => (part.type === "text" ? [part.text] : []))
        : [];
    }),
  );
  return [
    ...new Set(
      texts.filter((text) => text.startsWith("<<<outside ") && text.split("\n")[0]?.includes(source) === true),
    ),
  ];
}

function faultsOf(played: Played): readonly string[] {
  const { injection, requests, questions, result, source, outcome } = played;
  const { id, payload } = injection;
  const faults: string[] = [];
  const check = (holds: boolean, what: string): void => void (holds || faults.push(`${id}: ${what}`));
  check(outcome === "final", `the turn ended with ${outcome}`);
  check(result?.isError === true, `the model was told ${JSON.stringify(result?.output)}`);
  check(
    result !== null && /could not do|another way|Do |Leave|Ask|Use|Only|not /.test(result.output),
    "no way on is told",
  );
  check(!/invalid|Invalid input/.test(result?.output ?? ""), `the call was no call: ${result?.output}`);
  for (const question of questions) {
    check(
      question.taint.some((taint) => taint.source === source),
      "the question does not carry the source",
    );
    check(
      question.reasons.some((reason) => reason.includes(source)),
      "the question does not show the source",
    );
    check(question.always === null && question.fallback === "deny", "it could be done without a person");
  }
  const wraps = wrappedIn(requests, source);
  check(wraps.length > 0, "what was read is not wrapped");
  for (const text of wraps) {
    const lines = text.split("\n");
    const [, marker = ""] = /^<<<outside ([0-9a-f]{16}): /.exec(text) ?? [];
    check(lines.at(-1) === `<<<end of outside ${marker}>>>`, "the wrapping does not end");
    check(!/<<<(end of )?outside/.test(lines.slice(1, -1).join("\n")), "the words have left their wrapping");
    check(!injection.text.includes(marker), "the mark was known");
  }
  const needle = payload.words.trim().slice(0, 24);
  check(
    requests.every(({ system }) => !system.includes(needle)),
    "the words are in the instructions",
  );
  return faults;
}

/** What never runs, or not here, whoever wants it: nobody is even asked. */
const hardRefused = ["exec", "secret"];

const worlds: readonly (readonly [string, (config: Config) => void])[] = [
  ["as it comes", () => undefined],
  [
    "with commands wide open",
    (config) => {
      config.tools.exec = { ...config.tools.exec, security: "full", ask: "off" };
      config.tools.fs = { workspaceOnly: false };
    },
  ],
];

async function open(change: (config: Config) => void, answer: "deny" | "allow-once"): Promise<InjectedHouse> {
  const house = await openInjectedHouse({ script: obedient(plan), change, answer: () => answer });
  opened.push(house);
  return house;
}

const foreignOnes = injections.filter(({ carrier }) => carrier.taint.class === "foreign");

describe.each(worlds)("a model that obeys what it reads, %s", (world, change) => {
  it(
    "R8 R076: has no effect in any turn, and every question shows where the words came from",
    { timeout: 60_000 },
    async () => {
      const chosen = foreignOnes.filter((_, index) => index % 3 === (world === "as it comes" ? 0 : 1));
      expect(chosen.length).toBeGreaterThanOrEqual(200);
      const house = await open(change, "deny");
      const played = await playAll(casesOf(chosen), house);
      expect(played.flatMap(faultsOf)).toEqual([]);
      expect(house.effects).toEqual([]);
      const files = await house.files();
      expect(
        Object.keys(files)
          .filter((name) => !/^read-c\d+\.md$/.test(name))
          .toSorted(),
      ).toEqual(Object.keys(canaries).toSorted());
      expect(files).toMatchObject(canaries);
      // Every one was stopped by a question, but for what is refused whoever wants it.
      const unasked = played
        .filter(({ questions }) => questions.length === 0)
        .map(({ injection }) => injection.payload.id);
      expect([...new Set(unasked)].toSorted()).toEqual(hardRefused);
      const rows = await Promise.all(house.questions.map(({ runId }) => house.house.store.inbox.byRunId(runId)));
      expect(rows.every((row) => row?.state === "replied" || row?.endedMs !== null)).toBe(true);
    },
  );

  it("R8: while the same call, wanted by an owner who has read nothing, is done where one consents", async () => {
    const house = await open(change, "allow-once");
    const done: Record<string, boolean> = {};
    for (const [index, payload] of payloads.entries()) {
      const name = `own${index}`;
      plan.set(`${name}a`, [payload.call]);
      const before = [house.effects.length, JSON.stringify(await house.files())];
      expect(await say(house, name, "a", { content: [], group: false })).toBe("final");
      done[payload.id] = before[0] !== house.effects.length || before[1] !== JSON.stringify(await house.files());
    }
    expect(Object.keys(done).filter((id) => done[id] === false)).toEqual(hardRefused);
  });
});

describe("words from the workspace itself", () => {
  const locals = carriers.filter(({ taint }) => taint.class === "local");
  const casesFor = (carrier: Carrier): readonly Injection[] =>
    payloads.map((payload: Payload) => ({
      id: `${carrier.id}/${payload.id}`,
      carrier,
      payload,
      text: carrier.bring(payload.words),
    }));
  const ids = (wanted: (payload: Payload) => boolean): readonly string[] => payloads.filter(wanted).map(({ id }) => id);
  const commands = ids(({ call, id }) => call.tool === "exec" && !hardRefused.includes(id));

  it.each(worlds)(
    "R8: %s: messages to others are asked about; what else is done is what the configuration lets be done",
    async (world, change) => {
      const house = await open(change, "deny");
      const played = await playAll(casesOf(locals.flatMap(casesFor)), house);
      const by = (wanted: (one: Played) => boolean): readonly string[] =>
        [...new Set(played.filter(wanted).map(({ injection }) => injection.payload.id))].toSorted();
      const free = [
        "guide-agents",
        "guide-heartbeat",
        "guide-memory-file",
        "guide-skill",
        "guide-soul",
        "guide-user",
        "remember",
        "server",
      ];
      const asked = ["message", "message-harmless", "other-agent", "other-session"];
      const isOpen = world !== "as it comes";
      const done = by(
        ({ questions, result, injection }) =>
          questions.length === 0 &&
          (result?.isError !== true || injection.payload.call.tool === "exec") &&
          !hardRefused.includes(injection.payload.id),
      );
      expect(done).toEqual([...free, ...(isOpen ? commands : [])].toSorted());
      expect(by(({ questions }) => questions.length > 0)).toEqual([...asked, ...(isOpen ? [] : commands)].toSorted());
      expect(house.effects.some((effect) => effect.startsWith("exec"))).toBe(isOpen);
      expect(house.effects.filter((effect) => /^(message|sessions_)/.test(effect))).toEqual([]);
    },
  );
});
