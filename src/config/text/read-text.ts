/**
 * JSON5 text to a plain value. Refuses what is too large or too deep, says the line of a mistake, and takes
 * `__proto__` out: a key of a file must not become what every object inherits.
 */
import JSON5 from "json5";
import { AppError } from "../../domain/app-error.ts";
import { limits } from "../../domain/limits.ts";
import { isRecord } from "../dot-path.ts";

/** Throws CFG_001 with the file's name and the line. Never quotes the text: it may be a secret. */
export function readText(text: string, file: string): unknown {
  if (text.length > limits.configBytes) {
    throw new AppError("CFG_001", `${file} is larger than ${limits.configBytes} bytes.`, { details: { file } });
  }
  try {
    // A byte order mark is white space in JSON5, but editors' marks are not worth an argument with any parser.
    return plain(JSON5.parse(text), 0);
  } catch (error) {
    if (error instanceof AppError) throw error;
    const { line, column } = positionOf(error);
    const where = line === null ? "" : ` at line ${line}, column ${column ?? 1}`;
    throw new AppError("CFG_001", `${file} is not valid JSON5${where}.`, {
      details: { file, line, column },
      cause: bare(error),
    });
  }
}

function plain(value: unknown, depth: number): unknown {
  if (depth > limits.jsonDepth) throw new AppError("CFG_001", `Nested deeper than ${limits.jsonDepth} levels.`);
  if (Array.isArray(value)) return value.map((element) => plain(element, depth + 1));
  if (!isRecord(value)) return value;
  const copy: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value)) if (key !== "__proto__") copy[key] = plain(inner, depth + 1);
  return copy;
}

function positionOf(error: unknown): { line: number | null; column: number | null } {
  const found = error as { lineNumber?: unknown; columnNumber?: unknown };
  return {
    line: typeof found.lineNumber === "number" ? found.lineNumber : null,
    column: typeof found.columnNumber === "number" ? found.columnNumber : null,
  };
}

/** The parser's message quotes the character it stumbled over and nothing more; its stack is of no use. */
function bare(error: unknown): string {
  return error instanceof Error ? error.name : "unknown";
}
