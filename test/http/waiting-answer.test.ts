/** A request over HTTP whose run waits for a person: it waits longer than for a silent model, and its run outlives it. */
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { limits } from "../../src/domain/limits.ts";
import { FakeClock } from "../../src/platform/fake-clock.ts";
import { configWith, fakeCommands } from "../../src/policy/policy-world.fixture.ts";
import { createPolicy } from "../../src/policy/resolve.ts";
import type { Tool } from "../../src/tools/contract.ts";
import type { Script } from "../../src/app/way.fixture.ts";
import { startWholeGateway, wholeGatewayToken, type WholeGateway } from "./whole-gateway.ts";

const open: WholeGateway[] = [];
afterEach(async () => {
  for (const gateway of open.splice(0)) await gateway.close();
});

const usage = { input: 3, output: 1, cacheRead: 0, cacheWrite: 0 };

/** Asks for the command first; with its result, answers. */
const pushes: Script = async function* ({ messages }) {
  const last = messages.at(-1);
  if (last?.role !== "tool") {
    yield { type: "tool-call", callId: "c1", tool: "exec", input: {} };
    yield { type: "end", reason: "tool-calls", usage };
    return;
  }
  yield { type: "text", text: `It says: ${last.results[0]?.output}` };
  yield { type: "end", reason: "stop", usage };
};

async function world() {
  let ran = 0;
  const exec: Tool = {
    name: "exec",
    description: "Runs it.",
    inputSchema: z.object({}),
    effect: "unsafe",
    plan: () => Promise.resolve({ kind: "command", text: "make push", cwd: "/", env: {} }),
    run: () => ((ran += 1), Promise.resolve("pushed")),
  };
  const clock = new FakeClock(1_800_000_000_000);
  const config = configWith();
  const policy = createPolicy({ config: () => config, commands: fakeCommands() });
  const approve = ((planned: { argv: readonly string[]; cwd: string }) =>
    Promise.resolve({ ...planned, env: {} })) as never;
  const gateway = await startWholeGateway({
    config,
    tools: [exec],
    clock,
    acting: { policy, commands: { approve, used: () => undefined } },
  });
  open.push(gateway);
  gateway.model(pushes);
  gateway.way.approvals.listen({ id: "test", reaches: () => true, asked: () => undefined, resolved: () => undefined });
  return { gateway, clock, ran: () => ran };
}

async function ask(
  gateway: WholeGateway,
  body: object,
  key?: string,
): Promise<{ status: number; headers: Headers; text: string }> {
  const response = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      authorization: `Bearer ${wholeGatewayToken}`,
      ...(key === undefined ? {} : { "idempotency-key": key }),
    },
    body: JSON.stringify({ model: "openclaw", messages: [{ role: "user", content: "push it" }], ...body }),
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

const by = { id: "token:gateway", via: "gateway" } as const;

describe("a run that waits for a person", () => {
  it("D2 D5: is waited for longer than a silent model, and its answer is the answer of the request", async () => {
    const { gateway, clock, ran } = await world();
    const asked = ask(gateway, { user: "ann" });
    const question = await gateway.way.next("approval.requested");
    expect(question.approval).toMatchObject({ channel: "webchat", senderId: "token:gateway" });
    await gateway.way.next("run.parked");
    await clock.advance(limits.httpApprovalWaitMs - 1);
    expect(ran()).toBe(0);
    await gateway.way.approvals.answer(question.id, "allow-once", by);
    const answer = await asked;
    expect([answer.status, JSON.parse(answer.text).choices[0].message.content]).toEqual([200, "It says: pushed"]);
    expect(ran()).toBe(1);
  });

  it.each([false, true])(
    "D2: outlives a request that gives up, which names the question; the same key gets its answer (stream: %s)",
    async (stream) => {
      const { gateway, clock, ran } = await world();
      const body = { user: "ann", stream };
      const asked = ask(gateway, body, "k1");
      const { id } = await gateway.way.next("approval.requested");
      await gateway.way.next("run.parked");
      await clock.advance(limits.httpApprovalWaitMs);
      const gaveUp = await asked;
      expect(gaveUp.text).toContain(id);
      if (!stream) {
        expect(gaveUp.status).toBe(409);
        // Clients of OpenAI repeat a 409 by themselves, which would be another question.
        expect(gaveUp.headers.get("x-should-retry")).toBe("false");
      }
      expect(gateway.way.events.some(({ type }) => type === "run.ended")).toBe(false);
      await gateway.way.approvals.answer(id, "allow-once", by);
      expect(await gateway.way.next("run.ended")).toMatchObject({ outcome: "final", text: "It says: pushed" });
      const again = await ask(gateway, body, "k1");
      expect(again.status).toBe(200);
      expect(again.text).toContain("pushed");
      expect(ran()).toBe(1);
      expect(gateway.way.events.filter(({ type }) => type === "approval.requested")).toHaveLength(1);
    },
  );

  it("D2: ends with its caller where it has no session: a late yes runs nothing", async () => {
    const { gateway, clock, ran } = await world();
    const asked = ask(gateway, {});
    const { id } = await gateway.way.next("approval.requested");
    await clock.advance(limits.httpApprovalWaitMs);
    const gaveUp = await asked;
    expect([gaveUp.status, gaveUp.text.includes(id)]).toEqual([409, true]);
    expect(await gateway.way.next("run.ended")).toMatchObject({ outcome: "aborted" });
    await gateway.way.approvals.answer(id, "allow-once", by);
    expect([ran(), gateway.way.way.turns.active()]).toEqual([0, []]);
  });

  it("D2: is silent again once it was answered: a model that says nothing then is given up as ever", async () => {
    const { gateway, clock } = await world();
    gateway.model((request, call, signal) =>
      call === 0 ? pushes(request, call, signal) : hangs(request, call, signal),
    );
    const asked = ask(gateway, { user: "ann" });
    const { id } = await gateway.way.next("approval.requested");
    await gateway.way.next("run.parked");
    await gateway.way.approvals.answer(id, "allow-once", by);
    await expect.poll(() => gateway.way.requests.length).toBe(2);
    await clock.advance(limits.httpSilenceMs);
    expect((await asked).status).toBe(504);
  });
});

const hangs: Script = async function* (_request, _call, signal) {
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  yield { type: "failure", error: { code: "RUN_001", message: "aborted", retry: "never", details: {} } };
};
