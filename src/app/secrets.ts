/**
 * The vault of one state directory, and the ways to it: for the configuration, which asks by reference, and for parts
 * that get the view of their own scope. Costs nothing until somebody asks.
 */
import { getAt } from "../config/dot-path.ts";
import type { Environment } from "../config/environment.ts";
import { readConfigText } from "../config/load.ts";
import { compose } from "../config/meaning/include.ts";
import type { SecretAnswer, SecretSource } from "../config/meaning/secret-reference.ts";
import { statePaths } from "../config/paths.ts";
import { systemKeychain } from "../credentials/key-sources/keychain-entry.ts";
import { createMasterKeys, type KeySetting } from "../credentials/master-keys.ts";
import { createVault, type VaultHandle } from "../credentials/vault.ts";
import { AppError } from "../domain/app-error.ts";
import type { SecretScope } from "../domain/secret-scope.ts";
import { ensurePrivateDir } from "../platform/atomic-file.ts";
import { systemClock, type Clock } from "../platform/clock.ts";
import { createRedactor, type Redactor } from "../platform/redact.ts";

export interface SecretsOptions {
  readonly environment: Environment;
  /** The system's where absent. */
  readonly clock?: Clock;
  /** One that nobody reads where absent: for a command, which logs nothing. */
  readonly redactor?: Pick<Redactor, "add">;
  /** Asks the person at the terminal. Nobody is asked where absent. */
  readonly ask?: AskPassphrase;
  /** The vault's folder is made where it is not there yet, so that it can be watched. */
  readonly watched?: boolean;
}

/** `fresh`: for a vault that is sealed anew, so it is asked twice. */
export type AskPassphrase = (kind: "current" | "fresh") => Promise<string>;

export interface Secrets {
  readonly vault: VaultHandle;
  readonly source: SecretSource;
}

export function openSecrets(options: SecretsOptions): Secrets {
  const { environment, ask, clock = systemClock(), redactor = createRedactor() } = options;
  const folder = statePaths(environment.stateDir).credentialsDir;
  const given = environment.vaultPassphrase;
  if (given !== null) redactor.add(given);
  const passphrase = (kind: "current" | "fresh") => async (): Promise<string | null> =>
    given ?? (ask === undefined ? null : ask(kind));
  const vault = createVault({
    folder,
    clock,
    redactor,
    keys: createMasterKeys({
      folder,
      setting: () => configuredKey(environment),
      passphrases: { isGiven: given !== null, current: passphrase("current"), fresh: passphrase("fresh") },
      keychain: systemKeychain(),
      platform: process.platform,
    }),
  });
  const source: SecretSource = {
    file: vault.file,
    async read(scope, name) {
      if (options.watched === true) await makeFolder(folder);
      return answer(vault, scope, name);
    },
  };
  return { vault, source };
}

/** Whether its secrets are there, asked by name: opens nothing, so it needs no key. The value found is not theirs. */
export function secretNames({ vault }: Secrets, clock: Clock): SecretSource {
  return {
    file: vault.file,
    async read(scope, name) {
      const info = (await vault.list()).find((one) => one.scope === scope && one.name === name);
      if (info === undefined) return { state: "missing" };
      const isOver = info.expiresMs !== null && info.expiresMs <= clock.nowMs();
      return isOver ? { state: "expired" } : { state: "found", value: standIn, expiresMs: info.expiresMs };
    },
  };
}

/** Stands for a value that is not looked at. */
const standIn = "(a secret)";

async function makeFolder(folder: string): Promise<void> {
  try {
    await ensurePrivateDir(folder, { tighten: true });
  } catch (thrown) {
    // Then nothing can be kept there either, and what is missing is told.
    if (!(thrown instanceof AppError)) throw thrown;
  }
}

async function answer(vault: VaultHandle, scope: SecretScope, name: string): Promise<SecretAnswer> {
  try {
    const value = await vault.scoped(scope).read(name);
    const info = (await vault.list()).find((one) => one.scope === scope && one.name === name);
    if (value !== null) return { state: "found", value, expiresMs: info?.expiresMs ?? null };
    return { state: info === undefined ? "missing" : "expired" };
  } catch (thrown) {
    return { state: "closed", reason: AppError.from(thrown, "VAULT_002").message };
  }
}

/** As the file says it, whatever else is wrong there: the vault may be what is needed to mend it. */
export async function configuredKey({ configPath }: Environment): Promise<KeySetting> {
  try {
    const { text } = await readConfigText(configPath);
    const key = getAt((await compose(configPath, text === "" ? "{}" : text)).value, ["vault", "key"]);
    return key === "file" || key === "passphrase" || key === "keychain" ? key : "auto";
  } catch (thrown) {
    // A file that cannot be read says nothing, and is told of by whoever loads it.
    if (thrown instanceof AppError) return "auto";
    throw thrown;
  }
}
