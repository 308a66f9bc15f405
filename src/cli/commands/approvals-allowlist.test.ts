/** What a person may say of the list of commands in the terminal, and what it makes of the file. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { Command } from "commander";
import { expect, it } from "vitest";
import type { CliContext } from "../contract.ts";
import { createOutput } from "../output.ts";
import { registerAllowlist } from "./approvals-allowlist.ts";

const line = { id: "0198-a", pattern: "/usr/bin/git", argv: ["status"], by: "telegram:1", lastUsedAt: 0, kept: true };
const stored = {
  path: "/state/exec-approvals.json",
  exists: true,
  hash: "h1",
  file: {
    version: 1,
    defaults: { ask: "always" },
    agents: { main: { security: "allowlist", allowlist: [line, { id: "0198-b", pattern: "/usr/bin/ls" }] } },
  },
};

async function approvals(words: readonly string[], exists = true): Promise<{ text: string; sent: unknown[] }> {
  let text = "";
  const sent: unknown[] = [];
  const stream = { write: (piece: string) => void (text += piece) };
  const call = (method: string, params: unknown): Promise<unknown> => {
    if (method !== "exec.approvals.get") sent.push(params);
    return Promise.resolve({ ...stored, exists });
  };
  const context: Partial<CliContext> = {
    output: createOutput({ stdout: stream, stderr: stream }, { json: false, colour: false }),
    signal: new AbortController().signal,
    connect: () =>
      Promise.resolve({ call, close: () => undefined } as unknown as Awaited<ReturnType<CliContext["connect"]>>),
  };
  const program = new Command().exitOverride();
  registerAllowlist(program.command("approvals"), context as CliContext);
  await program.parseAsync(["approvals", ...words], { from: "user" });
  return { text, sent };
}

it("P6: the list shows program, words, who allowed it and when it was last used", async () => {
  const { text } = await approvals(["allowlist"]);
  expect(text).toContain("/usr/bin/git");
  expect(text).toMatch(/0198-a.*status.*telegram:1.*1970-01-01/);
  expect(text).toMatch(/0198-b.*any harmless.*never/);
  expect((await approvals(["allowlist", "list", "--agent", "other"])).text).toBe("nothing is on the list of other\n");
});

it("P6: a line is added behind the others, with its words, and everything else is sent back as it came", async () => {
  const { sent, text } = await approvals(["allowlist", "add", "/usr/bin/git", "--", "log", "--oneline"]);
  expect(sent).toEqual([
    {
      baseHash: "h1",
      file: {
        ...stored.file,
        agents: {
          main: {
            security: "allowlist",
            allowlist: [
              ...stored.file.agents.main.allowlist,
              { pattern: "/usr/bin/git", argv: ["log", "--oneline"], by: "openclaw approvals" },
            ],
          },
        },
      },
    },
  ]);
  expect(text).toContain("may run unasked for main");
  const any = await approvals(["allowlist", "add", "/usr/bin/ls", "--agent", "*"], false);
  expect(any.sent).toEqual([expect.objectContaining({ baseHash: null })]);
  expect(JSON.stringify(any.sent)).toContain('"*":{"allowlist":[{"pattern":"/usr/bin/ls","argv":null');
  expect(JSON.stringify((await approvals(["allowlist", "add", "/usr/bin/ls", "--no-words"])).sent)).toContain(
    '"argv":[]',
  );
  await expect(approvals(["allowlist", "add", "/usr/bin/ls", "--for", "soon"])).rejects.toMatchObject({
    code: "SYS_003",
  });
  await expect(approvals(["allowlist", "add", "/usr/bin/ls", "--no-words", "a"])).rejects.toMatchObject({
    code: "SYS_003",
  });
});

it("P6: a line is removed by its id or the beginning of it, if that is the beginning of one", async () => {
  const { sent } = await approvals(["allowlist", "remove", "0198-a"]);
  expect(JSON.stringify(sent)).not.toContain("/usr/bin/git");
  expect(JSON.stringify(sent)).toContain("/usr/bin/ls");
  await expect(approvals(["allowlist", "remove", "0198"])).rejects.toMatchObject({ code: "SYS_003" });
  await expect(approvals(["allowlist", "remove", "x"])).rejects.toMatchObject({ code: "RPC_007" });
});

it("P10: the whole is printed, replaced by a file and exported", async () => {
  expect(JSON.parse((await approvals(["get"])).text)).toEqual(stored.file);
  const folder = await mkdtemp(path.join(os.tmpdir(), "allowlist-"));
  const file = path.join(folder, "a.json");
  await writeFile(file, '{"version":1,"agents":{}}');
  expect((await approvals(["set", file])).sent).toEqual([{ file: { version: 1, agents: {} }, baseHash: "h1" }]);
  await writeFile(file, "{");
  await expect(approvals(["set", file])).rejects.toMatchObject({ code: "SYS_003" });
  await rm(folder, { recursive: true });
  expect((await approvals(["export"])).text).toContain("/state/exec-approvals.json");
});
