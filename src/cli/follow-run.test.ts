/** A turn that the gateway refuses ends once, with what the gateway said. */
import { describe, expect, it } from "vitest";
import { AppError } from "../domain/app-error.ts";
import { followRun } from "./follow-run.ts";
import type { GatewayClient } from "./gateway-client.ts";

describe("followRun", () => {
  it("a refused turn is told once: that the connection ends afterwards is no second failure", async () => {
    const { promise: closed, resolve: hangUp } = Promise.withResolvers<void>();
    const client: GatewayClient = {
      call: () => Promise.reject(new AppError("MODEL_001", "unknown agent: nobody")),
      on: () => () => undefined,
      hello: {},
      closed,
      close: hangUp,
    };
    const unheard: unknown[] = [];
    const onUnheard = (reason: unknown): void => void unheard.push(reason);
    process.on("unhandledRejection", onUnheard);
    try {
      const turn = followRun(client, { message: "hi", agentId: "nobody" }, () => undefined, AbortSignal.timeout(5_000));
      await expect(turn).rejects.toMatchObject({ code: "MODEL_001" });
      client.close();
      // Rejections that nobody took are told after the microtasks of this turn of the loop.
      await new Promise((resolve) => setImmediate(resolve));
      await new Promise((resolve) => setImmediate(resolve));
      expect(unheard).toEqual([]);
    } finally {
      process.removeListener("unhandledRejection", onUnheard);
    }
  });
});
