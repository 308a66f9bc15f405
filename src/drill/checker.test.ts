import { describe, expect, it } from "vitest";
import { check, type InvariantName } from "./checker.ts";
import { chatName, type EndPart, type EndRow, type SaidMessage, type SeenMessage, type Truth } from "./truth.ts";

const address = { channel: "fake", accountId: "one", chatId: "7", chatKind: "dm" as const };
const chat = chatName(address);

function said(token: string, part: Partial<SaidMessage> = {}): SaidMessage {
  const facts = { token, chat, address, platformMessageId: token, atMs: 1, acknowledged: true };
  return { ...facts, expect: "answer", marks: [`${token}#1`, `${token}#2`], ...part };
}

function seen(text: string, id: string, part: Partial<SeenMessage> = {}): SeenMessage {
  return { chat, text, platformMessageId: id, atMs: 10, labelled: false, ...part };
}

function row(token: string, part: Partial<EndRow> = {}): EndRow {
  return { token, runId: `run-${token}`, state: "replied", reason: "final", ends: 1, ...part };
}

function endPart(token: string, ids: readonly string[], states = ["prepared", "sending", "sent"]): EndPart {
  const history = states.map((state, index) => ({ state, atMs: index }));
  return { id: `part-${token}`, token, chat, state: "sent", platformMessageIds: ids, superseded: false, history };
}

/** Two messages of one chat, each asked once, answered in two pieces, paid once. */
function sound(part: Partial<Truth> = {}): Truth {
  return {
    said: [said("m1"), said("m2")],
    seen: [seen("one m1#1", "p1"), seen("two m1#2", "p2"), seen("one m2#1", "p3"), seen("two m2#2", "p4")],
    modelCalls: [
      { step: "user:m1", atMs: 2, outcome: "complete", costMicros: 20 },
      { step: "user:m2", atMs: 5, outcome: "complete", costMicros: 20 },
    ],
    rows: [row("m1"), row("m2")],
    parts: [endPart("m1", ["p1", "p2"]), endPart("m2", ["p3", "p4"])],
    disruptions: [],
    refusals: [],
    canAmend: true,
    closures: [],
    ledger: { calls: 2, costMicros: 40 },
    reads: [{ name: "everything", before: "a", after: "a" }],
    canaries: ["canary-1"],
    texts: [{ where: "the log", text: "nothing to see" }],
    ...part,
  };
}

function broken(part: Partial<Truth>): readonly InvariantName[] {
  return [...new Set(check(sound(part)).violations.map((violation) => violation.invariant))];
}

const shown = sound().seen;

describe("a drill that went well", () => {
  it("has no violation, and counts what was answered", () => {
    expect(check(sound())).toEqual({
      violations: [],
      labelledRepetitions: 0,
      ends: { answered: 2, notForUs: 0, apologised: 0, givenUp: 0, chatClosed: 0, missing: 0 },
      givenUpWhy: {},
    });
  });

  it("counts a repetition that says so, and lets it come late", () => {
    const late = [...shown, seen("(may repeat) one m1#1", "p9", { labelled: true })];
    expect(check(sound({ seen: late }))).toMatchObject({ violations: [], labelledRepetitions: 1 });
  });

  it("takes an honest word for an answer where the model failed, once", () => {
    const truth = {
      said: [said("m1")],
      seen: [seen("The model failed.", "p1")],
      rows: [row("m1", { reason: "error:MODEL_004" })],
      parts: [endPart("m1", ["p1"])],
    };
    expect(broken(truth)).toEqual([]);
    expect(broken({ ...truth, seen: [] })).toEqual(["I2"]);
  });

  it("lets delivery give up where the platform refused as often as it is asked, and not sooner", () => {
    const parts = [endPart("m1", ["p1", "p2"]), { ...endPart("m2", ["p3"]), state: "failed" as const }];
    const truth = { seen: shown.slice(0, 3), parts };
    const refusals = Array.from({ length: 4 }, () => ({ chat, atMs: 2 }));
    expect(check(sound({ ...truth, refusals }))).toMatchObject({ violations: [], ends: { answered: 1, givenUp: 1 } });
    expect(broken({ ...truth, refusals: refusals.slice(1) })).toEqual(["I2"]);
    const later = refusals.map((one) => ({ ...one, atMs: 500 }));
    expect(broken({ ...truth, refusals: later })).toEqual(["I2"]);
  });

  it("lets a step be asked again across a crash, and after an answer that broke", () => {
    const again = { step: "user:m1", atMs: 4, outcome: "complete" as const, costMicros: 20 };
    const calls = [...sound().modelCalls, again];
    expect(broken({ modelCalls: calls, disruptions: [{ kind: "kill", fromMs: 3, untilMs: 3 }] })).toEqual([]);
    const first = { ...again, atMs: 1, outcome: "broken" as const };
    expect(broken({ modelCalls: [first, ...sound().modelCalls] })).toEqual([]);
  });
});

