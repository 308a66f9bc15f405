/**
 * A token endpoint as strict as the real ones: a refresh token is good once, and a second use is written down as what
 * it is. What it answers next can be planted; it counts everything.
 */
import type { Clock } from "../../platform/clock.ts";

export interface TokenEndpoint {
  readonly url: string;
  readonly fetch: typeof globalThis.fetch;
  /** The forms that came, oldest first. */
  readonly forms: readonly URLSearchParams[];
  /** Uses of a refresh token that had been spent. */
  readonly reuses: readonly string[];
  /** The refresh token that is good now. */
  good(): string;
  /** Taken by the next requests, in order; then it answers as it should. A fault after the token is spent: `lost`. */
  plant(...answers: readonly Planted[]): void;
  /** Holds every answer until it is called. */
  hold(): () => void;
}

export type Planted =
  | { readonly status: number; readonly body: unknown; readonly headers?: Readonly<Record<string, string>> }
  | "unreachable"
  /** The request is heard and answered, and the answer does not arrive. */
  | "lost";

export function tokenEndpoint(
  clock: Clock,
  { lifeS = 3_600, first = "refresh-0", rotates = true, dateSkewMs = 0 } = {},
): TokenEndpoint {
  const forms: URLSearchParams[] = [];
  const reuses: string[] = [];
  const planted: Planted[] = [];
  let issued = 0;
  let good = first;
  let gate: Promise<void> = Promise.resolve();

  function answer(form: URLSearchParams): Response {
    const date = new Date(clock.nowMs() + dateSkewMs).toUTCString();
    if (form.get("grant_type") === "refresh_token" && form.get("refresh_token") !== good) {
      reuses.push(form.get("refresh_token") ?? "");
      return Response.json({ error: "invalid_grant", error_description: "spent" }, { status: 400, headers: { date } });
    }
    issued += 1;
    if (rotates) good = `refresh-${issued}`;
    const tokens = { access_token: `access-${issued}`, token_type: "Bearer", expires_in: lifeS };
    return Response.json(rotates ? { ...tokens, refresh_token: good } : tokens, { headers: { date } });
  }

  return {
    url: "https://login.test/token",
    forms,
    reuses,
    good: () => good,
    plant: (...answers) => void planted.push(...answers),
    hold() {
      const { promise, resolve } = Promise.withResolvers<void>();
      gate = promise;
      return resolve;
    },
    fetch: async (_input, init) => {
      const form = new URLSearchParams(typeof init?.body === "string" ? init.body : "");
      forms.push(form);
      await gate;
      const next = planted.shift();
      if (next === "unreachable") throw new TypeError("fetch failed", { cause: new Error("ECONNREFUSED") });
      if (next === "lost") {
        answer(form);
        throw new TypeError("fetch failed", { cause: new Error("ECONNRESET") });
      }
      if (next !== undefined) return Response.json(next.body, { status: next.status, headers: next.headers ?? {} });
      return answer(form);
    },
  };
}
