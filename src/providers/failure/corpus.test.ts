import { readdirSync, readFileSync } from "node:fs";
import { STATUS_CODES } from "node:http";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { AppError } from "../../domain/app-error.ts";
import { failureReasons, type FailureReason } from "../../domain/failure-reason.ts";
import { systemIds } from "../../platform/ids.ts";
import { FakeClock } from "../../platform/fake-clock.ts";
import { thinker } from "../captured-body.fixture.ts";
import { collect } from "../conformance.ts";
import { modelApis, type ModelApi, type ModelEvent, type ModelRequest, type ProviderEndpoint } from "../contract.ts";
import { providerFailure, readErrorBody, type FaultScene, type ProviderFault } from "../failure.ts";
import { providerModule } from "../registry.ts";

const folder = new URL("../fixtures/failures/", import.meta.url);
const nowMs = Date.UTC(2026, 0, 1);

const recorded = z.strictObject({
  name: z.string().min(3),
  protocol: z.enum(modelApis),
  /** Where wording and shape are known from: the vendor's pages, a report of somebody, or code that handles it. */
  source: z.enum(["docs", "issue", "code"]),
  status: z.number().int().min(300).max(599).optional(),
  headers: z.record(z.string(), z.string()).optional(),
  /** As the answer's body has it; a text that is no JSON stands for itself. */
  body: z.unknown().optional(),
  /** An error event inside an answer that began with 200. */
  stream: z.unknown().optional(),
  networkCode: z.string().optional(),
  hasImages: z.boolean().optional(),
  expected: z.enum(failureReasons),
  retryAfterMs: z.number().optional(),
});
type Recorded = z.output<typeof recorded>;

const corpus = readdirSync(folder).flatMap((file) => {
  const list: unknown = JSON.parse(readFileSync(new URL(file, folder), "utf8"));
  return z
    .array(recorded)
    .parse(list)
    .map((entry) => ({ title: `${file.replace(".json", "")}: ${entry.name}`, ...entry }));
});

const endpoint: ProviderEndpoint = {
  id: "acme",
  api: "openai-completions",
  baseUrl: null,
  apiKey: "sk-secret-of-ours-0123456789",
  headers: { "x-team": "Bearer team-secret-of-ours" },
};

function sceneOf(entry: Pick<Recorded, "hasImages">): FaultScene {
  return { endpoint, model: "m-1", nowMs, ...(entry.hasImages === undefined ? {} : { hasImages: entry.hasImages }) };
}

