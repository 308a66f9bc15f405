/**
 * Secrets that stand in the configuration as plain text, moved into the vault: looked for, kept, and only then replaced
 * by references, by the writer that leaves comments alone. What a copy of the old file still holds is removed.
 */
import { readFile, readdir, rm } from "node:fs/promises";
import path from "node:path";
import { createConfigAccess, type ConfigHandle } from "../config/access.ts";
import { formatPath, getAt, isRecord, setAt, type KeyPath } from "../config/dot-path.ts";
import { editText } from "../config/edit/edit-text.ts";
import { secretScopeOf } from "../config/meaning/secret-reference.ts";
import { migrate } from "../config/migrations/migrate.ts";
import { isSecretKey, placeholderSecret } from "../config/secret-text.ts";
import { readText } from "../config/text/read-text.ts";
import type { VaultHandle } from "../credentials/vault.ts";
import { AppError } from "../domain/app-error.ts";
import { limits } from "../domain/limits.ts";
import type { SecretScope } from "../domain/secret-scope.ts";
import { silentLog } from "../platform/log.ts";
import { channelSettings } from "./channel-settings.ts";
import { secretNameOf } from "./credential-shapes.ts";
import type { Secrets, SecretsOptions } from "./secrets.ts";
import { version } from "./version.ts";

export interface ImportPlan {
  readonly file: string;
  readonly moves: readonly PlannedMove[];
  /** Secrets that stay, with the reason. */
  readonly left: readonly { readonly setting: string; readonly reason: string }[];
}

export interface PlannedMove {
  readonly setting: string;
  readonly scope: SecretScope;
  readonly name: string;
}

export interface ImportResult extends ImportPlan {
  /** Copies of the old file that held a secret and are gone. */
  readonly removed: readonly string[];
}

/** Says what `importSecrets` would do. Changes nothing and needs no key. */
export async function planImport(options: SecretsOptions, secrets: Secrets): Promise<ImportPlan> {
  return withConfig(options, secrets, async (config) => shown(await look(config, secrets.vault, null)));
}

/**
 * Throws what the vault and the configuration throw. Where it ends early, the file is as it was, and what the vault holds
 * by then is used by the next attempt.
 */
export async function importSecrets(options: SecretsOptions, secrets: Secrets): Promise<ImportResult> {
  const { vault } = secrets;
  return withConfig(options, secrets, async (config) => {
    const found = await look(config, vault, vault);
    for (const { scope, name, value } of found.moves) await keep(vault, scope, { name, value });
    const { raw, hash } = config.current();
    if (found.moves.length > 0) {
      const wanted = found.moves.reduce<unknown>(
        (value, { keys, name }) => setAt(value, keys, `\${secret:${name}}`),
        found.root,
      );
      await config.write({ kind: "replace", raw: editText(raw, wanted, found.file), baseHash: hash });
    }
    const values = found.moves.map(({ value }) => value);
    return { ...shown(found), removed: await removeCopies(found.file, values) };
  });
}

interface FoundMove extends PlannedMove {
  readonly keys: KeyPath;
  readonly value: string;
}

interface Found {
  readonly file: string;
  /** The file as it is written, in today's form. */
  readonly root: unknown;
  readonly moves: readonly FoundMove[];
  readonly left: ImportPlan["left"];
}

function shown({ file, moves, left }: Found): ImportPlan {
  return { file, left, moves: moves.map(({ setting, scope, name }) => ({ setting, scope, name })) };
}

async function withConfig<T>(
  { environment, clock }: SecretsOptions,
  { source }: Secrets,
  work: (config: ConfigHandle) => Promise<T>,
): Promise<T> {
  const config = await createConfigAccess({
    environment,
    ...channelSettings(),
    version,
    log: silentLog(),
    secrets: source,
    ...(clock === undefined ? {} : { clock }),
  });
  try {
    return await work(config);
  } finally {
    await config.close();
  }
}

