/** A turn that the gateway refuses ends once, with what the gateway said. */
import { describe, expect, it } from "vitest";
import { AppError } from "../domain/app-error.ts";
import { followRun, readerAt } from "./follow-run.ts";
import type { GatewayClient } from "./gateway-client.ts";
import { createOutput } from "./output.ts";

const silent = { onText: () => undefined, onNotice: () => undefined };

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
      const turn = followRun(client, { message: "hi", agentId: "nobody" }, silent, AbortSignal.timeout(5_000));
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

  it("whoever interrupted before anything was said has said nothing", async () => {
    const called: string[] = [];
    const client: GatewayClient = {
      call: (name) => (called.push(name), Promise.reject(new AppError("SYS_001", "asked"))),
      on: () => () => undefined,
      hello: {},
      closed: Promise.withResolvers<void>().promise,
      close: () => undefined,
    };
    const interrupted = AbortSignal.abort(new AppError("RUN_001", "Interrupted."));
    await expect(followRun(client, { message: "hi" }, silent, interrupted)).rejects.toMatchObject({ code: "RUN_001" });
    expect(called).toEqual([]);
  });

  it("what another model begins anew is told whole, behind what stands on the screen; notices stand beside it", async () => {
    expect(
      await screenOf([
        ["chat", said("one two three ")],
        ["agent", { stream: "notice", data: { kind: "failover", text: "a could not answer; b answers instead." } }],
        ["chat", { ...said("Answer "), replace: true }],
        ["chat", said("Answer from b.")],
        ["chat", { ...said("Answer from b."), state: "final" }],
      ]),
    ).toEqual({
      text: "Answer from b.",
      stdout: "one two three \n…\n\nAnswer from b.\n",
      stderr: "a could not answer; b answers instead.\n",
    });
  });

  it("of a text that only grows each part is told once, and nothing is said to be broken at its end", async () => {
    const end = { ...said("one two"), state: "final" };
    const { stdout } = await screenOf([
      ["chat", said("one ")],
      ["chat", said("one two ")],
      ["chat", end],
    ]);
    expect(stdout).toBe("one two \n");
  });
});

type Told = readonly (readonly [event: string, payload: Readonly<Record<string, unknown>>])[];

function said(text: string) {
  return { state: "delta", message: { content: [{ type: "text", text }] } };
}

/** What a terminal shows of a turn of which these events are told. */
async function screenOf(events: Told): Promise<{ text: string; stdout: string; stderr: string }> {
  const listeners = new Map<string, (payload: Record<string, unknown>) => void>();
  const client = {
    call: (_method: string, { idempotencyKey }: { idempotencyKey: string }) => {
      for (const [event, payload] of events) listeners.get(event)?.({ runId: idempotencyKey, ...payload });
      return Promise.resolve({});
    },
    on: (event: string, listener: (payload: Record<string, unknown>) => void) => {
      listeners.set(event, listener);
      return () => undefined;
    },
    hello: {},
    closed: new Promise<void>(() => undefined),
    close: () => undefined,
  } as unknown as GatewayClient;
  let [stdout, stderr] = ["", ""];
  const streams = {
    stdout: { write: (text: string) => void (stdout += text) },
    stderr: { write: (text: string) => void (stderr += text) },
  };
  const reader = readerAt(createOutput(streams, { json: false, colour: false }));
  const { text } = await followRun(client, { message: "hi" }, reader, AbortSignal.timeout(5_000));
  reader.endLine();
  return { text, stdout, stderr };
}
