import sharp from "sharp";
import { afterEach, describe, expect, it } from "vitest";
import type { Config } from "../config/schema/root.ts";
import type { AppErrorJson } from "../domain/app-error.ts";
import type { EventOf } from "../domain/events.ts";
import type { FailureReason } from "../domain/failure-reason.ts";
import { limits } from "../domain/limits.ts";
import type { FallbackTrigger } from "../models/contract.ts";
import { FakeClock } from "../platform/fake-clock.ts";
import { silentLog } from "../platform/log.ts";
import type { ModelApi, ModelRequest } from "../providers/contract.ts";
import {
  answers,
  breaks,
  failed,
  fails,
  inTurn,
  openModelWorld,
  saysNothing,
  usage,
  type ModelScript,
  type ModelWorld,
  type ModelWorldOptions,
} from "./model-world.fixture.ts";
import { createFitImages } from "./fit-images.ts";
import { chatRequest } from "./way.fixture.ts";

const opened: ModelWorld[] = [];

async function open(options: ModelWorldOptions): Promise<ModelWorld> {
  const world = await openModelWorld(options);
  opened.push(world);
  await world.way.start();
  return world;
}

afterEach(async () => {
  for (const world of opened.splice(0)) {
    await world.close();
    await world.desk.close();
  }
});

/** One message, to its end. */
async function ask(world: ModelWorld, text = "Hello?"): Promise<EventOf<"run.ended">> {
  const admission = await world.way.admit(chatRequest(text));
  if (admission.outcome !== "accepted") throw new Error(`The message was ${admission.outcome}.`);
  return world.next("run.ended", ({ runId }) => runId === admission.runId);
}

function of<T extends "run.text" | "run.restarted" | "run.notice" | "model.failed" | "model.chosen">(
  world: ModelWorld,
  type: T,
): EventOf<T>[] {
  return world.events.filter((event): event is EventOf<T> => event.type === type);
}

function withDefaults(part: Partial<Config["agents"]["defaults"]["model"]>) {
  return (config: Config): Config => {
    const { defaults } = config.agents;
    return {
      ...config,
      agents: { ...config.agents, defaults: { ...defaults, model: { ...defaults.model, ...part } } },
    };
  };
}

function attemptsOf(error: AppErrorJson | undefined): readonly { model: string; reason: string }[] {
  return (error?.details["attempts"] ?? []) as { model: string; reason: string }[];
}

