/** Whatever is asked, answered and waited for, in whatever order: a yes has a row, by somebody who may, for this very thing. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Answer, Approver } from "./contract.ts";
import { openDesk, question, watcher, type DeskWorld } from "./world.fixture.ts";

let world: DeskWorld;
const page = watcher();
beforeAll(async () => {
  world = await openDesk();
  world.desk.listen(page);
});
afterAll(() => world.close());

const approvers: readonly (Approver & { readonly counts: boolean })[] = [
  { id: "device:page", via: "gateway", counts: true },
  { id: "local", via: "socket", counts: true },
  { id: "irc:ann", via: "chat", isOwner: true, counts: true },
  { id: "irc:eve", via: "chat", isOwner: false, counts: false },
  { id: "irc:eve", via: "chat", counts: false },
];
const answers: readonly Answer[] = ["allow-once", "allow-always", "deny"];

type Move =
  | { readonly do: "ask"; readonly binding: string; readonly there: boolean }
  | { readonly do: "answer"; readonly binding: string; readonly answer: Answer; readonly by: number }
  | { readonly do: "wait"; readonly ms: number };

const binding = fc.constantFrom("b1", "b2");
const moves = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant("ask" as const), binding, there: fc.boolean() }),
    fc.record({
      do: fc.constant("answer" as const),
      binding,
      answer: fc.constantFrom(...answers),
      by: fc.nat(approvers.length - 1),
    }),
    fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(1, 200_000, 300_000) }),
  ) as fc.Arbitrary<Move>,
  { maxLength: 12 },
);

interface Known {
  readonly id: string;
  readonly untilMs: number;
  state: "open" | "allowed" | "denied";
  by: string | null;
}

let runs = 0;

/** Plays the moves on the desk and on three lines of model; both must say the same. */
async function play(story: readonly Move[]): Promise<void> {
  runs += 1;
  const runId = `run-${runs}`;
  const known = new Map<string, Known>();
  const stateOf = (it: Known): string => (it.state === "open" && world.clock.nowMs() >= it.untilMs ? "over" : it.state);
  for (const move of story) {
    if (move.do === "wait") {
      await world.clock.advance(move.ms);
      continue;
    }
    const asked = known.get(move.binding);
    if (move.do === "ask") {
      page.there = move.there;
      const told = await world.desk.ask(question({ runId, binding: move.binding }));
      if (asked === undefined) {
        expect(told.state).toBe(move.there ? "open" : "denied");
        if (told.state === "open")
          known.set(move.binding, { id: told.id, untilMs: told.untilMs, state: "open", by: null });
        continue;
      }
      const state = stateOf(asked);
      expect(told.state).toBe(state === "over" ? "denied" : state);
      if (told.state !== "allowed") continue;
      const row = await world.store.approvals.get(told.id);
      expect(row).toMatchObject({ state: "allowed", decidedBy: asked.by, subject: { binding: move.binding } });
      continue;
    }
    const { counts = false, ...by } = approvers[move.by] ?? {};
    const told = await world.desk.answer(asked?.id ?? "00000000", move.answer, by as Approver);
    if (!counts) expect(told.outcome).toBe("not-yours");
    else if (asked === undefined) expect(told.outcome).toBe("unknown");
    else if (stateOf(asked) !== "open") expect(told.outcome).toBe("late");
    else {
      expect(told.outcome).toBe("decided");
      asked.state = move.answer === "deny" ? "denied" : "allowed";
      asked.by = (by as Approver).id;
    }
  }
}

describe("a yes", () => {
  it("P1 P2 P3 R117: has a row of somebody who may, for this very thing, in every story of asking and answering", async () => {
    await fc.assert(fc.asyncProperty(moves, play), { numRuns: 150 });
  }, 60_000);
});
