/** What a person may say of a budget in the terminal, and what it answers. */
import { Command } from "commander";
import { describe, expect, it } from "vitest";
import { AppError } from "../../domain/app-error.ts";
import type { CliContext } from "../contract.ts";
import { createOutput } from "../output.ts";
import { register } from "./budget.ts";

type Call = (method: string, params: unknown) => Promise<unknown>;

async function budget(words: readonly string[], call: Call): Promise<string> {
  let text = "";
  const stream = { write: (piece: string) => void (text += piece) };
  const context: Partial<CliContext> = {
    output: createOutput({ stdout: stream, stderr: stream }, { json: false, colour: false }),
    signal: new AbortController().signal,
    connect: () =>
      Promise.resolve({ call, close: () => undefined } as unknown as Awaited<ReturnType<CliContext["connect"]>>),
  };
  const program = new Command();
  register(program, context as CliContext);
  await program.parseAsync(["budget", ...words], { from: "user" });
  return text;
}

describe("openclaw budget", () => {
  it("a user is named with the channel: a limit for a bare name would apply to nobody", async () => {
    const asked: unknown[] = [];
    const call: Call = (_method, params) => {
      asked.push(params);
      return Promise.resolve({ ok: true, day: 1, month: null });
    };
    for (const whose of ["user:alice", "user::alice", "user:telegram:", "nobody", "global:x", "agent:"]) {
      await expect(budget(["set", whose, "--day", "1"], call)).rejects.toMatchObject({ code: "SYS_003" });
    }
    expect(asked).toEqual([]);
    for (const whose of ["user:telegram:7", "user:*", "agent:main", "chat:telegram:default:7", "global"]) {
      expect(await budget(["set", whose, "--day", "1"], call)).toBe(`${whose}: $1.00 a day, no limit a month\n`);
    }
    expect(asked).toHaveLength(5);
  });

  it("a change that comes too soon after others waits for its time and is made", async () => {
    let calls = 0;
    const call: Call = () => {
      calls += 1;
      if (calls === 1) return Promise.reject(new AppError("CONN_003", "too many changes", { retryAfterMs: 1 }));
      return Promise.resolve({ ok: true, day: 1, month: null });
    };
    const text = await budget(["set", "global", "--day", "1"], call);
    expect(text).toBe(
      "The gateway takes only a few changes a minute: going on in 1 s.\nglobal: $1.00 a day, no limit a month\n",
    );
  });

  it("what waits for a person is shown with the command that ends the wait", async () => {
    const text = await budget(["show"], () =>
      Promise.resolve({
        timeZone: "UTC",
        pauses: [],
        purses: [],
        approvals: [{ id: "53d89dcb", kind: "global", purse: "", period: "day", proposedUsd: 0.04, expiresMs: 0 }],
        lost: [{ id: "call-1", atMs: 0, model: "a/one", usd: 1, runId: "r" }],
      }),
    );
    expect(text).toContain("53d89dcb  global  day     $0.0400");
    expect(text).toContain("openclaw budget allow <id>");
    expect(text).toContain("openclaw budget settle <id> --cost <usd>");
  });
});
