/** A model that fails in every way it can, behind a gateway as people run it: an honest error, and the next message is answered. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startModelEmulator, type ModelEmulator } from "../../src/drill/model-emulator/server.ts";
import type { Reply } from "../../src/drill/model-emulator/script.ts";
import type { WireClient } from "../../src/gateway/wire-client.fixture.ts";
import { configWith, newStateDir, runCommand, startGateway, type GatewayProcess } from "./gateway-process.ts";
import { client, complete } from "./observe.ts";

interface Failure {
  readonly name: string;
  readonly reply: Reply;
  readonly code: string;
  readonly status: number;
  /** Text that came before it. */
  readonly before?: string;
  readonly retryAfterS?: number;
}

const text = "one two three four";
const failures: readonly Failure[] = [
  { name: "a wrong key", reply: { status: 401 }, code: "MODEL_002", status: 502 },
  { name: "a rate limit", reply: { status: 429, retryAfterS: 17 }, code: "MODEL_003", status: 429, retryAfterS: 17 },
  { name: "a fault of its own", reply: { status: 500 }, code: "MODEL_004", status: 502 },
  { name: "an unknown model", reply: { status: 404 }, code: "MODEL_001", status: 404 },
  { name: "a conversation too long", reply: { status: 413 }, code: "MODEL_007", status: 400 },
  { name: "a hang-up", reply: { fault: { kind: "hang-up" } }, code: "MODEL_004", status: 502 },
  {
    name: "a cut stream",
    reply: { text, fault: { kind: "cut", afterDeltas: 2 } },
    code: "MODEL_005",
    status: 502,
    before: "one two ",
  },
  {
    name: "an early end",
    reply: { text, fault: { kind: "end", afterDeltas: 2 } },
    code: "MODEL_005",
    status: 502,
    before: "one two ",
  },
  {
    name: "garbage",
    reply: { text, fault: { kind: "garbage", afterDeltas: 1 } },
    code: "MODEL_005",
    status: 502,
    before: "one ",
  },
  {
    name: "an error in the stream",
    reply: { text, fault: { kind: "error", afterDeltas: 1 } },
    code: "MODEL_004",
    status: 502,
    before: "one ",
  },
  { name: "nothing", reply: { text: "" }, code: "MODEL_005", status: 502 },
  { name: "white space", reply: { text: " \n " }, code: "MODEL_005", status: 502, before: " \n " },
  { name: "silence", reply: { fault: { kind: "silence" } }, code: "RUN_002", status: 504 },
  {
    name: "a hang",
    reply: { text, fault: { kind: "hang", afterDeltas: 1 } },
    code: "RUN_002",
    status: 504,
    before: "one ",
  },
];

