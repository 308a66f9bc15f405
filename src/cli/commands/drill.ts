/** `openclaw drill`: tests this installation with emulated people, platforms and models, and never with real ones. */
import { writeFile } from "node:fs/promises";
import type { Command } from "commander";
import { AppError } from "../../domain/app-error.ts";
import type { CliContext } from "../contract.ts";

interface CrashOptions {
  readonly kills: string;
  readonly seed?: string;
  readonly streaming?: boolean;
  readonly report?: string;
}

interface LoadOptions {
  readonly rate: string;
  readonly seconds: string;
  readonly report?: string;
}

export function register(program: Command, context: CliContext): void {
  const drill = program.command("drill").description("Test this installation against emulated platforms and models");
  drill
    .command("crash")
    .description("End the gateway again and again, and count what got lost or was said twice")
    .option("--kills <number>", "how often it is ended", "100")
    .option("--seed <number>", "makes the same choices again")
    .option("--streaming", "let some accounts show their answers while these are written")
    .option("--report <file>", "write the result as JSON")
    .action((options: CrashOptions) => crash(options, context));
  drill
    .command("load")
    .description("Send messages at a steady rate, and measure what the gateway adds")
    .option("--rate <number>", "messages per second", "20")
    .option("--seconds <number>", "for how long", "30")
    .option("--report <file>", "write the result as JSON")
    .action((options: LoadOptions) => load(options, context));
}

/** Exit code 1 where a promise was broken. */
async function crash(options: CrashOptions, context: CliContext): Promise<void> {
  const kills = wholeNumber(options.kills, "--kills", 1_000_000);
  const seed = options.seed === undefined ? undefined : wholeNumber(options.seed, "--seed", 2 ** 32 - 1);
  const { runCrashDrill } = await import("../../app/drill-main.ts");
  const { report, text, passed } = await runCrashDrill({
    environment: context.environment,
    kills,
    ...(seed === undefined ? {} : { seed }),
    streaming: options.streaming === true,
    signal: context.signal,
    say: (line) => context.output.note(line),
  });
  await finish(report, text, { file: options.report, passed }, context);
}

async function load(options: LoadOptions, context: CliContext): Promise<void> {
  const rate = wholeNumber(options.rate, "--rate", 10_000);
  const seconds = wholeNumber(options.seconds, "--seconds", 86_400);
  const { runLoadDrill } = await import("../../app/drill-main.ts");
  const { environment, signal } = context;
  const { report, text, passed } = await runLoadDrill({ environment, rate, seconds, signal });
  await finish(report, text, { file: options.report, passed }, context);
}

async function finish(
  report: unknown,
  text: string,
  { file, passed }: { file: string | undefined; passed: boolean },
  context: CliContext,
): Promise<void> {
  if (file !== undefined) await writeFile(file, `${JSON.stringify(report, null, 2)}\n`);
  context.output.result(report, () => text);
  if (!passed) context.exit(1);
}

function wholeNumber(text: string, option: string, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= most) return value;
  throw new AppError("SYS_003", `${option} takes a whole number from 1 to ${most}.`);
}
