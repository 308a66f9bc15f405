/**
 * The id of a request's run. With an `Idempotency-Key` it follows from caller, route and key, so that the same
 * request twice is one turn, over restarts too; the same key with another body is refused.
 */
import { createHash } from "node:crypto";
import { AppError } from "../../../domain/app-error.ts";
import type { GatewayDeps } from "../../deps.ts";
import type { AuthorisedExchange } from "../contract.ts";

/** Throws RPC_006 where the key was used with other content, RPC_003 where it is not valid. */
export async function chooseRunId(deps: GatewayDeps, exchange: AuthorisedExchange, raw: Buffer): Promise<string> {
  const key = exchange.req.headers["idempotency-key"];
  if (key === undefined) return deps.ids.uuid();
  if (typeof key !== "string" || !/^[\x20-\x7e]{1,256}$/.test(key)) {
    throw new AppError("RPC_003", "The Idempotency-Key must be 1 to 256 printable characters.");
  }
  const principalId = exchange.principal.id;
  const runId = `http-${sha256(JSON.stringify([principalId, exchange.path, key])).slice(0, 40)}`;
  const held = { principalId, method: exchange.path, key };
  const atMs = deps.clock.nowMs();
  const { outcome } = await deps.store.idempotency.begin(held, sha256(raw), atMs);
  if (outcome === "conflict") throw new AppError("RPC_006", "This Idempotency-Key was used with another body.");
  // The run itself is found by its id, so there is nothing to keep but that the key is taken.
  if (outcome === "new") await deps.store.idempotency.complete(held, { runId }, atMs);
  return runId;
}

function sha256(content: string | Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}
