/**
 * A few hundred messages through three services that fail in every way that was ever recorded of such services, in seeded
 * combinations, with a restart in the middle: whoever could have answered did, once, and nothing was paid for twice.
 */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { chatRequest } from "../../src/app/way.fixture.ts";
import type { EventOf } from "../../src/domain/events.ts";
import { fastClock } from "./fast-clock.ts";
import {
  besides,
  breakages,
  openFailingHouse,
  providerNames,
  recordedRefusals,
  startServices,
  type Behaviour,
  type Failing,
  type ProviderName,
  type Services,
} from "./three-providers.ts";

/** A minute's pause is well under a second, a service's two silent minutes a little over one. */
const clock = fastClock(150);
const messages = 200;
const ok: Behaviour = { kind: "ok", reason: null, reply: { text: "the whole answer" } };

let services: Services;

beforeEach(async () => {
  services = await startServices(clock);
});
afterEach(() => services.close());

/** Small and good enough; the same seed is the same run. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Plan = Readonly<Record<ProviderName, Behaviour>>;

function plansOf(seed: number): readonly Plan[] {
  const random = seeded(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const refusals = Object.fromEntries(providerNames.map((name) => [name, recordedRefusals(name)])) as unknown as Record<
    ProviderName,
    readonly Behaviour[]
  >;
  const behaviour = (name: ProviderName): Behaviour => {
    const dice = random();
    if (dice < 0.45) return ok;
    if (dice < 0.65) return pick(breakages);
    // By cause first: of some there are many records, and a refused key is rarer than a busy hour.
    const isLasting = random() < 0.15;
    const causes = [...new Set(refusals[name].map(({ reason }) => reason))];
    const cause = pick(causes.filter((one) => lasting.includes(one) === isLasting));
    return pick(refusals[name].filter(({ reason }) => reason === cause));
  };
  return Array.from(
    { length: messages },
    () => Object.fromEntries(providerNames.map((name) => [name, behaviour(name)])) as unknown as Plan,
  );
}

/** What stops a turn by rule although somebody could have answered. */
function mayStop(plan: Plan): boolean {
  const reasons = providerNames.map((name) => plan[name].reason);
  const count = (reason: string): number => reasons.filter((one) => one === reason).length;
  // A safety filter is not gone around; a second silence and a second refusal of the same are the end; an overflow leads
  // to larger windows alone, which stand behind.
  const isInside = reasons.lastIndexOf("context_overflow") < reasons.lastIndexOf(null);
  return count("content_filter") > 0 || count("empty") > 1 || count("bad_request") > 1 || !isInside;
}

/** Failures that last until a person does something. */
const lasting: readonly (string | null)[] = ["auth", "model_not_found"];

/** Longer than a turn waits, but for what the turn itself takes. */
const tooLongMs = 30_000;

interface Told {
  readonly end: EventOf<"run.ended">;
  readonly mustAnswer: boolean;
}

describe("three services that fail", () => {
  it("H15 H16 H18: every message that one of them could have answered is answered, once, over a restart; none is paid for twice", async () => {
    const plans = plansOf(20_260_101);
    services.play((message, provider) => plans[message]?.[provider] ?? ok);
    let house = await openFailingHouse(services, clock);
    await house.way.start();
    const told: Told[] = [];
    const brokenSince = new Map<ProviderName, number>();
    for (let message = 0; message < messages; message += 1) {
      if (message === messages / 2) house = await restarted(house);
      mend(house, brokenSince, message);
      const plan = plans[message] as Plan;
      const mustAnswer = !mayStop(plan) && (await couldAnswer(house, plan));
      const end = await ask(house, message);
      told.push({ end, mustAnswer });
      for (const name of providerNames) {
        const wasAsked = services.asked(message)[name] > 0;
        if (wasAsked && lasting.includes(plan[name].reason) && !brokenSince.has(name)) brokenSince.set(name, message);
      }
    }
    await check(house, plans, told);
    await house.stop();
  }, 240_000);
});

/** As a kill would, but for the half second in which what was learnt is not on the disk. */
async function restarted(house: Failing): Promise<Failing> {
  await house.stop();
  const next = await openFailingHouse(services, clock, house.folder);
  await next.way.start();
  return next;
}

/** Three messages later somebody gives a new key, or says that it may be tried again. */
function mend(house: Failing, brokenSince: Map<ProviderName, number>, message: number): void {
  for (const [name, since] of brokenSince) {
    if (message - since < 3) continue;
    if (message % 2 === 0) house.renewKey(name);
    house.desk.forget(name);
    brokenSince.delete(name);
  }
}

