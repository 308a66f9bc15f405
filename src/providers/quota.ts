/**
 * What an answer's headers say is left of an account's allowance, in the dialects of the providers. Pure. A header that
 * makes no sense is left out; nothing here throws.
 */
import type { QuotaWindow } from "../domain/quota.ts";
import { momentMs, spelledDateMs, spelledDurationMs } from "./duration.ts";

/** `headers` by lower-case name. At most `mostWindows` windows, in the order of the headers. */
export function quotaWindows(headers: Iterable<readonly [string, string]>, nowMs: number): readonly QuotaWindow[] {
  const drafts = new Map<string, Draft>();
  let seen = 0;
  for (const [name, value] of headers) {
    seen += 1;
    if (seen > mostHeaders) break;
    if (!/ratelimit|tokenlimit|quota/.test(name)) continue;
    const reading = snapshot(name, value, nowMs) ?? counted(name, value, nowMs);
    if (reading === undefined) continue;
    const key = `${reading.unit} ${reading.window}`;
    if (!drafts.has(key) && drafts.size === mostWindows) continue;
    drafts.set(key, { ...drafts.get(key), ...reading });
  }
  return [...drafts.values()].flatMap(finished);
}

/** The windows of a Gemini 429: its body names the limit that was hit, and none that was not. */
export function quotaOfFailure(details: readonly unknown[], resetsMs: number | null): readonly QuotaWindow[] {
  const violations = details.flatMap((detail) => list(field(detail, "violations")));
  return violations.slice(0, mostWindows).flatMap((violation): QuotaWindow[] => {
    const quota = field(violation, "quotaId");
    if (typeof quota !== "string") return [];
    const metric = field(violation, "quotaMetric");
    const value = field(violation, "quotaValue");
    const limit = typeof value === "string" ? count(value) : undefined;
    const isTokens = /token/i.test(`${quota} ${typeof metric === "string" ? metric : ""}`);
    const period = /Per(Second|Minute|Hour|Day|Month)/.exec(quota)?.[1] ?? "";
    return [
      {
        unit: isTokens ? "input-tokens" : "requests",
        window: period.toLowerCase(),
        limit: limit ?? null,
        remaining: 0,
        resetsMs,
      },
    ];
  });
}

/** When all that is used up is there again; undefined where nothing is, or nobody says when. */
export function replenishedMs(windows: readonly QuotaWindow[]): number | undefined {
  const resets = windows.flatMap(({ remaining, resetsMs }) => (remaining === 0 && resetsMs !== null ? [resetsMs] : []));
  return resets.length === 0 ? undefined : Math.max(...resets);
}

const mostHeaders = 500;
const mostWindows = 32;

type Draft = Pick<QuotaWindow, "unit" | "window"> & Partial<Record<"limit" | "remaining" | "resetsMs", number>>;
type Count = "limit" | "remaining" | "reset";

interface Dialect {
  readonly header: RegExp;
  /** Which group of the pattern says the count, which one what is counted; 0 where the header does not say. */
  readonly count: number;
  readonly what: number;
  /** What is counted where the header does not say. */
  readonly unit: QuotaWindow["unit"];
}

// oxfmt-ignore
const dialects: readonly Dialect[] = [
  // Anthropic: anthropic-ratelimit-input-tokens-remaining.
  { header: /^anthropic-(?:ratelimit|priority)-(requests|tokens|input-tokens|output-tokens)-(limit|remaining|reset)$/, count: 2, what: 1, unit: "requests" },
  // Mistral, by tokens: x-ratelimitbysize-remaining-minute, ratelimitbysize-limit.
  { header: /^(?:x-)?ratelimitbysize-(limit|remaining|reset)(?:-(minute|hour|day|month))?$/, count: 1, what: 2, unit: "tokens" },
  // Together, by tokens.
  { header: /^x-tokenlimit-(limit|remaining|reset)$/, count: 1, what: 0, unit: "tokens" },
  // OpenAI, Azure, Groq, xAI, Cerebras, Fireworks, Mistral (x-ratelimit-remaining-tokens, …-requests-day, …-req-minute);
  // OpenRouter, Together and the IETF's draft without saying what (x-ratelimit-remaining, ratelimit-reset).
  { header: /^(?:x-)?ratelimit-(limit|remaining|reset)(?:-([a-z-]+))?$/, count: 1, what: 2, unit: "requests" },
];