describe("a model that fails", () => {
  it("H7 H18: the next one answers, the person hears nothing of it, and nothing failed is billed", async () => {
    const world = await open({ models: { "ollama/local": fails("network"), "b/two": answers("From the second.") } });
    const end = await ask(world);
    expect(end).toMatchObject({ outcome: "final", text: "From the second.", model: "b/two", usage });
    expect(world.calls).toEqual(["ollama/local", "b/two"]);
    expect(await world.store.ledger.totals({})).toMatchObject({ calls: 1, costMicros: 20 });
    expect(of(world, "model.failed")).toMatchObject([
      { model: "ollama/local", reason: "network", recovery: "next-model" },
    ]);
    const lines = await world.store.sessions.transcript("agent:main:main");
    expect(lines.map((line) => (line.body["message"] as { role: string }).role)).toEqual(["user", "assistant"]);
  });

  const triggers: readonly [FallbackTrigger, FailureReason, FailureReason][] = [
    ["rate-limit", "rate_limit", "overloaded"],
    ["on-error", "overloaded", "auth"],
    ["auth", "auth", "rate_limit"],
    ["context-overflow", "context_overflow", "auth"],
    ["always", "content_filter", "content_filter"],
  ];
  for (const [trigger, reason, other] of triggers) {
    it(`H18: ${trigger} alone leads to the next model after ${reason}${trigger === "always" ? "" : `, and not after ${other}`}`, async () => {
      const only = {
        config: withDefaults({ fallbackOn: [trigger] }),
        windows: { "a/one": 1_000_000, "b/two": 2_000_000 },
      };
      const world = await open({ ...only, models: { "a/one": fails(reason), "b/two": answers("Here.") } });
      expect(await ask(world)).toMatchObject({ outcome: "final", text: "Here." });
      if (trigger === "always") return;
      const clock = new FakeClock();
      const strict = await open({ ...only, clock, models: { "a/one": fails(other), "b/two": answers("Never.") } });
      const admission = await strict.way.admit(chatRequest("Hello?"));
      expect(admission.outcome).toBe("accepted");
      await expect.poll(() => of(strict, "model.failed").length).toBeGreaterThan(0);
      for (let waited = 0; waited < 3 && !strict.events.some(({ type }) => type === "run.ended"); waited += 1) {
        await clock.advance(limits.modelWaitMs);
      }
      await strict.next("run.ended");
      expect(strict.calls.filter((call) => call === "b/two")).toEqual([]);
    });
  }

  it("H18: a caller over HTTP, who would hang up, gets the next model's answer after a silence of seconds", async () => {
    const silent: ModelScript = async function* (_request, { signal }) {
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
      yield failed("interrupted");
    };
    const clock = new FakeClock();
    const world = await open({ clock, models: { "a/one": silent, "b/two": answers("From the second.") } });
    await world.way.admit(chatRequest("Hello?", { options: { deliver: false } }));
    await expect.poll(() => world.calls).toEqual(["a/one"]);
    await clock.advance(limits.modelFirstWordApiMs - 1);
    expect(world.calls).toEqual(["a/one"]);
    await clock.advance(1);
    const end = await world.next("run.ended");
    expect(end).toMatchObject({ outcome: "final", text: "From the second." });
    expect(of(world, "model.failed")).toMatchObject([{ model: "a/one", reason: "timeout" }]);
    // In a chat nobody hangs up: it is waited for as long as the provider is given.
    const chat = new FakeClock();
    const patient = await open({ clock: chat, models: { "a/one": silent, "b/two": answers("Never.") } });
    await patient.way.admit(chatRequest("Hello?"));
    await expect.poll(() => patient.calls).toEqual(["a/one"]);
    await chat.advance(limits.modelFirstWordApiMs * 2);
    expect(patient.calls).toEqual(["a/one"]);
    patient.way.turns.abortSession("agent:main:main", "the test is over");
    await patient.next("run.ended");
  });

  it("H18: what a safety filter blocked goes to no other model unless a person says so", async () => {
    const world = await open({ models: { "a/one": fails("content_filter"), "b/two": answers("Never.") } });
    expect(await ask(world)).toMatchObject({ outcome: "error", error: { code: "MODEL_008" } });
    expect(world.calls).toEqual(["a/one"]);
  });

  it("H18: the word that another model answered stands under the answer where it is wished for, and nowhere else", async () => {
    const models = { "a/one": fails("overloaded"), "b/two": answers("Here.") };
    const quiet = await open({ models });
    const loud = await open({
      models,
      config: (config) => ({ ...config, messages: { ...config.messages, notices: true } }),
    });
    const said = async (world: ModelWorld): Promise<readonly string[]> => {
      const { runId } = await ask(world);
      return (await world.store.outbox.ofRun(runId)).map((part) => part.reply.markdown);
    };
    expect(await said(quiet)).toEqual(["Here."]);
    expect(await said(loud)).toEqual([
      "Here.\n\n_a/one could not answer (it is overloaded or down); b/two answers instead._",
    ]);
    expect(of(quiet, "run.notice")).toMatchObject([{ kind: "failover" }]);
    const lines = await loud.store.sessions.transcript("agent:main:main");
    expect(JSON.stringify(lines)).not.toContain("answers instead");
  });

  it("H16: a refused key is not asked again, and the next login of the same model is", async () => {
    const script: ModelScript = (request, asked) =>
      (asked.profileId === "a:stale" ? fails("auth", { status: 401 }) : answers("By the other key."))(request, asked);
    const world = await open({ models: { "a/one": script }, logins: { a: ["a:stale", "a:good"] } });
    expect(await ask(world)).toMatchObject({ outcome: "final", text: "By the other key." });
    expect(await ask(world)).toMatchObject({ outcome: "final" });
    expect(world.calls).toEqual(["a/one@a:stale", "a/one@a:good", "a/one@a:good"]);
  });

  it("H21: a login without credit is not asked again; another one of the provider pays only where that is allowed, other providers do", async () => {
    const models = { "a/one": fails("billing"), "b/two": answers("From elsewhere.") };
    const logins = { a: ["a:work", "a:private"] };
    const strict = await open({ models, logins });
    expect(await ask(strict)).toMatchObject({ outcome: "final", text: "From elsewhere." });
    expect(await ask(strict)).toMatchObject({ outcome: "final", text: "From elsewhere." });
    expect(strict.calls).toEqual(["a/one@a:work", "b/two", "b/two"]);
    const script: ModelScript = (request, asked) =>
      (asked.profileId === "a:work" ? fails("billing") : answers("Paid privately."))(request, asked);
    const allowed = await open({
      models: { "a/one": script },
      logins,
      config: (config) => ({
        ...config,
        auth: { ...config.auth, cooldowns: { ...config.auth.cooldowns, billingFallback: true } },
      }),
    });
    expect(await ask(allowed)).toMatchObject({ outcome: "final", text: "Paid privately." });
    expect(allowed.calls).toEqual(["a/one@a:work", "a/one@a:private"]);
  });

  it("H15: a 429 is answered by the next login at once; the only one there is is waited for, once", async () => {
    const clock = new FakeClock();
    const world = await open({ clock, models: { "a/one": inTurn(fails("rate_limit"), answers("After a minute.")) } });
    await world.way.admit(chatRequest("Hello?"));
    await expect.poll(() => of(world, "model.failed").length).toBe(1);
    await clock.advance(59_000);
    expect(world.calls).toHaveLength(1);
    await clock.advance(2_000);
    expect(await world.next("run.ended")).toMatchObject({ outcome: "final", text: "After a minute." });
    expect(world.calls).toHaveLength(2);
    expect(of(world, "run.notice").map(({ text }) => text)).toContain(
      "No model can answer at the moment; it is tried again in 60 s.",
    );
  });

  it("a wait that would end behind the turn's own time is not begun", async () => {
    const clock = new FakeClock();
    const models = { "a/one": fails("rate_limit", { retryAfterMs: 80_000 }) };
    const world = await open({ clock, models });
    await world.way.admit(chatRequest("Hello?", { options: { timeoutMs: 60_000 } }));
    expect(await world.next("run.ended")).toMatchObject({
      outcome: "error",
      error: { code: "MODEL_003", retryAfterMs: 80_000 },
    });
    expect(world.calls).toHaveLength(1);
  });

  it("an abort ends a wait at once", async () => {
    const clock = new FakeClock();
    const world = await open({ clock, models: { "a/one": fails("rate_limit") } });
    await world.way.admit(chatRequest("Hello?", { runId: "run-1" }));
    await expect.poll(() => of(world, "model.failed").length).toBe(1);
    world.way.turns.abort("run-1", "enough");
    expect(await world.next("run.ended")).toMatchObject({ outcome: "aborted" });
    expect(world.calls).toHaveLength(1);
  });
});

