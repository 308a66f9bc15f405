/** What a drill found, for people and for machines. It is reproducible from what it says: version, seed and number. */
import type { Violation } from "./checker.ts";

export interface DrillReport {
  readonly version: string;
  readonly seed: number;
  readonly tookMs: number;
  /** How many processes were ended or hurt, by what. */
  readonly kills: number;
  readonly killsByKind: Readonly<Record<string, number>>;
  readonly killsByFailpoint: Readonly<Record<string, number>>;
  /** Kinds of trouble that this machine does not let a drill make. */
  readonly leftOut: Readonly<Record<string, number>>;
  readonly messages: number;
  readonly answered: number;
  /** Nobody was to answer these: chatter past us, and what was said where nobody may be answered. */
  readonly notForUs: number;
  /** The model failed, and the person was told so. */
  readonly apologised: number;
  /** Said in a chat that was closed before its answer had left. */
  readonly chatClosed: number;
  /** None of these, and not given up: a violation says why. With them the counts add up to `messages`. */
  readonly missing: number;
  readonly labelledRepetitions: number;
  readonly lost: number;
  readonly unlabelledDuplicates: number;
  /** Ended as dead letters, with a reason, where platform or model refused to the end. */
  readonly givenUp: number;
  readonly givenUpWhy: Readonly<Record<string, number>>;
  readonly violations: readonly Violation[];
  /** From the start of a process to its first message on the platform. */
  readonly firstReplyMs: { readonly median: number | null; readonly p99: number | null };
  readonly channels: { readonly connected: number; readonly configured: number };
  /** Addresses other than this machine's that the gateway tried to reach; each was refused. */
  readonly refusedAddresses: readonly string[];
}

export function passed(report: DrillReport): boolean {
  const { violations, channels, refusedAddresses } = report;
  return violations.length === 0 && channels.connected === channels.configured && refusedAddresses.length === 0;
}

export function reportText(report: DrillReport): string {
  const { kills, killsByKind, killsByFailpoint, firstReplyMs, channels } = report;
  const lines = [
    `${passed(report) ? "PASSED" : "FAILED"}: ${report.lost} lost, ${report.unlabelledDuplicates} said twice without a word, of ${report.messages} messages under ${kills} crashes`,
    `  version ${report.version}, seed ${report.seed}, ${Math.round(report.tookMs / 1_000)} s`,
    `  of ${report.messages} messages: answered ${report.answered}, not to be answered ${report.notForUs}, told that the model failed ${report.apologised}, in a chat that was closed ${report.chatClosed}, given up with a reason ${report.givenUp}${report.givenUp === 0 ? "" : ` (${list(report.givenUpWhy)})`}, missing ${report.missing}`,
    `  repeated with a label ${report.labelledRepetitions}`,
    `  crashes ${list(killsByKind)}`,
    `  at failpoints ${list(killsByFailpoint)}`,
    `  start to first reply: median ${millis(firstReplyMs.median)}, 99th percentile ${millis(firstReplyMs.p99)}`,
    `  channels connected at the end: ${channels.connected} of ${channels.configured}`,
    ...(Object.keys(report.leftOut).length === 0 ? [] : [`  left out on this machine: ${list(report.leftOut)}`]),
    ...report.refusedAddresses.map((address) => `  tried to reach ${address}, and was kept from it`),
    ...report.violations.map(({ invariant, text }) => `  ${invariant}: ${text}`),
  ];
  return lines.join("\n");
}

export function quantile(values: readonly number[], share: number): number | null {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? null;
}

/** By the checker's own sentences: an answer that was never shown, a piece that was shown twice in silence. */
export function countLosses(violations: readonly Violation[]): { lost: number; unlabelledDuplicates: number } {
  const like = (pattern: RegExp): number => violations.filter(({ text }) => pattern.test(text)).length;
  return {
    lost: like(/never shown|nowhere in the store|never heard of it|nobody was told|is still /),
    unlabelledDuplicates: like(/nothing said that it may repeat|answers nobody/),
  };
}

function list(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(", ");
}

function millis(value: number | null): string {
  return value === null ? "unknown" : `${Math.round(value)} ms`;
}
