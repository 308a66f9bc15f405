/**
 * The vault: named secrets in one file, sealed with a data key that is itself sealed with a master key. It reads the
 * file anew for every use, so that a change by another process holds at once; it writes the whole file or nothing, and
 * never over one that it cannot open. There is no way to read across scopes.
 */
import path from "node:path";
import { AppError } from "../domain/app-error.ts";
import { limits } from "../domain/limits.ts";
import { isSecretName, isSecretScope } from "../domain/secret-scope.ts";
import { readFileBounded, writeFileAtomic } from "../platform/atomic-file.ts";
import type { Clock } from "../platform/clock.ts";
import type { Redactor } from "../platform/redact.ts";
import type { ScopedVault, SecretInfo, SecretScope, Vault } from "./contract.ts";
import { createVaultLocks, type VaultLocks } from "./vault-locks.ts";
import type { KeySourceId, NewKey } from "./key-sources/contract.ts";
import { keyFileOnly, keyForNewVault, masterKey, type MasterKeys } from "./master-keys.ts";
import { authenticate, deriveKey, freshBytes, keyBytes, seal, unseal } from "../platform/sealing.ts";
import { tellRedactor } from "./tell-redactor.ts";
import {
  compareEntries,
  entryContext,
  formatDocument,
  keyContext,
  parseDocument,
  type ParsedVault,
  type VaultDocument,
  type VaultEntry,
  type WrappedKey,
} from "./vault-file.ts";

export interface VaultOptions {
  /** Holds the vault and nothing of anybody else's; made, and closed to others, by the first write. */
  readonly folder: string;
  readonly clock: Clock;
  /** Hears every secret before anybody else does. */
  readonly redactor: Pick<Redactor, "add">;
  /** A key file in the folder where none are given. */
  readonly keys?: MasterKeys;
}

export interface VaultHandle extends Vault {
  readonly file: string;
  /** What keeps the master key; null where there is no vault yet. Opens nothing. Throws VAULT_002. */
  keySource(): Promise<KeySourceId | null>;
  /** Opens every entry. Throws VAULT_001 or VAULT_002; resolves where there is no vault. */
  verify(): Promise<void>;
  /** A new master key kept by this source, and a new data key under it; the old master key is forgotten. */
  rekey(to: KeySourceId): Promise<void>;
}

/** Touches no disk. */
export function createVault(options: VaultOptions): VaultHandle {
  return new FileVault(options);
}

export function vaultFileOf(folder: string): string {
  return path.join(folder, "vault.json");
}

/** The document with the key that opens its entries. */
interface OpenVault {
  readonly document: VaultDocument;
  readonly dataKey: Buffer;
}

type Change = (open: OpenVault) => readonly VaultEntry[] | null;

class FileVault implements VaultHandle {
  readonly file: string;
  readonly #options: VaultOptions;
  readonly #keys: MasterKeys;
  readonly #locks: VaultLocks;
  /** The file as it was read last, and what came of it: most reads find it unchanged. */
  #last: { readonly text: string; readonly open: OpenVault } | null = null;
  #unlocked: { readonly key: string; readonly dataKey: Buffer } | null = null;
  /** The newest state that this process has seen: an older one is somebody's doing. */
  #seen: { readonly id: string; readonly counter: number } | null = null;

  constructor(options: VaultOptions) {
    this.#options = options;
    this.#keys = options.keys ?? keyFileOnly(options.folder);
    this.file = vaultFileOf(options.folder);
    this.#locks = createVaultLocks(options.folder, options.clock);
  }

  async list(): Promise<readonly SecretInfo[]> {
    const parsed = await this.#read();
    return (parsed?.document.entries ?? []).map(({ scope, name, createdMs, updatedMs, expiresMs }) => ({
      scope,
      name,
      createdMs,
      updatedMs,
      expiresMs,
    }));
  }