describe("an answer that breaks", () => {
  it("begins anew from the next model: what was told of it is taken back when that one speaks, and booked as an estimate", async () => {
    const world = await open({ models: { "a/one": breaks("Half of an ans"), "b/two": answers("The whole answer.") } });
    expect(await ask(world)).toMatchObject({ outcome: "final", text: "The whole answer.", model: "b/two" });
    const told = world.events.filter(({ type }) => type === "run.text" || type === "run.restarted");
    expect(told).toMatchObject([
      { type: "run.text", soFar: "Half of an ans" },
      { type: "run.restarted", soFar: "" },
      { type: "run.text", soFar: "The whole" },
      { type: "run.text", soFar: "The whole answer." },
    ]);
    expect(await world.store.ledger.totals({})).toMatchObject({ calls: 2 });
    expect((await world.store.ledger.by("model", {})).map(({ key }) => key).toSorted()).toEqual(["a/one", "b/two"]);
  });

  it("is kept as far as it came where nobody speaks after it", async () => {
    const world = await open({ models: { "a/one": breaks("Half of an ans"), "b/two": fails("auth") } });
    const end = await ask(world);
    expect(end).toMatchObject({ outcome: "error", text: "Half of an ans", error: { code: "MODEL_009" } });
    expect(of(world, "run.restarted")).toEqual([]);
    expect(attemptsOf(end.error)).toMatchObject([
      { model: "a/one", reason: "interrupted" },
      { model: "b/two", reason: "auth" },
    ]);
  });

  it("runs none of the tools it had asked for", async () => {
    const asks: ModelScript = async function* () {
      yield { type: "text", text: "Let me look." };
      yield { type: "tool-call", callId: "c1", tool: "danger", input: {} };
      yield failed("interrupted");
    };
    const world = await open({ models: { "a/one": asks, "b/two": answers("Without tools.") } });
    expect(await ask(world)).toMatchObject({ outcome: "final", text: "Without tools." });
    expect(world.events.filter(({ type }) => type.startsWith("tool."))).toEqual([]);
    const kept = JSON.stringify(await world.store.sessions.transcript("agent:main:main"));
    expect(kept).not.toContain("danger");
  });

  it("is asked again from the only model once, and not twice", async () => {
    const clock = new FakeClock();
    const world = await open({ clock, models: { "a/one": breaks("Half") } });
    await world.way.admit(chatRequest("Hello?"));
    await expect.poll(() => of(world, "model.failed").length).toBe(1);
    await clock.advance(limits.modelAgainMs);
    expect(await world.next("run.ended")).toMatchObject({ outcome: "error", text: "Half" });
    expect(world.calls).toHaveLength(2);
  });
});

