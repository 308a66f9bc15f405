/** docs/reference/cli.md, from the commands themselves: what commander would print as their help. */
import { Command } from "commander";
import type { CliContext } from "../../src/cli/contract.ts";
import { createOutput } from "../../src/cli/output.ts";
import { routes } from "../../src/cli/routes.ts";
import { readEnvironment } from "../../src/config/environment.ts";
import { code, page, table } from "./page.ts";

export async function render(): Promise<string> {
  const sections = await Promise.all(
    Object.entries(routes).map(async ([name, route]) => {
      const program = new Command("openclaw");
      (await route.load()).register(program, silentContext());
      return [`## ${name}`, ...program.commands.flatMap(commandSections)].join("\n\n");
    }),
  );
  return page(
    "Commands",
    "`openclaw COMMAND`, in a clone `bin/openclaw.mjs COMMAND`. `--json` prints every result as JSON; [exit codes](errors.md#exit-codes) say how it ended.",
    [
      table(
        ["Command", "What it does"],
        Object.entries(routes).map(([name, route]) => [`[${code(name)}](#${name})`, route.summary]),
      ),
      ...sections,
    ],
  );
}

/** A command with subcommands shows theirs; its own help would only list them. */
function commandSections(command: Command): string[] {
  if (command.commands.length > 0) return command.commands.flatMap((nested) => commandSections(nested as Command));
  return [`\`\`\`text\n${command.configureHelp({ helpWidth: 100 }).helpInformation().trimEnd()}\n\`\`\``];
}

/** Commands are registered and never run: nothing may be printed, read or connected. */
function silentContext(): CliContext {
  const nowhere = { write: () => true };
  return {
    environment: readEnvironment({ HOME: "~" }),
    output: createOutput({ stdout: nowhere, stderr: nowhere }, { json: false, colour: false }),
    stdin: process.stdin,
    signal: new AbortController().signal,
    connect: () => Promise.reject(new Error("the reference connects to nothing")),
    exit: () => undefined,
  };
}
