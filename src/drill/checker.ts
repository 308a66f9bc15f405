/**
 * Holds what happened against what is promised: the invariants I1 to I8, each a function of the truth alone. Counts what
 * is allowed and still worth telling, such as repetitions that said so.
 */
import { acknowledgedExists, answeredOnce, chatOrder, wasGivenUp } from "./checker/answers.ts";
import { permissionAsked, unknownStaysUnknown } from "./checker/sending.ts";
import { billedOnce, readsChangeNothing, secretsStayInside } from "./checker/surroundings.ts";
import { isUnfinished, marksIn, type SaidMessage, type Truth } from "./truth.ts";

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
  /** Copies beyond the first, each of which said of itself that it may repeat, or stands behind a word that it does. */
  readonly labelledRepetitions: number;
  /** What was said by how it ended; the numbers add up to all of it. */
  readonly ends: Readonly<Record<MessageEnd, number>>;
  /** The reasons for giving up, each with how often. */
  readonly givenUpWhy: Readonly<Record<string, number>>;
}

/**
 * `notForUs`: nobody was to answer it. `apologised`: the model failed, and the person was told. `givenUp`: a dead letter,
 * never answered, or answered and not taken by the platform in any attempt. `chatClosed`: nothing may go there any more.
 * `missing`: none of these; a violation says why.
 */
export const messageEnds = ["answered", "notForUs", "apologised", "givenUp", "chatClosed", "missing"] as const;
export type MessageEnd = (typeof messageEnds)[number];

export function check(truth: Truth): Verdict {
  const violations = (Object.keys(invariants) as InvariantName[]).flatMap((invariant) =>
    invariants[invariant].check(truth).map((text) => ({ invariant, text })),
  );
  const shown = truth.seen.flatMap((message) => (isUnfinished(message) ? [] : marksIn(message.text)));
  const marks = new Set(shown);
  const ended = Map.groupBy(truth.said, (message) => endOf(message, marks, truth));
  const why = (ended.get("givenUp") ?? []).map((message) => givenUpReason(message, truth));
  return {
    violations,
    labelledRepetitions: shown.length - marks.size,
    ends: Object.fromEntries(messageEnds.map((end) => [end, ended.get(end)?.length ?? 0])) as Record<
      MessageEnd,
      number
    >,
    givenUpWhy: Object.fromEntries(
      [...Map.groupBy(why, (reason) => reason)].map(([reason, all]) => [reason, all.length]),
    ),
  };
}

function endOf(message: SaidMessage, shown: ReadonlySet<string>, truth: Truth): MessageEnd {
  const { expect, marks, token } = message;
  if (expect === "silence") return "notForUs";
  if (marks.every((mark) => shown.has(mark))) return "answered";
  const row = truth.rows.find((one) => one.token === token);
  if (row?.state === "dead" || row?.state === "expired" || wasGivenUp(message, truth)) return "givenUp";
  if (row?.state === "replied" && row.reason?.startsWith("error") === true) return "apologised";
  return expect === "either" ? "chatClosed" : "missing";
}

function givenUpReason({ token }: SaidMessage, { rows, parts }: Truth): string {
  const row = rows.find((one) => one.token === token);
  if (row?.state === "dead" || row?.state === "expired") return `${row.state}: ${row.reason}`;
  const part = parts.find((one) => one.token === token && !one.superseded && one.state !== "sent");
  return `not delivered: ${part?.history.map(({ state }) => state).join(", ")}`;
}