describe("what costs money is not repeated without need", () => {
  it("a model that says nothing is followed by one other; two that say nothing are told, both booked", async () => {
    const models = { "a/one": saysNothing, "b/two": saysNothing, "c/three": answers("Never asked.") };
    const world = await open({ models });
    const end = await ask(world);
    expect(end).toMatchObject({ outcome: "error", error: { code: "MODEL_005" } });
    expect(world.calls).toEqual(["a/one", "b/two"]);
    expect(await world.store.ledger.totals({})).toMatchObject({ calls: 2, costMicros: 40 });
  });

  it("a request that is refused twice in the same words is not sent a third time", async () => {
    const refused = fails("bad_request");
    const world = await open({ models: { "a/one": refused, "b/two": refused, "c/three": refused, "d/four": refused } });
    expect(await ask(world)).toMatchObject({ outcome: "error", error: { code: "MODEL_008" } });
    // The second refusal leaves the history out and asks once more; a third is the end.
    expect(world.calls.length).toBeLessThanOrEqual(3);
  });

  it("a key that was refused, an account without credit and a model that is not there are asked once each", async () => {
    const models = { "a/one": fails("auth"), "b/two": fails("billing"), "c/three": fails("model_not_found") };
    const world = await open({ models });
    const end = await ask(world);
    expect(world.calls).toEqual(["a/one", "b/two", "c/three"]);
    expect(end.error?.code).toBe("MODEL_009");
    const [part] = await world.store.outbox.ofRun(end.runId);
    expect(part?.reply.markdown).toBe(
      "⚠️ No model could answer: the key for a is missing, expired or refused; the account at b has no credit or quota left; no such model at its provider: c/three. Give it a new one with `openclaw models auth` (or, if it is right after all, `openclaw models retry`), or add a fallback model. (MODEL_009)",
    );
  });
});

describe("what nobody foresaw", () => {
  it("a provider that throws has failed like any other: the next model answers", async () => {
    const throws: ModelScript = () => {
      throw new TypeError("undefined is not a function");
    };
    const later: ModelScript = async function* () {
      yield { type: "text", text: "Half" };
      throw new Error("later");
    };
    const world = await open({ models: { "a/one": throws, "b/two": later, "c/three": answers("All well.") } });
    expect(await ask(world)).toMatchObject({ outcome: "final", text: "All well." });
    expect(of(world, "model.failed").map(({ reason }) => reason)).toEqual(["unknown", "unknown"]);
  });

  it("calls of tools in broken JSON are told to the model, and end the turn at the third step in a row", async () => {
    const broken: ModelScript = async function* (_request, { call }) {
      yield { type: "tool-call", callId: `c${call}`, tool: "look", input: '{"broken": ' };
      yield { type: "end", reason: "tool-calls", usage };
    };
    const world = await open({ models: { "a/one": broken } });
    const end = await ask(world);
    expect(end).toMatchObject({ outcome: "error", error: { code: "MODEL_005", details: { reason: "unreadable" } } });
    expect(world.calls).toHaveLength(limits.unreadableSteps);
    const [part] = await world.store.outbox.ofRun(end.runId);
    expect(part?.reply.markdown).toBe("⚠️ The answer of a/one was unreadable. Try again in a moment. (MODEL_005)");
    const once = inTurn(broken, answers("Better."));
    expect(await ask(await open({ models: { "a/one": once } }))).toMatchObject({ outcome: "final", text: "Better." });
  });

  it("what nobody pays for is not asked; a free model answers, and where there is none the budget is named", async () => {
    const config = (base: Config): Config => ({ ...base, budgets: { ...base.budgets, global: { day: 0 } } });
    const models = { "a/one": answers("Never."), "b/two": answers("For nothing.") };
    const world = await open({ models, free: ["b/two"], config });
    expect(await ask(world)).toMatchObject({ outcome: "final", text: "For nothing.", costMicros: 0 });
    expect(world.calls).toEqual(["b/two"]);
    const broke = await open({ models, config });
    expect(await ask(broke)).toMatchObject({ outcome: "error", error: { code: "BUDGET_001" } });
    expect(broke.calls).toEqual([]);
  });
});

