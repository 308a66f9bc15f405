/**
 * What a drill plants in a gateway, as one line of text that an environment variable can carry: where it dies, stops or
 * stumbles, what its clock shows, how long a lease holds. Read and acted on in the process that is to be hurt.
 *
 *   before-send:2:kill, tool-running:1:throw:STORE_001, clock:600000, lease:2000
 */
import { AppError } from "../domain/app-error.ts";
import { errorCodes, type ErrorCode } from "../domain/error-codes.ts";
import { failpointNames, type FailpointName, type Failpoints } from "../platform/failpoints.ts";

export type CutAction =
  /** SIGKILL: nothing is written or said any more. */
  | { readonly kind: "kill" }
  /** SIGSTOP: it stands still until somebody continues it. */
  | { readonly kind: "stop" }
  /** Ends without closing anything, but with what the runtime does at an exit. */
  | { readonly kind: "exit" }
  | { readonly kind: "throw"; readonly code: ErrorCode };

/** Something happens when the point is reached for the `count`th time, from 1. */
export interface Cut {
  readonly name: FailpointName;
  readonly count: number;
  readonly action: CutAction;
}

export interface DrillPlan {
  readonly cuts: readonly Cut[];
  /** Added to the wall clock. */
  readonly clockOffsetMs: number;
  /** Null: as the house has it. */
  readonly leaseMs: number | null;
}

/** Throws SYS_003 for a text that is no plan: a drill that cuts nowhere would prove nothing. */
export function parseDrillPlan(text: string): DrillPlan {
  const plan = { cuts: [] as Cut[], clockOffsetMs: 0, leaseMs: null as number | null };
  for (const item of text.split(",").map((one) => one.trim())) {
    if (item === "") continue;
    const [name = "", ...words] = item.split(":");
    if (name === "clock") plan.clockOffsetMs = wholeNumber(words, item, /^-?\d{1,13}$/);
    else if (name === "lease") plan.leaseMs = wholeNumber(words, item, /^[1-9]\d{0,8}$/);
    else plan.cuts.push(cutOf(name, words, item));
  }
  return plan;
}

export function formatDrillPlan({ cuts, clockOffsetMs, leaseMs }: DrillPlan): string {
  return [
    ...cuts.map(({ name, count, action }) => `${name}:${count}:${actionText(action)}`),
    // Always there: a plan without any text would not be looked at, and the process not be kept on this machine.
    `clock:${clockOffsetMs}`,
    ...(leaseMs === null ? [] : [`lease:${leaseMs}`]),
  ].join(",");
}

/** What a cut does to its own process. Handed in, so that a test survives it. */
export interface CutHands {
  signal(signal: "SIGKILL" | "SIGSTOP"): void;
  exit(): void;
}

/** Counts how often each point is reached and cuts where the plan says so. */
export function plannedFailpoints(cuts: readonly Cut[], hands: CutHands): Failpoints {
  const reached = new Map<FailpointName, number>();
  return {
    async reach(name) {
      const count = (reached.get(name) ?? 0) + 1;
      reached.set(name, count);
      const cut = cuts.find((one) => one.name === name && one.count === count);
      if (cut !== undefined) await act(cut, hands);
    },
  };
}

/** After a kill or an exit the promise stays open: there is nobody left to go on. */
function act({ name, action }: Cut, hands: CutHands): Promise<void> {
  switch (action.kind) {
    case "kill":
      hands.signal("SIGKILL");
      return new Promise(() => undefined);
    case "exit":
      hands.exit();
      return new Promise(() => undefined);
    case "stop":
      hands.signal("SIGSTOP");
      return Promise.resolve();
    case "throw":
      return Promise.reject(new AppError(action.code, `A drill let ${name} fail.`));
  }
}

function cutOf(name: string, [count = "", kind = "", ...rest]: readonly string[], item: string): Cut {
  if (!isFailpoint(name)) throw wrong(item, `there is no failpoint ${JSON.stringify(name)}`);
  if (!/^[1-9]\d{0,5}$/.test(count)) throw wrong(item, "the count is a number from 1");
  return { name, count: Number(count), action: actionOf(kind, rest, item) };
}

function actionOf(kind: string, [code = ""]: readonly string[], item: string): CutAction {
  switch (kind) {
    case "kill":
    case "stop":
    case "exit":
      return { kind };
    case "throw":
      if (!isErrorCode(code)) throw wrong(item, `there is no error code ${JSON.stringify(code)}`);
      return { kind, code };
    default:
      throw wrong(item, "what happens is kill, stop, exit or throw:<code>");
  }
}

function actionText(action: CutAction): string {
  return action.kind === "throw" ? `throw:${action.code}` : action.kind;
}

function wholeNumber([text = "", ...rest]: readonly string[], item: string, pattern: RegExp): number {
  if (rest.length > 0 || !pattern.test(text)) throw wrong(item, "a number of milliseconds is missing");
  return Number(text);
}

function isFailpoint(name: string): name is FailpointName {
  return (failpointNames as readonly string[]).includes(name);
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorCodes, code);
}

function wrong(item: string, why: string): AppError {
  return new AppError("SYS_003", `${JSON.stringify(item)} is no part of a drill's plan: ${why}.`);
}
