import { describe, expect, it } from "vitest";
import { commandOf } from "./commands.ts";

describe("a command", () => {
  it("is a text that is one of its names, however it is written, and nothing else", () => {
    expect(commandOf(" /Stop\n")).toBe("stop");
    expect(commandOf("/reset")).toBe("new");
    expect(commandOf("/restart")).toBe("restart");
    for (const text of ["stop", "/stop it", "", "/", "__proto__", "constructor", "toString", "hasOwnProperty"])
      expect(commandOf(text), text).toBeNull();
  });

  it("C8: may be followed by words where they mean something, and nowhere else", () => {
    for (const text of ["/compact", "/Compact the names above all", "/compact\nin two lines"])
      expect(commandOf(text), text).toBe("compact");
    for (const text of ["/compaction", "/compact: names", "please /compact", "/status now", "/new idea", "/restart it"])
      expect(commandOf(text), text).toBeNull();
  });
});
