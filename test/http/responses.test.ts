/** `/v1/responses` against the OpenResponses specification, through OpenAI's own client and by the wire. */
import OpenAI from "openai";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { AppError } from "../../src/domain/app-error.ts";
import { startScriptedGateway, type RunScript, type ScriptedGateway } from "./scripted-gateway.ts";

let gateway: ScriptedGateway;
let client: OpenAI;

beforeAll(async () => {
  gateway = await startScriptedGateway();
});
afterAll(() => gateway.close());
beforeEach(() => {
  gateway.script(({ end, request }: RunScript) =>
    end({ text: `echo: ${request.message.content.map((part) => part.text).join("|")}` }),
  );
  gateway.refuseWith(null);
  gateway.admitted.length = 0;
  client = clientOf(gateway.token);
});

function clientOf(apiKey: string): OpenAI {
  return new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey, maxRetries: 0 });
}

function lastOptions(): NonNullable<(typeof gateway.admitted)[number]["options"]> {
  return gateway.admitted.at(-1)?.options ?? {};
}

async function post(body: unknown, token = gateway.token): Promise<Response> {
  return fetch(`${gateway.url}/v1/responses`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
}

/** Every field that the specification's response object requires, by what it may hold. */
const requiredFields: Readonly<Record<string, readonly string[]>> = {
  id: ["string"],
  object: ["string"],
  created_at: ["number"],
  completed_at: ["number", "null"],
  status: ["string"],
  incomplete_details: ["object", "null"],
  model: ["string"],
  previous_response_id: ["string", "null"],
  instructions: ["string", "null"],
  output: ["array"],
  error: ["object", "null"],
  tools: ["array"],
  tool_choice: ["string", "object"],
  truncation: ["string"],
  parallel_tool_calls: ["boolean"],
  text: ["object"],
  top_p: ["number"],
  presence_penalty: ["number"],
  frequency_penalty: ["number"],
  top_logprobs: ["number"],
  temperature: ["number"],
  reasoning: ["object", "null"],
  usage: ["object", "null"],
  max_output_tokens: ["number", "null"],
  max_tool_calls: ["number", "null"],
  store: ["boolean"],
  background: ["boolean"],
  service_tier: ["string"],
  metadata: ["object"],
  safety_identifier: ["string", "null"],
  prompt_cache_key: ["string", "null"],
};

function expectComplete(response: unknown): void {
  const fields = response as Record<string, unknown>;
  for (const [name, kinds] of Object.entries(requiredFields)) {
    const value = fields[name];
    const kind = value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
    expect(kinds, `${name} is ${kind}`).toContain(kind);
  }
}

describe("a whole response", () => {
  it("D3: has all 31 required fields, the text and the real usage", async () => {
    expect(Object.keys(requiredFields)).toHaveLength(31);
    const response = await client.responses.create({ model: "openclaw", input: "hello" });
    expectComplete(response);
    expect(response.status).toBe("completed");
    expect(response.output_text).toBe("echo: hello");
    expect(response.output).toMatchObject([
      { type: "message", role: "assistant", status: "completed", content: [{ type: "output_text", annotations: [] }] },
    ]);
    expect(response.usage).toEqual({
      input_tokens: 15,
      input_tokens_details: { cached_tokens: 3 },
      output_tokens: 7,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: 22,
    });
    expect(response.completed_at).toBeGreaterThanOrEqual(response.created_at);
  });

  it("D3: what was asked for stands in the answer and reaches the turn", async () => {
    const response = await client.responses.create({
      model: "openclaw:work",
      input: [
        { role: "system", content: "From the input." },
        { type: "message", role: "user", content: [{ type: "input_text", text: "hi" }] },
      ],
      instructions: "Be brief.",
      temperature: 0.2,
      top_p: 0.5,
      max_output_tokens: 99,
      metadata: { a: "b" },
      reasoning: { effort: "high" },
      text: { format: { type: "json_schema", name: "thing", schema: { type: "object" }, strict: true } },
    });
    expectComplete(response);
    expect(response).toMatchObject({
      instructions: "Be brief.",
      temperature: 0.2,
      max_output_tokens: 99,
      metadata: { a: "b" },
      reasoning: { effort: "high", summary: null },
      text: { format: { type: "json_schema", name: "thing", schema: { type: "object" }, strict: true } },
    });
    expect(lastOptions()).toMatchObject({
      instructions: "Be brief.\n\nFrom the input.",
      temperature: 0.2,
      topP: 0.5,
      maxOutputTokens: 99,
      thinking: "high",
      responseFormat: { type: "json", name: "thing" },
    });
    expect(gateway.admitted[0]?.agentId).toBe("work");
  });

  it("D3: images and files come in as data or as addresses", async () => {
    await client.responses.create({
      model: "openclaw",
      input: [
        {
          role: "user",
          content: [
            { type: "input_text", text: "look" },
            { type: "input_image", detail: "auto", image_url: "data:image/png;base64,iVBORw0KGgo=" },
            { type: "input_image", detail: "auto", image_url: "https://pictures.example/a.png" },
            { type: "input_file", filename: "a.txt", file_data: "data:text/plain;base64,aGk=" },
          ],
        },
      ],
    });
    expect(gateway.admitted[0]?.message.content).toEqual([
      { type: "text", text: "look" },
      {
        type: "image",
        attachments: [{ type: "image", data: "iVBORw0KGgo=", mimeType: "image/png", sizeBytes: 8 }],
      },
      { type: "image", attachments: [{ type: "image", url: "https://pictures.example/a.png" }] },
      {
        type: "document",
        attachments: [{ type: "document", data: "aGk=", mimeType: "text/plain", sizeBytes: 2, fileName: "a.txt" }],
      },
    ]);
  });

  it("D3: an answer cut by its token limit is incomplete, and so is its item", async () => {
    gateway.script(({ end }) => end({ text: "Half", stopReason: "length" }));
    const response = await client.responses.create({ model: "openclaw", input: "hello", max_output_tokens: 1 });
    expect(response).toMatchObject({
      status: "incomplete",
      incomplete_details: { reason: "max_output_tokens" },
      completed_at: null,
      output: [{ status: "incomplete" }],
    });
  });
});

describe("a conversation", () => {
  it("D3: previous_response_id goes on from input and output of the whole chain", async () => {
    const first = await client.responses.create({ model: "openclaw", input: "one", instructions: "only now" });
    const second = await client.responses.create({ model: "openclaw", input: "two", previous_response_id: first.id });
    await client.responses.create({ model: "openclaw", input: "three", previous_response_id: second.id });
    expect(second.previous_response_id).toBe(first.id);
    expect(lastOptions()).toEqual({
      deliver: false,
      origin: "api",
      history: [
        { role: "user", content: [{ type: "text", text: "one" }] },
        { role: "assistant", content: [{ type: "text", text: "echo: one" }] },
        { role: "user", content: [{ type: "text", text: "two" }] },
        { role: "assistant", content: [{ type: "text", text: "echo: two" }] },
      ],
    });
  });

  it("D3: a function call goes out and its output comes back in", async () => {
    const tools = [{ type: "function" as const, name: "weather", parameters: { type: "object" }, strict: false }];
    gateway.script(({ end }) =>
      end({ stopReason: "tool-calls", toolCalls: [{ callId: "c1", tool: "weather", input: { city: "Wien" } }] }),
    );
    const asked = await client.responses.create({
      model: "openclaw",
      input: "weather?",
      tools,
      tool_choice: "required",
    });
    expect(asked.output).toEqual([
      {
        type: "function_call",
        id: expect.stringMatching(/^fc_/),
        call_id: "c1",
        name: "weather",
        arguments: '{"city":"Wien"}',
        status: "completed",
      },
    ]);
    expect(asked.tools).toEqual([{ ...tools[0], description: null }]);
    expect(lastOptions()).toMatchObject({ tools: [{ name: "weather" }], toolChoice: "required" });

    gateway.script(({ end }) => end({ text: "Sunny." }));
    const output = { type: "function_call_output" as const, call_id: "c1", output: "clear" };
    const byChain = await client.responses.create({
      model: "openclaw",
      tools,
      previous_response_id: asked.id,
      input: [output],
    });
    expect(byChain.output_text).toBe("Sunny.");
    const chained = lastOptions();
    await client.responses.create({
      model: "openclaw",
      tools,
      input: [{ role: "user", content: "weather?" }, ...(asked.output as OpenAI.Responses.ResponseInputItem[]), output],
    });
    expect(lastOptions()).toEqual(chained);
    expect(chained).toMatchObject({
      history: [
        { role: "user" },
        { role: "assistant", content: [{ type: "tool-call", callId: "c1", tool: "weather", input: { city: "Wien" } }] },
      ],
      input: [{ role: "tool", results: [{ callId: "c1", tool: "weather", output: "clear", isError: false }] }],
    });
  });

  it("D3: allowed_tools hides the others from the model", async () => {
    const tool = (name: string) => ({ type: "function" as const, name, parameters: { type: "object" }, strict: false });
    await client.responses.create({
      model: "openclaw",
      input: "x",
      tools: [tool("read"), tool("send")],
      tool_choice: { type: "allowed_tools", mode: "auto", tools: [{ type: "function", name: "read" }] },
    });
    expect(lastOptions()).toMatchObject({ tools: [{ name: "read" }], toolChoice: "auto" });
    expect(JSON.stringify(lastOptions())).not.toContain("send");
  });

  it("D3: a stored response can be fetched and deleted; one with store: false cannot", async () => {
    const kept = await client.responses.create({ model: "openclaw", input: "keep" });
    expect((await client.responses.retrieve(kept.id)).output_text).toBe("echo: keep");
    await client.responses.delete(kept.id);
    await expect(client.responses.retrieve(kept.id)).rejects.toMatchObject({ status: 404 });
    const forgotten = await client.responses.create({ model: "openclaw", input: "forget", store: false });
    expect(forgotten).toMatchObject({ store: false });
    await expect(client.responses.retrieve(forgotten.id)).rejects.toMatchObject({ status: 404 });
  });

  it("R032: another principal's response does not exist: not to read, to go on from, nor to delete", async () => {
    const owner = clientOf(gateway.writerToken);
    const { id } = await owner.responses.create({ model: "openclaw", input: "mine" });
    for (const token of [gateway.otherToken, gateway.token]) {
      const stranger = clientOf(token);
      await expect(stranger.responses.retrieve(id)).rejects.toMatchObject({ status: 404 });
      await expect(stranger.responses.delete(id)).rejects.toMatchObject({ status: 404 });
      const goingOn = stranger.responses.create({ model: "openclaw", input: "x", previous_response_id: id });
      await expect(goingOn).rejects.toMatchObject({ status: 404 });
    }
    expect((await owner.responses.retrieve(id)).id).toBe(id);
  });
});

interface WireEvent {
  readonly name: string;
  readonly data: Record<string, unknown> & { type: string; sequence_number: number };
}

async function streamed(body: unknown): Promise<{ events: WireEvent[]; last: string }> {
  const response = await post({ ...(body as object), stream: true });
  expect(response.headers.get("content-type")).toMatch(/^text\/event-stream/);
  const blocks = (await response.text()).split("\n\n").filter((block) => block !== "" && !block.startsWith(":"));
  const last = blocks.pop() ?? "";
  const events = blocks.map((block): WireEvent => {
    const [first = "", second = ""] = block.split("\n");
    return { name: first.replace("event: ", ""), data: JSON.parse(second.replace("data: ", "")) as WireEvent["data"] };
  });
  return { events, last };
}

describe("a stream", () => {
  it("D3: text comes in the specified order of events, numbered from zero, named as typed, ended by [DONE]", async () => {
    gateway.script(({ text, end }) => {
      text("Hel");
      text("lo 🌍");
      end();
    });
    const { events, last } = await streamed({ model: "openclaw", input: "hi" });
    expect(events.map((event) => event.name)).toEqual([
      "response.created",
      "response.in_progress",
      "response.output_item.added",
      "response.content_part.added",
      "response.output_text.delta",
      "response.output_text.delta",
      "response.output_text.done",
      "response.content_part.done",
      "response.output_item.done",
      "response.completed",
    ]);
    expect(events.map((event) => event.data.sequence_number)).toEqual(events.map((_, index) => index));
    expect(events.every((event) => event.name === event.data.type)).toBe(true);
    expect(last).toBe("data: [DONE]");
    for (const { data } of events) if (data["response"] !== undefined) expectComplete(data["response"]);
    expect(events[2]?.data).toMatchObject({ output_index: 0, item: { status: "in_progress", content: [] } });
    expect(events[6]?.data["text"]).toBe("Hello 🌍");
    const itemIds = new Set(events.flatMap(({ data }) => (data["item_id"] === undefined ? [] : [data["item_id"]])));
    expect(events[2]?.data["item"]).toMatchObject({ id: [...itemIds][0] });
    expect(itemIds.size).toBe(1);
    const final = events.at(-1)?.data["response"] as { output: unknown[]; status: string };
    expect(final.output).toEqual([events[8]?.data["item"]]);
  });

  it("D3: words and function calls are items of their own, arguments filled and closed", async () => {
    gateway.script(({ text, end }) => {
      text("Looking.");
      end({ stopReason: "tool-calls", toolCalls: [{ callId: "c1", tool: "weather", input: { city: "Wien" } }] });
    });
    const { events } = await streamed({
      model: "openclaw",
      input: "hi",
      tools: [{ type: "function", name: "weather", parameters: {} }],
    });
    expect(events.slice(8).map((event) => event.name)).toEqual([
      "response.output_item.added",
      "response.function_call_arguments.delta",
      "response.function_call_arguments.done",
      "response.output_item.done",
      "response.completed",
    ]);
    expect(events[8]?.data).toMatchObject({
      output_index: 1,
      item: { type: "function_call", name: "weather", arguments: "", status: "in_progress" },
    });
    expect(events[10]?.data["arguments"]).toBe('{"city":"Wien"}');
  });

  it("D3: OpenAI's own stream helper accepts it and comes to the same response", async () => {
    gateway.script(({ text, end }) => {
      text("a");
      text("b");
      end({ stopReason: "tool-calls", toolCalls: [{ callId: "c1", tool: "f", input: {} }] });
    });
    const stream = client.responses.stream({
      model: "openclaw",
      input: "hi",
      tools: [{ type: "function", name: "f", parameters: {}, strict: false }],
    });
    const final = await stream.finalResponse();
    expect(final.output_text).toBe("ab");
    expect(final.output.map((item) => item.type)).toEqual(["message", "function_call"]);
    expect((await client.responses.retrieve(final.id)).output_text).toBe("ab");
  });

  it("D3: a cut answer ends with response.incomplete, a failing run with response.failed", async () => {
    gateway.script(({ text, end }) => {
      text("Half");
      end({ stopReason: "length" });
    });
    const cut = await streamed({ model: "openclaw", input: "hi" });
    expect(cut.events.at(-1)).toMatchObject({
      name: "response.incomplete",
      data: { response: { status: "incomplete", incomplete_details: { reason: "max_output_tokens" } } },
    });
    gateway.script(({ text, fail }) => {
      text("Half");
      fail(new AppError("MODEL_003", "The quota is used up."));
    });
    const failed = await streamed({ model: "openclaw", input: "hi" });
    expect(failed.events.at(-1)).toMatchObject({
      name: "response.failed",
      data: {
        response: { status: "failed", error: { code: "rate_limit_exceeded", message: "The quota is used up." } },
      },
    });
    expectComplete(failed.events.at(-1)?.data["response"]);
    expect(failed.last).toBe("data: [DONE]");
  });

  it("D3: each event leaves in one write", async () => {
    gateway.script(({ text, end }) => {
      let words = 0;
      const next = (): void => {
        words += 1;
        text(`word ${words}`);
        if (words === 20) end();
        else setImmediate(next);
      };
      next();
    });
    const response = await post({ model: "openclaw", input: "x", stream: true });
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      expect(chunk.endsWith("\n\n"), chunk).toBe(true);
    }
  });
});

