/** What `openclaw secrets` refuses before it asks for anything. */
import { Command } from "commander";
import { expect, it } from "vitest";
import type { CliContext } from "../contract.ts";
import { register } from "./secrets.ts";

it("a name or an owner that there cannot be is a wrong word of the command, told before the secret is read", async () => {
  const untouched = new Proxy({} as CliContext, {
    get: (_target, name) => {
      throw new Error(`The command asked for ${String(name)}.`);
    },
  });
  for (const words of [
    ["gateway", "we ird"],
    ["gateway", ".hidden"],
    ["gateway", "n".repeat(65)],
    ["nobody", "token"],
  ]) {
    const program = new Command();
    register(program, untouched);
    const refused = program.parseAsync(["secrets", "set", ...words], { from: "user" });
    await expect(refused).rejects.toMatchObject({ code: "SYS_003" });
  }
});