function faultOf({ status, body, stream, networkCode, headers }: Recorded): ProviderFault {
  const told = readErrorBody(stream ?? body);
  const codeOfHeader = headers?.["x-amzn-errortype"];
  return {
    ...told,
    message: told.message ?? "",
    ...(codeOfHeader === undefined ? {} : { codes: [codeOfHeader.replace(/^.*#/, ""), ...(told.codes ?? [])] }),
    ...(status === undefined ? {} : { status }),
    ...(headers === undefined ? {} : { headers }),
    ...(networkCode === undefined ? {} : { networkCode }),
  };
}

describe("the corpus of failures", () => {
  it("H19: has every cause that a provider tells, from every kind of provider", () => {
    expect(corpus.length).toBeGreaterThanOrEqual(80);
    const told: readonly FailureReason[] = failureReasons.filter(
      (reason) => !["interrupted", "unreadable", "empty"].includes(reason),
    );
    for (const reason of told)
      expect(corpus.filter(({ expected }) => expected === reason).length, reason).toBeGreaterThan(1);
    expect(new Set(corpus.map(({ title }) => title)).size).toBe(corpus.length);
    const names = corpus.map(({ title }) => title.split(":", 1)[0]);
    expect(new Set(names).size).toBeGreaterThanOrEqual(17);
  });

  it("names nobody: no key, no address of a person, no account", () => {
    const text = JSON.stringify(corpus);
    expect(text).not.toMatch(/sk-[A-Za-z0-9-]{12,}|AIza[\w-]{10,}|req_[A-Za-z0-9]{6,}|[\w.]+@[\w-]+\.\w+/);
    expect(text).not.toMatch(/\b[0-9a-f]{8}-(?!0000)[0-9a-f]{4}-/);
  });

  it.each(corpus)("H19: $title is $expected", (entry) => {
    const error = providerFailure(faultOf(entry), sceneOf(entry));
    expect(error.details["reason"]).toBe(entry.expected);
    if (entry.retryAfterMs !== undefined) expect(error.retryAfterMs).toBe(entry.retryAfterMs);
  });

  const spoken: readonly ModelApi[] = [
    "openai-completions",
    "openai-responses",
    "anthropic-messages",
    "google-generative-ai",
    "ollama",
  ];
  const answers = corpus.filter(({ status, protocol }) => status !== undefined && spoken.includes(protocol));

  const events = corpus.filter(({ stream, protocol }) => stream !== undefined && spoken.includes(protocol));

  it.each(events)("H19: $title is $expected when it comes in the middle of an answer", async (entry) => {
    const frame = JSON.stringify(entry.stream);
    const body = entry.protocol === "ollama" ? `${frame}\n` : `data: ${frame}\n\n`;
    const type = entry.protocol === "ollama" ? "application/x-ndjson" : "text/event-stream";
    const heardEvents = await collect(await heard({ ...entry, status: 200, headers: { "content-type": type }, body }));
    expect(heardEvents.at(-1)).toMatchObject({ type: "failure", error: { details: { reason: entry.expected } } });
  });

  it.each(answers)("H19: $title is $expected when the provider itself hears it", async (entry) => {
    const events = await collect(await heard(entry));
    const last = events.at(-1);
    expect(last).toMatchObject({ type: "failure", error: { details: { reason: entry.expected } } });
    if (last?.type === "failure") expect(last.error.retryAfterMs).toBe(entry.retryAfterMs ?? last.error.retryAfterMs);
  });
});

async function heard(entry: Recorded): Promise<AsyncIterable<ModelEvent>> {
  const body = typeof entry.body === "string" ? entry.body : JSON.stringify(entry.body ?? "");
  const headers = { "content-type": "application/json", ...entry.headers };
  const fetch = (): Promise<Response> =>
    Promise.resolve(
      new Response(body, { status: entry.status ?? 500, statusText: STATUS_CODES[entry.status ?? 500] ?? "", headers }),
    );
  const clock = new FakeClock(nowMs);
  const module = await providerModule(entry.protocol);
  const provider = module.open(
    { ...endpoint, api: entry.protocol, baseUrl: "http://127.0.0.1:9" },
    {
      fetch,
      clock,
      ids: systemIds(),
    },
  );
  const picture = { type: "image", mimeType: "image/png", data: "iVBORw0KGgo=" } as const;
  const request: ModelRequest = {
    model: thinker("m-1", { reasoning: false }),
    system: "",
    messages: [
      {
        role: "user",
        content: [
          { type: "text", text: "x" },
          ...(entry.hasImages === true ? [{ type: "file", attachment: picture } as const] : []),
        ],
      },
    ],
    tools: [],
  };
  return provider.stream(request, new AbortController().signal);
}

describe("whatever a provider says", () => {
  const junk = fc.oneof(
    fc.json().map((text): unknown => JSON.parse(text)),
    fc.string({ unit: "binary" }),
    fc.record({
      error: fc.oneof(
        fc.string(),
        fc.constant(null),
        fc.record(
          {
            code: fc.oneof(fc.string(), fc.integer(), fc.constantFrom("constructor", "__proto__", "429", "3505")),
            message: fc.oneof(fc.string(), fc.integer(), fc.constant(null), fc.constant('{"error":{"message":"{}"}}')),
            type: fc.anything(),
            status: fc.oneof(fc.string(), fc.double()),
            details: fc.oneof(fc.array(fc.anything()), fc.anything()),
            metadata: fc.oneof(fc.record({ raw: fc.string(), reasons: fc.anything() }), fc.anything()),
            innererror: fc.anything(),
          },
          { requiredKeys: [] },
        ),
      ),
    }),
  );
  const fault = fc.record(
    {
      body: junk,
      status: fc.option(fc.integer({ min: 0, max: 999 }), { nil: undefined }),
      headers: fc.option(
        fc.dictionary(
          fc.constantFrom(
            "retry-after",
            "retry-after-ms",
            "x-ratelimit-reset",
            "x-ratelimit-remaining",
            "x-ratelimit-reset-tokens",
            "anthropic-ratelimit-tokens-reset",
          ),
          fc.oneof(
            fc.string(),
            fc.double().map(String),
            fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
          ),
        ),
        { nil: undefined },
      ),
      networkCode: fc.option(fc.string(), { nil: undefined }),
      hasImages: fc.boolean(),
    },
    { requiredKeys: ["body", "hasImages"] },
  );

  it("H19: there is a reason, a code, a believable wait, and never a throw", () => {
    fc.assert(
      fc.property(fault, ({ body, hasImages, ...more }) => {
        const told = readErrorBody(body);
        const error = providerFailure({ ...told, message: told.message ?? "", ...more }, sceneOf({ hasImages }));
        expect(error).toBeInstanceOf(AppError);
        expect(failureReasons).toContain(error.details["reason"]);
        expect(error.message.length).toBeLessThan(800);
        const wait = error.retryAfterMs;
        if (wait !== undefined) expect(wait >= 0 && wait <= 86_400_000 && Number.isInteger(wait)).toBe(true);
        expect(() => JSON.stringify(error.toJSON())).not.toThrow();
      }),
      { numRuns: 500 },
    );
  });

  it("R103: no secret of ours is told, wherever it stands in the answer", () => {
    const secret = fc.constantFrom(endpoint.apiKey ?? "", "team-secret-of-ours");
    const around = fc.string({ unit: "grapheme", maxLength: 60 });
    fc.assert(
      fc.property(secret, around, around, fc.boolean(), (key, before, behind, asCode) => {
        const said = `${before} ${key} ${behind}`;
        const body = { error: asCode ? { message: "no", code: key } : { message: said, metadata: { raw: said } } };
        const told = readErrorBody(body);
        const error = providerFailure({ ...told, message: told.message ?? "", status: 401 }, sceneOf({}));
        expect(JSON.stringify(error.toJSON())).not.toContain(key);
      }),
    );
  });

  it("a long text is judged in time, and a page is told by its title", () => {
    const long = `prompt ${"input token count exceeds ".repeat(40_000)}`;
    expect(providerFailure({ message: long, status: 400 }, sceneOf({})).message.length).toBeLessThan(800);
    const page = `<!DOCTYPE html><html><head><title>\n 502 Bad\n Gateway </title></head>${"<p>x</p>".repeat(9_000)}`;
    expect(readErrorBody(page).message).toBe("a web page came instead of an answer: 502 Bad Gateway");
  });
});
