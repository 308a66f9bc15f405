/**
 * The gateway as a process: started from the command line, ended by a signal or over the wire, and started anew within the
 * same process where somebody asks for that. Says one line when it is ready. Returns the exit code; what keeps it from
 * starting, the first time or again, is thrown.
 */
import type { Environment } from "../config/environment.ts";
import { systemClock, type Clock } from "../platform/clock.ts";
import { startGatewayServer, type GatewayServerOptions, type RunningGateway } from "./compose.ts";
import { restartExpectedMs } from "./restarts.ts";
import type { AskPassphrase } from "./secrets.ts";

export interface RunOptions {
  readonly environment: Environment;
  readonly port?: number;
  readonly bind?: string;
  readonly token?: string;
  readonly verbose: boolean;
  /** Asks the person at the terminal for the vault's passphrase; nobody is asked where absent. */
  readonly askPassphrase?: AskPassphrase;
  /** For the person at the terminal. */
  readonly say: (text: string) => void;
}

export async function runGateway(options: RunOptions): Promise<number> {
  const stopping = Promise.withResolvers<End>();
  let mustEnd = false;
  // Whoever asks Node.js for a report of a crash gets one without the environment, which holds keys.
  if (process.report !== undefined) process.report.excludeEnv = true;
  const stopListening = listenForSignals((reason) => {
    mustEnd = true;
    stopping.resolve({ reason, startsAnew: false });
  }, systemClock());
  let port = options.port ?? null;
  try {
    for (;;) {
      const { end, port: had } = await runOnce(options, port, stopping.promise);
      // A signal that came while it closed to begin anew is the last word.
      if (!end.startsAnew || mustEnd) break;
      // Clients come back to where they were: a port that was chosen freely is asked for by its number.
      if (port === 0) port = had;
    }
    endAnyway(systemClock());
    return 0;
  } finally {
    stopListening();
  }
}

/** Why a run of the gateway ends, and whether another follows in this process. */
interface End {
  readonly reason: string;
  readonly startsAnew: boolean;
}

async function runOnce(
  options: RunOptions,
  port: number | null,
  stopped: Promise<End>,
): Promise<{ end: End; port: number }> {
  const asked = Promise.withResolvers<End>();
  const gateway = await startGatewayServer(port, {
    ...(await planted(options)),
    environment: options.environment,
    ...(options.askPassphrase === undefined ? {} : { askPassphrase: options.askPassphrase }),
    overrides: {
      ...(options.bind === undefined ? {} : { "gateway.bind": options.bind }),
      ...(options.token === undefined ? {} : { "gateway.auth.token": options.token }),
    },
    consoleLevel: options.verbose ? "debug" : "warn",
    onStopRequested: (reason) => asked.resolve({ reason, startsAnew: false }),
    onRestartRequested: (reason) => asked.resolve({ reason, startsAnew: true }),
  });
  const forget = endOnTheUnforeseen(gateway, options.say);
  await greet(gateway, options.say);
  const end = await Promise.race([stopped, asked.promise]);
  // An answer under way gets its time; whoever waits at the terminal should know what for.
  options.say(end.startsAnew ? restartingText : stoppingText);
  await gateway.close(end.reason, end.startsAnew ? restartExpectedMs : null);
  forget();
  return { end, port: gateway.port };
}

const stoppingText =
  "OpenClaw is stopping. A second signal ends it at once; what is unfinished goes on at the next start.";
const restartingText = "OpenClaw is restarting; what is unfinished goes on when it is back.";

/** What a drill wants of this process; nothing in a gateway of people, which does not even load it. */
async function planted({ environment, say }: RunOptions): Promise<Pick<GatewayServerOptions, "failpoints" | "drill">> {
  if (environment.drillPlan === null) return {};
  const { plantDrill } = await import("../drill/planted.ts");
  const drill = await plantDrill(environment.drillPlan, environment.stateDir, say);
  return drill === null ? {} : { failpoints: drill.failpoints, drill };
}

/** Everything is closed and written. A handle that a hanging part left open must not keep the process from its end. */
function endAnyway(clock: Clock): void {
  // oxlint-disable-next-line unicorn/no-process-exit -- there is nothing left that could end otherwise
  clock.after(leftoverMs, () => process.exit(0));
}

const leftoverMs = 1_000;

/**
 * An error that nobody caught ends the process, as it would anyway; but Node.js would print it as it is, with whatever
 * secret it quotes. What is unfinished goes on at the next start, as after any crash.
 */
function endOnTheUnforeseen(gateway: RunningGateway, say: RunOptions["say"]): () => void {
  const onUncaught = (error: unknown): void => {
    const end = (): void => {
      // oxlint-disable-next-line unicorn/no-process-exit -- the state of the process is not known any more
      process.exit(1);
    };
    gateway.lastWords(error).then(say).then(end, end);
    systemClock().after(lastWordsMs, end);
  };
  process.on("uncaughtException", onUncaught);
  return () => void process.removeListener("uncaughtException", onUncaught);
}

/** A disk that hangs must not keep a broken process alive. */
const lastWordsMs = 1_000;

async function greet(gateway: RunningGateway, say: RunOptions["say"]): Promise<void> {
  for (const issue of gateway.configIssues) say(issue);
  if (gateway.configIssues.some((issue) => issue.startsWith("error")))
    say("What is marked as an error has no effect; the gateway takes it over as soon as it is mended.");
  if (await gateway.demoOnly()) {
    say(
      "No model provider was found: the built-in demo model answers. Set OPENAI_API_KEY, ANTHROPIC_API_KEY, GEMINI_API_KEY or OPENROUTER_API_KEY, or run Ollama, and start again.",
    );
  }
  say(`OpenClaw is ready: ${gateway.loginLink()}`);
}

/**
 * The first signal asks for an orderly end; a later one, from somebody who cannot wait, ends the process at once. npm
 * hands a Ctrl-C on that the terminal has sent already, so a second one right behind the first is the same one.
 */
function listenForSignals(ask: (reason: string) => void, clock: Clock): () => void {
  let askedMs: number | undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    const nowMs = clock.monotonicMs();
    if (askedMs === undefined) {
      askedMs = nowMs;
      ask(`received ${signal}`);
    } else if (nowMs - askedMs > sameSignalMs) {
      process.kill(process.pid, "SIGKILL");
    }
  };
  for (const signal of signals) process.on(signal, onSignal);
  return () => {
    for (const signal of signals) process.removeListener(signal, onSignal);
  };
}

const sameSignalMs = 1_000;
const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
