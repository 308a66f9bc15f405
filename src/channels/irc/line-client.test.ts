import { createServer, type AddressInfo, type Socket } from "node:net";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createLineSplitter, maxLineBytes, openLineClient } from "./line-client.ts";

function split(chunks: readonly Buffer[]): { lines: string[]; overlong: number } {
  const result = { lines: [] as string[], overlong: 0 };
  const splitter = createLineSplitter({
    line: (text) => void result.lines.push(text),
    overlong: () => void (result.overlong += 1),
  });
  for (const chunk of chunks) splitter.push(chunk);
  return result;
}

describe("bytes to lines", () => {
  it("the lines are the same however the bytes were cut", () => {
    const text = "PING :a\r\n:n!u@h PRIVMSG #r :größe 👍\r\n\r\nlast\n";
    const whole = Buffer.from(text);
    fc.assert(
      fc.property(fc.array(fc.nat(whole.length), { maxLength: 12 }), (cuts) => {
        const edges = [0, ...cuts.toSorted((a, b) => a - b), whole.length];
        const chunks = edges.slice(1).map((edge, index) => whole.subarray(edges[index], edge));
        expect(split(chunks)).toEqual({ lines: ["PING :a", ":n!u@h PRIVMSG #r :größe 👍", "last"], overlong: 0 });
      }),
    );
  });

  it("a line beyond the limit is dropped, one at the limit is not, and the next is read", () => {
    const atLimit = "x".repeat(maxLineBytes);
    expect(split([Buffer.from(`${atLimit}\nnext\n`)])).toEqual({ lines: [atLimit, "next"], overlong: 0 });
    expect(split([Buffer.from(`${atLimit}x\nnext\n`)])).toEqual({ lines: ["next"], overlong: 1 });
  });

  it("a line that never ends takes no more memory than the limit", () => {
    const chunk = Buffer.alloc(64 * 1024, 0x78);
    const before = process.memoryUsage().rss;
    expect(split(Array.from({ length: 2_000 }, () => chunk))).toEqual({ lines: [], overlong: 0 });
    expect(process.memoryUsage().rss - before).toBeLessThan(30 * 1024 * 1024);
  });

  it("what is no UTF-8 is read as Western", () => {
    expect(split([Buffer.from([0x67, 0x72, 0xfc, 0xdf, 0x0a])]).lines).toEqual(["grüß"]);
  });
});

describe("the connection", () => {
  it("TLS to a port that speaks none is said to be that, with the setting that mends it", async () => {
    const answers = [
      (socket: Socket) => socket.end(":plain.example NOTICE * :*** Looking up your hostname\r\n"),
      (socket: Socket) => socket.end(),
    ];
    for (const answer of answers) {
      const server = createServer((socket) => {
        socket.on("error", () => undefined);
        socket.once("data", () => answer(socket));
      });
      await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
      const { port } = server.address() as AddressInfo;
      const listener = { line: () => undefined, overlong: () => undefined, closed: () => undefined };
      const options = { host: "127.0.0.1", port, tls: true, tlsInsecure: true };
      try {
        await expect(openLineClient(options, listener, AbortSignal.timeout(5_000))).rejects.toMatchObject({
          code: "CONN_001",
          message: expect.stringContaining("set channels.irc.tls to false"),
        });
      } finally {
        server.close();
      }
    }
  });
});
