/**
 * Takes secrets out of whatever is about to be written or shown: known values, values under a telling name, tokens by
 * their shape, and credentials in addresses. Every step takes time in proportion to the text, whatever the text is.
 * It is the last net, not the fence: what need not be logged is not handed to it.
 */
import { limits } from "../domain/limits.ts";

export interface Redactor {
  /** From now on this value is taken out wherever it appears. Values under six characters would blank ordinary words. */
  add(secret: string): void;
  text(text: string): string;
  /** Takes out the values it was told of and nothing else: a sentence stays one. */
  known(text: string): string;
  /** A copy fit for JSON: bounded in depth and size, errors with their causes, and free of secrets. Never throws. */
  value(value: unknown): unknown;
}

export const redactedMark = "[redacted]";

export function createRedactor(): Redactor {
  // Longest first: a secret that begins with another one must not leave its end behind.
  let secrets: readonly string[] | null = [];
  /** Each with its forms, in the order in which they were told last. */
  const known = new Map<string, readonly string[]>();

  function add(secret: string): void {
    if (secret.length < shortestSecretChars) return;
    const forms = known.get(secret);
    known.delete(secret);
    known.set(secret, forms ?? formsOf(secret));
    if (forms !== undefined) return;
    // A token that is renewed every hour would fill the memory and slow every line, in a year or two.
    for (const oldest of known.keys()) {
      if (known.size <= limits.redactedValues) break;
      known.delete(oldest);
    }
    secrets = null;
  }

  function longestFirst(): readonly string[] {
    secrets ??= [...new Set([...known.values()].flat())].sort((left, right) => right.length - left.length);
    return secrets;
  }

  function withoutKnown(input: string): string {
    let output = input;
    for (const secret of longestFirst())
      if (secret.length <= output.length && output.includes(secret)) output = output.replaceAll(secret, redactedMark);
    return output;
  }

  function text(input: string): string {
    const cut = input.length > longestTextChars;
    const output = redactByShape(withoutKnown(cut ? input.slice(0, longestTextChars) : input));
    // The cut may have gone through a secret, whose first half nothing recognises.
    return cut ? `${output.slice(0, -overlapChars)}… (${input.length - longestTextChars + overlapChars} more)` : output;
  }

  return {
    add,
    text,
    known: withoutKnown,
    value: (value) => copy(value, { text, ancestors: [], budget: { nodes: largestCopyNodes } }),
  };
}

/** As it stands in an address, in JSON, in hexadecimal digits and in base64, wherever in a longer text that begins. */
function formsOf(secret: string): readonly string[] {
  const plain = [secret, encodeURIComponent(secret.toWellFormed()), JSON.stringify(secret).slice(1, -1)];
  const bytes = Buffer.from(secret, "utf8");
  const hex = bytes.toString("hex");
  // Each place of a group of three looks different; the characters that its neighbours have a share in are left out.
  const shifted = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes])
      .toString("base64")
      .replace(/=+$/, "");
    const from = before === 0 ? 0 : before + 1;
    const rest = (before + bytes.length) % 3;
    return text.slice(from, rest === 0 ? text.length : text.length - 1);
  });
  const url = shifted.map((text) => text.replaceAll("+", "-").replaceAll("/", "_"));
  return [...plain, hex, ...shifted, ...url].filter((form) => form.length >= shortestSecretChars);
}

/** Whether a field, header or parameter of this name holds a secret: `apiKey`, `x-openclaw-token`, `client_secret` … */
export function isSecretName(name: string): boolean {
  // A shell's own words for where it stands and stood. Taken for secrets, every path below would be unreadable.
  if (name === "PWD" || name === "OLDPWD") return false;
  const plain = name.toLowerCase().replaceAll(/[-_.\s]/g, "");
  // `tokens` are counted, a `token` opens a door; `sessionKey` and its like are names, not keys.
  return plain.endsWith("token") || plain.endsWith("pwd") || secretWords.some((word) => plain.includes(word));
}

const shortestSecretChars = 6;
const longestTextChars = 128 * 1024;
const overlapChars = 1_024;
const largestCopyNodes = 2_000;
const deepestCopy = 8;

