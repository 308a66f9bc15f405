/** An answer that begins anew while a caller over HTTP reads along: what was sent cannot be taken back, and is explained. */
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { beginsAnew } from "../../src/gateway/http/follow-run.ts";
import { startScriptedGateway, type RunScript, type ScriptedGateway } from "./scripted-gateway.ts";

let gateway: ScriptedGateway;
let client: OpenAI;

beforeAll(async () => {
  gateway = await startScriptedGateway();
  client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: gateway.token, maxRetries: 0 });
});
afterAll(() => gateway.close());

const breaks = ({ text, restart, end }: RunScript): void => {
  text("The first step. ");
  text("Half of an ans");
  restart("The first step. ");
  text("The whole");
  text(" answer.");
  end();
};
const whole = "The first step. The whole answer.";
const streamed = `The first step. Half of an ans${beginsAnew}The whole answer.`;
const question = { model: "openclaw", messages: [{ role: "user" as const, content: "hello" }] };

describe("/v1/chat/completions", () => {
  it("D2: a stream has a line between the broken answer and the new one, a whole answer has neither", async () => {
    gateway.script(breaks);
    const chunks = await client.chat.completions.create({ ...question, stream: true });
    let joined = "";
    for await (const chunk of chunks) joined += chunk.choices[0]?.delta.content ?? "";
    expect(joined).toBe(streamed);
    const answer = await client.chat.completions.create(question);
    expect(answer.choices[0]?.message.content).toBe(whole);
  });

  it("D2: where nothing was sent yet that does not count, there is no line", async () => {
    gateway.script(({ text, restart, end }) => {
      restart("");
      text("Answer.");
      end();
    });
    const chunks = await client.chat.completions.create({ ...question, stream: true });
    let joined = "";
    for await (const chunk of chunks) joined += chunk.choices[0]?.delta.content ?? "";
    expect(joined).toBe("Answer.");
  });
});

describe("/v1/responses", () => {
  it("D3: the deltas have the line, and the final response, which is what clients keep, has the answer alone", async () => {
    gateway.script(breaks);
    const stream = client.responses.stream({ model: "openclaw", input: "hello" });
    let joined = "";
    stream.on("response.output_text.delta", ({ delta }) => (joined += delta));
    const final = await stream.finalResponse();
    expect(joined).toBe(streamed);
    expect(final.output_text).toBe(whole);
  });
});
