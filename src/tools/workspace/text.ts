/** What the bytes of a file are: text in which encoding, or what else. Text keeps its byte order mark and its encoding. */
import { AppError } from "../../domain/app-error.ts";
import { visibleName } from "./visible-name.ts";

export type Encoding = "utf-8" | "utf-16le" | "utf-16be";

export interface TextForm {
  readonly encoding: Encoding;
  /** The mark at its beginning; empty where it has none. */
  readonly mark: Uint8Array;
}

export type FileContent =
  | { readonly kind: "text"; readonly form: TextForm }
  /** `what`: `PNG image`, `ZIP archive`, `binary file`. */
  | { readonly kind: "image" | "binary"; readonly what: string };

/** Judged by its beginning: a few KiB are enough. */
export function contentOf(head: Buffer): FileContent {
  const known = signatures.find(({ bytes, at = 0 }) => head.subarray(at, at + bytes.length).equals(bytes));
  if (known !== undefined) return { kind: known.kind, what: known.what };
  const marked = marks.find(({ mark }) => head.subarray(0, mark.length).equals(mark));
  if (marked !== undefined) return { kind: "text", form: marked };
  if (head.includes(0)) return { kind: "binary", what: "binary file" };
  return { kind: "text", form: { encoding: "utf-8", mark: Buffer.alloc(0) } };
}

/** Of a whole file that is to be changed. Throws RUN_003 where it is no text, or text that would not survive the way back. */
export function decodeText(data: Buffer, name: string): { text: string; form: TextForm } {
  const content = contentOf(data);
  if (content.kind !== "text") {
    throw new AppError(
      "RUN_003",
      `${visibleName(name)} is a ${content.what}, not text; it cannot be changed this way.`,
    );
  }
  const { form } = content;
  try {
    const text = new TextDecoder(form.encoding, { fatal: true, ignoreBOM: true }).decode(
      data.subarray(form.mark.length),
    );
    return { text, form };
  } catch (cause) {
    throw new AppError(
      "RUN_003",
      `${visibleName(name)} is not valid ${form.encoding.toUpperCase()} text; changing it would damage it. Write it anew, or use a command.`,
      { cause },
    );
  }
}

export function encodeText(text: string, form: TextForm): Buffer {
  if (form.encoding === "utf-8") return Buffer.concat([form.mark, Buffer.from(text)]);
  const units = Buffer.from(text, "utf16le");
  return Buffer.concat([form.mark, form.encoding === "utf-16be" ? units.swap16() : units]);
}

const marks: readonly TextForm[] = [
  { encoding: "utf-8", mark: Buffer.from([0xef, 0xbb, 0xbf]) },
  { encoding: "utf-16le", mark: Buffer.from([0xff, 0xfe]) },
  { encoding: "utf-16be", mark: Buffer.from([0xfe, 0xff]) },
];

interface Signature {
  readonly kind: "image" | "binary";
  readonly what: string;
  readonly bytes: Buffer;
  readonly at?: number;
}

const ascii = (text: string): Buffer => Buffer.from(text, "latin1");

const signatures: readonly Signature[] = [
  { kind: "image", what: "PNG image", bytes: ascii("\u0089PNG\r\n\u001a\n") },
  { kind: "image", what: "JPEG image", bytes: ascii("\u00ff\u00d8\u00ff") },
  { kind: "image", what: "GIF image", bytes: ascii("GIF8") },
  { kind: "image", what: "WebP image", bytes: ascii("WEBP"), at: 8 },
  { kind: "binary", what: "PDF document", bytes: ascii("%PDF-") },
  { kind: "binary", what: "ZIP archive", bytes: ascii("PK\u0003\u0004") },
  { kind: "binary", what: "gzip archive", bytes: ascii("\u001f\u008b") },
  { kind: "binary", what: "program", bytes: ascii("\u007fELF") },
  { kind: "binary", what: "SQLite database", bytes: ascii("SQLite format 3\u0000") },
];
