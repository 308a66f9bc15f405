/**
 * The parameters of one call, read as leniently as the real server reads them: whatever the encoding, a value is text
 * that is looked at again by whoever needs a number, a flag or an object. Judges no value.
 */

export interface UploadedFile {
  readonly fileName: string;
  readonly mimeType: string;
  readonly bytes: Uint8Array;
}

/** What `json` returns for text that is no JSON. */
export const notJson: unique symbol = Symbol("not JSON");

export class Params {
  readonly values: Readonly<Record<string, unknown>>;
  readonly #files: ReadonlyMap<string, UploadedFile>;

  constructor(values: Readonly<Record<string, unknown>>, files: ReadonlyMap<string, UploadedFile>) {
    this.values = values;
    this.#files = files;
  }

  /** Empty where absent; an object as its JSON. */
  text(name: string): string {
    const value = this.values[name];
    if (value === undefined || value === null) return "";
    return typeof value === "string" ? value : JSON.stringify(value);
  }

  /** 0 where absent; the number that the text begins with, as the real server's `to_integer` does. */
  integer(name: string): number {
    const number = Number.parseInt(this.text(name).trim(), 10);
    return Number.isSafeInteger(number) ? number : 0;
  }

  flag(name: string): boolean {
    return /^(true|yes|1)$/i.test(this.text(name).trim());
  }

  /** Undefined where absent or empty, `notJson` where it cannot be read. */
  json(name: string): unknown {
    const value = this.values[name];
    if (value === undefined || value === null || value === "") return undefined;
    if (typeof value !== "string") return value;
    try {
      return JSON.parse(value);
    } catch {
      return notJson;
    }
  }

  /** The part of a multipart body by its field's name. */
  file(name: string): UploadedFile | undefined {
    return this.#files.get(name);
  }

  /** What the log keeps: every value as it came, and a file as its name and size. */
  summary(): Readonly<Record<string, unknown>> {
    if (this.#files.size === 0) return this.values;
    const files = [...this.#files].map(([name, { fileName, mimeType, bytes }]) => [
      name,
      { file_name: fileName, mime_type: mimeType, size: bytes.byteLength },
    ]);
    return { ...this.values, ...Object.fromEntries(files) };
  }
}

/** A plain object, or undefined. */
export function objectOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}
