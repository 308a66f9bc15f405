/**
 * The vault's file: what it says, how it is written, and when it is not one. A text has exactly one meaning and a
 * meaning exactly one text: anything else in the file, were it a space, is a change that we did not make.
 *
 * Every entry is sealed under its scope, name, version and times, so that none can take another's place; the list as a
 * whole carries an authentication code with a counter, so that none can be taken out or put back.
 */
import { AppError } from "../domain/app-error.ts";
import { limits } from "../domain/limits.ts";
import { isSecretName, isSecretScope, type SecretScope } from "../domain/secret-scope.ts";
import {
  authenticate,
  deriveKey,
  derivationBytes,
  isAuthentic,
  largestDerivationBytes,
  type KeyDerivation,
} from "../platform/sealing.ts";
import { keySourceIds, type KeySourceId } from "./key-sources/contract.ts";

export interface VaultDocument {
  /** Of this vault for as long as it exists. */
  readonly id: string;
  /** Rises with every write. */
  readonly counter: number;
  readonly key: WrappedKey;
  /** By scope, then name; each pair once. */
  readonly entries: readonly VaultEntry[];
}

/** The data key, sealed with the master key. */
export interface WrappedKey {
  readonly source: KeySourceId;
  /** How the master key comes from a passphrase; null where it is a key already. */
  readonly derivation: KeyDerivation | null;
  /** Says of a master key whether it is the one, before anything is opened with it. */
  readonly check: string;
  readonly wrapped: Buffer;
}

export interface VaultEntry {
  readonly scope: SecretScope;
  readonly name: string;
  /** 1 for the first value, and one more for each that follows. */
  readonly version: number;
  readonly createdMs: number;
  readonly updatedMs: number;
  readonly expiresMs: number | null;
  readonly sealed: Buffer;
}

const format = "openclaw-vault";
const formatVersion = 1;

export function formatDocument(document: VaultDocument, dataKey: Uint8Array): string {
  const body = bodyOf(document);
  const mac = authenticate(listKey(dataKey), JSON.stringify(body)).toString("base64");
  return textOf(body, mac);
}

export interface ParsedVault {
  readonly document: VaultDocument;
  /** False where the list is not what was written with this data key. */
  isAuthentic(dataKey: Uint8Array): boolean;
}

/** Throws VAULT_002 for anything that `formatDocument` would not have written. */
export function parseDocument(text: string, file: string): ParsedVault {
  try {
    const raw = objectOf(JSON.parse(text));
    const document = documentOf(raw);
    const body = bodyOf(document);
    const mac = bytesOf(raw["mac"]);
    if (textOf(body, mac.toString("base64")) !== text) throw notOurs("not as it was written");
    return { document, isAuthentic: (dataKey) => isAuthentic(listKey(dataKey), JSON.stringify(body), mac) };
  } catch (error) {
    throw new AppError("VAULT_002", `${file} is not a vault, or not whole; it is left as it is.`, { cause: error });
  }
}

/** What an entry's value is sealed under. */
export function entryContext(vaultId: string, entry: Omit<VaultEntry, "sealed">): string {
  const { scope, name, version, createdMs, updatedMs, expiresMs } = entry;
  return JSON.stringify([format, formatVersion, vaultId, scope, name, version, createdMs, updatedMs, expiresMs]);
}

/** What the data key is sealed under. */
export function keyContext(vaultId: string, key: Omit<WrappedKey, "wrapped">): string {
  const derivation = writtenDerivation(key.derivation);
  return JSON.stringify([format, formatVersion, vaultId, "data key", key.source, derivation, key.check]);
}

export function compareEntries(
  left: Pick<VaultEntry, "scope" | "name">,
  right: Pick<VaultEntry, "scope" | "name">,
): number {
  if (left.scope !== right.scope) return left.scope < right.scope ? -1 : 1;
  if (left.name === right.name) return 0;
  return left.name < right.name ? -1 : 1;
}

function listKey(dataKey: Uint8Array): Buffer {
  return deriveKey(dataKey, "openclaw vault: list of entries");
}

// ---------------------------------------------------------------- writing

