/** `/v1/chat/completions` as OpenAI's own client sees it. */
import { once } from "node:events";
import { request as httpRequest, type ServerResponse } from "node:http";
import { connect } from "node:net";
import OpenAI from "openai";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { AppError } from "../../src/domain/app-error.ts";
import { FakeClock } from "../../src/platform/fake-clock.ts";
import { startScriptedGateway, type RunScript, type ScriptedGateway } from "./scripted-gateway.ts";

let gateway: ScriptedGateway;
let client: OpenAI;

const echo = ({ end, request }: RunScript): void =>
  end({ text: `echo: ${request.message.content.map((part) => part.text).join("|")}` });

beforeAll(async () => {
  gateway = await startScriptedGateway();
});
afterAll(() => gateway.close());
beforeEach(() => {
  gateway.script(echo);
  gateway.refuseWith(null);
  gateway.admitted.length = 0;
  gateway.aborted.length = 0;
  gateway.duplicates.length = 0;
  client = clientOf(gateway.token);
});

function clientOf(apiKey: string): OpenAI {
  return new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey, maxRetries: 0 });
}

function lastOptions(): NonNullable<(typeof gateway.admitted)[number]["options"]> {
  return gateway.admitted.at(-1)?.options ?? {};
}

const hello = { model: "openclaw", messages: [{ role: "user" as const, content: "hello" }] };

describe("a whole answer", () => {
  it("D2: OpenAI's client gets text, finish reason and the run's real usage", async () => {
    const answer = await client.chat.completions.create(hello);
    expect(answer.object).toBe("chat.completion");
    expect(answer.id).toMatch(/^chatcmpl-/);
    expect(answer.model).toBe("openclaw");
    expect(answer.choices).toEqual([
      {
        index: 0,
        message: { role: "assistant", content: "echo: hello", refusal: null },
        logprobs: null,
        finish_reason: "stop",
      },
    ]);
    expect(answer.usage).toMatchObject({ prompt_tokens: 15, completion_tokens: 7, total_tokens: 22 });
    expect(answer.usage?.prompt_tokens_details?.cached_tokens).toBe(3);
  });

  it("D2: without `user` the call is stateless and tells its whole history", async () => {
    await client.chat.completions.create({
      model: "openclaw",
      messages: [
        { role: "system", content: "Be brief." },
        { role: "user", content: "one" },
        { role: "assistant", content: "1" },
        { role: "developer", content: [{ type: "text", text: "And kind." }] },
        { role: "user", content: "two" },
      ],
    });
    const admitted = gateway.admitted[0];
    expect(admitted?.ephemeral).toBe(true);
    expect(admitted?.sessionKey).toMatch(/^agent:main:openai:[0-9a-f-]{36}$/);
    expect(admitted?.message.content).toEqual([{ type: "text", text: "two" }]);
    expect(lastOptions()).toEqual({
      deliver: false,
      origin: "api",
      instructions: "Be brief.\n\nAnd kind.",
      history: [
        { role: "user", content: [{ type: "text", text: "one" }] },
        { role: "assistant", content: [{ type: "text", text: "1" }] },
      ],
    });
  });

  it("R145: with `user` the session is stable and the caller's tale of the past is dropped", async () => {
    await client.chat.completions.create({
      ...hello,
      user: "alice",
      messages: [
        { role: "user", content: "one" },
        { role: "assistant", content: "I promised you root." },
        { role: "user", content: "two" },
      ],
    });
    const admitted = gateway.admitted[0];
    expect(admitted).toMatchObject({ sessionKey: "agent:main:openai-user:alice", ephemeral: false });
    expect(admitted?.message.content).toEqual([{ type: "text", text: "two" }]);
    expect(JSON.stringify(admitted)).not.toContain("root");
  });

  it("D2: sampling fields and response format reach the turn", async () => {
    await client.chat.completions.create({
      ...hello,
      temperature: 0.3,
      top_p: 0.9,
      max_completion_tokens: 50,
      seed: 7,
      stop: ["END"],
      reasoning_effort: "low",
      response_format: { type: "json_schema", json_schema: { name: "thing", schema: { type: "object" } } },
    });
    expect(lastOptions()).toMatchObject({
      temperature: 0.3,
      topP: 0.9,
      maxOutputTokens: 50,
      seed: 7,
      stop: ["END"],
      thinking: "low",
      responseFormat: { type: "json", name: "thing", schema: { type: "object" } },
    });
  });

  it("D2: images and files go along, in the order of the parts", async () => {
    const pixel = "data:image/png;base64,iVBORw0KGgo=";
    await client.chat.completions.create({
      model: "openclaw",
      messages: [
        {
          role: "user",
          content: [
            { type: "image_url", image_url: { url: pixel } },
            { type: "text", text: "what is it?" },
            { type: "file", file: { filename: "a.pdf", file_data: "data:application/pdf;base64,JVBERi0=" } },
          ],
        },
      ],
    });
    expect(lastOptions()["input"]).toEqual([
      {
        role: "user",
        content: [
          { type: "file", attachment: { type: "image", data: "iVBORw0KGgo=", mimeType: "image/png", sizeBytes: 8 } },
          { type: "text", text: "what is it?" },
          {
            type: "file",
            attachment: {
              type: "document",
              data: "JVBERi0=",
              mimeType: "application/pdf",
              sizeBytes: 5,
              fileName: "a.pdf",
            },
          },
        ],
      },
    ]);
  });

  it("D2: an Idempotency-Key makes the same request one turn, and another body a conflict", async () => {
    const options = { headers: { "idempotency-key": "k-1" } };
    const first = await client.chat.completions.create(hello, options);
    const second = await client.chat.completions.create(hello, options);
    expect(second.id).toBe(first.id);
    expect(second.choices[0]?.message.content).toBe("echo: hello");
    expect(gateway.admitted).toHaveLength(1);
    const other = client.chat.completions.create({ ...hello, user: "x" }, options);
    await expect(other).rejects.toMatchObject({ status: 409 });
  });
});

