/**
 * One answer, recorded as bytes, and everything a network can do to it: cut anywhere, drip, cut into odd pieces, garble,
 * never end. Whatever comes, the call ends once, in order, with nothing invented.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import type { Reply } from "../../drill/model-emulator/script.ts";
import type { ModelEvent, ProviderDeps } from "../contract.ts";
import {
  callsOf,
  collect,
  failureOf,
  forever,
  modelInfo,
  modelRequest,
  textOf,
  timeTool,
  type Bench,
  type ConformanceHarness,
} from "./bench.ts";

const reply: Reply = {
  thinking: { text: "hm, the time", signature: "c2VhbA==" },
  text: ["Grüße ", "🌞 ", "שלום"],
  toolCalls: [{ name: "time", input: { zone: "Europe/Vienna", note: "ü🌞" } }],
  usage: { input: 11, output: 7 },
};

const request = modelRequest("how late?", { tools: [timeTool], model: modelInfo({ reasoning: true }) });

interface Recording {
  readonly bytes: Uint8Array;
  readonly headers: Headers;
  readonly events: readonly ModelEvent[];
}

async function record(bench: Bench): Promise<Recording> {
  let seen: { bytes: Uint8Array; headers: Headers } | undefined;
  bench.emulator().play(reply);
  const tee: ProviderDeps["fetch"] = async (input, init) => {
    const response = await fetch(input, init);
    seen = { bytes: new Uint8Array(await response.arrayBuffer()), headers: response.headers };
    return new Response(seen.bytes.slice(), { headers: seen.headers });
  };
  const events = await collect(bench.open({ fetch: tee }).stream(request, forever));
  if (seen === undefined) expect.fail("nothing was asked");
  return { ...seen, events };
}

/** Plays bodies to one provider: making one costs more than a short answer. */
interface Player {
  /** The pieces one by one, then the end; or a break where the connection broke. */
  play(pieces: Iterable<Uint8Array>, breaks?: boolean): Promise<ModelEvent[]>;
}

function player(bench: Bench, { headers }: Recording): Player {
  let next: () => Response = () => new Response("");
  const provider = bench.open({ fetch: () => Promise.resolve(next()) });
  return {
    play: (pieces, breaks = false) => {
      next = () => new Response(bodyOf(pieces, breaks), { headers });
      return collect(provider.stream(request, forever));
    },
  };
}

function bodyOf(pieces: Iterable<Uint8Array>, breaks: boolean): ReadableStream<Uint8Array> {
  const left = pieces[Symbol.iterator]();
  return new ReadableStream({
    pull: (controller) => {
      const piece = left.next();
      if (piece.done !== true) controller.enqueue(piece.value);
      else if (breaks) controller.error(Object.assign(new Error("broken"), { code: "ECONNRESET" }));
      else controller.close();
    },
  });
}

/** The first bytes, and then a connection that stays open in silence. */
function stalled({ bytes, headers }: Recording, cut: number, drained: () => void): Response {
  let sent = false;
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      if (!sent && cut > 0) controller.enqueue(bytes.slice(0, cut));
      if (!sent && cut > 0) {
        sent = true;
        return undefined;
      }
      drained();
      return new Promise<void>(() => undefined);
    },
  });
  return new Response(body, { headers });
}

function thoughtsOf(events: readonly ModelEvent[]): string {
  return events.map((event) => (event.type === "thinking" ? event.text : "")).join("");
}

/** What may be told of an answer that did not come whole: its beginning, and calls that came whole. */
function expectBeginning(events: readonly ModelEvent[], whole: Recording, where: string): void {
  expect(textOf(whole.events).startsWith(textOf(events)), where).toBe(true);
  expect(thoughtsOf(whole.events).startsWith(thoughtsOf(events)), where).toBe(true);
  const [call] = callsOf(whole.events);
  for (const { tool, input } of callsOf(events))
    expect({ tool, input }, where).toEqual({ tool: call?.tool, input: call?.input });
  const last = events.at(-1);
  // It may end well only where all that was to be said had come: what is missing then is the count of tokens.
  if (last?.type === "end") {
    expect([textOf(events), callsOf(events).length, last.reason], where).toEqual([
      textOf(whole.events),
      1,
      "tool-calls",
    ]);
  }
}

