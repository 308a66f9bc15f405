/** What a person reads about the connections. */
import { Command } from "commander";
import { describe, expect, it } from "vitest";
import type { CliContext } from "../contract.ts";
import { createOutput } from "../output.ts";
import { register } from "./channels.ts";

describe("openclaw channels", () => {
  it("says why an account is not up, in the words of the gateway", async () => {
    let written = "";
    const stream = { write: (text: string) => void (written += text) };
    const account = { accountId: "default", state: "FAILED", lastError: "the nick is taken", lastRoundTripAgeMs: null };
    const client = {
      call: () => Promise.resolve({ channelOrder: ["irc"], channelAccounts: { irc: [account] } }),
      close: () => undefined,
    };
    const context = {
      output: createOutput({ stdout: stream, stderr: stream }, { json: false, colour: false }),
      connect: () => Promise.resolve(client),
    };
    const program = new Command();
    register(program, context as unknown as CliContext);
    await program.parseAsync(["channels"], { from: "user" });
    expect(written).toMatch(/^irc\/default +FAILED +none yet +the nick is taken$/m);
  });
});