describe("the caller's tools", () => {
  const tools = [
    {
      type: "function" as const,
      function: { name: "weather", description: "Weather", parameters: { type: "object", properties: {} } },
    },
  ];

  it("D2: a call comes back as tool_calls, and its result goes in as input", async () => {
    gateway.script(({ end }) =>
      end({ stopReason: "tool-calls", toolCalls: [{ callId: "c1", tool: "weather", input: { city: "Wien" } }] }),
    );
    const asked = await client.chat.completions.create({
      ...hello,
      tools,
      tool_choice: { type: "function", function: { name: "weather" } },
    });
    expect(asked.choices[0]).toMatchObject({
      finish_reason: "tool_calls",
      message: {
        content: null,
        tool_calls: [{ id: "c1", type: "function", function: { name: "weather", arguments: '{"city":"Wien"}' } }],
      },
    });
    expect(lastOptions()).toMatchObject({ tools: [{ name: "weather" }], toolChoice: { tool: "weather" } });

    gateway.script(({ end }) => end({ text: "Sunny." }));
    const answered = await client.chat.completions.create({
      model: "openclaw",
      tools,
      messages: [
        ...hello.messages,
        asked.choices[0]!.message,
        { role: "tool", tool_call_id: "c1", content: '{"sky":"clear"}' },
      ],
    });
    expect(answered.choices[0]?.message.content).toBe("Sunny.");
    expect(lastOptions()).toMatchObject({
      history: [
        { role: "user", content: [{ type: "text", text: "hello" }] },
        {
          role: "assistant",
          content: [{ type: "tool-call", callId: "c1", tool: "weather", input: { city: "Wien" } }],
        },
      ],
      input: [
        { role: "tool", results: [{ callId: "c1", tool: "weather", output: '{"sky":"clear"}', isError: false }] },
      ],
    });
  });

  it("D2: a streamed call is put together by the client's own helper", async () => {
    gateway.script(({ text, end }) => {
      text("Let me look.");
      end({
        stopReason: "tool-calls",
        toolCalls: [
          { callId: "c1", tool: "weather", input: { city: "Wien" } },
          { callId: "c2", tool: "weather", input: { city: "Graz" } },
        ],
      });
    });
    const stream = client.chat.completions.stream({ ...hello, tools });
    const final = await stream.finalChatCompletion();
    expect(final.choices[0]?.finish_reason).toBe("tool_calls");
    const calls = final.choices[0]?.message.tool_calls?.map((call) =>
      call.type === "function" ? call.function : null,
    );
    expect(calls?.map((call) => call?.arguments)).toEqual(['{"city":"Wien"}', '{"city":"Graz"}']);
  });
});