async function couldAnswer(house: Failing, plan: Plan): Promise<boolean> {
  const { candidates } = await house.desk.choose(anyRequest).catch(() => ({ candidates: [] }));
  const nowMs = clock.nowMs();
  return providerNames.some((name) => {
    if (plan[name].kind !== "ok") return false;
    if (candidates.some(({ model }) => model.provider === name)) return true;
    // Left alone for a while: it is waited for, where it is not too long.
    return standsAgainSoon(house, name, nowMs);
  });
}

function standsAgainSoon(house: Failing, name: ProviderName, nowMs: number): boolean {
  const model = { provider: name, id: "model", ref: `${name}/model` } as never;
  const standing = house.desk.standing({ model, profileId: `${name}:key` }, nowMs);
  return standing.usable || (standing.untilMs !== null && standing.untilMs - nowMs < tooLongMs);
}

const anyRequest = {
  agentId: "main",
  sessionKey: "agent:main:main",
  text: "",
  needsVision: false,
  estimatedTokens: 1,
};

async function ask(house: Failing, message: number): Promise<EventOf<"run.ended">> {
  // A few sessions, so that one that is in trouble is not all there is.
  const sessionKey = `agent:main:talk-${message % 7}`;
  const admission = await house.way.admit(chatRequest(`This is message ${message}`, { sessionKey }));
  if (admission.outcome !== "accepted") throw new Error(`Message ${message} was ${admission.outcome}.`);
  return house.next("run.ended", ({ runId }) => runId === admission.runId);
}

async function check(house: Failing, plans: readonly Plan[], told: readonly Told[]): Promise<void> {
  const unanswered = told.flatMap(({ end, mustAnswer }, message) =>
    mustAnswer && (end.outcome !== "final" || end.text !== "the whole answer")
      ? [
          {
            message,
            text: end.text,
            error: end.error,
            reasons: providerNames.map((name) => plans[message]?.[name].reason),
          },
        ]
      : [],
  );
  expect(unanswered).toEqual([]);
  expect(told.filter(({ mustAnswer }) => mustAnswer).length).toBeGreaterThan(messages / 4);
  for (const [message, { end }] of told.entries()) {
    const parts = await house.store.outbox.ofRun(end.runId);
    expect(parts.length, `message ${message}`).toBe(1);
    // The answer once, or one word about why there is none.
    expect(parts[0]?.reply.markdown.split("the whole answer").length, `message ${message}`).toBe(
      end.outcome === "final" ? 2 : 1,
    );
    if (end.outcome === "error") expect(parts[0]?.reply.markdown.match(/⚠️/g), `message ${message}`).toHaveLength(1);
    const asked = services.asked(message);
    for (const name of providerNames) {
      // The same one again at most once, and once more where its history was left out or summed up.
      expect(asked[name], `message ${message} at ${name}`).toBeLessThanOrEqual(3);
      const { reason, kind } = (plans[message] as Plan)[name];
      if (
        kind === "ok" ||
        ["auth", "billing", "model_not_found", "timeout", "empty", "unreadable"].includes(reason ?? "")
      ) {
        expect(asked[name], `message ${message} at ${name} (${reason})`).toBeLessThanOrEqual(1);
      }
    }
    // A whole answer was made at most once: nobody was paid for a second one.
    const whole = providerNames.filter((name) => plans[message]?.[name].kind === "ok" && asked[name] > 0);
    expect(whole.length, `message ${message}`).toBeLessThanOrEqual(1);
  }
  await checkBills(house, plans);
}

/** Every answer that ended in good order is on the bill with its own count, and nothing that was refused is. */
async function checkBills(house: Failing, plans: readonly Plan[]): Promise<void> {
  let whole = Object.values(services.asked(besides)).reduce((sum, count) => sum + count, 0);
  let begun = 0;
  for (const [message, plan] of plans.entries()) {
    const asked = services.asked(message);
    for (const name of providerNames) {
      if (plan[name].kind === "ok" || plan[name].kind === "empty") whole += asked[name];
      // What broke off, or made no sense, may have been charged for: it is booked by estimate.
      const mayBeBilled = ["timeout", "interrupted", "unreadable"].includes(plan[name].reason ?? "");
      if (plan[name].kind === "broken" || mayBeBilled) begun += asked[name];
    }
  }
  const { calls } = await house.store.ledger.totals({});
  expect(calls).toBeGreaterThanOrEqual(whole);
  expect(calls).toBeLessThanOrEqual(whole + begun);
}
