/** Whether the process lives and whether it can serve: `/health`, `/healthz`, `/livez`, `/ready`, `/readyz`. */
import type { GatewayDeps } from "../deps.ts";
import type { Exchange, PublicRoute } from "./contract.ts";
import { sendJson } from "./respond.ts";

export function healthRoutes(deps: GatewayDeps): readonly PublicRoute[] {
  return [
    ...["/health", "/healthz", "/livez"].map((path) => publicGet(path, answerLive)),
    ...["/ready", "/readyz"].map((path) => publicGet(path, (exchange) => answerReady(exchange, deps))),
  ];
}

function publicGet(path: string, handle: PublicRoute["handle"]): PublicRoute {
  return { method: "GET", path, scope: null, handle };
}

/** That this runs at all is the proof: the loop turns. It looks at nothing that could be broken. */
function answerLive(exchange: Exchange): void {
  sendJson(exchange, 200, { ok: true, status: "live" });
}

/** A probe that hangs is a store that cannot be written. */
const probeTimeoutMs = 3_000;

async function answerReady(exchange: Exchange, { health, clock }: GatewayDeps): Promise<void> {
  const { promise: tooLong, resolve } = Promise.withResolvers<{ ready: false; failing: readonly string[] }>();
  const timer = clock.after(probeTimeoutMs, () => resolve({ ready: false, failing: ["store"] }));
  try {
    const { ready, failing } = await Promise.race([health.ready(), tooLong]);
    const { p50Ms, p99Ms, maxMs } = health.loopDelay();
    sendJson(exchange, ready ? 200 : 503, {
      ready,
      failing,
      uptimeMs: health.uptimeMs(),
      eventLoop: { delayP50Ms: p50Ms, delayP99Ms: p99Ms, delayMaxMs: maxMs },
    });
  } finally {
    timer.cancel();
  }
}