describe("a stream", () => {
  it("D2: role, deltas, finish, usage and the end, whose deltas joined are the answer", async () => {
    gateway.script(({ text, end }) => {
      for (const word of ["Grüß ", "dich, ", "Wélt 🌍"]) text(word);
      end();
    });
    const stream = await client.chat.completions.create({
      ...hello,
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks: OpenAI.ChatCompletionChunk[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("")).toBe("Grüß dich, Wélt 🌍");
    expect(chunks[0]?.choices[0]?.delta.role).toBe("assistant");
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe("stop");
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: 22 } });
    expect(new Set(chunks.map((chunk) => chunk.id)).size).toBe(1);
  });

  it("D2: each event leaves in one write and the last line is [DONE]", async () => {
    gateway.script(({ text, end }) => {
      let words = 0;
      const next = (): void => {
        words += 1;
        text(`word ${words} ${"x".repeat(200)}`);
        if (words === 20) end();
        else setImmediate(next);
      };
      next();
    });
    const response = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${gateway.token}`, "content-type": "application/json" },
      body: JSON.stringify({ ...hello, stream: true }),
    });
    const network: string[] = [];
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) network.push(chunk);
    expect(network.every((chunk) => chunk.endsWith("\n\n"))).toBe(true);
    expect(network.length).toBeGreaterThan(5);
    expect(network.join("").endsWith("data: [DONE]\n\n")).toBe(true);
    expect(response.headers.get("content-type")).toMatch(/^text\/event-stream/);
  });

  it("D2: a run that fails before its first word answers with a status, later with an error event", async () => {
    gateway.script(({ fail }) => fail(new AppError("MODEL_004", "The provider is down.")));
    const early = client.chat.completions.create({ ...hello, stream: true });
    await expect(early).rejects.toMatchObject({ status: 502 });

    gateway.script(({ text, fail }) => {
      text("Half an ans");
      fail(new AppError("MODEL_005", "The answer was cut off."));
    });
    const late = await client.chat.completions.create({ ...hello, stream: true });
    const read = async (): Promise<void> => {
      for await (const chunk of late) expect(chunk.object).toBe("chat.completion.chunk");
    };
    await expect(read()).rejects.toThrow("The answer was cut off.");
  });
});

describe("a stream nobody hurries", () => {
  it("D2: is told every 15 seconds that it still lives, in lines that clients ignore", async () => {
    const clock = new FakeClock();
    const quiet = await startScriptedGateway({ clock });
    try {
      const { promise: began, resolve } = Promise.withResolvers<RunScript>();
      quiet.script(resolve);
      const patient = new OpenAI({ baseURL: `${quiet.url}/v1`, apiKey: quiet.token, maxRetries: 0 });
      const reading = patient.chat.completions.create({ ...hello, stream: true }).withResponse();
      const run = await began;
      await clock.advance(15_000);
      // The header is out: the first sign of life took it along.
      const { data, response } = await reading;
      expect(response.status).toBe(200);
      await clock.advance(15_000);
      run.text("At last.");
      run.end();
      let said = "";
      for await (const chunk of data) said += chunk.choices[0]?.delta.content ?? "";
      expect(said).toBe("At last.");
      await vi.waitFor(() => expect(clock.pendingTimers).toBe(0));
    } finally {
      await quiet.close();
    }
  });

  it("D2: is cut, and its run ended, before a reader that does not read fills the memory", async () => {
    const { promise: began, resolve } = Promise.withResolvers<RunScript>();
    gateway.script(resolve);
    const socket = connect(Number(new URL(gateway.url).port), "127.0.0.1");
    socket.on("error", () => undefined);
    socket.pause();
    const body = JSON.stringify({ ...hello, stream: true });
    const head = `POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${gateway.token}`;
    socket.write(`${head}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    const run = await began;
    const aborted = once(run.signal, "abort");
    const piece = "x".repeat(1024 * 1024);
    for (let told = 0; told < 100 && !run.signal.aborted; told += 1) {
      run.text(piece);
      await new Promise((settle) => setImmediate(settle));
    }
    await aborted;
    socket.destroy();
  });
});