  scoped(scope: SecretScope): ScopedVault {
    if (!isSecretScope(scope)) throw new AppError("RPC_003", "That is not the scope of a secret.");
    return {
      read: (name) => this.#readSecret(scope, checked(name)),
      write: (name, value, given) =>
        this.#locks.holdEntry(scope, checked(name), () => this.#writeSecret(scope, name, { value, ...given })),
      update: (name, change) =>
        this.#locks.holdEntry(scope, checked(name), async () => {
          const next = await change(await this.#readSecret(scope, name));
          if (next !== null) await this.#writeSecret(scope, name, next);
        }),
      remove: (name) => this.#locks.holdEntry(scope, checked(name), () => this.#removeSecret(scope, name)),
    };
  }

  async keySource(): Promise<KeySourceId | null> {
    return (await this.#read())?.document.key.source ?? null;
  }

  async verify(): Promise<void> {
    const open = await this.#open();
    if (open !== null) for (const entry of open.document.entries) this.#unseal(open, entry);
  }

  rotate(): Promise<void> {
    return this.#locked(async () => {
      const open = await this.#open();
      if (open === null) return;
      const { key } = open.document;
      const master = await this.#masterOf(open.document);
      await this.#sealAnew(open, { key: master, derivation: key.derivation }, key.source);
    });
  }

  rekey(to: KeySourceId): Promise<void> {
    return this.#locked(async () => {
      const open = await this.#open();
      const target = this.#keys.source(to);
      if (open === null) {
        const { document, dataKey } = await this.#begin(to);
        await this.#store(document, dataKey);
        return;
      }
      const next = await target.create();
      await this.#sealAnew(open, next, to);
      // From here on the old key opens nothing any more; dying before it is forgotten leaves it lying there, no more.
      const { source } = open.document.key;
      await (source === to ? target.keepOnly(next.key) : this.#keys.source(source).keepOnly(null));
    });
  }

  // -------------------------------------------------------------- entries

  async #readSecret(scope: SecretScope, name: string): Promise<string | null> {
    const open = await this.#open();
    const entry = open?.document.entries.find((one) => one.scope === scope && one.name === name);
    if (open === null || entry === undefined) return null;
    if (entry.expiresMs !== null && entry.expiresMs <= this.#options.clock.nowMs()) return null;
    const value = this.#unseal(open, entry).toString("utf8");
    tellRedactor(this.#options.redactor, value);
    return value;
  }

  async #writeSecret(
    scope: SecretScope,
    name: string,
    { value, expiresMs = null }: { value: string; expiresMs?: number | null },
  ): Promise<void> {
    const plain = Buffer.from(value.toWellFormed(), "utf8");
    if (plain.length === 0) throw new AppError("RPC_003", "A secret cannot be empty.");
    if (plain.length > limits.secretBytes)
      throw new AppError("MSG_003", `A secret may have ${limits.secretBytes} bytes at most.`);
    tellRedactor(this.#options.redactor, value);
    await this.#change("begin", ({ document, dataKey }) => {
      const old = document.entries.find((one) => one.scope === scope && one.name === name);
      const others = document.entries.filter((one) => one !== old);
      if (others.length >= limits.vaultEntries)
        throw new AppError("MSG_003", `A vault may hold ${limits.vaultEntries} secrets at most.`);
      const updatedMs = Math.max(0, Math.trunc(this.#options.clock.nowMs()));
      const head = {
        scope,
        name,
        version: (old?.version ?? 0) + 1,
        createdMs: old?.createdMs ?? updatedMs,
        updatedMs,
        expiresMs: expiresMs === null ? null : Math.max(0, Math.trunc(expiresMs)),
      };
      const sealed = seal(entryKey(dataKey), plain, entryContext(document.id, head));
      return [...others, { ...head, sealed }];
    });
  }

  async #removeSecret(scope: SecretScope, name: string): Promise<boolean> {
    let removed = false;
    // Nothing can be taken from a vault that is not there, and no key is made for it.
    await this.#change("leave", ({ document }) => {
      const kept = document.entries.filter((one) => one.scope !== scope || one.name !== name);
      removed = kept.length < document.entries.length;
      return removed ? kept : null;
    });
    return removed;
  }

  #unseal({ document, dataKey }: OpenVault, entry: VaultEntry): Buffer {
    const plain = unseal(entryKey(dataKey), entry.sealed, entryContext(document.id, entry));
    if (plain === null) throw this.#tampered(`the entry ${entry.scope} ${entry.name} is not what was written`);
    return plain;
  }

  // -------------------------------------------------------------- the file

  /** Null from the change leaves the file as it is. `absent`: what to do where there is no vault yet. */
  #change(absent: "begin" | "leave", change: Change): Promise<void> {
    return this.#locked(async () => {
      const found = await this.#open();
      if (found === null && absent === "leave") return;
      const open = found ?? (await this.#begin(await this.#keys.preferred()));
      const entries = change(open);
      if (entries !== null) await this.#store({ ...open.document, entries }, open.dataKey);
    });
  }

  #locked(work: () => Promise<void>): Promise<void> {
    return this.#locks.holdFile(this.file, work);
  }

  async #begin(source: KeySourceId): Promise<OpenVault> {
    const id = freshBytes(16).toString("hex");
    const dataKey = freshBytes(keyBytes);
    const key = wrapKey(id, dataKey, { ...(await keyForNewVault(this.#keys.source(source))), source });
    return { document: { id, counter: 0, key, entries: [] }, dataKey };
  }

  async #sealAnew(open: OpenVault, master: NewKey, source: KeySourceId): Promise<void> {
    const { document } = open;
    const dataKey = freshBytes(keyBytes);
    const entries = document.entries.map((entry) => ({
      ...entry,
      sealed: seal(entryKey(dataKey), this.#unseal(open, entry), entryContext(document.id, entry)),
    }));
    const key = wrapKey(document.id, dataKey, { ...master, source });
    await this.#store({ ...document, key, entries }, dataKey);
  }

  async #store(document: VaultDocument, dataKey: Buffer): Promise<void> {
    const next = {
      ...document,
      counter: document.counter + 1,
      entries: document.entries.toSorted(compareEntries),
    };
    const text = formatDocument(next, dataKey);
    if (Buffer.byteLength(text) > limits.vaultBytes)
      throw new AppError("MSG_003", `The vault would be larger than ${limits.vaultBytes} bytes.`);
    await writeFileAtomic(this.file, text);
    this.#unlocked = { key: keyMark(next), dataKey };
    this.#last = { text, open: { document: next, dataKey } };
    this.#seen = { id: next.id, counter: next.counter };
  }

  async #read(): Promise<(ParsedVault & { readonly text: string }) | null> {
    const seen = this.#seen;
    const bytes = await readFileBounded(this.file, limits.vaultBytes).catch((error: unknown) => {
      throw new AppError("VAULT_002", `${this.file} cannot be read.`, { cause: error });
    });
    if (bytes === null) return null;
    const text = bytes.toString("utf8");
    const parsed = parseDocument(text, this.file);
    const { id, counter } = parsed.document;
    if (seen?.id === id && counter < seen.counter)
      throw this.#tampered("an older copy was put in its place; a restart takes it as it is");
    return { ...parsed, text };
  }

  /** Null where there is none. Throws VAULT_001, VAULT_002. */
  async #open(): Promise<OpenVault | null> {
    const parsed = await this.#read();
    if (parsed === null) return null;
    if (this.#last?.text === parsed.text) return this.#last.open;
    const { document } = parsed;
    const mark = keyMark(document);
    const dataKey = this.#unlocked?.key === mark ? this.#unlocked.dataKey : await this.#unwrap(document);
    if (!parsed.isAuthentic(dataKey)) throw this.#tampered("its list of entries is not what was written");
    const open = { document, dataKey };
    this.#unlocked = { key: mark, dataKey };
    this.#last = { text: parsed.text, open };
    if (this.#seen?.id !== document.id || this.#seen.counter < document.counter)
      this.#seen = { id: document.id, counter: document.counter };
    return open;
  }

  async #unwrap(document: VaultDocument): Promise<Buffer> {
    const { id, key } = document;
    const dataKey = unseal(wrapKeyOf(await this.#masterOf(document)), key.wrapped, keyContext(id, key));
    if (dataKey?.length !== keyBytes) throw this.#tampered("its key is not what was written");
    return dataKey;
  }

  #masterOf({ id, key }: VaultDocument): Promise<Buffer> {
    const isTheOne = (candidate: Buffer): boolean => checkOf(candidate, id) === key.check;
    return masterKey(this.#keys.source(key.source), key.derivation, isTheOne);
  }

  #tampered(what: string): AppError {
    return new AppError("VAULT_002", `${this.file} was changed by somebody else: ${what}.`, {
      details: { file: this.file },
    });
  }
}

function checked(name: string): string {
  if (isSecretName(name)) return name;
  throw new AppError(
    "RPC_003",
    `A secret's name has letters, digits, ".", "_" and "-", begins with none of the dots, and has ${limits.secretNameChars} characters at most.`,
  );
}

function wrapKey(vaultId: string, dataKey: Buffer, master: NewKey & { readonly source: KeySourceId }): WrappedKey {
  const head = { source: master.source, derivation: master.derivation, check: checkOf(master.key, vaultId) };
  return { ...head, wrapped: seal(wrapKeyOf(master.key), dataKey, keyContext(vaultId, head)) };
}

function wrapKeyOf(master: Buffer): Buffer {
  return deriveKey(master, "openclaw vault: data key");
}

function entryKey(dataKey: Buffer): Buffer {
  return deriveKey(dataKey, "openclaw vault: entries");
}

function checkOf(master: Buffer, vaultId: string): string {
  return authenticate(deriveKey(master, "openclaw vault: check"), vaultId).toString("hex").slice(0, 32);
}

function keyMark({ id, key }: VaultDocument): string {
  return `${keyContext(id, key)} ${key.wrapped.toString("base64")}`;
}
