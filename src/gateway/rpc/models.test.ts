/** What people may ask about the models over the wire, and what a session may not be set to. */
import { afterEach, describe, expect, it } from "vitest";
import { AppError } from "../../domain/app-error.ts";
import type { ModelInfo } from "../../domain/conversation.ts";
import type { ChoiceRequest, ModelDeskView } from "../../models/contract.ts";
import { fakeDeskView } from "../../models/desk-view.fixture.ts";
import { openStage, type Stage } from "../fake-deps.fixture.ts";
import { connect, errorOf, type WireClient } from "../wire-client.fixture.ts";
import { wordsOf } from "./operate/trace-words.ts";

const model: ModelInfo = {
  ref: "a/one",
  provider: "a",
  id: "one",
  name: "One",
  contextWindow: 9_000,
  maxTokens: null,
  reasoning: false,
  input: ["text"],
  price: undefined,
};
const catalogue = {
  list: () => [model],
  find: (name: string) => (name === "a/one" ? model : undefined),
  primary: () => model,
};

const stages: Stage[] = [];
afterEach(async () => {
  for (const stage of stages.splice(0)) await stage.close();
});

async function withDesk(part: Partial<ModelDeskView>): Promise<{ stage: Stage; client: WireClient }> {
  const stage = await openStage({ deps: { models: catalogue, desk: { ...fakeDeskView(catalogue), ...part } } });
  stages.push(stage);
  return { stage, client: await connect(stage.url) };
}

describe("models over the wire", () => {
  it("H10: explain tells what would answer and why the others would not, for a session as it is set", async () => {
    const asked: ChoiceRequest[] = [];
    const line = {
      model: "a/one",
      profileId: "a:key",
      verdict: "skipped",
      step: "attempt",
      why: "cooling down",
    } as const;
    const { stage, client } = await withDesk({
      explain: (request) => {
        asked.push(request);
        const error = new AppError("MODEL_009", "No model can answer at the moment.", { retryAfterMs: 40 }).toJSON();
        const nothing = { model: null, profileId: null, tier: null, score: null };
        return Promise.resolve({ ...nothing, considered: [line], fallbackOn: ["auth"], error });
      },
    });
    await stage.store.sessions.open("agent:main:main", "main", {
      sessionId: "s1",
      atMs: 1,
      address: { channel: "webchat", accountId: "default", chatId: "main", chatKind: "dm" },
    });
    await client.ask("sessions.patch", { key: "main", model: "a/one", authProfile: "a:key" });
    expect(await client.ask("models.explain", { model: "big", text: "Prove it." })).toEqual({
      agentId: "main",
      sessionKey: "agent:main:main",
      model: null,
      profileId: null,
      tier: null,
      score: null,
      fallbackOn: ["auth"],
      considered: [line],
      error: { code: "MODEL_009", message: "No model can answer at the moment.", retryAfterMs: 40 },
    });
    expect(asked).toMatchObject([
      { agentId: "main", requested: "big", sessionModel: "a/one", sessionProfile: "a:key", text: "Prove it." },
    ]);
  });

  it("C11: a list tells how the login stands and that a price is not known", async () => {
    for (const [authState, available] of [
      ["ok", true],
      ["not-needed", true],
      ["refused", false],
      ["no-credit", false],
      ["cooling-down", false],
    ] as const) {
      const { client } = await withDesk({ authState: () => authState });
      const told = { id: "one", cost: null, priceKnown: false, authState, available };
      expect(await client.ask("models.list")).toMatchObject({ models: [told] });
    }
  });

  it("H9: a session is not set to a model that may not be chosen, nor to a login that is not there", async () => {
    const refusal = new AppError("MODEL_001", "The model b/two may not be chosen here; these may: a/one.").toJSON();
    const { client } = await withDesk({
      refusal: (name) => (name === "b/two" ? refusal : null),
      knowsLogin: (id) => id === "a:key",
    });
    expect(errorOf(await client.call("sessions.patch", { key: "main", model: "b/two" }))).toMatchObject({
      message: refusal.message,
    });
    expect(errorOf(await client.call("sessions.patch", { key: "main", authProfile: "a:gone" })).message).toContain(
      'there is no login named "a:gone"',
    );
  });

  it("retry forgets what has failed, of one provider or of all", async () => {
    const forgotten: (string | null)[] = [];
    const { client } = await withDesk({
      forget: (provider) => {
        forgotten.push(provider);
        return 2;
      },
    });
    expect(await client.ask("models.retry", { provider: "a" })).toEqual({ forgotten: 2 });
    await client.ask("models.retry");
    expect(forgotten).toEqual(["a", null]);
  });
});

describe("the decision in the trace of a message", () => {
  it("H10: is told in words", () => {
    const considered = [
      { model: "a/one", verdict: "skipped", why: "a:key was refused; it is not asked again until it changes" },
      { model: "b/two", verdict: "used", why: "fallback 1" },
    ];
    expect(wordsOf("model.chosen", { model: "b/two", profileId: "b:key", considered })).toEqual({
      what: "b/two (b:key) is to answer",
      why: "a/one: a:key was refused; it is not asked again until it changes",
    });
    const error = { code: "MODEL_003", message: "The provider b asks to slow down." };
    expect(wordsOf("model.failed", { model: "b/two", reason: "rate_limit", recovery: "same-again", error })).toEqual({
      what: "b/two could not answer; then: same-again",
      why: "The provider b asks to slow down. (MODEL_003)",
    });
    expect(wordsOf("model.chosen", { model: "a/one", considered: "garbage" })).toEqual({
      what: "a/one is to answer",
      why: null,
    });
  });
});