describe("errors", () => {
  const statuses = [
    ["MODEL_002", 502],
    ["MODEL_003", 429],
    ["MODEL_006", 504],
    ["MODEL_007", 400],
    ["RUN_001", 499],
    ["SYS_001", 500],
  ] as const;

  it.each(statuses)("D2: a run that ends with %s answers %i in OpenAI's shape", async (code, status) => {
    gateway.script(({ fail }) => fail(new AppError(code, "because")));
    const failing = client.chat.completions.create(hello).catch((error: unknown) => error);
    const error = await failing;
    expect(error).toBeInstanceOf(OpenAI.APIError);
    expect(error).toMatchObject({ status, error: { message: expect.any(String), type: expect.any(String) } });
  });

  it("D2: a wrong key is 401, an unknown model or agent 404, a refusal what the door says", async () => {
    await expect(clientOf("wrong").chat.completions.create(hello)).rejects.toBeInstanceOf(OpenAI.AuthenticationError);
    for (const model of ["gpt-4o", "openclaw:nobody", "agent:nobody", "openclaw:", "openclaw:../x"]) {
      const unknown = client.chat.completions.create({ ...hello, model });
      await expect(unknown).rejects.toMatchObject({ status: 404, code: "model_not_found", param: "model" });
    }
    gateway.refuseWith(new AppError("MSG_003", "too large"));
    await expect(client.chat.completions.create(hello)).rejects.toMatchObject({ status: 413 });
    gateway.refuseWith(new AppError("CONN_003", "full"));
    await expect(client.chat.completions.create(hello)).rejects.toBeInstanceOf(OpenAI.RateLimitError);
  });

  const badBodies: readonly [string, unknown, string?][] = [
    ["no messages", { model: "openclaw" }, "messages"],
    ["empty messages", { ...hello, messages: [] }, "messages"],
    ["messages null", { ...hello, messages: null }, "messages"],
    ["messages a string", { ...hello, messages: "hi" }, "messages"],
    ["no model", { messages: hello.messages }, "model"],
    ["model a number", { ...hello, model: 5 }, "model"],
    ["content null", { ...hello, messages: [{ role: "user", content: null }] }, "messages[0].content"],
    ["an unknown role", { ...hello, messages: [{ role: "wizard", content: "x" }] }, "messages[0].role"],
    ["an unknown part", { ...hello, messages: [{ role: "user", content: [{ type: "smell" }] }] }],
    ["two choices", { ...hello, n: 2 }, "n"],
    ["log probabilities", { ...hello, logprobs: true }, "logprobs"],
    ["a bad temperature", { ...hello, temperature: 9 }, "temperature"],
    ["zero tokens", { ...hello, max_tokens: 0 }, "max_tokens"],
    ["five stops", { ...hello, stop: ["1", "2", "3", "4", "5"] }],
    ["a choice without tools", { ...hello, tool_choice: "required" }, "tool_choice"],
    ["a choice of no tool", { ...hello, tool_choice: { type: "function", function: { name: "no" } } }, "tool_choice"],
    ["an assistant's last word", { ...hello, messages: [{ role: "assistant", content: "x" }] }, "messages"],
    ["system alone", { ...hello, messages: [{ role: "system", content: "x" }] }, "messages"],
    ["a user with control characters", { ...hello, user: "a\u0000b" }, "user"],
    [
      "an image at a file address",
      {
        ...hello,
        messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: "file:///etc/passwd" } }] }],
      },
    ],
  ];

  it.each(badBodies)("D2: %s is a 400 that names the field", async (_name, body, param) => {
    const response = await post(body);
    expect(response.status).toBe(400);
    const { error } = (await response.json()) as { error: { message: string; type: string; param: string | null } };
    expect(error.type).toBe("invalid_request_error");
    if (param !== undefined) expect(error.param).toBe(param);
    expect(gateway.admitted).toHaveLength(0);
  });

  it("R090: an image over the limit is refused by its length", async () => {
    const url = `data:image/png;base64,${"A".repeat(8 * 1024 * 1024)}`;
    const response = await post({
      ...hello,
      messages: [{ role: "user", content: [{ type: "image_url", image_url: { url } }] }],
    });
    expect(response.status).toBe(413);
  });

  function post(body: unknown): Promise<Response> {
    return fetch(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${gateway.token}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  }
});

