/** How long a caller's request waits: for a model that is silent not for ever, for a tool or a person as long as they have. */
import { EventEmitter } from "node:events";
import { expect, it } from "vitest";
import type { AppEvent } from "../../domain/events.ts";
import { limits } from "../../domain/limits.ts";
import { FakeClock } from "../../platform/fake-clock.ts";
import { createEventBus } from "../../platform/bus.ts";
import { silentLog } from "../../platform/log.ts";
import type { GatewayDeps } from "../deps.ts";
import type { AuthorisedExchange } from "./contract.ts";
import { createFollowRun } from "./follow-run.ts";
import { createRunRelay } from "./run-relay.ts";

const run = { runId: "r1", sessionKey: "agent:main:main", agentId: "main", atMs: 0 };

function follow(): { clock: FakeClock; emit: (event: object) => void; aborted: string[]; ended: Promise<unknown> } {
  const clock = new FakeClock();
  const bus = createEventBus(silentLog());
  const aborted: string[] = [];
  const deps = {
    clock,
    bus,
    ids: { uuid: () => "m1" },
    models: { primary: () => null, find: () => null },
    turns: { abort: (_runId: string, reason: string) => void aborted.push(reason) },
    admit: () => Promise.resolve({ outcome: "admitted", runId: "r1" }),
  } as unknown as GatewayDeps;
  const exchange = {
    principal: { id: "token:gateway", scopes: [] },
    res: new EventEmitter(),
  } as unknown as AuthorisedExchange;
  const request = { ...run, ephemeral: true, content: [], options: {} };
  const ended = createFollowRun(deps, createRunRelay(bus))(exchange, request, { onText: () => undefined });
  return { clock, emit: (event) => bus.emit({ ...run, ...event } as AppEvent), aborted, ended };
}

it("D2: a model that says nothing is given up after its time", async () => {
  const { clock, aborted, ended } = follow();
  const failure = ended.catch((thrown: unknown) => thrown);
  await clock.advance(limits.httpSilenceMs);
  expect(await failure).toMatchObject({ code: "MODEL_006" });
  expect(aborted).toEqual(["silent"]);
});

it("D2, P1: while a tool runs or waits for a person's yes nobody is silent, and behind it the time begins anew", async () => {
  const { clock, emit, aborted, ended } = follow();
  const failure = ended.catch((thrown: unknown) => thrown);
  emit({ type: "tool.started", callId: "c1", tool: "exec", input: {} });
  await clock.advance(20 * limits.httpSilenceMs);
  expect(aborted).toEqual([]);
  emit({ type: "tool.completed", callId: "c1", tool: "exec", output: "" });
  await clock.advance(limits.httpSilenceMs - 1);
  expect(aborted).toEqual([]);
  await clock.advance(limits.httpSilenceMs);
  expect(await failure).toMatchObject({ code: "MODEL_006" });
  expect(aborted).toEqual(["silent"]);
});