describe("errors", () => {
  it("D3: a failing run that is not streamed answers with its status", async () => {
    gateway.script(({ fail }) => fail(new AppError("MODEL_002", "Key refused.")));
    const failing = client.responses.create({ model: "openclaw", input: "x" });
    await expect(failing).rejects.toMatchObject({ status: 502, error: { message: "Key refused." } });
  });

  const bad: readonly [string, unknown, number, string?][] = [
    ["no input", { model: "openclaw" }, 400, "input"],
    ["empty input", { model: "openclaw", input: "" }, 400, "input"],
    ["an unknown item", { model: "openclaw", input: [{ type: "dream" }] }, 400],
    [
      "a stored file",
      { model: "openclaw", input: [{ role: "user", content: [{ type: "input_file", file_id: "f" }] }] },
      400,
    ],
    ["a hosted tool", { model: "openclaw", input: "x", tools: [{ type: "web_search" }] }, 400, "tools[0].type"],
    ["background", { model: "openclaw", input: "x", background: true }, 400, "background"],
    ["a conversation", { model: "openclaw", input: "x", conversation: "c" }, 400, "conversation"],
    ["an unknown previous response", { model: "openclaw", input: "x", previous_response_id: "resp_0" }, 404],
    ["an unknown model", { model: "gpt-9", input: "x" }, 404, "model"],
    ["null", null, 400],
    ["a list", [], 400],
  ];
  it.each(bad)("D3: %s is refused in OpenAI's shape", async (_name, body, status, param) => {
    const response = await post(body);
    expect(response.status).toBe(status);
    const { error } = (await response.json()) as { error: Record<string, unknown> };
    expect(Object.keys(error).toSorted()).toEqual(["code", "message", "param", "type"]);
    if (param !== undefined) expect(error["param"]).toBe(param);
  });
});