/** In this order, always. */
function bodyOf({ id, counter, key, entries }: VaultDocument): Record<string, unknown> {
  return {
    format,
    version: formatVersion,
    id,
    counter,
    key: {
      source: key.source,
      derivation: writtenDerivation(key.derivation),
      check: key.check,
      wrapped: key.wrapped.toString("base64"),
    },
    entries: entries.map((entry) => ({
      scope: entry.scope,
      name: entry.name,
      version: entry.version,
      createdMs: entry.createdMs,
      updatedMs: entry.updatedMs,
      expiresMs: entry.expiresMs,
      sealed: entry.sealed.toString("base64"),
    })),
  };
}

/** In this order too, wherever it comes from: the key is sealed under it. */
function writtenDerivation(derivation: KeyDerivation | null): Record<string, unknown> | null {
  if (derivation === null) return null;
  const { salt, cost, blockSize, parallelization } = derivation;
  return { salt: salt.toString("base64"), cost, blockSize, parallelization };
}

function textOf(body: Record<string, unknown>, mac: string): string {
  return `${JSON.stringify({ ...body, mac }, null, 1)}\n`;
}

// ---------------------------------------------------------------- reading

type Raw = Readonly<Record<string, unknown>>;

function documentOf(raw: Raw): VaultDocument {
  if (raw["format"] !== format) throw notOurs("another format");
  if (raw["version"] !== formatVersion) throw notOurs("another version");
  const list = raw["entries"];
  if (!Array.isArray(list) || list.length > limits.vaultEntries) throw notOurs("no list of entries");
  const entries = list.map((one) => entryOf(objectOf(one)));
  const inOrder = entries.every((entry, at) => at === 0 || compareEntries(entries[at - 1] as VaultEntry, entry) < 0);
  if (!inOrder) throw notOurs("entries out of order");
  return { id: hexOf(raw["id"]), counter: wholeOf(raw["counter"]), key: keyOf(objectOf(raw["key"])), entries };
}

function keyOf(raw: Raw): WrappedKey {
  const source = keySourceIds.find((id) => id === raw["source"]);
  if (source === undefined) throw notOurs("an unknown source of the key");
  const derivation = raw["derivation"] === null ? null : derivationOf(objectOf(raw["derivation"]));
  return { source, derivation, check: hexOf(raw["check"]), wrapped: bytesOf(raw["wrapped"]) };
}

/** Bounded: a file must not be able to make its reader work for hours. */
function derivationOf(raw: Raw): KeyDerivation {
  const cost = wholeOf(raw["cost"]);
  const blockSize = wholeOf(raw["blockSize"]);
  const parallelization = wholeOf(raw["parallelization"]);
  const isCost = cost >= 2 ** 10 && Number.isInteger(Math.log2(cost));
  const isReason = derivationBytes({ cost, blockSize, parallelization }) <= largestDerivationBytes;
  if (!isCost || !isReason || blockSize < 1 || parallelization < 1 || parallelization > 16)
    throw notOurs("a cost beyond reason");
  const salt = bytesOf(raw["salt"]);
  if (salt.length < 16 || salt.length > 64) throw notOurs("a salt of another length");
  return { salt, cost, blockSize, parallelization };
}

function entryOf(raw: Raw): VaultEntry {
  const { scope, name } = raw;
  if (typeof scope !== "string" || !isSecretScope(scope)) throw notOurs("no scope");
  if (typeof name !== "string" || !isSecretName(name)) throw notOurs("no name");
  return {
    scope,
    name,
    version: wholeOf(raw["version"]),
    createdMs: wholeOf(raw["createdMs"]),
    updatedMs: wholeOf(raw["updatedMs"]),
    expiresMs: raw["expiresMs"] === null ? null : wholeOf(raw["expiresMs"]),
    sealed: bytesOf(raw["sealed"]),
  };
}

/** Named for the cause alone: the file as a whole is what is refused. */
function notOurs(what: string): AppError {
  return new AppError("VAULT_002", what);
}

function objectOf(value: unknown): Raw {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw notOurs("no object");
  return value as Raw;
}

function wholeOf(value: unknown): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) throw notOurs("no whole number");
  return value;
}

function hexOf(value: unknown): string {
  if (typeof value !== "string" || !/^[0-9a-f]{32}$/.test(value)) throw notOurs("no id");
  return value;
}

/** The decoder forgives what it does not know; writing the bytes again shows whether it had to. */
function bytesOf(value: unknown): Buffer {
  const bytes = typeof value === "string" ? Buffer.from(value, "base64") : null;
  if (bytes === null || bytes.length === 0) throw notOurs("no bytes");
  return bytes;
}