export function streaming(bench: Bench, { row }: ConformanceHarness): void {
  it(`${row}: a recorded answer is whole`, async () => {
    const whole = await record(bench);
    expect(textOf(whole.events)).toBe("Grüße 🌞 שלום");
    expect(thoughtsOf(whole.events)).toBe("hm, the time");
    expect(callsOf(whole.events)).toMatchObject([{ tool: "time", input: { zone: "Europe/Vienna", note: "ü🌞" } }]);
    expect(whole.events.at(-1)).toMatchObject({ type: "end", reason: "tool-calls" });
  });

  it(`${row}: cut behind any byte, it ends once and tells no more than came`, async () => {
    const whole = await record(bench);
    const { play } = player(bench, whole);
    for (let cut = 0; cut < whole.bytes.length; cut += 1) {
      const breaks = cut % 2 === 1;
      const events = await play([whole.bytes.subarray(0, cut)], breaks);
      expectBeginning(events, whole, `cut behind ${cut} of ${whole.bytes.length}, ${breaks ? "broken" : "closed"}`);
    }
  }, 60_000);

  it(`${row}: stopped behind any byte, it ends at once and tells no more than came`, async () => {
    const whole = await record(bench);
    const cut = fc.integer({ min: 0, max: whole.bytes.length - 1 });
    await fc.assert(
      fc.asyncProperty(cut, async (at) => {
        const controller = new AbortController();
        const drained = Promise.withResolvers<void>();
        const stopped = stalled(whole, at, drained.resolve);
        const provider = bench.open({ fetch: () => Promise.resolve(stopped) });
        const running = collect(provider.stream(request, controller.signal));
        await drained.promise;
        controller.abort();
        const events = await running;
        // All that was to be said may have come before; what comes last is then the answer's own end.
        if (events.at(-1)?.type !== "end") expect(failureOf(events).code).toBe("RUN_001");
        expectBeginning(events, whole, `stopped behind ${at}`);
      }),
      { numRuns: 40 },
    );
  });

  it(`${row}: in whatever pieces it comes, it says the same`, async () => {
    const whole = await record(bench);
    const { play } = player(bench, whole);
    const same = (events: readonly ModelEvent[]): void => {
      expect(textOf(events)).toBe(textOf(whole.events));
      expect(thoughtsOf(events)).toBe(thoughtsOf(whole.events));
      expect(callsOf(events).map(({ tool, input }) => ({ tool, input }))).toEqual(
        callsOf(whole.events).map(({ tool, input }) => ({ tool, input })),
      );
      expect(events.at(-1)).toEqual(whole.events.at(-1));
    };
    same(await play(Array.from(whole.bytes, (byte) => Uint8Array.of(byte))));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 40 }), async (sizes) => {
        same(await play(slices(whole.bytes, sizes)));
      }),
      { numRuns: 25 },
    );
  });

  it(`${row}: garbled anywhere, or garbage from the start, it ends once and nothing is thrown`, async () => {
    const whole = await record(bench);
    const { play } = player(bench, whole);
    const garble = fc.array(fc.tuple(fc.nat({ max: whole.bytes.length - 1 }), fc.nat({ max: 255 })), {
      minLength: 1,
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(garble, async (hits) => {
        const bytes = whole.bytes.slice();
        for (const [at, byte] of hits) bytes[at] = byte;
        await play([bytes]);
      }),
      { numRuns: 60 },
    );
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 0, maxLength: 300 }), async (bytes) => {
        const events = await play([bytes]);
        expect(textOf(events) + String(callsOf(events).length)).toBe("0");
        expect(failureOf(events).code).toMatch(/^MODEL_00[45]$/);
      }),
      { numRuns: 60 },
    );
  });

  it(`${row}: comments and empty lines between the frames are no part of it`, async () => {
    const whole = await record(bench);
    const isText = /event-stream|ndjson|json/.test(whole.headers.get("content-type") ?? "");
    if (!isText || whole.headers.get("content-type")?.includes("amazon") === true) return;
    const between = whole.headers.get("content-type")?.includes("event-stream") === true ? "\n\n: ping\n\n" : "\n\n\n";
    const glue = whole.headers.get("content-type")?.includes("event-stream") === true ? "\n\n" : "\n";
    const text = new TextDecoder().decode(whole.bytes).replaceAll(glue, between);
    const events = await player(bench, whole).play([new TextEncoder().encode(text)]);
    expect(textOf(events)).toBe(textOf(whole.events));
    expect(events.at(-1)).toEqual(whole.events.at(-1));
  });

  it(`${row}: an answer that never ends is given up`, async () => {
    const whole = await record(bench);
    const { play } = player(bench, whole);
    const filler = new Uint8Array(1024 * 1024).fill("x".charCodeAt(0));
    let sent = 0;
    const endless = function* (): Generator<Uint8Array> {
      yield whole.bytes.subarray(0, whole.bytes.length >> 2);
      for (; sent < 200; sent += 1) yield filler;
    };
    expect(failureOf(await play(endless())).code).toBe("MODEL_005");
    expect(sent).toBeLessThan(100);
  });
}

function* slices(bytes: Uint8Array, sizes: readonly number[]): Generator<Uint8Array> {
  let at = 0;
  for (let index = 0; at < bytes.length; index += 1) {
    const size = sizes[index % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}
