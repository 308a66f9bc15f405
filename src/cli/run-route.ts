/** Runs one command module with commander: its options, its help, and wrong usage as exit code 2. */
import { Command, CommanderError } from "commander";
import { AppError } from "../domain/app-error.ts";
import type { CliContext, CommandModule } from "./contract.ts";
import type { CliStreams } from "./main.ts";

/** Null where the command ran and set its own exit code. */
export async function runRoute(
  module: CommandModule,
  argv: readonly string[],
  context: CliContext,
  streams: CliStreams,
): Promise<number | null> {
  const program = new Command("openclaw");
  module.register(program, context);
  let complaint = "";
  for (const command of everyCommand(program)) {
    command.exitOverride();
    command.configureOutput({
      writeOut: (text) => streams.stdout.write(text),
      // Kept back: the error is told once, in the same form as every other.
      writeErr: (text) => {
        complaint += text;
      },
    });
  }
  try {
    await program.parseAsync(argv as string[], { from: "user" });
    return null;
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown;
    if (thrown.exitCode === 0) return 0;
    if (thrown.code === "commander.help") {
      streams.stderr.write(complaint);
      return 2;
    }
    // One sentence, as everywhere: commander puts its hint on a line of its own.
    const complaintLine = thrown.message.replace(/^error: /, "").replaceAll("\n", " ");
    throw new AppError("SYS_003", misspeltCommand(program, argv) ?? complaintLine);
  }
}

/**
 * A command that lists where nothing more is said takes a misspelt word for an argument too many, and says so of a command
 * that nobody named. Null where the words are commands.
 */
function misspeltCommand(program: Command, argv: readonly string[]): string | null {
  let command = program;
  for (const word of argv) {
    if (word.startsWith("-") || command.commands.length === 0) return null;
    const next = command.commands.find((one) => one.name() === word || one.aliases().includes(word));
    if (next === undefined) return `unknown command '${word}'`;
    command = next as Command;
  }
  return null;
}

function everyCommand(program: Command): Command[] {
  return [program, ...program.commands.flatMap((command) => everyCommand(command as Command))];
}
