/** The vault judged for `doctor`: whether it opens, who else could, and which secrets still lie about. Changes nothing. */
import { stat } from "node:fs/promises";
import type { Environment } from "../config/environment.ts";
import { statePaths } from "../config/paths.ts";
import { keyFileOf, sourceWords } from "../credentials/master-keys.ts";
import { vaultFileOf, type VaultHandle } from "../credentials/vault.ts";
import { AppError } from "../domain/app-error.ts";
import { isErrno } from "../platform/atomic-file.ts";
import { systemClock } from "../platform/clock.ts";
import { planImport } from "./secret-import.ts";
import { configuredKey, openSecrets, type Secrets } from "./secrets.ts";

export interface VaultFinding {
  readonly verdict: "good" | "weak" | "bad";
  readonly text: string;
  readonly remedy: string | null;
}

/** In the order in which they are worth reading. Never throws for what it finds. */
export async function checkVault(environment: Environment): Promise<readonly VaultFinding[]> {
  const secrets = openSecrets({ environment });
  const findings = [
    ...(await modes(environment)),
    ...(await opening(secrets.vault, environment)),
    ...(await plainText(environment, secrets)),
  ];
  return findings.length > 0 ? findings : [{ verdict: "good", text: "no secrets are kept", remedy: null }];
}

async function modes({ stateDir }: Environment): Promise<readonly VaultFinding[]> {
  const folder = statePaths(stateDir).credentialsDir;
  const findings: VaultFinding[] = [];
  for (const [place, mode] of [
    [folder, "700"],
    [vaultFileOf(folder), "600"],
    [keyFileOf(folder), "600"],
  ] as const) {
    if (process.platform === "win32" || !(await isOpenToOthers(place))) continue;
    findings.push({ verdict: "bad", text: `${place} can be read by others.`, remedy: `chmod ${mode} ${place}` });
  }
  return findings;
}

async function opening(vault: VaultHandle, environment: Environment): Promise<readonly VaultFinding[]> {
  const findings: VaultFinding[] = [];
  try {
    const source = await vault.keySource();
    if (source === null) return [];
    const count = (await vault.list()).length;
    const what = `${count} secrets, locked with ${sourceWords[source]}`;
    if (source === "passphrase" && environment.vaultPassphrase === null) {
      const remedy = "Set OPENCLAW_VAULT_PASSPHRASE here too to have it opened.";
      findings.push({ verdict: "weak", text: `${what}; not opened: the passphrase is not known here.`, remedy });
    } else {
      await vault.verify();
      findings.push({ verdict: "good", text: what, remedy: null });
    }
    findings.push(...(await otherKeys(environment, source)), ...(await expiring(vault)));
  } catch (thrown) {
    const error = AppError.from(thrown);
    findings.push({ verdict: "bad", text: `${error.message} (${error.code})`, remedy: error.row.remedy });
  }
  return findings;
}

/** A key that lies there and opens nothing, and a setting that nothing has followed. */
async function otherKeys(environment: Environment, source: string): Promise<readonly VaultFinding[]> {
  const findings: VaultFinding[] = [];
  const keyFile = keyFileOf(statePaths(environment.stateDir).credentialsDir);
  if (source !== "file" && (await modeOf(keyFile)) !== null) {
    const text = `${keyFile} is left over: it opens older copies of the vault.`;
    findings.push({ verdict: "weak", text, remedy: `Remove it: rm ${keyFile}` });
  }
  const setting = await configuredKey(environment);
  if (setting !== "auto" && setting !== source) {
    const text = `vault.key is ${setting}, and the vault was locked before that.`;
    findings.push({ verdict: "weak", text, remedy: `openclaw secrets rekey --to ${setting}` });
  }
  return findings;
}

const soonMs = 7 * 24 * 3_600_000;

async function expiring(vault: VaultHandle): Promise<readonly VaultFinding[]> {
  const nowMs = systemClock().nowMs();
  return (await vault.list()).flatMap(({ scope, name, expiresMs }) => {
    if (expiresMs === null || expiresMs > nowMs + soonMs) return [];
    const isOver = expiresMs <= nowMs;
    const when = new Date(expiresMs).toISOString();
    const text = `${name} of ${scope} ${isOver ? "has expired" : "expires"} (${when}).`;
    return [{ verdict: isOver ? "bad" : "weak", text, remedy: `openclaw secrets set ${scope} ${name}` } as const];
  });
}

async function plainText(environment: Environment, secrets: Secrets): Promise<readonly VaultFinding[]> {
  try {
    const { moves, file } = await planImport({ environment }, secrets);
    if (moves.length === 0) return [];
    const settings = moves.map(({ setting }) => setting).join(", ");
    const remedy = "Move them into the vault: openclaw secrets import";
    return [{ verdict: "weak", text: `${file} holds secrets as plain text: ${settings}.`, remedy }];
  } catch (thrown) {
    // What is wrong with the configuration or the vault itself is told by its own check.
    if (thrown instanceof AppError) return [];
    throw thrown;
  }
}

async function isOpenToOthers(place: string): Promise<boolean> {
  return (((await modeOf(place)) ?? 0) & 0o077) !== 0;
}

async function modeOf(place: string): Promise<number | null> {
  try {
    return (await stat(place)).mode;
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return null;
    throw error;
  }
}
