/**
 * Holds what happened against what is promised: the invariants I1 to I8, each a function of the truth alone. Counts what
 * is allowed and still worth telling, such as repetitions that said so.
 */
import { acknowledgedExists, answeredOnce, chatOrder, wasGivenUp } from "./checker/answers.ts";
import { permissionAsked, unknownStaysUnknown } from "./checker/sending.ts";
import { billedOnce, readsChangeNothing, secretsStayInside } from "./checker/surroundings.ts";
import { isUnfinished, marksIn, type Truth } from "./truth.ts";

export type InvariantName = "I1" | "I2" | "I3" | "I4" | "I5" | "I6" | "I7" | "I8";

export interface Violation {
  readonly invariant: InvariantName;
  /** A sentence that names what it is about. */
  readonly text: string;
}

/** Returns a sentence for each place where the promise was broken. */
export type Invariant = (truth: Truth) => readonly string[];

/** In the words of the reliability contract. */
export const invariants: Readonly<Record<InvariantName, { readonly promise: string; readonly check: Invariant }>> = {
  I1: { promise: "what was acknowledged exists", check: acknowledgedExists },
  I2: { promise: "every message ends once, with a reason, and is answered once", check: answeredOnce },
  I3: { promise: "what is sent was allowed at the last moment", check: permissionAsked },
  I4: { promise: "what is unknown never becomes sent by itself", check: unknownStaysUnknown },
  I5: { promise: "a chat's answers keep its order", check: chatOrder },
  I6: { promise: "nothing is paid for twice that was done once", check: billedOnce },
  I7: { promise: "reading changes nothing", check: readsChangeNothing },
  I8: { promise: "secrets stay inside", check: secretsStayInside },
};

export interface Verdict {
  readonly violations: readonly Violation[];
  readonly answered: number;
  /** Copies beyond the first that said of themselves that they may repeat. */
  readonly labelledRepetitions: number;
  /** Messages that ended as dead letters: never answered, or answered and not taken by the platform in any attempt. */
  readonly givenUp: number;
  /** The reasons of these, each with how often. */
  readonly givenUpWhy: Readonly<Record<string, number>>;
}

export function check(truth: Truth): Verdict {
  const violations = (Object.keys(invariants) as InvariantName[]).flatMap((invariant) =>
    invariants[invariant].check(truth).map((text) => ({ invariant, text })),
  );
  const shown = truth.seen.flatMap((message) => (isUnfinished(message) ? [] : marksIn(message.text)));
  const why = givenUpReasons(truth);
  return {
    violations,
    answered: truth.said.filter(({ marks }) => marks.length > 0 && marks.every((mark) => shown.includes(mark))).length,
    labelledRepetitions: shown.length - new Set(shown).size,
    givenUp: why.length,
    givenUpWhy: Object.fromEntries(
      [...Map.groupBy(why, (reason) => reason)].map(([reason, all]) => [reason, all.length]),
    ),
  };
}

function givenUpReasons(truth: Truth): readonly string[] {
  const never = truth.rows.filter(({ state }) => state === "dead" || state === "expired");
  const undelivered = truth.said.filter((message) => message.expect === "answer" && wasGivenUp(message, truth));
  const ways = undelivered.map(({ token }) => {
    const part = truth.parts.find((one) => one.token === token && one.state !== "sent");
    return `not delivered: ${part?.history.map(({ state }) => state).join(", ")}`;
  });
  return [...never.map(({ state, reason }) => `${state}: ${reason}`), ...ways];
}