describe("a request that does not fit", () => {
  it("H20: an overflow is compacted once and asked once more; the answer is delivered", async () => {
    const one: ModelScript = (request, asked) => {
      // The summary is asked beside the conversation, without tools and with a system prompt of its own.
      const isSummary = request.maxOutputTokens !== undefined && request.tools.length === 0 && asked.call > 20;
      if (isSummary) return answers("They talked about many things.")(request, asked);
      const chars = JSON.stringify(request.messages).length;
      return (chars > 6_000 ? fails("context_overflow") : answers("ok ".repeat(60)))(request, asked);
    };
    const world = await open({ models: { "a/one": one } });
    let end = await ask(world, "first");
    for (let turn = 0; turn < 25 && of(world, "model.failed").length === 0; turn += 1) {
      end = await ask(world, `${"A long message. ".repeat(20)} ${turn}`);
    }
    expect(of(world, "model.failed")).toMatchObject([{ reason: "context_overflow", recovery: "compact" }]);
    expect(end).toMatchObject({ outcome: "final" });
  });

  it("H20: a model that is tried again after a pause sums up its own conversation", async () => {
    const asked: ModelRequest[] = [];
    const script: ModelScript = (request, call) => {
      asked.push(request);
      return answers(request.system.startsWith("You write the memory") ? "They talked." : "Here.")(request, call);
    };
    const world = await open({ models: { "a/one": script }, windows: { "a/one": 40_000 } });
    const key = "agent:main:main";
    await ask(world);
    const entries = Array.from({ length: 40 }, (_, index) => ({
      id: index.toString(16).padStart(8, "0"),
      type: "message" as const,
      atMs: index,
      body: { message: { role: index % 2 === 0 ? "user" : "assistant", content: "plain words ".repeat(500) } },
    }));
    await world.store.sessions.append(key, entries, 1);
    const failure = { ok: false, reason: "rate_limit", retryAfterMs: null } as const;
    const [startedMs, atMs] = [Date.now() - 200_000, Date.now() - 100_000];
    const { model } = asked[0] as ModelRequest;
    world.desk.report({ model, profileId: null }, { ...failure, startedMs, atMs });
    expect(await ask(world, "And now?")).toMatchObject({ outcome: "final", text: "Here." });
    const lines = await world.store.sessions.transcript(key);
    expect(lines.filter(({ type }) => type === "compaction")).toHaveLength(1);
  });

  it("H20: where compacting gains nothing a larger window answers, a smaller one is not asked", async () => {
    const world = await open({
      models: { "a/one": fails("context_overflow"), "b/small": answers("Never."), "c/large": answers("It fits here.") },
      windows: { "a/one": 50_000, "b/small": 20_000, "c/large": 200_000 },
    });
    expect(await ask(world)).toMatchObject({ outcome: "final", text: "It fits here." });
    expect(world.calls).toEqual(["a/one", "c/large"]);
  });

  it("H22: a picture of 8000 pixels that is refused is made smaller once, and asked once more", async () => {
    const edges: number[] = [];
    const sees: ModelScript = async function* (request, asked) {
      const { width } = await sharp(Buffer.from(pictureIn(request), "base64")).metadata();
      edges.push(width);
      yield* (width > 4_000 ? fails("image_dimension") : answers("I see a line."))(request, asked);
    };
    const world = await open({ models: { "a/one": sees }, shrinkImages: fitFor("openai-completions") });
    expect(await askWith(world, await picture(8_000, 40))).toMatchObject({ outcome: "final", text: "I see a line." });
    expect(edges).toEqual([8_000, 1_568]);
    expect(of(world, "model.failed")).toMatchObject([{ reason: "image_dimension", recovery: "shrink-images" }]);
  });

  it("H22: what a provider would refuse for sure is made smaller before the first call", async () => {
    const edges: number[] = [];
    const sees: ModelScript = async function* (request, asked) {
      edges.push((await sharp(Buffer.from(pictureIn(request), "base64")).metadata()).width);
      yield* answers("I see a line.")(request, asked);
    };
    const world = await open({ models: { "a/one": sees }, shrinkImages: fitFor("anthropic-messages") });
    expect(await askWith(world, await picture(9_000, 40))).toMatchObject({ outcome: "final" });
    expect(edges).toHaveLength(1);
    expect(edges[0]).toBeLessThanOrEqual(8_000);
  });

  it("H22: a picture that cannot be made smaller any more is refused once, with a word that helps", async () => {
    const world = await open({ models: { "a/one": fails("image_size") }, shrinkImages: fitFor("openai-completions") });
    const end = await askWith(world, await picture(10, 10));
    expect(end).toMatchObject({ outcome: "error", error: { code: "MODEL_008" } });
    expect(world.calls).toEqual(["a/one"]);
    const [part] = await world.store.outbox.ofRun(end.runId);
    expect(part?.reply.markdown).toBe("⚠️ A picture is too large for a/one. Send a smaller one. (MODEL_008)");
  });
});

