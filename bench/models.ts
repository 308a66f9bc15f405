/** What the house adds to a model call, and how soon it asks the next model after one has failed. In this very process. */
import { mintBudgetHold } from "../src/domain/authority-mint.ts";
import { callModel } from "../src/agent/calling/model-call.ts";
import { chatRequest } from "../src/app/way.fixture.ts";
import { systemClock } from "../src/platform/clock.ts";
import { systemIds } from "../src/platform/ids.ts";
import type { ModelRequest } from "../src/providers/contract.ts";
import { providerModule } from "../src/providers/registry.ts";
import { openFailingHouse, providerNames, startServices } from "../test/failover/three-providers.ts";
import type { Figure } from "./measures.ts";
import { statsOf } from "./stats.ts";

/** The same question through a provider and by hand, in turn: the difference is what translating and watching cost. */
export async function providerOverhead(modelUrl: string, count: number): Promise<readonly Figure[]> {
  const clock = systemClock();
  const endpoint = {
    id: "bench",
    api: "openai-completions",
    baseUrl: `${modelUrl}/v1`,
    apiKey: "k",
    headers: {},
  } as const;
  const module = await providerModule(endpoint.api);
  const provider = module.open(endpoint, { fetch: globalThis.fetch, clock, ids: systemIds() });
  const request: ModelRequest = {
    model: {
      ref: "bench/m",
      provider: "bench",
      id: "m",
      name: "m",
      contextWindow: null,
      maxTokens: null,
      reasoning: false,
      input: ["text"],
      price: undefined,
    },
    system: "Be brief.",
    messages: [{ role: "user", content: [{ type: "text", text: "Say fifty words." }] }],
    tools: [],
  };
  const hold = mintBudgetHold({ id: "bench", reservedMicros: 0 });
  const ignored = { text: () => undefined, thinking: () => undefined, quota: () => undefined };
  const through = async (): Promise<void> => {
    const signal = new AbortController().signal;
    const { error } = await callModel(request, ignored, { hold, provider, signal, clock });
    if (error !== null) throw new Error(error.message);
  };
  const byHand = (): Promise<void> => plainCall(modelUrl);
  const near: number[] = [];
  const far: number[] = [];
  for (let call = -50; call < count; call += 1) {
    const [nearMs, farMs] = [await timed(byHand), await timed(through)];
    if (call < 0) continue;
    near.push(nearMs);
    far.push(farMs);
  }
  const value = statsOf(far).p50 - statsOf(near).p50;
  const note = `fifty deltas; ${count} calls in turn`;
  return [
    { name: "provider layer over a direct call, p50", unit: "ms", value, target: { at: "most", value: 5 }, note },
  ];
}

async function plainCall(modelUrl: string): Promise<void> {
  const response = await fetch(`${modelUrl}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: "Bearer k" },
    body: JSON.stringify({ model: "m", stream: true, messages: [{ role: "user", content: "Say fifty words." }] }),
  });
  await response.text();
}

async function timed(work: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** From the moment a service refuses to the moment the next one is asked, over HTTP on this machine, both ways included. */
export async function failoverTime(count: number): Promise<readonly Figure[]> {
  const clock = systemClock();
  const services = await startServices(clock);
  const [first, second] = providerNames.map((name) => services.emulators[name]);
  let refusedAt = 0;
  const times: number[] = [];
  first?.play(() => {
    refusedAt = performance.now();
    return { status: 500, error: { message: "Busy." } };
  });
  second?.play(() => {
    times.push(performance.now() - refusedAt);
    return { text: "Here." };
  });
  const house = await openFailingHouse(services, clock);
  await house.way.start();
  for (let message = 0; message < count; message += 1) {
    // Or it would be left alone after the third time.
    house.desk.forget(null);
    const sessionKey = `agent:main:bench-${message}`;
    const admission = await house.way.admit(chatRequest(`This is message ${message}`, { sessionKey }));
    if (admission.outcome !== "accepted") throw new Error(`The message was ${admission.outcome}.`);
    await house.next("run.ended", ({ runId }) => runId === admission.runId);
  }
  await house.stop();
  await services.close();
  const { p50, p99 } = statsOf(times.slice(Math.min(5, times.length - 1)));
  return [
    {
      name: "failing answer to the next model's request, p50",
      unit: "ms",
      value: p50,
      target: { at: "most", value: 50 },
    },
    { name: "failing answer to the next model's request, p99", unit: "ms", value: p99, target: null },
  ];
}
