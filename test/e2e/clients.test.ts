/** Clients that are not ours against a gateway as users run it: OpenAI's own library and the published protocol client. */
import { GatewayClient } from "@openclaw/gateway-client";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startModelEmulator, type ModelEmulator } from "../../src/drill/model-emulator/server.ts";
import type { SeenRequest } from "../../src/drill/model-emulator/script.ts";
import { configWith, newStateDir, startGateway, type GatewayProcess } from "./gateway-process.ts";

describe("clients that are not ours", () => {
  let model: ModelEmulator;
  let state: Awaited<ReturnType<typeof newStateDir>>;
  let gateway: GatewayProcess;
  let openai: OpenAI;

  beforeAll(async () => {
    model = await startModelEmulator({ script: answer });
    state = await newStateDir();
    gateway = await startGateway({ stateDir: state.stateDir, config: configWith(model.url) });
    openai = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: gateway.token, maxRetries: 0 });
  }, 30_000);

  afterAll(async () => {
    await gateway?.kill("SIGTERM");
    await model?.close();
    await state?.remove();
  });

  it("D2: OpenAI's library chats, with real usage", async () => {
    const completion = await openai.chat.completions.create({
      model: "openclaw",
      messages: [{ role: "user", content: "hello" }],
    });
    expect(completion.choices[0]?.message.content).toBe("re: hello");
    expect(completion.usage).toMatchObject({ prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 });
  });

  it("D2: OpenAI's library streams, and the pieces are the whole", async () => {
    const stream = await openai.chat.completions.create({
      model: "openclaw",
      stream: true,
      messages: [{ role: "user", content: "one two three" }],
    });
    let text = "";
    let pieces = 0;
    for await (const chunk of stream) {
      const piece = chunk.choices[0]?.delta.content ?? "";
      text += piece;
      if (piece !== "") pieces += 1;
    }
    expect(text).toBe("re: one two three");
    expect(pieces).toBeGreaterThan(1);
  });

  it("D2: OpenAI's library has its tool called and gets an answer to its result", async () => {
    const tools: OpenAI.Chat.Completions.ChatCompletionTool[] = [
      {
        type: "function",
        function: { name: "lookup", parameters: { type: "object", properties: { q: { type: "string" } } } },
      },
    ];
    const asked: OpenAI.Chat.Completions.ChatCompletionMessageParam = { role: "user", content: "use the tool" };
    const first = await openai.chat.completions.create({ model: "openclaw", tools, messages: [asked] });
    const message = first.choices[0]?.message;
    const call = message?.tool_calls?.[0];
    expect(first.choices[0]?.finish_reason).toBe("tool_calls");
    expect(call).toMatchObject({ type: "function", function: { name: "lookup", arguments: '{"q":"x"}' } });
    if (message === undefined || call === undefined) return;
    const second = await openai.chat.completions.create({
      model: "openclaw",
      tools,
      messages: [asked, message, { role: "tool", tool_call_id: call.id, content: "forty-two" }],
    });
    expect(second.choices[0]?.message.content).toBe("re: forty-two");
  });

  it("D3: OpenAI's library gets responses, streamed and over several turns", async () => {
    const first = await openai.responses.create({
      model: "openclaw",
      input: "remember blue",
      instructions: "Be brief.",
    });
    expect(first.output_text).toBe("re: remember blue");
    expect(JSON.stringify(model.requests.at(-1)?.body)).toContain("Be brief.");
    const stream = await openai.responses.create({
      model: "openclaw",
      input: "which colour?",
      previous_response_id: first.id,
      stream: true,
    });
    const types: string[] = [];
    let text = "";
    for await (const event of stream) {
      types.push(event.type);
      if (event.type === "response.output_text.delta") text += event.delta;
    }
    expect(text).toBe("re: which colour?");
    expect(types.at(0)).toBe("response.created");
    expect(types.at(-1)).toBe("response.completed");
    expect(JSON.stringify(model.requests.at(-1)?.body)).toContain("remember blue");
  });

  it("D2: a wrong key, an unknown model and a failing model are errors of the kind the library knows", async () => {
    const stranger = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: "wrong", maxRetries: 0 });
    const ask = (client: OpenAI, model: string, content: string) =>
      client.chat.completions.create({ model, messages: [{ role: "user", content }] });
    await expect(ask(stranger, "openclaw", "x")).rejects.toBeInstanceOf(OpenAI.AuthenticationError);
    await expect(ask(openai, "no-such-model", "x")).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    await expect(ask(openai, "openclaw", "fail with 500")).rejects.toBeInstanceOf(OpenAI.APIError);
    const listed = await openai.models.list();
    expect(listed.data.map((one) => one.id)).toContain("openclaw");
  });

  it("D2: a user is remembered, and a call without one leaves nothing behind", async () => {
    const before = (await sessions()).length;
    await openai.chat.completions.create({
      model: "openclaw",
      messages: [{ role: "user", content: "nobody in particular" }],
    });
    expect(await sessions()).toHaveLength(before);
    await openai.chat.completions.create({
      model: "openclaw",
      user: "ada",
      messages: [{ role: "user", content: "I am Ada" }],
    });
    await openai.chat.completions.create({
      model: "openclaw",
      user: "ada",
      messages: [{ role: "user", content: "who am I?" }],
    });
    expect(JSON.stringify(model.requests.at(-1)?.body)).toContain("I am Ada");
    expect(await sessions()).toHaveLength(before + 1);
  });

  it("ends the model's call within a second when the client hangs up", async () => {
    const abort = new AbortController();
    const number = model.count() + 1;
    const asked = openai.chat.completions.create(
      { model: "openclaw", messages: [{ role: "user", content: "hang" }] },
      { signal: abort.signal },
    );
    asked.catch(() => undefined);
    const request = await model.arrived(number);
    abort.abort();
    await expect.poll(() => request.abandoned, { timeout: 1_000, interval: 20 }).toBe(true);
  });

  it("B6: the published protocol client connects and is answered", async () => {
    const health = await published("health", {});
    expect(health).toMatchObject({ ok: true });
    expect(await published("sessions.list", {})).toMatchObject({ sessions: expect.any(Array) });
    expect(await published("status", {})).toMatchObject({ ready: true });
  });

  async function sessions(): Promise<readonly unknown[]> {
    return ((await published("sessions.list", { limit: 1000 })) as { sessions: unknown[] }).sessions;
  }

  /** One call over a connection of its own. */
  async function published(method: string, params: Record<string, unknown>): Promise<unknown> {
    const ready = Promise.withResolvers<void>();
    const client = new GatewayClient({
      url: gateway.url.replace("http", "ws"),
      token: gateway.token,
      clientName: "gateway-client",
      mode: "backend",
      onHelloOk: () => ready.resolve(),
      onConnectError: (error: Error) => ready.reject(error),
    });
    client.start();
    try {
      await ready.promise;
      return await client.request(method, params);
    } finally {
      await client.stopAndWait();
    }
  }
});

function answer(request: SeenRequest) {
  const usage = { input: 11, output: 7 };
  if (request.lastText === "use the tool") return { toolCalls: [{ name: "lookup", input: { q: "x" } }], usage };
  if (request.lastText === "fail with 500") return { status: 500 };
  if (request.lastText === "hang") return { fault: { kind: "hang" as const, afterDeltas: 1 }, text: "so far" };
  return { text: `re: ${request.lastText}`, usage };
}
