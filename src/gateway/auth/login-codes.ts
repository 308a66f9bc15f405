/**
 * One-time codes that let a browser in: shown in the terminal of whoever owns the gateway, good once, for ten minutes.
 * A code only pairs a device; it is never a credential by itself. Codes live in memory: a restart ends them.
 */
import { createHash } from "node:crypto";
import type { Scope } from "../../domain/scopes.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Ids } from "../../platform/ids.ts";

export interface LoginCodes {
  issue(grant: { readonly scopes: readonly Scope[] }): string;
  /** The scopes the code was issued with; null where it is unknown, used or too old. Uses it up. */
  redeem(code: string): readonly Scope[] | null;
}

export const loginCodeTtlMs = 10 * 60_000;
const maxOutstanding = 100;

export function createLoginCodes(clock: Clock, ids: Ids): LoginCodes {
  const outstanding = new Map<string, { readonly scopes: readonly Scope[]; readonly untilMs: number }>();

  function dropOld(): void {
    for (const [hash, { untilMs }] of outstanding) {
      if (untilMs <= clock.monotonicMs() || outstanding.size >= maxOutstanding) outstanding.delete(hash);
    }
  }

  return {
    issue({ scopes }) {
      dropOld();
      const code = ids.token(24);
      outstanding.set(hashOf(code), { scopes: [...scopes], untilMs: clock.monotonicMs() + loginCodeTtlMs });
      return code;
    },
    redeem(code) {
      const hash = hashOf(code);
      const found = outstanding.get(hash);
      outstanding.delete(hash);
      return found === undefined || found.untilMs <= clock.monotonicMs() ? null : found.scopes;
    },
  };
}

/** Looked up by digest, so that the time of the look-up tells nothing about the code. */
function hashOf(code: string): string {
  return createHash("sha256").update(code).digest("hex");
}
