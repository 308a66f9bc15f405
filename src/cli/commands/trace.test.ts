/** What a person reads of a message's way: columns, gaps and reasons, and nothing that a terminal would obey. */
import { Command } from "commander";
import { describe, expect, it } from "vitest";
import type { CliContext } from "../contract.ts";
import { createOutput } from "../output.ts";
import { register } from "./trace.ts";

const atMs = Date.UTC(2026, 10, 20, 12, 0, 0);

async function shown(json: boolean): Promise<string> {
  let written = "";
  const stream = { write: (text: string) => void (written += text) };
  const event = (offsetMs: number, gapMs: number, what: string, why: string | null) => ({
    type: "some.event",
    atMs: atMs + offsetMs,
    gapMs,
    what,
    why,
    data: {},
  });
  const trace = {
    id: "m-1",
    messageId: "m-1",
    runId: "r-1",
    sessionKey: "agent:main:main",
    tookMs: 75_500,
    message: {
      senderName: "\u001b]0;owned\u0007ann\nstate    dead",
      senderId: "42",
      channel: "telegram",
      accountId: "default",
      chatId: "7",
      state: "replied",
      reason: "final",
    },
    parts: [{ id: "p-1", state: "sent", platformMessageIds: ["11", "12"] }],
    events: [
      event(0, 0, "stored; it waits for its turn", null),
      event(500, 500, "taken up", null),
      event(75_500, 75_000, "part p-1 arrived as 11, 12", "somebody said so"),
    ],
  };
  const context = {
    output: createOutput({ stdout: stream, stderr: stream }, { json, colour: false }),
    connect: () => Promise.resolve({ call: () => Promise.resolve(trace), close: () => undefined }),
  };
  const program = new Command();
  register(program, context as unknown as CliContext);
  await program.parseAsync(["trace", "m-1"], { from: "user" });
  return written;
}

describe("openclaw trace", () => {
  it("M7: is a waterfall: time, gap, what and why", async () => {
    const text = await shown(false);
    expect(text).toContain(
      [
        "TIME (UTC)             WHAT                           WHY",
        "12:00:00.000           stored; it waits for its turn",
        "12:00:00.500  +500 ms  taken up",
        "12:01:15.500  +75.0 s  part p-1 arrived as 11, 12     somebody said so",
        "",
        "3 events in 75.5 s",
      ].join("\n"),
    );
    expect(text).toMatch(/^part     p-1: sent as 11, 12$/m);
    expect(text).not.toMatch(/^state    dead/m);
    expect(text).not.toMatch(/[\u001b\u0007]/);
  });

  it("is JSON where a program asks", async () => {
    expect(JSON.parse(await shown(true))).toMatchObject({ id: "m-1", events: [{ gapMs: 0 }, { gapMs: 500 }, {}] });
  });
});
