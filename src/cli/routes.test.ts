/** What the routes say of a command is what its module takes. */
import { Command } from "commander";
import { describe, expect, it } from "vitest";
import type { CliContext } from "./contract.ts";
import { routes } from "./routes.ts";

describe("routes", () => {
  it("name every word that may follow a command, and no other", async () => {
    for (const [name, { load, verbs = [] }] of Object.entries(routes)) {
      const program = new Command("openclaw");
      (await load()).register(program, {} as CliContext);
      const [command] = program.commands;
      expect(command?.name()).toBe(name);
      expect(command?.commands.map((one) => one.name())).toEqual(verbs);
    }
  });
});
