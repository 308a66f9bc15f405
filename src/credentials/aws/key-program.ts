/** `credential_process`: a program that prints keys. Its words are words: no shell reads them. */
import { limits } from "../../domain/limits.ts";
import { run } from "../../platform/subprocess.ts";
import { readKeyDocument, type AwsKeys } from "./key-document.ts";
import { noKeys } from "./metadata.ts";

/** Throws MODEL_002 where it fails or prints something else. What it prints is never shown: it may hold keys. */
export async function keysOfProgram(command: string, variables: Readonly<Record<string, string>>): Promise<AwsKeys> {
  const argv = wordsOf(command);
  if (argv === null) throw noKeys("The credential_process of AWS's configuration has an open quote.");
  const result = await run(argv, {
    env: environmentFor(variables),
    timeoutMs: limits.awsProcessMs,
    maxOutputBytes: limits.credentialAnswerBytes,
  }).catch((error: unknown) => {
    throw noKeys(`The credential_process ${argv[0] ?? ""} could not be run.`, error);
  });
  if (result.exitCode !== 0) throw noKeys(`The credential_process ${argv[0] ?? ""} ended with ${result.exitCode}.`);
  const keys = readKeyDocument(result.stdout.toString("utf8"));
  if (keys === null) throw noKeys(`What the credential_process ${argv[0] ?? ""} printed holds no keys.`);
  return keys;
}

/** Splits at blanks, outside of quotes; null where a quote is not closed. On Windows a backslash is a path's. */
export function wordsOf(command: string): readonly string[] | null {
  const words: string[] = [];
  let word: string | null = null;
  let quote: string | null = null;
  for (const character of command) {
    if (quote !== null) {
      if (character === quote) quote = null;
      else word += character;
    } else if (character === '"' || character === "'") {
      quote = character;
      word ??= "";
    } else if (/\s/.test(character)) {
      if (word !== null) words.push(word);
      word = null;
    } else {
      word = (word ?? "") + character;
    }
  }
  if (quote !== null) return null;
  return word === null ? words : [...words, word];
}

/** What such a program needs to find itself, its home and its way out; none of the keys that are ours. */
function environmentFor(variables: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(variables).filter(([name]) => passedOn.includes(name.toUpperCase()) || name.startsWith("AWS_")),
  );
}

const passedOn: readonly string[] = [
  "PATH",
  "HOME",
  "USER",
  "LOGNAME",
  "LANG",
  "TMPDIR",
  "TEMP",
  "TMP",
  "USERPROFILE",
  "APPDATA",
  "LOCALAPPDATA",
  "SYSTEMROOT",
  "PATHEXT",
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "NO_PROXY",
  "SSL_CERT_FILE",
  "DBUS_SESSION_BUS_ADDRESS",
  "XDG_RUNTIME_DIR",
];
