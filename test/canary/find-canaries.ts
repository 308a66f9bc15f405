/**
 * Looks for secrets in bytes, whatever they are written in: as they are, in base64 at any place, in hexadecimal digits,
 * as part of an address, in JSON (once and twice), in UTF-16. A folder is looked through whole: every file, raw.
 */
import { readFile, readdir } from "node:fs/promises";
import path from "node:path";

export interface Finding {
  readonly canary: string;
  readonly form: string;
  /** Where, for whoever has to mend it. */
  readonly place: string;
  readonly around: string;
}

interface Needle {
  readonly canary: string;
  readonly form: string;
  readonly bytes: Buffer;
}

/** `canaries`: by the name of the place where each was planted. */
export function needlesOf(canaries: Readonly<Record<string, string>>): readonly Needle[] {
  return Object.entries(canaries).flatMap(([canary, value]) =>
    Object.entries(formsOf(value)).map(([form, bytes]) => ({ canary, form, bytes })),
  );
}

export function findIn(data: Uint8Array | string, place: string, needles: readonly Needle[]): readonly Finding[] {
  const haystack = Buffer.from(data);
  return needles.flatMap(({ canary, form, bytes }) => {
    const at = haystack.indexOf(bytes);
    if (at === -1) return [];
    const around = haystack.subarray(Math.max(0, at - 80), at + bytes.length + 40).toString("latin1");
    return [{ canary, form, place, around }];
  });
}

/** `isExcused`: a file that may hold one, such as what the person wrote by hand. */
export async function findInFolder(
  folder: string,
  needles: readonly Needle[],
  isExcused: (file: string) => boolean = () => false,
): Promise<{ readonly findings: readonly Finding[]; readonly files: readonly string[] }> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  const findings: Finding[] = [];
  for (const file of files) {
    const name = path.relative(folder, file);
    // A name may tell as much as what stands in the file.
    findings.push(...findIn(name, `the name of ${name}`, needles));
    if (!isExcused(name)) findings.push(...findIn(await readFile(file), name, needles));
  }
  return { findings, files: files.map((file) => path.relative(folder, file)) };
}

function formsOf(value: string): Readonly<Record<string, Buffer>> {
  const bytes = Buffer.from(value, "utf8");
  const once = JSON.stringify(value).slice(1, -1);
  const forms: Record<string, string | Buffer> = {
    plain: bytes,
    json: once,
    "json in json": JSON.stringify(once).slice(1, -1),
    uri: encodeURIComponent(value),
    "uri in uri": encodeURIComponent(encodeURIComponent(value)),
    hex: bytes.toString("hex"),
    HEX: bytes.toString("hex").toUpperCase(),
    "utf-16": Buffer.from(value, "utf16le"),
    reversed: Buffer.from(bytes.toReversed()),
  };
  for (const before of [0, 1, 2]) {
    const text = Buffer.concat([Buffer.alloc(before), bytes])
      .toString("base64")
      .replace(/=+$/, "");
    const inner = text.slice(before === 0 ? 0 : before + 1, (before + bytes.length) % 3 === 0 ? undefined : -1);
    forms[`base64+${before}`] = inner;
    forms[`base64url+${before}`] = inner.replaceAll("+", "-").replaceAll("/", "_");
  }
  return Object.fromEntries(Object.entries(forms).map(([form, text]) => [form, Buffer.from(text as string)]));
}
