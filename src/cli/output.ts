/** Where a command's words go: results to standard output, everything else to standard error, JSON where it is asked for. */
import { styleText } from "node:util";
import type { AppError } from "../domain/app-error.ts";

export interface Output {
  /** True when the caller is a program. */
  readonly json: boolean;
  /** The result: as JSON, or as the text that `text` makes of it. */
  result<T>(value: T, text: (value: T) => string): void;
  /** Text that is part of the result, as it comes; nothing is added. Not for JSON. */
  write(text: string): void;
  /** A remark for a person; never part of the result. */
  note(text: string): void;
  /** `remedy` replaces the general one of the error's row. */
  failure(error: AppError, remedy?: string): void;
  /** Columns, aligned; widths by what a terminal shows. */
  table(head: readonly string[], rows: readonly (readonly string[])[]): string;
  bold(text: string): string;
  dim(text: string): string;
}

export interface OutputStreams {
  readonly stdout: { write(text: string): unknown; readonly isTTY?: boolean };
  readonly stderr: { write(text: string): unknown };
}

export function createOutput(streams: OutputStreams, options: { json: boolean; colour: boolean }): Output {
  const { stdout, stderr } = streams;
  const paint = (style: "bold" | "dim" | "red", text: string): string =>
    options.colour ? styleText(style, text) : text;
  return {
    json: options.json,
    result(value, text) {
      stdout.write(`${options.json ? JSON.stringify(value, null, 2) : printable(text(value))}\n`);
    },
    write: (text) => void stdout.write(printable(text)),
    note: (text) => void stderr.write(`${printable(text)}\n`),
    failure(error, remedy = error.row.remedy) {
      if (options.json) {
        stdout.write(`${JSON.stringify({ ok: false, error: { ...error.toJSON(), remedy } }, null, 2)}\n`);
        return;
      }
      stderr.write(`${paint("red", "openclaw:")} ${printable(error.message)} (${error.code})\n${remedy}\n`);
    },
    table,
    bold: (text) => paint("bold", text),
    dim: (text) => paint("dim", text),
  };
}

/**
 * Without what a terminal would obey: a model's words, a nick or a line of the log could otherwise clear the screen or
 * fill the clipboard. Line breaks and tabs stay, and colours, which harm nobody and are our own.
 */
function printable(text: string): string {
  return text.replaceAll(/\u001b(?!\[[\d;]*m)|[\u0000-\u0008\u000b-\u001a\u001c-\u001f\u007f-\u009f]/g, "");
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => [...(row[column] ?? "")].length)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell + " ".repeat(Math.max(0, (widths[column] ?? 0) - [...cell].length)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
