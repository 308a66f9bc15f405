/**
 * The command line. Finds the command by its first word, loads that command alone, runs it, and turns how it ended
 * into an exit code. Starts in this order: streams, environment, global options, command; nothing else is loaded.
 */
import { isProfileName, readEnvironment, type Environment } from "../config/environment.ts";
import { AppError } from "../domain/app-error.ts";
import type { CliContext, ConnectOptions } from "./contract.ts";
import type { GatewayClient } from "./gateway-client.ts";
import { createOutput } from "./output.ts";
import { routes } from "./routes.ts";

export interface CliStreams {
  readonly stdin: CliContext["stdin"];
  readonly stdout: OutputStream & { readonly isTTY?: boolean };
  readonly stderr: OutputStream;
}

interface OutputStream {
  write(text: string): unknown;
  on?(event: "error", listener: (error: Error) => void): unknown;
}

/** Returns the exit code: 0 done, 1 failed, 2 wrong usage, 69 gateway not reachable, 77 not allowed, 78 configuration error. */
export async function runCli(argv: readonly string[], streams: CliStreams = process): Promise<number> {
  const globals = readGlobals(argv);
  const environment = environmentOf(globals);
  const colour = streams.stdout.isTTY === true && globals.colour && environment.variables["NO_COLOR"] === undefined;
  const output = createOutput(streams, { json: globals.json, colour });
  const interrupt = new AbortController();
  const reader = watchReader(streams, interrupt);
  const onInterrupt = (): void => interrupt.abort(new AppError("RUN_001", "Interrupted."));
  process.once("SIGINT", onInterrupt);
  let code = 0;
  const context: CliContext = {
    environment,
    output,
    stdin: streams.stdin,
    signal: interrupt.signal,
    connect: (options, how) => connect(options, context, how),
    exit: (given) => {
      code = given;
    },
  };
  try {
    refuseBadProfile(globals);
    const failure = await dispatch(globals.rest, context, streams);
    return failure ?? code;
  } catch (thrown) {
    // Whoever read the answer has seen enough, as `head` does: nothing failed.
    if (reader.isGone()) return 0;
    const error = AppError.from(thrown);
    output.failure(error, error.code === "SYS_003" ? `See: openclaw ${helpWords(globals.rest)}` : undefined);
    return error.row.exit;
  } finally {
    process.removeListener("SIGINT", onInterrupt);
  }
}

/**
 * A pipe whose reader has gone ends what still runs, quietly. The gateway does not listen to the signal and goes on:
 * it answers others than the one who watched it start.
 */
function watchReader({ stdout, stderr }: CliStreams, interrupt: AbortController): { isGone(): boolean } {
  let isGone = false;
  const onError = (error: NodeJS.ErrnoException): void => {
    if (error.code !== "EPIPE") throw error;
    isGone = true;
    interrupt.abort(new AppError("RUN_001", "Nobody reads the answer any more."));
  };
  // Kept to the end of the process: the news may come after the last word is written.
  for (const stream of [stdout, stderr]) stream.on?.("error", onError);
  return { isGone: () => isGone };
}

/** `--profile` chooses the state directory as `OPENCLAW_PROFILE` does. */
function environmentOf({ profile }: Globals): Environment {
  const environment = readEnvironment();
  return profile === null ? environment : readEnvironment({ ...environment.variables, OPENCLAW_PROFILE: profile });
}

/** The environment takes a name that is none for no name; typed here, it would be a command to the wrong gateway. */
function refuseBadProfile({ profile }: Globals): void {
  if (profile === null || isProfileName(profile)) return;
  throw new AppError("SYS_003", "--profile takes a name of letters, digits, - and _.");
}

/** Runs the command; returns an exit code where the words themselves decide it. */
async function dispatch(argv: readonly string[], context: CliContext, streams: CliStreams): Promise<number | null> {
  const [name, ...words] = argv;
  if (name === "help" && words.length > 0) return dispatch([...words, "--help"], context, streams);
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    streams.stdout.write(`${rootHelp(context)}\n`);
    return name === undefined ? 2 : 0;
  }
  if (name === "--version" || name === "-V") {
    const { version } = await import("../app/version.ts");
    streams.stdout.write(`${version}\n`);
    return 0;
  }
  const route = Object.hasOwn(routes, name) ? routes[name] : undefined;
  if (route === undefined) throw unknownCommand(name);
  const [{ runRoute }, module] = await Promise.all([import("./run-route.ts"), route.load()]);
  return runRoute(module, argv, context, streams);
}