describe("invariant 1: what was acknowledged and is not there", () => {
  it("is a violation of its own beside the lost answer", () => {
    expect(broken({ rows: [row("m1")] })).toContain("I1");
    expect(broken({ rows: [row("m1")], said: [said("m1"), said("m2", { acknowledged: false })] })).toEqual(["I2"]);
  });
});

describe("invariant 2: one end and one answer for each message", () => {
  it("finds an answer of which a piece is missing", () => {
    expect(broken({ seen: shown.slice(0, 3) })).toEqual(["I2"]);
  });

  it("finds a piece that was shown twice without a word", () => {
    expect(broken({ seen: [...shown, seen("two m2#2", "p9")] })).toEqual(["I2"]);
  });

  it("finds a message without an end, with two ends, and without a reason", () => {
    expect(broken({ rows: [row("m1"), row("m2", { state: "running", reason: null })] })).toEqual(["I2"]);
    expect(broken({ rows: [row("m1"), row("m2", { ends: 2 })] })).toEqual(["I2"]);
    expect(broken({ rows: [row("m1"), row("m2", { reason: null })] })).toEqual(["I2"]);
  });

  it("finds a part that never left", () => {
    expect(broken({ parts: [...sound().parts, { ...endPart("m2", []), state: "prepared" }] })).toEqual(["I2"]);
  });

  it("finds an answer to what was not for us, and an answer in a strange chat", () => {
    expect(broken({ said: [said("m1"), said("m2", { expect: "silence" })] })).toEqual(["I2"]);
    const astray = [...shown.slice(0, 3), seen("two m2#2", "p4", { chat: "fake/one/8" })];
    expect(broken({ seen: astray })).toContain("I2");
  });

  it("finds a message that was refused although its sender may write, and one that nobody asked for", () => {
    expect(broken({ rows: [row("m1"), row("m2", { state: "rejected", reason: "rate-limited" })] })).toContain("I2");
    expect(broken({ seen: [...shown, seen("hello?", "p9")] })).toEqual(["I2"]);
    expect(broken({ seen: [...shown, seen("m99#1", "p9")] })).toEqual(["I2"]);
  });
});

describe("invariant 2: an answer in several parts, and one that grows", () => {
  const again = "(The answer was interrupted; here it is again.)";
  const crash = [{ kind: "kill", fromMs: 3, untilMs: 4 }];
  const broken1 = (seenNow: readonly SeenMessage[], part: Partial<Truth> = {}): readonly string[] =>
    check(sound({ seen: [...seenNow, ...shown.slice(2)], disruptions: crash, ...part })).violations.map(
      ({ invariant, text }) => `${invariant}: ${text}`,
    );
  const [first, second] = shown as readonly [SeenMessage, SeenMessage];
  const half = seen("one m1#1 …", "p0");

  it("takes a second telling behind a word that says so, in the same message or before it", () => {
    expect(broken1([first, seen(again, "p8"), seen("one m1#1", "p9"), second])).toEqual([]);
    expect(broken1([first, seen(`${again}\n\none m1#1`, "p9"), second])).toEqual([]);
  });

  it("finds a second telling without the word, and a piece that comes twice behind one word", () => {
    const twice = "I2: m1#1 in fake/one/7 was shown 2 times, and nothing said that it may repeat";
    expect(broken1([first, seen("one m1#1", "p9"), second])).toEqual([twice]);
    expect(broken1([seen(again, "p8"), first, seen("one m1#1", "p9"), second])).toEqual([twice]);
  });

  it("finds a word that explains another answer than the one that comes twice", () => {
    const truth = sound({
      seen: [...shown.slice(0, 2), seen(again, "p8"), ...shown.slice(2), first],
      disruptions: crash,
    });
    expect(check(truth).violations).toMatchObject([
      { text: "m1#1 in fake/one/7 was shown 2 times, and nothing said that it may repeat" },
    ]);
  });

  it("finds a word that an answer was interrupted where nothing was", () => {
    const told = [seen(again, "p8"), first, second];
    expect(broken1(told, { disruptions: [] })).toEqual([
      "I2: fake/one/7 p8 says that an answer was interrupted, and none was",
    ]);
  });

  it("finds half an answer that was left where its id is known", () => {
    const parts = [{ ...endPart("m1", ["p0", "p1", "p2"]) }, endPart("m2", ["p3", "p4"])];
    const left = 'I2: fake/one/7 p0 was left unfinished: "one m1#1 …"';
    expect(broken1([half, first, second], { parts })).toEqual([left]);
    expect(broken1([half, first, second], { parts, canAmend: false })).toEqual([]);
    expect(broken1([half, first, second], { parts, refusals: [{ chat, atMs: 11 }] })).toEqual([]);
  });

  it("lets half an answer stand that nobody knows of, where a part was in doubt", () => {
    const lost = { ...endPart("m1", [], ["prepared", "sending", "unknown", "failed"]), superseded: true };
    expect(broken1([half, first, second], { parts: [...sound().parts, lost] })).toEqual([]);
    expect(broken1([half, first, second])).toHaveLength(1);
  });

  it("takes half an answer for none", () => {
    expect(broken1([half, second], { canAmend: false })).toEqual([
      "I2: m1#1 in fake/one/7 was never shown: the answer is lost",
    ]);
  });
});