async function picture(width: number, height: number): Promise<string> {
  const bytes = await sharp({ create: { width, height, channels: 3, background: "#c33" } })
    .png()
    .toBuffer();
  return bytes.toString("base64");
}

function fitFor(api: ModelApi) {
  const endpoint = { id: "a", api, baseUrl: null, apiKey: null, headers: {} };
  return createFitImages({ endpointOf: () => endpoint, log: silentLog() });
}

function pictureIn({ messages }: ModelRequest): string {
  const parts = messages.flatMap((message) => (message.role === "user" ? message.content : []));
  return parts.map((part) => (part.type === "file" ? (part.attachment.data ?? "") : "")).join("");
}

async function askWith(world: ModelWorld, data: string): Promise<EventOf<"run.ended">> {
  const content = [{ type: "image" as const, attachments: [{ type: "image" as const, data, mimeType: "image/png" }] }];
  const admission = await world.way.admit(chatRequest("What is this?", { message: { content } }));
  if (admission.outcome !== "accepted") throw new Error(`The message was ${admission.outcome}.`);
  return world.next("run.ended", ({ runId }) => runId === admission.runId);
}

describe("the decision", () => {
  it("H10: names why each candidate was skipped, in the trace of the message", async () => {
    const world = await open({
      models: { "a/one": fails("auth", { status: 401 }), "b/two": answers("Here.") },
      logins: { a: ["a:key"] },
    });
    await ask(world);
    await ask(world);
    expect(of(world, "model.chosen")[1]).toMatchObject({
      model: "b/two",
      considered: [
        {
          model: "a/one",
          profileId: "a:key",
          verdict: "skipped",
          step: "attempt",
          why: "a:key was refused; it is not asked again until it changes",
        },
        { model: "b/two", verdict: "used", step: "fallback", why: "fallback 1" },
      ],
    });
  });

  it("H17: a session keeps the login that answered it, over a restart, while another session begins with the first", async () => {
    const logins = { a: ["a:first", "a:second"] };
    const first = await openModelWorld({ models: { "a/one": inTurn(fails("overloaded"), answers("Here.")) }, logins });
    await first.way.start();
    await ask(first);
    expect(first.calls).toEqual(["a/one@a:first", "a/one@a:second"]);
    await ask(first);
    await first.stop();
    const second = await open({ models: { "a/one": answers("Again.") }, logins, folder: first.folder });
    await ask(second);
    const other = chatRequest("Hello?", { sessionKey: "agent:main:other" });
    await second.way.admit(other);
    await second.next("run.ended", ({ sessionKey }) => sessionKey === "agent:main:other");
    expect(first.calls[2]).toBe("a/one@a:second");
    expect(second.calls).toEqual(["a/one@a:second", "a/one@a:first"]);
  });

  it("H17: a login that the session was set to is the only one of its provider that answers it", async () => {
    const logins = { a: ["a:first", "a:second"] };
    const world = await open({ models: { "a/one": fails("overloaded"), "b/two": answers("From b.") }, logins });
    await ask(world, "/help");
    await world.store.sessions.patch("agent:main:main", { authProfile: "a:second" }, 1);
    expect(await ask(world)).toMatchObject({ text: "From b." });
    expect(world.calls).toEqual(["a/one@a:second", "b/two"]);
  });
});