describe("a model that answers with", () => {
  let model: ModelEmulator;
  let state: Awaited<ReturnType<typeof newStateDir>>;
  let gateway: GatewayProcess;
  let socket: WireClient;

  beforeAll(async () => {
    model = await startModelEmulator();
    state = await newStateDir();
    const config = configWith(model.url);
    const agents = { defaults: { ...(config["agents"] as { defaults: object }).defaults, timeoutSeconds: 1 } };
    gateway = await startGateway({ stateDir: state.stateDir, config: { ...config, agents } });
    socket = await client(gateway);
  });

  /** As a person does who has mended it: or a refused key would not be asked again, and a busy model not at once. */
  const forget = (): Promise<unknown> => socket.ask("models.retry");

  afterAll(async () => {
    await gateway?.kill("SIGTERM");
    await model?.close();
    await state?.remove();
  });

  it.each(failures)("D2 G4: $name is an honest error over HTTP, streamed and not", async (failure) => {
    model.play(failure.reply);
    const whole = await complete(gateway, "x");
    await forget();
    const streamed = await complete(gateway, "x", { stream: true });
    await forget();
    expect(whole.status).toBe(failure.status);
    expect(whole.headers.get("x-openclaw-error")).toBe(failure.code);
    if (failure.retryAfterS !== undefined) expect(whole.headers.get("retry-after")).toBe(String(failure.retryAfterS));
    const { error } = JSON.parse(whole.text) as { error: { message: string } };
    expect(error.message).toMatch(/^The .*mock|^The turn took longer than 1 s\.$/);
    // What had streamed before is kept; the error follows it as the last piece.
    if (streamed.status === 200) {
      const pieces = streamed.text.split("\n\n").filter((piece) => piece !== "");
      expect(pieces.at(-1)).toBe("data: [DONE]");
      expect(JSON.parse(pieces.at(-2)?.slice(6) ?? "")).toEqual({ error });
      expect(contentOf(pieces.slice(0, -2))).toBe(failure.before);
    } else {
      expect(streamed.status).toBe(failure.status);
      expect(JSON.parse(streamed.text)).toEqual({ error });
    }
    model.play({ text: "well again" });
    expect((await complete(gateway, "x")).text).toContain("well again");
  });

  it.each(failures)("F2 C5: $name is one end with its code over a socket, and the session goes on", async (failure) => {
    model.play(failure.reply);
    const runId = `run of ${failure.name}`;
    await socket.ask("chat.send", { sessionKey: "main", message: "x", idempotencyKey: runId });
    const waited = await socket.ask("agent.wait", { runId, timeoutMs: 5_000 });
    expect(waited).toMatchObject({ status: "error", errorCode: failure.code, error: expect.any(String) });
    await socket.until((frame) => isEnd(frame["payload"], runId));
    await forget();
    model.play({ text: "well again" });
    await socket.ask("agent", { message: "y", idempotencyKey: `${runId}, again` });
    expect(await socket.ask("agent.wait", { runId: `${runId}, again` })).toMatchObject({
      status: "ok",
      text: "well again",
    });
    const told = socket.frames.flatMap((frame) => (of(frame["payload"], runId) ? [frame] : []));
    expect(told.filter((frame) => isEnd(frame["payload"], runId))).toHaveLength(1);
    const ends = told.filter((frame) => frame.event === "agent" && phase(frame["payload"]) === "error");
    expect(ends).toHaveLength(1);
    expect(ends[0]?.["payload"]).toMatchObject({ data: { errorCode: failure.code } });
    socket.frames.length = 0;
  });

  it("D2: counts of tokens that are none are not believed: the bill stays one", async () => {
    for (const usage of [
      { input: 1e300, output: 1 },
      { input: -5, output: -7 },
      { input: 1.5, output: 2.5 },
    ]) {
      model.play({ text: "x", usage });
      const { usage: told } = JSON.parse((await complete(gateway, "x")).text) as { usage: Record<string, number> };
      for (const count of [told["prompt_tokens"], told["completion_tokens"], told["total_tokens"]])
        expect(count).toSatisfy((tokens: number) => Number.isInteger(tokens) && tokens >= 0 && tokens < 10_000);
    }
  });

  it("Y7: a failing turn on the command line says why, in words and with its code, and exits with 1", async () => {
    const run = (args: readonly string[]) =>
      runCommand(args, { stateDir: state.stateDir, env: { OPENCLAW_GATEWAY_PORT: String(gateway.port) } });
    model.play({ text, fault: { kind: "cut", afterDeltas: 2 } });
    const failed = await run(["agent", "hello"]);
    expect(failed).toMatchObject({ code: 1, stdout: "one two \n" });
    expect(failed.stderr).toContain("the connection broke");
    expect(failed.stderr).toContain("(MODEL_005)\nTry again.");
    const machine = JSON.parse((await run(["agent", "hello", "--json"])).stdout) as object;
    expect(machine).toMatchObject({ outcome: "error", errorCode: "MODEL_005", text: "one two " });
    model.play({ text: "well again" });
    expect(await run(["agent", "hello"])).toMatchObject({ code: 0, stdout: "well again\n" });
  });

  it("G4: everything that was said stands in the transcript, with the failure that ended it", async () => {
    const { messages } = (await socket.ask("chat.history", { sessionKey: "main", limit: 1_000 })) as {
      messages: { role: string; errorMessage?: string }[];
    };
    const asked = failures.length * 2 + 3;
    expect(messages.filter((message) => message.role === "user")).toHaveLength(asked);
    expect(messages.filter((message) => message.errorMessage !== undefined).length).toBeGreaterThan(
      failures.length - 2,
    );
    expect(gateway.output()).not.toMatch(/ERROR|SYS_001/);
  });
});

function contentOf(pieces: readonly string[]): string {
  return pieces
    .map((piece) => JSON.parse(piece.slice(6)) as { choices: { delta: { content?: string } }[] })
    .map((chunk) => chunk.choices[0]?.delta.content ?? "")
    .join("");
}

function of(payload: unknown, runId: string): boolean {
  return (payload as { runId?: string } | undefined)?.runId === runId;
}

function isEnd(payload: unknown, runId: string): boolean {
  const state = (payload as { state?: string } | undefined)?.state;
  return of(payload, runId) && state !== undefined && state !== "delta";
}

function phase(payload: unknown): unknown {
  return (payload as { data?: { phase?: unknown } }).data?.phase;
}