interface Globals {
  readonly json: boolean;
  readonly colour: boolean;
  readonly profile: string | null;
  readonly rest: readonly string[];
}

/** Options that stand anywhere and mean the same everywhere. What follows `--` is the command's own. */
function readGlobals(argv: readonly string[]): Globals {
  const rest: string[] = [];
  let [json, colour, profile] = [false, true, null as string | null];
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index] as string;
    if (word === "--") {
      rest.push(...argv.slice(index));
      break;
    }
    if (word === "--json") json = true;
    else if (word === "--no-color" || word === "--no-colour") colour = false;
    else if (word === "--dev") profile = "dev";
    else if (word === "--profile") profile = argv[(index += 1)] ?? "";
    else if (word.startsWith("--profile=")) profile = word.slice("--profile=".length);
    else rest.push(word);
  }
  return { json, colour, profile, rest };
}

function rootHelp({ output }: CliContext): string {
  const rows = Object.entries(routes).map(([name, route]) => [`  ${name}`, route.summary]);
  return [
    "openclaw: talk to your assistant from the chat apps you already use",
    "",
    `${output.bold("Usage:")} openclaw <command> [options]`,
    "",
    output.bold("Commands:"),
    output.table(["", ""], rows).trimStart().replace(/^/, "  "),
    "",
    output.bold("Options:"),
    output
      .table(
        ["", ""],
        [
          ["  --json", "Print the result as JSON"],
          ["  --profile <name>", "Use the state directory ~/.openclaw-<name>"],
          ["  --no-color", "Print without colour"],
          ["  --version", "Print the version"],
          ["  --help", "Show this, or the help of a command"],
        ],
      )
      .trimStart()
      .replace(/^/, "  "),
  ].join("\n");
}

/** The nearest help to words that were not understood: that of the subcommand, of the command, or of all. */
function helpWords([name = "", verb = ""]: readonly string[]): string {
  const route = Object.hasOwn(routes, name) ? routes[name] : undefined;
  if (route === undefined) return "--help";
  return route.verbs?.includes(verb) === true ? `${name} ${verb} --help` : `${name} --help`;
}

function unknownCommand(name: string): AppError {
  const near = Object.keys(routes).find((route) => route.startsWith(name.slice(0, 3)));
  const hint = near === undefined ? "" : ` Did you mean ${JSON.stringify(near)}?`;
  return new AppError("SYS_003", `There is no command ${JSON.stringify(name)}.${hint}`);
}

/** The gateway that the options, the environment and the configuration name, in this order. */
async function connect(
  options: ConnectOptions,
  context: CliContext,
  { outlivesSignal } = { outlivesSignal: false },
): Promise<GatewayClient> {
  const [{ connectGateway }, { findGateway }, { version }] = await Promise.all([
    import("./gateway-client.ts"),
    import("./find-gateway.ts"),
    import("../app/version.ts"),
  ]);
  const target = await findGateway(options, context.environment);
  const timeoutMs = Number(options.timeout ?? 10_000);
  if (!Number.isFinite(timeoutMs) || timeoutMs <= 0) throw new AppError("SYS_003", "--timeout takes milliseconds.");
  try {
    const ends = outlivesSignal ? {} : { signal: context.signal };
    return await connectGateway({ ...target, version, timeoutMs, ...ends });
  } catch (thrown) {
    const error = AppError.from(thrown);
    if (error.code !== "SEC_003" || target.token !== null) throw error;
    throw noToken(target.url, context.environment, error);
  }
}

/** A gateway runs, and here is nothing to show it: mostly because it is another folder's. */
function noToken(url: string, { stateDir }: Environment, cause: AppError): AppError {
  return new AppError(
    "SEC_003",
    `The gateway at ${url} wants a token, and ${stateDir} holds none: the gateway that runs there uses another state directory.`,
    { cause },
  );
}
