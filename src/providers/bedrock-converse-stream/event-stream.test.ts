import { crc32 } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { limits } from "../../domain/limits.ts";
import { eventFrames, type EventFrame, type StreamPiece } from "./event-stream.ts";

/** The vectors that AWS publishes with its own decoders. */
const published = {
  empty_message: [0, 0, 0, 16, 0, 0, 0, 0, 5, 194, 72, 235, 125, 152, 200, 255],
  // oxfmt-ignore
  int32_header: [0, 0, 0, 43, 0, 0, 0, 14, 52, 139, 236, 123, 8, 101, 118, 101, 110, 116, 45, 105, 100, 4, 0, 0, 160, 12, 123, 39, 102, 111, 111, 39, 58, 39, 98, 97, 114, 39, 125, 211, 137, 2, 133],
  // oxfmt-ignore
  payload_no_headers: [0, 0, 0, 29, 0, 0, 0, 0, 253, 82, 140, 90, 123, 39, 102, 111, 111, 39, 58, 39, 98, 97, 114, 39, 125, 195, 101, 57, 54],
  // oxfmt-ignore
  payload_one_str_header: [0, 0, 0, 61, 0, 0, 0, 32, 7, 253, 131, 150, 12, 99, 111, 110, 116, 101, 110, 116, 45, 116, 121, 112, 101, 7, 0, 16, 97, 112, 112, 108, 105, 99, 97, 116, 105, 111, 110, 47, 106, 115, 111, 110, 123, 39, 102, 111, 111, 39, 58, 39, 98, 97, 114, 39, 125, 141, 156, 8, 177],
  // oxfmt-ignore
  corrupted_headers: [0, 0, 0, 61, 0, 0, 0, 32, 7, 253, 131, 150, 12, 99, 111, 110, 116, 101, 110, 116, 43, 116, 121, 112, 101, 7, 0, 16, 97, 112, 112, 108, 105, 99, 97, 116, 105, 111, 110, 47, 106, 115, 111, 110, 123, 39, 102, 111, 111, 39, 58, 39, 98, 97, 114, 39, 125, 141, 156, 8, 177],
  // oxfmt-ignore
  corrupted_header_len: [0, 0, 0, 61, 0, 0, 1, 32, 7, 253, 131, 150, 12, 99, 111, 110, 116, 101, 110, 116, 45, 116, 121, 112, 101, 7, 0, 16, 97, 112, 112, 108, 105, 99, 97, 116, 105, 111, 110, 47, 106, 115, 111, 110, 123, 39, 102, 111, 111, 39, 58, 39, 98, 97, 114, 39, 125, 141, 156, 8, 177],
  // oxfmt-ignore
  corrupted_length: [1, 0, 0, 29, 0, 0, 0, 0, 253, 82, 140, 90, 123, 39, 102, 111, 111, 39, 58, 39, 98, 97, 114, 39, 125, 195, 101, 57, 54],
  // oxfmt-ignore
  corrupted_payload: [0, 0, 0, 29, 0, 0, 0, 0, 253, 82, 140, 90, 123, 39, 102, 111, 111, 39, 58, 39, 98, 97, 114, 39, 141, 195, 101, 57, 54],
} as const;

async function decoded(...chunks: readonly Uint8Array[]): Promise<StreamPiece[]> {
  const pieces: StreamPiece[] = [];
  for await (const piece of eventFrames(new ReadableStream({ start: (controller) => feed(controller, chunks) })))
    pieces.push(piece);
  return pieces;
}

function feed(controller: ReadableStreamDefaultController<Uint8Array>, chunks: readonly Uint8Array[]): void {
  for (const chunk of chunks) controller.enqueue(chunk);
  controller.close();
}