/** `opened`: to find a name that is free or holds the same already; null where only the names may be looked at. */
async function look(config: ConfigHandle, vault: VaultHandle, opened: VaultHandle | null): Promise<Found> {
  const { raw, path: file, parsed, exists } = config.current();
  const channels = Object.keys(channelSettings().channelSchemas ?? {});
  const root = exists ? migrate(readText(raw, file), channels).value : {};
  const places = config.secretPaths().map((place) => place.split("."));
  const leaves = leavesOf(root, [], places);
  const taken = new Set((await vault.list()).map(({ scope, name }) => `${scope} ${name}`));
  const moves: FoundMove[] = [];
  const left: { setting: string; reason: string }[] = [];
  for (const { keys, value } of leaves) {
    const setting = formatPath(keys);
    const reason = reasonToStay(keys, value);
    const scope = secretScopeOf(keys);
    if (reason !== null || scope === null) {
      if (reason !== "")
        left.push({ setting, reason: reason ?? "it stands below a name that no secret can belong to" });
      continue;
    }
    const base = secretNameOf(scope === "gateway" ? keys : keys.slice(scope.startsWith("channel:") ? 2 : 3));
    const name = await freeName(base, async (candidate) => {
      if (!taken.has(`${scope} ${candidate}`)) return true;
      return opened !== null && (await opened.scoped(scope).read(candidate)) === value;
    });
    taken.add(`${scope} ${name}`);
    moves.push({ setting, scope, name, keys, value });
  }
  const included = leavesOf(parsed, [], places).filter(({ keys }) => getAt(root, keys) === undefined);
  for (const { keys } of included)
    left.push({ setting: formatPath(keys), reason: "an included file brings it; put the reference there" });
  return { file, root, moves, left };
}

/** Empty: it is no secret. Null: it can be moved. */
function reasonToStay(keys: KeyPath, value: string): string | null {
  if (placeholderSecret(value)) return "";
  // A reference already, perhaps behind the name of a scheme; whatever is longer may be a secret beside it.
  const beside = value.replaceAll(/\$+\{[^}]*\}/g, " ");
  if (beside !== value)
    return /\S{8,}/.test(beside) ? "it is made of several parts; write the reference where the secret stands" : "";
  if (keys[0] === "env" && keys[2] === "OPENCLAW_VAULT_PASSPHRASE") return "it opens the vault";
  if (Buffer.byteLength(value) > limits.secretBytes) return "it is too long";
  return null;
}

async function freeName(base: string, isFree: (name: string) => Promise<boolean>): Promise<string> {
  for (let number = 1; number <= limits.vaultEntries; number += 1) {
    const ending = number === 1 ? "" : `-${number}`;
    const name = `${base.slice(0, limits.secretNameChars - ending.length)}${ending}`;
    if (await isFree(name)) return name;
  }
  throw new AppError("MSG_003", `There is no free name for ${base} in the vault.`);
}

/** Read back before the plain text goes: a secret that cannot be read again would be lost. */
async function keep(
  vault: VaultHandle,
  scope: SecretScope,
  { name, value }: { name: string; value: string },
): Promise<void> {
  const secrets = vault.scoped(scope);
  if ((await secrets.read(name)) === value) return;
  await secrets.write(name, value);
  if ((await secrets.read(name)) !== value)
    throw new AppError("VAULT_002", `The vault did not keep ${name} of ${scope}; the configuration is as it was.`);
}

/** Backups and the last good copy were made of the file: with a secret in it, they are what the import is there to end. */
async function removeCopies(file: string, values: readonly string[]): Promise<readonly string[]> {
  const folder = path.dirname(file);
  const name = path.basename(file);
  const copies = (await readdir(folder)).filter(
    (one) => one.startsWith(`${name}.`) && /\.(bak|last-good|before)/.test(one),
  );
  const removed: string[] = [];
  for (const copy of copies) {
    const place = path.join(folder, copy);
    const text = await readFile(place, "utf8");
    if (!values.some((value) => text.includes(value) || text.includes(JSON.stringify(value).slice(1, -1)))) continue;
    await rm(place, { force: true });
    removed.push(place);
  }
  return removed;
}

function leavesOf(
  value: unknown,
  keys: KeyPath,
  places: readonly (readonly string[])[],
): readonly { readonly keys: KeyPath; readonly value: string }[] {
  if (typeof value === "string") {
    const belongs = places.some((place) => fits(keys, place)) || keys.some((key) => isSecretKey(String(key)));
    return belongs ? [{ keys, value }] : [];
  }
  if (Array.isArray(value)) return value.flatMap((one, index) => leavesOf(one, [...keys, index], places));
  if (!isRecord(value)) return [];
  return Object.entries(value).flatMap(([key, one]) => leavesOf(one, [...keys, key], places));
}

function fits(keys: KeyPath, place: readonly string[]): boolean {
  return place.length <= keys.length && place.every((key, index) => key === "*" || key === String(keys[index]));
}