const secretWords = [
  "password",
  "passwd",
  "passphrase",
  "secret",
  "apikey",
  "accesskey",
  "privatekey",
  "signingkey",
  "masterkey",
  "encryptionkey",
  "authorization",
  "cookie",
  "credential",
  "bearer",
];

// ---------------------------------------------------------------- text

// Each pattern begins where no character of its own run stands before it, so a run is looked at once: no input makes
// the time grow faster than its length.
const authScheme = /(?<![\w-])(bearer|basic|digest)([ \t]{1,8})([\w.~+/=-]{8,})/gi;
const tokenShapes = new RegExp(
  `(?<![\\w-])(?:${[
    String.raw`sk-[\w-]{16,}`,
    String.raw`xox[a-z]-[\w-]{10,}`,
    String.raw`xapp-[\w-]{10,}`,
    String.raw`gh[opsur]_\w{20,}`,
    String.raw`github_pat_\w{20,}`,
    String.raw`glpat-[\w-]{16,}`,
    String.raw`AIza[\w-]{30,}`,
    String.raw`ya29\.[\w-]{20,}`,
    String.raw`A[KS]IA[A-Z0-9]{16}`,
    String.raw`(?:hf|gsk|npm|r8)_\w{20,}`,
    String.raw`xai-[\w-]{20,}`,
    // Bot tokens of two chat platforms, and JSON web tokens.
    String.raw`\d{8,12}:[\w-]{32,}`,
    String.raw`[MNO][\w-]{23,}\.[\w-]{6}\.[\w-]{27,}`,
    String.raw`eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}`,
  ].join("|")})`,
  "g",
);
const userInfo = /(?<![a-z0-9+.-])([a-z][a-z0-9+.-]{1,20}:\/\/)[^\s/?#"'<>]{1,512}@/gi;
const addressParameter = /([?&#;])([\w.-]{1,64})=([^&\s#;"'<>]+)/g;
const tellingName =
  /passw(?:or)?d|passphrase|secret|(?:api|access|private|signing|master|encryption)[-_ ]?key|authorization|cookie|credential|token/gi;
const addressSecretNames: readonly string[] = ["key", "sig", "signature", "code", "auth", "pass"];
const privateKeyBegin = "-----BEGIN ";
const privateKeyEnd = "-----END ";

function redactByShape(text: string): string {
  return redactNamed(
    redactPrivateKeys(text)
      .replace(authScheme, (whole, scheme: string, gap: string, token: string) =>
        // "Basic authentication" is a phrase; a credential has more than small letters.
        /[A-Z0-9=]/.test(token) ? `${scheme}${gap}${redactedMark}` : whole,
      )
      .replace(tokenShapes, redactedMark)
      .replace(userInfo, `$1${redactedMark}@`)
      .replace(addressParameter, (whole, mark: string, name: string) =>
        isSecretName(name) || addressSecretNames.includes(name.toLowerCase())
          ? `${mark}${name}=${redactedMark}`
          : whole,
      ),
  );
}

function redactPrivateKeys(text: string): string {
  let output = "";
  let from = 0;
  for (let begin = text.indexOf(privateKeyBegin); begin !== -1; begin = text.indexOf(privateKeyBegin, from)) {
    const isPrivate = text.slice(begin, begin + 64).includes("PRIVATE KEY");
    const end = isPrivate ? text.indexOf(privateKeyEnd, begin) : begin;
    output += text.slice(from, begin) + (isPrivate ? redactedMark : privateKeyBegin);
    // A key without an end was cut off: everything behind its beginning is key.
    if (end === -1) return output;
    from = isPrivate ? endOfEndLine(text, end) : end + privateKeyBegin.length;
  }
  return output + text.slice(from);
}

/** Behind the dashes that close `-----END … KEY-----`. */
function endOfEndLine(text: string, end: number): number {
  const name = end + privateKeyEnd.length;
  const dashes = text.slice(name, name + 64).indexOf("-----");
  return dashes === -1 ? name : name + dashes + 5;
}

/** `password=…`, `"apiKey": "…"`, `Authorization: …` anywhere in a text, also inside JSON that is itself a string. */
function redactNamed(text: string): string {
  let output = "";
  let from = 0;
  tellingName.lastIndex = 0;
  for (let hit = tellingName.exec(text); hit !== null; hit = tellingName.exec(text)) {
    const value = valueAfter(text, hit.index, tellingName.lastIndex);
    if (value === null) continue;
    output += text.slice(from, value.start) + redactedMark;
    from = value.end;
    tellingName.lastIndex = value.end;
  }
  return output + text.slice(from);
}

const separator = /(["'\\]{0,4})\s{0,3}[:=]\s{0,3}(["'\\]{0,4})/y;
const nameRest = /[\w-]{0,32}/y;
const plainValue = /[^\s,;&}\])"'<>\\]{1,8192}/y;
const quotedValue = /[^"'\\\r\n]{1,8192}/y;
const lineValue = /[^\r\n"']{1,8192}/y;

/** Where the value begins and ends that this name announces; null where it announces none. */
function valueAfter(text: string, nameStart: number, nameEnd: number): { start: number; end: number } | null {
  const rest = stickyMatch(nameRest, text, nameEnd)?.[0] ?? "";
  const name = text.slice(nameStart, nameEnd + rest.length);
  if (!isSecretName(name)) return null;
  const between = stickyMatch(separator, text, nameEnd + rest.length);
  if (between === null) return null;
  const start = nameEnd + rest.length + between[0].length;
  const isHeader = /authorization|cookie/i.test(name);
  const pattern = isHeader ? lineValue : (between[2] ?? "") === "" ? plainValue : quotedValue;
  const value = stickyMatch(pattern, text, start)?.[0] ?? "";
  // A reference like ${NAME} says where a secret is, not what it is.
  if (value.length < 4 || value.startsWith("${") || text.startsWith(redactedMark, start)) return null;
  return { start, end: start + value.length };
}

function stickyMatch(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

// ---------------------------------------------------------------- values

interface CopyContext {
  readonly text: (text: string) => string;
  readonly ancestors: readonly object[];
  readonly budget: { nodes: number };
}

function copy(value: unknown, context: CopyContext): unknown {
  context.budget.nodes -= 1;
  if (context.budget.nodes < 0) return "[more]";
  switch (typeof value) {
    case "string":
      return context.text(value);
    case "number":
      return Number.isFinite(value) ? value : String(value);
    case "bigint":
      return String(value);
    case "boolean":
    case "undefined":
      return value;
    case "function":
    case "symbol":
      return `[${typeof value}]`;
    case "object":
      return value === null ? null : copyObject(value, context);
  }
}

function copyObject(value: object, outer: CopyContext): unknown {
  if (outer.ancestors.includes(value)) return "[circular]";
  if (outer.ancestors.length >= deepestCopy) return "[deeper]";
  const context = { ...outer, ancestors: [...outer.ancestors, value] };
  try {
    if (value instanceof Error) return copyError(value, context);
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`;
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? "[invalid date]" : value.toISOString();
    if (value instanceof URL) return context.text(value.href);
    if (value instanceof Map)
      return copyEntries(
        [...value].map(([key, item]) => [String(key), item]),
        context,
      );
    if (value instanceof Set) return [...value].map((item) => copy(item, context));
    if (Array.isArray(value)) return value.map((item) => copy(item, context));
    return copyEntries(Object.entries(value), context);
  } catch (error) {
    // A getter or a proxy of somebody else's may throw; the rest of the line is still worth having.
    return `[unreadable: ${context.text(String(error))}]`;
  }
}

function copyEntries(entries: readonly (readonly [string, unknown])[], context: CopyContext): unknown {
  return Object.fromEntries(
    entries.map(([name, item]) => {
      const hidden =
        isSecretName(name) && item !== null && item !== undefined && item !== "" && typeof item !== "boolean";
      return [context.text(name), hidden ? redactedMark : copy(item, context)];
    }),
  );
}

/** Name, message, stack and cause do not show in the entries of an error, and are what one wants to read. */
function copyError(error: Error, context: CopyContext): unknown {
  const { name, message, stack, cause } = error;
  const own = Object.entries(error).filter(([key]) => key !== "name" && key !== "message" && key !== "stack");
  const entries: [string, unknown][] = [["name", name], ["message", message], ...own, ["stack", stack]];
  if (cause !== undefined) entries.push(["cause", cause]);
  return copyEntries(
    entries.filter(([, item]) => item !== undefined),
    context,
  );
}
