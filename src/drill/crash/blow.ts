/**
 * What hits one life of a gateway, chosen by the seed: a kill at a random moment, a kill at each failpoint in turn, and
 * from time to time a stop, a disk that refuses or fills up, a clock that jumps.
 */
import { failpointNames, type FailpointName } from "../../platform/failpoints.ts";
import type { Chance } from "../chance.ts";
import type { Cut } from "../failpoint-plan.ts";

export type Blow =
  | {
      readonly kind: "random-kill";
      /** Of the time that a start takes, plus half a second of work. */ readonly share: number;
    }
  | { readonly kind: "failpoint"; readonly name: FailpointName; readonly count: number }
  /** Stands still for longer than its leases hold, then goes on. */
  | { readonly kind: "stop" }
  /** The store refuses, as a medium does that answers EIO. */
  | { readonly kind: "failing-store"; readonly name: FailpointName; readonly count: number }
  | { readonly kind: "full-disk" }
  | { readonly kind: "read-only" }
  | { readonly kind: "clock-jump"; readonly byMs: number };

export type BlowKind = Blow["kind"];

/** Points at which a store that fails is a thing that happens. */
const storePoints: readonly FailpointName[] = ["received", "before-result", "before-cursor", "before-settle"];

/** Points that only an answer reaches that leaves while it is written. */
const streamPoints: readonly FailpointName[] = ["block-committed", "draft-sent"];

/** An endless sequence; the n-th of a seed is always the same. */
export function* blows(chance: Chance, streaming: boolean): Generator<Blow> {
  const names = failpointNames.filter((name) => streaming || !streamPoints.includes(name));
  for (let turn = 0; ; turn += 1) {
    const special = specialBlow(turn, chance);
    if (special !== null) yield special;
    else if (chance.happens(0.5)) yield { kind: "random-kill", share: chance.next() };
    else
      yield {
        kind: "failpoint",
        name: names[turn % names.length] as FailpointName,
        count: countOf(chance),
      };
  }
}

/** Every tenth life is another kind of trouble than a kill. */
function specialBlow(turn: number, chance: Chance): Blow | null {
  if (turn % 10 !== 9) return null;
  switch (((turn - 9) / 10) % 5) {
    case 0:
      return { kind: "stop" };
    case 1:
      return { kind: "failing-store", name: chance.pick(storePoints), count: 1 };
    case 2:
      return { kind: "full-disk" };
    case 3:
      return { kind: "clock-jump", byMs: chance.between(1, 4) * 60_000 };
    default:
      return { kind: "read-only" };
  }
}

function countOf(chance: Chance): number {
  return chance.happens(0.7) ? 1 : chance.between(2, 3);
}

/** What is planted in the process for it. */
export function cutsOf(blow: Blow): readonly Cut[] {
  switch (blow.kind) {
    case "failpoint":
      return [{ name: blow.name, count: blow.count, action: { kind: "kill" } }];
    case "failing-store":
      return [{ name: blow.name, count: blow.count, action: { kind: "throw", code: "STORE_001" } }];
    default:
      return [];
  }
}
