/**
 * Runs a command in the workspace. What may run, and whether in a sandbox, is decided elsewhere and by no argument of a
 * call: this runs exactly the command that was approved, where the house says it runs.
 */
import { realpath } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import type { CommandAct } from "../../domain/act.ts";
import { AppError } from "../../domain/app-error.ts";
import { limits } from "../../domain/limits.ts";
import { isInside, resolveInside } from "../../platform/safe-path.ts";
import type { BoxedCommand, SandboxDesk } from "../../sandbox/contract.ts";
import type { Tool, ToolContext, ToolOutput } from "../contract.ts";
import type { Processes, RunningProcess } from "../running/processes.ts";
import { endLine, outputOf } from "../running/words.ts";
import { ensureWorkspace } from "../workspace/ensure-workspace.ts";
import { visibleName } from "../workspace/visible-name.ts";

export interface ExecDeps {
  readonly processes: Processes;
  readonly sandbox: SandboxDesk;
  /** `tools.exec.timeoutSeconds`, as it is in force now. */
  readonly timeoutSeconds: () => number;
}

const variableName = /^[A-Za-z_][A-Za-z0-9_]*$/;

const inputSchema = z.object({
  command: z
    .string()
    .min(1)
    .max(limits.commandChars)
    .refine((text) => !text.includes("\0") && text.trim() !== "", "is empty or has a NUL")
    .describe("A shell's line"),
  cwd: z.string().max(1_024).optional().describe("Folder of the workspace"),
  env: z
    .record(
      z.string().regex(variableName).max(128),
      z
        .string()
        .max(limits.commandVariableChars)
        .refine((text) => !text.includes("\0"), "has a NUL"),
    )
    .refine((env) => Object.keys(env).length <= limits.commandVariables, "has too many variables")
    .optional(),
  timeoutSeconds: z.int().positive().max(86_400).optional(),
  background: z.boolean().optional(),
  yieldSeconds: z.int().positive().max(3_600).optional().describe("Then it goes on in the background"),
});

export type ExecInput = z.infer<typeof inputSchema>;

export function createExecTool(deps: ExecDeps): Tool<ExecInput> {
  return {
    name: "exec",
    description:
      "Runs a command in the workspace: what it wrote, and its exit code. It gets no input. In the background it goes on; see process.",
    inputSchema,
    effect: "unsafe",
    plan,
    timeoutMs: (input) => waitMs(input, deps) + limits.commandGraceMs + limits.commandDrainMs + marginMs,
    run: (input, context) => run(input, context, deps),
  };
}

/** For making the box and telling the end; the command itself has its whole time. */
const marginMs = 15_000;

async function plan(input: ExecInput, { workspace }: ToolContext): Promise<CommandAct> {
  return { kind: "command", text: input.command, cwd: await folderOf(input.cwd, workspace), env: input.env ?? {} };
}

/** Inside the workspace and real. */
async function folderOf(cwd: string | undefined, workspace: string): Promise<string> {
  await ensureWorkspace(workspace);
  const name = cwd === undefined ? "" : nameInside(cwd, workspace);
  if (name === "") return await realpath(workspace);
  try {
    return (await resolveInside(workspace, name)).path;
  } catch (cause) {
    if (!(cause instanceof AppError) || cause.code !== "SEC_007") throw cause;
    const words = `Commands run in the workspace, and the folder ${visibleName(name)} is none of it. Give one relative to the workspace, without "..".`;
    throw new AppError("SEC_007", words, { cause });
  }
}

/** A model often says the whole path. */
function nameInside(cwd: string, workspace: string): string {
  const name = path.isAbsolute(cwd) && isInside(workspace, cwd) ? path.relative(workspace, cwd) : cwd;
  return !name.startsWith("/") && name.split("/").every((part) => part === "" || part === ".") ? "" : name;
}

async function run(input: ExecInput, context: ToolContext, deps: ExecDeps): Promise<ToolOutput> {
  const { command, signal } = context;
  // Whoever calls without a decision gets nothing: what the input says is not what runs.
  if (command === null) throw new AppError("SEC_010", "A command runs only when it was decided that it may.");
  const boxed = await boxFor(context, deps);
  const running = await deps.processes.start({
    command,
    boxed,
    owner: {
      agentId: context.agentId,
      sessionKey: context.sessionKey,
      parentSessionKey: context.born?.parentSessionKey ?? null,
    },
    text: input.command,
    timeoutMs: lifeMs(input, deps),
  });
  if (input.background === true) return started(running, input, "");
  const stop = (): void => running.stop("stopped");
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  try {
    const isOver = await overWithin(running, input, context);
    if (!isOver) return started(running, input, running.news());
    deps.processes.forget(running.id);
    return outputOf(input.command, running.news(), endLine(running));
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

async function boxFor(context: ToolContext, { sandbox }: ExecDeps): Promise<BoxedCommand | null> {
  const { agentId, sessionKey, workspace, command } = context;
  const choice = await sandbox.choose({ agentId, sessionKey, workspace });
  if (choice.kind === "refused") {
    throw new AppError(
      "RUN_003",
      `Commands of this session run in a sandbox, and none can be made: ${choice.why} Nothing was run. An operator can mend it (openclaw sandbox status); go on without commands.`,
    );
  }
  if (choice.kind === "open" || command === null) return null;
  return await choice.sandbox.box(command, choice.bounds);
}

/** Whether it ended in the time that somebody waits for it. */
async function overWithin(running: RunningProcess, input: ExecInput, { clock }: ToolContext): Promise<boolean> {
  if (input.yieldSeconds === undefined) {
    await running.ended;
    return true;
  }
  const waited = Promise.withResolvers<void>();
  const timer = clock.after(input.yieldSeconds * 1_000, waited.resolve);
  await Promise.race([running.ended, waited.promise]);
  timer.cancel();
  return running.end !== null;
}

function started(running: RunningProcess, input: ExecInput, sofar: string): ToolOutput {
  return outputOf(input.command, sofar, `[still running in the background; ask the process tool for id ${running.id}]`);
}

/** How long the command may live: longer than the house's word only where nobody waits for it. */
function lifeMs(input: ExecInput, deps: ExecDeps): number {
  if (isBackground(input)) return Math.min(limits.backgroundCommandMs, (input.timeoutSeconds ?? Infinity) * 1_000);
  return Math.min(deps.timeoutSeconds(), input.timeoutSeconds ?? Infinity) * 1_000;
}

function waitMs(input: ExecInput, deps: ExecDeps): number {
  if (input.background === true) return 0;
  return input.yieldSeconds === undefined ? lifeMs(input, deps) : input.yieldSeconds * 1_000;
}

function isBackground(input: ExecInput): boolean {
  return input.background === true || input.yieldSeconds !== undefined;
}
