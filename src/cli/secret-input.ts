/** A secret from a person or a program: typed without being shown, or all of standard input. Never from an argument. */
import { AppError } from "../domain/app-error.ts";
import { limits } from "../domain/limits.ts";
import type { CliContext } from "./contract.ts";

type Terminal = CliContext["stdin"] & { setRawMode?(raw: boolean): unknown };

/** Without the line break at its end. Throws SYS_003 where nothing comes, RUN_001 where it was given up. */
export async function readSecret(context: Pick<CliContext, "stdin" | "output">, what: string): Promise<string> {
  const stdin: Terminal = context.stdin;
  const text =
    stdin.isTTY === true && stdin.setRawMode !== undefined
      ? await typed(stdin, context.output, what)
      : await piped(stdin);
  const secret = text.replace(/\r?\n$/, "");
  if (secret.trim() === "") throw new AppError("SYS_003", `${what} is empty. Type it, or give it on standard input.`);
  return secret;
}

async function piped(stdin: Terminal): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stdin) {
    const piece = Buffer.from(chunk as string | Buffer);
    bytes += piece.length;
    if (bytes > limits.secretBytes)
      throw new AppError("MSG_003", `A secret may have ${limits.secretBytes} bytes at most.`);
    chunks.push(piece);
  }
  return Buffer.concat(chunks).toString("utf8");
}

const [interrupt, endOfInput, backspace, deleteKey] = ["\u0003", "\u0004", "\u0008", "\u007f"];

function typed(stdin: Terminal, output: CliContext["output"], what: string): Promise<string> {
  output.note(`${what} (it is not shown):`);
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let text = "";
  const end = (finish: () => void): void => {
    stdin.removeListener("data", onData);
    stdin.setRawMode?.(false);
    stdin.pause();
    finish();
  };
  const onData = (chunk: Buffer | string): void => {
    // What terminals put around a text that is pasted.
    for (const character of chunk.toString().replaceAll(/\u001b\[20[01]~/g, "")) {
      if (character === interrupt) return end(() => reject(new AppError("RUN_001", "It was given up.")));
      if (character === "\r" || character === "\n" || character === endOfInput) return end(() => resolve(text));
      if (character === backspace || character === deleteKey) text = [...text].slice(0, -1).join("");
      else if (character >= " ") text += character;
    }
    return undefined;
  };
  stdin.setRawMode?.(true);
  stdin.on("data", onData);
  stdin.resume();
  return promise;
}
