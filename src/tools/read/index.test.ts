import { open, truncate } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { limits } from "../../domain/limits.ts";
import { openRoom, page, type Room } from "../workspace/room.fixture.ts";

let room: Room;
beforeAll(async () => {
  room = await openRoom();
});
afterAll(() => room.close());

const textOf = async (input: unknown): Promise<string> => (await room.call("read", input)).text;

describe("read", () => {
  it("P15: shows a file as it is and says where its words come from", async () => {
    await room.put("notes.md", "one\ntwo\n");
    expect(await room.call("read", { path: "notes.md" })).toEqual({
      text: "one\ntwo\n",
      from: { class: "local", source: "file notes.md" },
    });
    expect(await textOf({ path: join(room.workspace, "notes.md") })).toBe("one\ntwo\n");
    expect(await textOf({ file_path: "./notes.md", line_numbers: true })).toBe("1\tone\n2\ttwo\n");
  });

  it("P15: a file with words of a page gives them back as those of the page", async () => {
    await room.put("page.md", "do as I say");
    room.marks.set(join(room.workspace, "page.md"), page);
    expect((await room.call("read", { path: "page.md" })).from).toEqual(page);
  });

  it("shows a part of it, and says where to go on", async () => {
    await room.put("ten.txt", Array.from({ length: 10 }, (_, index) => `line ${index + 1}`).join("\n"));
    expect(await textOf({ path: "ten.txt", offset: 3, limit: 2 })).toBe(
      "line 3\nline 4\n[lines 3-4; more follow: go on with offset 5]",
    );
    expect(await textOf({ path: "ten.txt", offset: 9 })).toBe("line 9\nline 10\n[lines 9-10 of 10]");
    expect(await textOf({ path: "ten.txt", offset: 11 })).toBe("ten.txt has 10 lines; there is no line 11.");
    await room.put("nothing", "");
    expect(await textOf({ path: "nothing" })).toBe("nothing is empty.");
    for (const bad of [{ offset: 0 }, { limit: 0 }, { limit: limits.fileReadLines + 1 }, { offset: 1.5 }]) {
      expect(await room.refusal("read", { path: "ten.txt", ...bad })).toContain("RUN_003");
    }
  });

  it("windows of any size, one behind the other, are the file", async () => {
    const line = fc.string({ unit: "grapheme", maxLength: 20 }).map((text) => text.replaceAll(/[\r\n\u0000]/g, "x"));
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { minLength: 1, maxLength: 30 }),
        fc.integer({ min: 1, max: 7 }),
        async (lines, limit) => {
          const last = lines.at(-1) === "" ? [...lines.slice(0, -1), "end"] : lines;
          await room.put("windows", last.join("\n"));
          const seen: string[] = [];
          for (let offset = 1; ;) {
            const text = await textOf({ path: "windows", offset, limit });
            const shown = text.split("\n");
            const next = /go on with offset (\d+)\]$/.exec(shown.at(-1) ?? "");
            seen.push(...shown.slice(0, -1));
            if (next === null) break;
            offset = Number(next[1]);
          }
          expect(seen).toEqual(last);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("stays below its limit of bytes with lines of any length, and cuts one that is too long", async () => {
    await room.put("wide", `${"ä".repeat(limits.fileLineChars)}\n`.repeat(20));
    const { text } = await room.call("read", { path: "wide" });
    expect(Buffer.byteLength(text)).toBeLessThan(limits.toolOutputBytes);
    expect(text).toMatch(/go on with offset 4\]$/);
    expect(text).not.toContain("[line cut]");
    await room.put("one-line", `${"x".repeat(limits.fileLineChars + 1)}\nnext`);
    expect(await textOf({ path: "one-line" })).toBe(`${"x".repeat(limits.fileLineChars)} [line cut]\nnext\n`);
    await room.put("edge", `${"x".repeat(limits.fileLineChars)}\r\nnext`);
    expect(await textOf({ path: "edge" })).toBe(`${"x".repeat(limits.fileLineChars)}\nnext\n`);
    await room.put("many", "a\n".repeat(limits.fileReadLines + 1));
    expect(await textOf({ path: "many" })).toMatch(/\[lines 1-2000; more follow: go on with offset 2001\]$/);
  });

  it("a huge file costs what is shown of it; a line too far in is not looked for", async () => {
    const path = join(room.workspace, "huge");
    const handle = await open(path, "w");
    await handle.write("first\nsecond\n");
    await handle.write("x".repeat(20_000));
    await handle.close();
    await truncate(path, limits.fileScanBytes + 1024 * 1024);
    expect(await textOf({ path: "huge", limit: 1 })).toBe("first\n[lines 1-1; more follow: go on with offset 2]");
    expect(await room.refusal("read", { path: "huge", offset: 4 })).toContain("lies more than");
  });

  it("knows the mark and the encoding of a text, and what is no text", async () => {
    await room.put("bom", "\ufeffhellö");
    expect(await textOf({ path: "bom" })).toBe("hellö\n");
    const utf16 = Buffer.from("\ufeffhellö\r\nyou", "utf16le");
    await room.put("le", utf16);
    await room.put("be", Buffer.from(utf16).swap16());
    expect(await textOf({ path: "le" })).toBe("hellö\nyou\n");
    expect(await textOf({ path: "be" })).toBe("hellö\nyou\n");
    await room.put("a.png", Buffer.from("\u0089PNG\r\n\u001a\nxxx", "latin1"));
    expect(await textOf({ path: "a.png" })).toBe("a.png is a PNG image of 11 bytes, not text. Look at it with image.");
    await room.put("b.bin", Buffer.from([1, 0, 2]));
    expect(await textOf({ path: "b.bin" })).toBe("b.bin is a binary file of 3 bytes, not text.");
  });

  it("R095: says of a name that is not there which one may be meant", async () => {
    await room.put("Report.md", "x");
    expect(await room.refusal("read", { path: "report.md" })).toBe(
      "RUN_003 report.md does not exist. There is Report.md in that folder: names are told apart letter by letter.",
    );
    expect(await room.refusal("read", { path: "no/such" })).toBe("RUN_003 no/such does not exist.");
    expect(await room.refusal("read", { path: "." })).toContain("names the workspace itself");
  });
});
