/** A gateway as its users run it: a process of its own, a folder of its own, found by what it prints. */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
export const program = path.join(root, "bin", "openclaw.mjs");

export interface GatewayProcess {
  readonly port: number;
  readonly url: string;
  readonly token: string;
  readonly stateDir: string;
  /** One-time link that it printed. */
  readonly link: string;
  readonly pid: number;
  /** Everything it printed so far. */
  output(): string;
  /** Resolves with the exit code, or the signal's name. */
  readonly ended: Promise<number | string>;
  kill(signal: NodeJS.Signals): Promise<number | string>;
}

export interface StartOptions {
  readonly stateDir: string;
  readonly config?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** 0 or absent: a free one. */
  readonly port?: number;
}

export async function newStateDir(): Promise<{ stateDir: string; remove(): Promise<void> }> {
  const stateDir = await mkdtemp(path.join(tmpdir(), "openclaw-e2e-"));
  return { stateDir, remove: () => rm(stateDir, { recursive: true, force: true }) };
}

export async function startGateway(options: StartOptions): Promise<GatewayProcess> {
  const { stateDir } = options;
  await mkdir(stateDir, { recursive: true });
  if (options.config !== undefined)
    await writeFile(path.join(stateDir, "openclaw.json"), JSON.stringify(options.config, null, 2));
  const args = [program, "gateway", "run", "--port", String(options.port ?? 0), ...(options.args ?? [])];
  const child = spawn(process.execPath, args, {
    env: cleanEnvironment(stateDir, options.env),
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    stream.on("data", (text: string) => {
      output += text;
    });
  }
  const ended = endOf(child);
  const link = await readyLink(child, () => output);
  const port = Number(new URL(link).port);
  const token = (await readFile(path.join(stateDir, "gateway.token"), "utf8").catch(() => "")).trim();
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    token,
    stateDir,
    link,
    pid: child.pid ?? -1,
    output: () => output,
    ended,
    kill(signal) {
      child.kill(signal);
      return ended;
    },
  };
}

export interface CommandResult {
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** One run of the command line. */
export async function runCommand(
  args: readonly string[],
  options: {
    stateDir: string;
    env?: Readonly<Record<string, string>>;
    input?: string;
    cwd?: string;
    unread?: boolean;
    /** Ctrl-C is pressed when it has said this. */
    interruptAt?: string;
  },
): Promise<CommandResult> {
  const child = spawn(process.execPath, [program, ...args], {
    env: cleanEnvironment(options.stateDir, options.env),
    stdio: ["pipe", "pipe", "pipe"],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    const isNew = options.interruptAt !== undefined && !stderr.includes(options.interruptAt);
    stderr += text;
    if (isNew && stderr.includes(options.interruptAt ?? "")) child.kill("SIGINT");
  });
  if (options.unread === true) child.stdout.destroy();
  child.stdin.end(options.input ?? "");
  return { code: await endOf(child), stdout, stderr };
}

/** Nothing of the machine's own settings gets in: no keys, no home. */
function cleanEnvironment(stateDir: string, extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  // An address where nothing listens: whether this machine runs Ollama must not decide a test.
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: stateDir,
    OPENCLAW_STATE_DIR: stateDir,
    OLLAMA_HOST: "http://127.0.0.1:9",
  };
  return { ...env, ...extra };
}

function endOf(child: ChildProcess): Promise<number | string> {
  return new Promise((resolve) => {
    child.once("close", (code, signal) => resolve(code ?? signal ?? "unknown"));
  });
}

/** Waits for the line that says where it listens. */
function readyLink(child: ChildProcess, output: () => string): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`the gateway did not become ready:\n${output()}`)), 15_000);
    const look = (): void => {
      const found = /https?:\/\/\S+#code=\S+/.exec(output());
      if (found === null) return;
      clearTimeout(timer);
      resolve(found[0]);
    };
    child.stdout?.on("data", look);
    child.stderr?.on("data", look);
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      reject(new Error(`the gateway ended (${code ?? signal}) before it was ready:\n${output()}`));
    });
  });
}

/** A configuration with the model emulator as its one provider. */
export function configWith(modelUrl: string, part: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    models: {
      providers: {
        mock: {
          baseUrl: `${modelUrl}/v1`,
          apiKey: "k",
          api: "openai-completions",
          models: [
            {
              id: "mock-1",
              name: "mock",
              contextWindow: 128_000,
              maxTokens: 4096,
              cost: { input: 1, output: 2, cacheRead: 0, cacheWrite: 0 },
            },
          ],
        },
      },
    },
    agents: { defaults: { model: { primary: "mock/mock-1", fallbacks: [] } } },
    ...part,
  };
}
