/**
 * The `Idempotency-Key` of a call of a tool. It names the run, so that whoever comes back for a person's answer is the same
 * caller with the same question; and what was begun under it is never begun again.
 */
import { createHash } from "node:crypto";
import { AppError } from "../../../domain/app-error.ts";
import type { GatewayDeps } from "../../deps.ts";
import type { AuthorisedExchange } from "../contract.ts";

export interface InvocationKey {
  readonly runId: string;
  /** What was answered under it before; null where nothing was. */
  readonly before: KeptAnswer | null;
  /** From here on the tool may have its effect. */
  begin(): Promise<void>;
  keep(answer: KeptAnswer): Promise<void>;
}

export interface KeptAnswer {
  readonly status: number;
  readonly body: unknown;
}

const method = "tools.invoke";

/** Throws RPC_003 for a key that is none, RPC_006 where it was used with another body or its call may have been done. */
export async function openInvocationKey(
  deps: Pick<GatewayDeps, "ids" | "store" | "clock">,
  { req, principal }: AuthorisedExchange,
  raw: Buffer,
): Promise<InvocationKey> {
  const key = req.headers["idempotency-key"];
  const nothing = (): Promise<void> => Promise.resolve();
  if (key === undefined) return { runId: deps.ids.uuid(), before: null, begin: nothing, keep: nothing };
  if (typeof key !== "string" || !/^[\x20-\x7e]{1,256}$/.test(key)) {
    throw new AppError("RPC_003", "The Idempotency-Key must be 1 to 256 printable characters.");
  }
  const held = { principalId: principal.id, method, key };
  const { outcome, result } = await deps.store.idempotency.begin(held, sha256(raw), deps.clock.nowMs());
  if (outcome === "conflict") throw new AppError("RPC_006", "This Idempotency-Key was used with another body.");
  const known = (outcome === "known" ? result : null) as { readonly begun: true } | KeptAnswer | null;
  if (known !== null && "begun" in known) {
    throw new AppError(
      "RPC_006",
      "This call was begun before, and whether it was done is not known. Look before you repeat it.",
    );
  }
  const complete = (value: unknown): Promise<void> => deps.store.idempotency.complete(held, value, deps.clock.nowMs());
  return {
    runId: `invoke-${sha256(JSON.stringify([principal.id, key])).slice(0, 40)}`,
    before: known,
    begin: () => complete({ begun: true }),
    keep: (answer) => complete(answer),
  };
}

function sha256(content: string | Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}
