/** Asks a person at the terminal for something that must not be seen: nothing of what is typed is shown. */
import { AppError } from "../domain/app-error.ts";
import type { CliContext } from "./contract.ts";

/** A terminal's side that hides what is typed. */
interface Terminal extends NodeJS.ReadableStream {
  readonly isTTY?: boolean;
  setRawMode?(on: boolean): unknown;
}

/** Without its line break. Throws RUN_001 on Ctrl-C, SYS_003 where there is no terminal. */
export async function askHidden(question: string, { stdin, output, signal }: CliContext): Promise<string> {
  const terminal: Terminal = stdin;
  if (terminal.isTTY !== true || terminal.setRawMode === undefined)
    throw new AppError("SYS_003", "There is no terminal to ask at.");
  output.note(question);
  terminal.setRawMode(true);
  terminal.resume();
  try {
    return await typedLine(terminal, signal);
  } finally {
    terminal.setRawMode(false);
    terminal.pause();
  }
}

/** Twice, since nobody sees what they typed. */
export async function askNew(what: string, context: CliContext): Promise<string> {
  const first = await askHidden(`${what} (nothing is shown while you type):`, context);
  const second = await askHidden("Once more:", context);
  if (first !== second) throw new AppError("SYS_003", "The two are not the same; nothing was changed.");
  return first;
}

const enter = new Set(["\r", "\n", "\u0004"]);
const back = new Set(["\u007f", "\b"]);

function typedLine(terminal: Terminal, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    let typed: readonly string[] = [];
    const end = (settle: () => void): void => {
      terminal.removeListener("data", onData);
      signal.removeEventListener("abort", onAbort);
      settle();
    };
    const onAbort = (): void => end(() => reject(new AppError("RUN_001", "Interrupted.")));
    const onData = (data: Buffer | string): void => {
      for (const character of data.toString()) {
        if (enter.has(character)) return end(() => resolve(typed.join("")));
        if (character === "\u0003") return onAbort();
        typed = back.has(character) ? typed.slice(0, -1) : [...typed, character];
      }
    };
    terminal.on("data", onData);
    signal.addEventListener("abort", onAbort, { once: true });
  });
}
