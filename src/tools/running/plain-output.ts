/** Makes text of what a command wrote: for a model that reads it, and a person who reads it in a terminal after that. */
import type { CappedOutput, OutputCaps } from "./capped-output.ts";

/** The text, with a note where something was left out; empty where nothing was written. */
export function plainOutput(output: CappedOutput, caps: OutputCaps): string {
  const { head, tail, leftOutBytes } = output.read();
  if (leftOutBytes === 0) return capText(readable(Buffer.concat([head, tail])), caps);
  const beginning = capText(readable(head), { headBytes: caps.headBytes, tailBytes: 0 });
  const end = capText(readable(tail), { headBytes: 0, tailBytes: caps.tailBytes });
  return `${beginning}\n[… ${leftOutBytes} bytes left out …]\n${end}`;
}

// oxlint-disable-next-line eslint/no-control-regex -- Escape sequences are what it takes out.
const escapeSequences =
  /\u001b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[ -/]*[0-~])|\u009b[0-?]*[ -/]*[@-~]/g;

/** Control characters but line breaks and tabs, and what turns the direction of what is shown. */
// oxlint-disable-next-line eslint/no-control-regex -- They are what it takes out.
const unseen = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g;

function readable(bytes: Uint8Array): string {
  return (
    new TextDecoder("utf-8", { ignoreBOM: true })
      .decode(bytes)
      .replaceAll(escapeSequences, "")
      .replaceAll(/\r+\n/g, "\n")
      // A progress bar writes over its own line: what stands there last is what a person would have seen.
      .replaceAll(/[^\n]*\r(?=[^\n])/g, "")
      .replaceAll(unseen, "")
      .replaceAll(/\ufffd{2,}/g, "\ufffd")
  );
}

/** What was not text can be longer as text than it was as bytes. */
function capText(text: string, { headBytes, tailBytes }: OutputCaps): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= headBytes + tailBytes) return text;
  const head = bytes.toString("utf8", 0, startOfCharacter(bytes, headBytes));
  const tail = bytes.toString("utf8", startOfCharacter(bytes, bytes.length - tailBytes));
  return `${head}\n[… ${bytes.length - headBytes - tailBytes} bytes left out …]\n${tail}`;
}

function startOfCharacter(bytes: Buffer, at: number): number {
  let start = at;
  while (start < bytes.length && ((bytes[start] ?? 0) & 0xc0) === 0x80) start += 1;
  return start;
}