function counted(name: string, value: string, nowMs: number): Draft | undefined {
  for (const dialect of dialects) {
    const match = dialect.header.exec(name);
    if (match === null) continue;
    const what = whatOf(match[dialect.what === 0 ? 99 : dialect.what] ?? "", dialect.unit);
    return what === undefined ? undefined : { ...what, ...reading(match[dialect.count] as Count, value, nowMs) };
  }
  return undefined;
}

const units: Readonly<Record<string, QuotaWindow["unit"]>> = {
  requests: "requests",
  req: "requests",
  tokens: "tokens",
  "project-tokens": "tokens",
  "input-tokens": "input-tokens",
  "tokens-prompt": "input-tokens",
  "output-tokens": "output-tokens",
  "tokens-generated": "output-tokens",
};

/** `tokens-minute`, `requests`, `minute`; undefined for what has no place here, such as images. */
function whatOf(words: string, unit: QuotaWindow["unit"]): Pick<QuotaWindow, "unit" | "window"> | undefined {
  const [, what = "", window = ""] = /^(.*?)-?(second|minute|hour|day|month)?$/.exec(words) ?? [];
  if (what === "") return { unit, window };
  if (!Object.hasOwn(units, what)) return undefined;
  return { unit: units[what] ?? unit, window };
}

function reading(kind: Count, value: string, nowMs: number): Partial<Draft> {
  if (kind === "reset") {
    const resetsMs = resetOf(value, nowMs);
    return resetsMs === undefined ? {} : { resetsMs };
  }
  const amount = count(value);
  return amount === undefined ? {} : { [kind]: amount };
}

/** Anthropic's subscriptions tell a share (`…-unified-5h-utilization: 0.42`), Copilot's a snapshot (`ent=300&rem=73.5`). */
function snapshot(name: string, value: string, nowMs: number): Draft | undefined {
  const unified = /^anthropic-ratelimit-unified-(\d+[hd](?:[_-][a-z]+)?)-(utilization|reset)$/.exec(name);
  if (unified !== null) {
    const [, window = "", kind] = unified;
    if (kind === "reset") return { unit: "share", window, ...reading("reset", value, nowMs) };
    const used = count(value);
    return used === undefined ? undefined : { unit: "share", window, limit: 1, remaining: left(1, used) };
  }
  const copilot = /^x-(?:quota-snapshot|usage-ratelimit)-([a-z_]+)$/.exec(name);
  return copilot === null ? undefined : copilotSnapshot(copilot[1] ?? "", value, nowMs);
}

function copilotSnapshot(window: string, value: string, nowMs: number): Draft | undefined {
  const told = new URLSearchParams(value.slice(0, 500));
  const limit = count(told.get("ent") ?? "");
  const percent = count(told.get("rem") ?? "");
  // Without an end the entitlement is -1, which is no count.
  if (limit === undefined || percent === undefined || percent > 100) return undefined;
  const remaining = Math.round(limit * percent) / 100;
  return { unit: "credits", window, limit, remaining, ...reading("reset", told.get("rst") ?? "", nowMs) };
}

function left(limit: number, used: number): number {
  return Math.max(0, Math.round((limit - used) * 10_000) / 10_000);
}

/** `1s`, `6m0s`, a date, seconds to wait, or seconds or milliseconds since the epoch. */
function resetOf(value: string, nowMs: number): number | undefined {
  const text = value.trim();
  const amount = count(text);
  const waitMs = spelledDurationMs(text);
  const at =
    amount === undefined ? (waitMs === undefined ? spelledDateMs(text) : nowMs + waitMs) : momentMs(amount, nowMs);
  // A year ahead is a mistake, and so is a moment long gone.
  return at === undefined || Math.abs(at - nowMs) > 366 * 86_400_000 ? undefined : Math.round(at);
}

/** Not negative and believable; of a list (`100, 100;w=60`) the first. */
function count(value: string): number | undefined {
  const text = value.split(/[,;]/, 1)[0]?.trim() ?? "";
  const amount = /^\d{1,15}(\.\d{1,15})?$/.test(text) ? Number(text) : Number.NaN;
  return Number.isFinite(amount) ? amount : undefined;
}

function finished({ unit, window, limit, remaining, resetsMs }: Draft): QuotaWindow[] {
  // When a window ends says nothing where nobody says what it holds.
  if (limit === undefined && remaining === undefined) return [];
  return [{ unit, window, limit: limit ?? null, remaining: remaining ?? null, resetsMs: resetsMs ?? null }];
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
