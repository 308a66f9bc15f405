/** What a provider says is left of what it lets an account use. Pure data. */

export interface QuotaWindow {
  /** What is counted. */
  readonly unit: "requests" | "tokens" | "input-tokens" | "output-tokens" | "credits" | "share";
  /** The provider's own name of the window, e.g. `1m`, `5h`, `7d`, `day`; empty where it names none. */
  readonly window: string;
  /** Null where not told. */
  readonly limit: number | null;
  readonly remaining: number | null;
  /** Milliseconds since the epoch; null where not told. */
  readonly resetsMs: number | null;
}
