import { describe, expect, it } from "vitest";
import { jsonLines } from "./json-lines.ts";

async function linesOf(...chunks: string[]): Promise<unknown[]> {
  const encoder = new TextEncoder();
  const body = ReadableStream.from(chunks.map((chunk) => encoder.encode(chunk))) as ReadableStream<Uint8Array>;
  const lines: unknown[] = [];
  for await (const line of jsonLines(body)) lines.push(line);
  return lines;
}

describe("lines of JSON", () => {
  it("come out one by one, whatever the cuts, blank lines left out", async () => {
    expect(await linesOf('{"a":', "1}\n\n{", '"b":2}\r\n', "3")).toEqual([{ a: 1 }, { b: 2 }, 3]);
    expect(await linesOf()).toEqual([]);
  });

  it("what is no JSON comes out as its text", async () => {
    expect(await linesOf("oops\n{}\n")).toEqual(["oops", {}]);
  });

  it("a line without an end is not waited for beyond eight mebibytes", async () => {
    const mebibyte = "x".repeat(1024 * 1024);
    expect(await linesOf(...Array.from({ length: 8 }, () => mebibyte))).toHaveLength(1);
    await expect(linesOf(...Array.from({ length: 9 }, () => mebibyte))).rejects.toMatchObject({ code: "MODEL_005" });
  });
});