describe("invariant 3: what is sent was allowed at the last moment", () => {
  it("finds what was shown in a chat that was closed before", () => {
    expect(broken({ closures: [{ chat, fromMs: 9 }] })).toEqual(["I3"]);
    expect(broken({ closures: [{ chat, fromMs: 10 }] })).toEqual([]);
  });

  it("finds what left without its part having said that it is sending", () => {
    const parts = [endPart("m1", ["p1", "p2"], ["prepared", "sent"]), endPart("m2", ["p3", "p4"])];
    expect(broken({ parts })).toEqual(["I3"]);
  });
});

describe("invariant 4: unknown never becomes sent by itself", () => {
  const withHistory = (...states: string[]): Partial<Truth> => ({
    parts: [endPart("m1", ["p1", "p2"], ["prepared", "sending", "unknown", ...states]), endPart("m2", ["p3", "p4"])],
  });

  it("finds a doubt that was forgotten", () => {
    expect(broken(withHistory("sent"))).toEqual(["I4"]);
  });

  it("takes another attempt, or a look at the platform, for a reason", () => {
    expect(broken(withHistory("prepared", "sending", "sent"))).toEqual([]);
    expect(broken(withHistory("looked", "sent"))).toEqual([]);
  });
});

describe("invariant 5: a chat's answers keep its order", () => {
  it("finds an answer before the one of an older message, and a piece before its first", () => {
    const [a, b, c, d] = shown as readonly [SeenMessage, SeenMessage, SeenMessage, SeenMessage];
    expect(broken({ seen: [c, d, a, b] })).toEqual(["I5"]);
    expect(broken({ seen: [b, a, c, d] })).toEqual(["I5"]);
  });

  it("takes a piece that is first seen when its answer begins again, and no other message's for it", () => {
    const [a, b, c, d] = shown as readonly [SeenMessage, SeenMessage, SeenMessage, SeenMessage];
    const again: SeenMessage = { ...a, text: "(The answer was interrupted; here it is again.)" };
    const order = (seen: readonly SeenMessage[]): boolean => !broken({ seen }).includes("I5");
    expect(order([b, again, a, b, c, d])).toBe(true);
    expect(order([b, a, c, d])).toBe(false);
    expect(order([c, d, again, a, b])).toBe(false);
  });

  it("says nothing about the order between two chats", () => {
    const other = { ...address, chatId: "8" };
    const truth = {
      said: [said("m1"), said("m2", { chat: chatName(other), address: other })],
      seen: shown.toReversed().map((one) => (one.text.includes("m2") ? { ...one, chat: chatName(other) } : one)),
    };
    expect(
      broken({ ...truth, seen: [...truth.seen.slice(0, 2).toReversed(), ...truth.seen.slice(2).toReversed()] }),
    ).toEqual([]);
  });
});

describe("invariant 6: nothing is paid for twice", () => {
  it("finds a bill that is higher than the provider's, in calls or in money", () => {
    expect(broken({ ledger: { calls: 3, costMicros: 40 } })).toEqual(["I6"]);
    expect(broken({ ledger: { calls: 2, costMicros: 41 } })).toEqual(["I6"]);
  });

  it("finds a step that was answered and asked again without a reason", () => {
    const again = { step: "user:m1", atMs: 9, outcome: "complete" as const, costMicros: 20 };
    const modelCalls = [...sound().modelCalls, again];
    expect(broken({ modelCalls })).toEqual(["I6"]);
    expect(broken({ modelCalls, disruptions: [{ kind: "kill", fromMs: 10, untilMs: 10 }] })).toEqual(["I6"]);
  });
});

describe("invariant 7: reading changes nothing", () => {
  it("finds a reader that wrote", () => {
    expect(broken({ reads: [{ name: "sessions.list", before: "a", after: "b" }] })).toEqual(["I7"]);
  });
});

describe("invariant 8: secrets stay inside", () => {
  it("finds a planted secret in the log, and does not repeat it", () => {
    const truth = sound({ texts: [{ where: "the log", text: "connecting with canary-1" }] });
    const { violations } = check(truth);
    expect(violations).toMatchObject([{ invariant: "I8" }]);
    expect(JSON.stringify(violations)).not.toContain("canary-1");
  });
});
