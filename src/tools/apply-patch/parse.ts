/** Reads a patch in the envelope that models know (`*** Begin Patch` … `*** End Patch`). Looks at no file. */
import { AppError } from "../../domain/app-error.ts";
import { limits } from "../../domain/limits.ts";

export interface HunkLine {
  readonly sign: " " | "-" | "+";
  readonly text: string;
}

export interface Hunk {
  /** Lines that stand above it in the file, in this order: what was written behind `@@`. */
  readonly headers: readonly string[];
  readonly lines: readonly HunkLine[];
  /** It ends where the file ends. */
  readonly isAtEnd: boolean;
}

export type PatchPart =
  | { readonly kind: "add"; readonly path: string; readonly text: string }
  | { readonly kind: "delete"; readonly path: string }
  | { readonly kind: "update"; readonly path: string; readonly moveTo: string | null; readonly hunks: readonly Hunk[] };

/** Every path in it, those that files are moved to as well. */
export function pathsOf(parts: readonly PatchPart[]): readonly string[] {
  return parts.flatMap((part) =>
    part.kind === "update" && part.moveTo !== null ? [part.path, part.moveTo] : [part.path],
  );
}

/** Throws RUN_003 with the number of the line that is wrong. */
export function parsePatch(patch: string): readonly PatchPart[] {
  const parser = new PatchParser(patch.split("\n").map((line) => line.replace(/\r$/, "")));
  const parts = parser.parts();
  if (parts.length === 0) throw new AppError("RUN_003", "The patch changes no file.");
  if (parts.length > limits.patchFiles) {
    throw new AppError(
      "RUN_003",
      `The patch names ${parts.length} files; one call takes ${limits.patchFiles} at most.`,
    );
  }
  return parts;
}

const marks = {
  begin: "*** Begin Patch",
  end: "*** End Patch",
  add: "*** Add File: ",
  delete: "*** Delete File: ",
  update: "*** Update File: ",
  move: "*** Move to: ",
  endOfFile: "*** End of File",
};

class PatchParser {
  readonly #lines: readonly string[];
  #at = 0;

  constructor(lines: readonly string[]) {
    this.#lines = lines;
  }

  parts(): readonly PatchPart[] {
    this.#skipBlank();
    if (this.#peek()?.trimEnd() !== marks.begin) throw this.#wrong(`the patch must begin with "${marks.begin}"`);
    this.#at += 1;
    const parts: PatchPart[] = [];
    for (;;) {
      this.#skipBlank();
      const line = this.#peek();
      if (line === undefined) throw this.#wrong(`the patch must end with "${marks.end}"`);
      if (line.trimEnd() === marks.end) break;
      parts.push(this.#part(line));
    }
    this.#at += 1;
    this.#skipBlank();
    if (this.#peek() !== undefined) throw this.#wrong(`nothing may follow "${marks.end}"`);
    return parts;
  }

  #part(line: string): PatchPart {
    for (const kind of ["add", "delete", "update"] as const) {
      if (!line.startsWith(marks[kind])) continue;
      const path = this.#path(line, marks[kind]);
      this.#at += 1;
      if (kind === "delete") return { kind, path };
      return kind === "add" ? { kind, path, text: this.#added() } : this.#update(path);
    }
    throw this.#wrong(`"${marks.add}", "${marks.update}" or "${marks.delete}" with a path must stand here`);
  }

  #path(line: string, mark: string): string {
    // Not trimmed: a blank at its end would be another file's name.
    const path = line.slice(mark.length);
    if (path.trim() === "") throw this.#wrong("a path is missing");
    return path;
  }

  #added(): string {
    let text = "";
    for (let line = this.#peek(); line !== undefined && !line.startsWith("*** "); line = this.#peek()) {
      if (line === "") {
        // A blank line between two parts; within a file it is written with its sign.
        this.#skipBlank();
        if (this.#peek()?.startsWith("*** ") !== true) throw this.#wrong("each line of a new file must begin with +");
        break;
      }
      if (!line.startsWith("+")) throw this.#wrong("each line of a new file must begin with +");
      text += `${line.slice(1)}\n`;
      this.#at += 1;
    }
    return text;
  }

  #update(path: string): PatchPart {
    let moveTo: string | null = null;
    const line = this.#peek();
    if (line?.startsWith(marks.move) === true) {
      moveTo = this.#path(line, marks.move);
      this.#at += 1;
    }
    const hunks: Hunk[] = [];
    for (let next = this.#peek(); next !== undefined && !this.#endsPart(next); next = this.#peek()) {
      if (next === "") this.#skipBlank();
      else hunks.push(this.#hunk());
    }
    if (hunks.length === 0 && moveTo === null) throw this.#wrong(`nothing is said of what changes in ${path}`);
    return { kind: "update", path, moveTo, hunks };
  }

  #hunk(): Hunk {
    const headers: string[] = [];
    for (let line = this.#peek(); line?.startsWith("@@") === true; line = this.#peek()) {
      const header = headerOf(line);
      if (header !== "") headers.push(header);
      this.#at += 1;
    }
    const lines: HunkLine[] = [];
    let isAtEnd = false;
    /** Lines without any sign at the end: blank ones between two hunks, not of the file. */
    let bare = 0;
    for (let line = this.#peek(); line !== undefined; line = this.#peek()) {
      if (line.trimEnd() === marks.endOfFile) {
        isAtEnd = true;
        this.#at += 1;
        break;
      }
      if (line.startsWith("@@") || this.#endsPart(line)) break;
      lines.push(this.#hunkLine(line));
      bare = line === "" ? bare + 1 : 0;
      this.#at += 1;
    }
    const kept = lines.slice(0, lines.length - bare);
    if (!kept.some(({ sign }) => sign !== " ")) throw this.#wrong("the part before this line changes nothing");
    return { headers, lines: kept, isAtEnd };
  }

  #hunkLine(line: string): HunkLine {
    const sign = line[0] ?? " ";
    if (sign !== " " && sign !== "-" && sign !== "+") {
      throw this.#wrong("a line of a change must begin with a blank, - or +");
    }
    return { sign, text: line.slice(1) };
  }

  #endsPart(line: string): boolean {
    return line.startsWith("*** ") && line.trimEnd() !== marks.endOfFile;
  }

  #skipBlank(): void {
    while (this.#peek()?.trim() === "") this.#at += 1;
  }

  #peek(): string | undefined {
    return this.#lines[this.#at];
  }

  #wrong(what: string): AppError {
    return new AppError("RUN_003", `The patch cannot be read: line ${this.#at + 1}: ${what}. Nothing was changed.`);
  }
}

/** Line numbers that other formats write there say nothing that the lines themselves do not. */
function headerOf(line: string): string {
  return line
    .slice(2)
    .replace(/^\s*-\d+(?:,\d+)?\s+\+\d+(?:,\d+)?\s*@@/, "")
    .trim();
}
