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
});
