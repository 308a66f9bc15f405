/** What doctor and `openclaw sandbox status` say of sandboxes, by what the gateway tells of them. */
import { Command } from "commander";
import { describe, expect, it } from "vitest";
import { register } from "../commands/sandbox.ts";
import type { CliContext } from "../contract.ts";
import type { GatewayClient } from "../gateway-client.ts";
import { createOutput } from "../output.ts";
import type { SandboxView } from "../sandbox-sentence.ts";
import { sandboxFindings } from "./sandbox-findings.ts";

const box = {
  found: true,
  kind: "bubblewrap",
  version: "bubblewrap 1",
  memory: "box",
  processes: true,
  note: null,
} as const;
const agent: SandboxView = {
  agentId: "main",
  mode: "all",
  workspaceAccess: "rw",
  network: false,
  memoryMb: 2_048,
  sandbox: box,
  trouble: null,
};
const clientFor = (agents: readonly SandboxView[]): GatewayClient =>
  ({ call: () => Promise.resolve({ agents }), close: () => undefined }) as unknown as GatewayClient;

async function said(...agents: readonly SandboxView[]): Promise<readonly string[]> {
  return (await sandboxFindings(clientFor(agents))).map(({ verdict, text }) => `${verdict}: ${text}`);
}

describe("doctor on sandboxes", () => {
  it("P15: one that is asked for and missing is bad, and says that commands are refused", async () => {
    const sandbox = { found: false, why: "bubblewrap is not installed." } as const;
    expect(await said({ ...agent, sandbox })).toEqual([
      "bad: all commands are refused: a sandbox is asked for, and there is none. bubblewrap is not installed.",
    ]);
    const [finding] = await sandboxFindings(clientFor([{ ...agent, sandbox }]));
    expect(finding?.remedy).toContain("Install bubblewrap");
    expect(await said({ ...agent, mode: "off", sandbox })).toEqual([
      "good: commands run outside of a sandbox, as configured; here there is none: bubblewrap is not installed.",
    ]);
  });

  it("P15: a folder that may not be mounted is bad; no bound on processes is weak; agents that differ are told apart", async () => {
    const other = { ...agent, agentId: "other", mode: "non-main", trouble: "It holds the home directory." } as const;
    const weak = { ...agent, sandbox: { ...box, processes: false, note: "Processes are not bounded." } };
    expect(await said(agent, { ...agent, agentId: "same" })).toEqual(["good: all commands run in bubblewrap 1"]);
    expect(await said(weak, other)).toEqual([
      "weak: main: all commands run in bubblewrap 1. Processes are not bounded.",
      "bad: other: commands of all but the main session are refused. It holds the home directory.",
    ]);
  });

  it("openclaw sandbox status shows each agent and the sentence", async () => {
    let text = "";
    const stream = { write: (piece: string) => void (text += piece) };
    const context: Partial<CliContext> = {
      output: createOutput({ stdout: stream, stderr: stream }, { json: false, colour: false }),
      signal: new AbortController().signal,
      connect: () => Promise.resolve(clientFor([agent])),
    };
    const program = new Command();
    register(program, context as CliContext);
    await program.parseAsync(["sandbox", "status"], { from: "user" });
    expect(text).toMatch(/AGENT\s+SESSIONS\s+SANDBOX[^]*main\s+all\s+bubblewrap 1\s+rw\s+no\s+2048 MiB/);
    expect(text).toContain("main: all commands run in bubblewrap 1");
  });
});
