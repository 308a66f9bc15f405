/** What is typed unseen: it arrives, it is shown nowhere, and the terminal is as it was afterwards. */
import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import type { CliContext } from "./contract.ts";
import { askHidden, askNew } from "./hidden-prompt.ts";
import { createOutput } from "./output.ts";

function terminal(): {
  context: CliContext;
  type(text: string): void;
  shown(): string;
  modes: boolean[];
  interrupt(): void;
} {
  const modes: boolean[] = [];
  const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: (on: boolean) => void modes.push(on) });
  const abort = new AbortController();
  let shown = "";
  const stream = { write: (text: string) => void (shown += text) };
  const output = createOutput({ stdout: stream, stderr: stream }, { json: false, colour: false });
  const context = { stdin, output, signal: abort.signal } as unknown as CliContext;
  return {
    context,
    modes,
    type: (text) => void stdin.write(text),
    shown: () => shown,
    interrupt: () => abort.abort(),
  };
}

describe("a hidden prompt", () => {
  it("S2: takes a line, also letter by letter and with slips, and shows none of it", async () => {
    const { context, type, shown, modes } = terminal();
    const answer = askHidden("Secret:", context);
    for (const piece of ["hun", "tex", "\u007f", "r", "2ü\r"]) type(piece);
    expect(await answer).toBe("hunter2ü");
    expect(shown()).toBe("Secret:\n");
    expect(modes).toEqual([true, false]);
  });

  it.each(["\n", "\r", "\u0004"])("ends with %j", async (end) => {
    const { context, type } = terminal();
    const answer = askHidden("?", context);
    type(`x${end}`);
    expect(await answer).toBe("x");
  });

  it("S2: gives the terminal back on Ctrl-C, typed or sent", async () => {
    for (const stop of [
      ({ type }: ReturnType<typeof terminal>) => type("ab\u0003"),
      (one: ReturnType<typeof terminal>) => one.interrupt(),
    ]) {
      const one = terminal();
      const answer = askHidden("?", one.context);
      stop(one);
      await expect(answer).rejects.toMatchObject({ code: "RUN_001" });
      expect(one.modes).toEqual([true, false]);
    }
  });

  it("S2: a new one is typed twice, and a slip changes nothing", async () => {
    const { context, type, shown } = terminal();
    const twice = async (first: string, second: string): Promise<string> => {
      const answer = askNew("New", context);
      type(`${first}\r`);
      await expect.poll(() => shown().split("Once more").length).toBeGreaterThan(1);
      await new Promise((resolve) => setImmediate(resolve));
      type(`${second}\r`);
      return answer;
    };
    expect(await twice("the same", "the same")).toBe("the same");
    await expect(twice("the same", "the sane")).rejects.toMatchObject({ code: "SYS_003" });
  });

  it("says so where there is no terminal", async () => {
    const context = { stdin: new PassThrough() } as unknown as CliContext;
    await expect(askHidden("?", context)).rejects.toMatchObject({ code: "SYS_003" });
  });
});