function frameOf([piece]: readonly StreamPiece[]): EventFrame {
  if (piece?.kind !== "frame") expect.fail(`expected a frame, got ${JSON.stringify(piece)}`);
  return piece.frame;
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** With right sums, whatever the headers are: what a wrong server, not a wrong line, would send. */
function sealed(headers: Uint8Array, payload: Uint8Array, headerBytes = headers.length): Uint8Array {
  const frame = Buffer.alloc(16 + headers.length + payload.length);
  frame.writeUInt32BE(frame.length, 0);
  frame.writeUInt32BE(headerBytes, 4);
  frame.writeUInt32BE(crc32(frame.subarray(0, 8)), 8);
  frame.set(headers, 12);
  frame.set(payload, 12 + headers.length);
  frame.writeUInt32BE(crc32(frame.subarray(0, -4)), frame.length - 4);
  return frame;
}

/** A prelude alone, with a right sum: what is known before the rest comes. */
function prelude(totalBytes: number, headerBytes: number): Uint8Array {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt32BE(totalBytes, 0);
  bytes.writeUInt32BE(headerBytes, 4);
  bytes.writeUInt32BE(crc32(bytes.subarray(0, 8)), 8);
  return bytes;
}

describe("AWS event streams", () => {
  it("H3: decodes the published frames", async () => {
    const empty = frameOf(await decoded(Uint8Array.from(published.empty_message)));
    expect([empty.headers.size, empty.payload.length]).toEqual([0, 0]);
    const plain = frameOf(await decoded(Uint8Array.from(published.payload_no_headers)));
    expect([plain.headers.size, text(plain.payload)]).toEqual([0, "{'foo':'bar'}"]);
    const worded = frameOf(await decoded(Uint8Array.from(published.payload_one_str_header)));
    expect([...worded.headers]).toEqual([["content-type", "application/json"]]);
    expect(text(worded.payload)).toBe("{'foo':'bar'}");
    const counted = frameOf(await decoded(Uint8Array.from(published.int32_header)));
    expect([...counted.headers]).toEqual([["event-id", 0x0000_a00c]]);
  });

  it.each(["corrupted_headers", "corrupted_header_len", "corrupted_length", "corrupted_payload"] as const)(
    "H3: refuses the published %s",
    async (name) => {
      expect(await decoded(Uint8Array.from(published[name]))).toEqual([{ kind: "broken", fault: "wrong-checksum" }]);
    },
  );

  it("H3: decodes the same whatever the network makes of it", async () => {
    const whole = Uint8Array.from([
      ...published.payload_one_str_header,
      ...published.empty_message,
      ...published.int32_header,
    ]);
    const expected = await decoded(whole);
    expect(expected.map(({ kind }) => kind)).toEqual(["frame", "frame", "frame"]);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(whole.length), { maxLength: 12 }), async (cuts) => {
        const edges = [0, ...cuts.toSorted((left, right) => left - right), whole.length];
        const chunks = edges.slice(1).map((edge, index) => whole.subarray(edges[index], edge));
        expect(await decoded(...chunks)).toEqual(expected);
      }),
    );
  });

  it("H3: a frame that is cut off is told as one, and the frames before it stand", async () => {
    const whole = Uint8Array.from([...published.payload_no_headers, ...published.int32_header]);
    for (let end = published.payload_no_headers.length + 1; end < whole.length; end += 1) {
      const pieces = await decoded(whole.subarray(0, end));
      expect(pieces.map((piece) => (piece.kind === "frame" ? "frame" : piece.fault))).toEqual(["frame", "cut-frame"]);
    }
  });

  it("H3: any wrong bit is found", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(published.payload_one_str_header.length - 1), fc.nat(7), async (at, bit) => {
        const bytes = Uint8Array.from(published.payload_one_str_header);
        bytes[at] = bytes[at]! ^ (1 << bit);
        expect(await decoded(bytes)).toEqual([{ kind: "broken", fault: "wrong-checksum" }]);
      }),
    );
  });

  it("H3: a frame above the limit is refused before its bytes come, one at the limit is not", async () => {
    const broken = async (bytes: Uint8Array): Promise<unknown> => (await decoded(bytes))[0];
    expect(await broken(prelude(limits.eventFrameBytes + 1, 0))).toEqual({ kind: "broken", fault: "too-large" });
    expect(await broken(prelude(limits.eventFrameBytes, limits.eventHeaderBytes + 1))).toEqual({
      kind: "broken",
      fault: "too-large",
    });
    const largest = sealed(new Uint8Array(0), new Uint8Array(limits.eventFrameBytes - 16));
    const chunks = Array.from({ length: 256 }, (_, index) => largest.subarray(index * 65_536, (index + 1) * 65_536));
    expect(frameOf(await decoded(...chunks)).payload.length).toBe(limits.eventFrameBytes - 16);
  });

  it("lengths and headers that cannot be are refused", async () => {
    const none = new Uint8Array(0);
    const bad = [
      prelude(15, 0),
      prelude(16, 1),
      // A name that reaches beyond the headers, one without a type, an unknown type, a value that is too long, no name.
      sealed(Uint8Array.of(9, 97), none),
      sealed(Uint8Array.of(1, 97), none),
      sealed(Uint8Array.of(1, 97, 10), none),
      sealed(Uint8Array.of(1, 97, 7, 0, 9, 98), none),
      sealed(Uint8Array.of(1, 97, 7, 0), none),
      sealed(Uint8Array.of(1, 97, 4, 0, 0), none),
      sealed(Uint8Array.of(0, 0), none),
    ];
    for (const bytes of bad) expect(await decoded(bytes)).toEqual([{ kind: "broken", fault: "malformed" }]);
  });

  it("every type of header has its value", async () => {
    // oxfmt-ignore
    const headers = Uint8Array.of(
      1, 97, 0,
      1, 98, 1,
      1, 99, 2, 255,
      1, 100, 3, 1, 0,
      1, 101, 5, 0, 0, 0, 0, 0, 0, 1, 0,
      1, 102, 6, 0, 2, 7, 8,
      1, 103, 8, 0, 0, 0, 0, 0, 0, 0, 5,
      1, 104, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
    );
    const { headers: read } = frameOf(await decoded(sealed(headers, new Uint8Array(0))));
    expect([...read.values()].slice(0, 7)).toEqual([true, false, -1, 256, 256, Uint8Array.of(7, 8), 5]);
    expect(read.get("h")).toHaveLength(16);
  });

  it("nothing at all is no fault", async () => {
    expect(await decoded()).toEqual([]);
  });

  it("no bytes make it throw", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 4 }), async (chunks) => {
        for (const piece of await decoded(...chunks)) expect(["frame", "broken"]).toContain(piece.kind);
      }),
    );
  });
});