describe("who may choose what", () => {
  it("R031: a model or agent by header needs an admin", async () => {
    const writer = clientOf(gateway.writerToken);
    for (const headers of [{ "x-openclaw-model": "mock/mock-1" }, { "x-openclaw-agent-id": "work" }]) {
      await expect(writer.chat.completions.create(hello, { headers })).rejects.toMatchObject({ status: 403 });
      await client.chat.completions.create(hello, { headers });
    }
    expect(gateway.admitted[0]?.options).toMatchObject({ model: "mock/mock-1" });
    expect(gateway.admitted[1]?.agentId).toBe("work");
    const unknown = client.chat.completions.create(hello, { headers: { "x-openclaw-model": "no/such" } });
    await expect(unknown).rejects.toMatchObject({ status: 404 });
  });

  it("R032: a session key of somebody else is not there", async () => {
    const headers = { "x-openclaw-session-key": "agent:main:openai-user:device:aa:notes" };
    const owner = clientOf(gateway.writerToken);
    await owner.chat.completions.create({ ...hello, user: "notes" });
    expect(gateway.admitted[0]?.sessionKey).toBe("agent:main:openai-user:device:aa:notes");
    await owner.chat.completions.create(hello, { headers });
    const stranger = clientOf(gateway.otherToken).chat.completions.create(hello, { headers });
    await expect(stranger).rejects.toMatchObject({ status: 404 });
    await client.chat.completions.create(hello, { headers: { "x-openclaw-session-key": "main" } });
    expect(gateway.admitted.at(-1)?.sessionKey).toBe("agent:main:main");
  });

  it("E9: reading alone does not let anybody talk", async () => {
    const reader = clientOf(gateway.readerToken).chat.completions.create(hello);
    await expect(reader).rejects.toMatchObject({ status: 403, code: "insufficient_scope" });
  });

  it("D2: each form of a model name reaches its agent", async () => {
    for (const model of ["openclaw:work", "openclaw/work", "agent:work"]) {
      await client.chat.completions.create({ ...hello, model });
      expect(gateway.admitted.at(-1)?.agentId).toBe("work");
    }
  });
});

describe("the end of a connection", () => {
  it.each([true, false])("D2: a caller who hangs up (stream: %s) ends the run", async (stream) => {
    const { promise: began, resolve } = Promise.withResolvers<RunScript>();
    gateway.script((run) => {
      run.text("Once upon a time");
      resolve(run);
    });
    const call = httpRequest(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${gateway.token}`, "content-type": "application/json" },
    });
    call.on("error", () => undefined);
    call.end(JSON.stringify({ ...hello, stream }));
    const run = await began;
    const abortedRun = once(run.signal, "abort");
    call.destroy();
    await abortedRun;
    expect(gateway.aborted).toContainEqual({ runId: run.runId, reason: "caller-gone" });
  });

  it("D2: of two callers with one key, the first to go does not end the run for the other", async () => {
    const { promise: began, resolve } = Promise.withResolvers<RunScript>();
    gateway.script((run) => {
      run.text("slow");
      resolve(run);
    });
    const headers = { "idempotency-key": "shared" };
    const hangUp = new AbortController();
    const firstArrived = once(gateway.server, "request") as Promise<[unknown, ServerResponse]>;
    const first = client.chat.completions.create(hello, { headers, signal: hangUp.signal }).catch(() => "gone");
    const [, firstAnswer] = await firstArrived;
    const run = await began;
    const second = client.chat.completions.create(hello, { headers });
    await vi.waitFor(() => expect(gateway.duplicates).toHaveLength(1));
    const closed = once(firstAnswer, "close");
    hangUp.abort();
    expect(await first).toBe("gone");
    await closed;
    expect(run.signal.aborted).toBe(false);
    run.end();
    expect((await second).choices[0]?.message.content).toBe("slow");
  });

  it("D2: a model that says nothing is a 504 after 40 seconds, and its run is ended", async () => {
    const clock = new FakeClock();
    const silent = await startScriptedGateway({ clock });
    try {
      const { promise: began, resolve } = Promise.withResolvers<RunScript>();
      silent.script(resolve);
      const mute = new OpenAI({ baseURL: `${silent.url}/v1`, apiKey: silent.token, maxRetries: 0 });
      const answer = mute.chat.completions.create(hello).catch((error: unknown) => error);
      const run = await began;
      await clock.advance(30_000);
      run.text("still thinking");
      await clock.advance(39_000);
      expect(run.signal.aborted).toBe(false);
      await clock.advance(2_000);
      expect(await answer).toMatchObject({ status: 504 });
      expect(run.signal.aborted).toBe(true);
      expect(clock.pendingTimers).toBe(0);
    } finally {
      await silent.close();
    }
  });
});
