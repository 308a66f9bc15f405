/** The checks of `doctor`, each small and independent: one that fails to look says so, and the others go on. */
import type { Stats } from "node:fs";
import { stat, statfs } from "node:fs/promises";
import path from "node:path";
import { statePaths } from "../../config/paths.ts";
import { AppError } from "../../domain/app-error.ts";
import type { status } from "../../protocol/methods/health.ts";
import type { ResultOf } from "../../protocol/method.ts";
import { issueText } from "../config-issue.ts";
import type { CliContext, ConnectOptions } from "../contract.ts";
import type { Finding } from "./finding.ts";
import { modelFindings } from "./model-findings.ts";
import { sandboxFindings } from "./sandbox-findings.ts";

type Check = (context: CliContext, options: ConnectOptions) => Promise<readonly Finding[]>;

const checks: readonly (readonly [string, Check])[] = [
  ["runtime", checkRuntime],
  ["state folder", checkStateDir],
  ["disk", checkDisk],
  ["configuration", checkConfiguration],
  ["vault", checkSecrets],
  ["gateway", checkGateway],
];

export async function diagnose(context: CliContext, options: ConnectOptions): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const [name, check] of checks) {
    try {
      findings.push(...(await check(context, options)));
    } catch (thrown) {
      const error = AppError.from(thrown);
      findings.push(bad(name, `${error.message} (${error.code})`, error.row.remedy));
    }
  }
  return findings;
}

async function checkRuntime(): Promise<readonly Finding[]> {
  return [good("runtime", `Node.js ${process.versions.node} on ${process.platform}`)];
}

async function checkStateDir({ environment }: CliContext): Promise<readonly Finding[]> {
  const paths = statePaths(environment.stateDir);
  const folder = await statOrNull(paths.stateDir);
  if (folder === null)
    return [weak("state folder", `${paths.stateDir} does not exist yet.`, "It is made when the gateway first starts.")];
  if (!folder.isDirectory())
    return [bad("state folder", `${paths.stateDir} is not a folder.`, "Choose another with OPENCLAW_STATE_DIR.")];
  const findings: Finding[] = [];
  // What lies here opens everything: nobody else may read it.
  const secrets = [paths.stateDir, paths.tokenFile, paths.configFile, paths.envFile, paths.storeFile];
  for (const file of secrets) {
    const found = await statOrNull(file);
    if (found === null || (found.mode & 0o077) === 0) continue;
    const mode = found.isDirectory() ? "700" : "600";
    findings.push(bad("state folder", `${file} can be read by others.`, `chmod ${mode} ${file}`));
  }
  if (process.getuid !== undefined && folder.uid !== process.getuid()) {
    findings.push(
      bad("state folder", `${paths.stateDir} belongs to another user.`, `chown -R $(id -un) ${paths.stateDir}`),
    );
  }
  return findings.length === 0 ? [good("state folder", paths.stateDir)] : findings;
}

const lowSpaceBytes = 200 * 1024 * 1024;

async function checkDisk({ environment }: CliContext): Promise<readonly Finding[]> {
  const folder =
    (await statOrNull(environment.stateDir)) === null ? path.dirname(environment.stateDir) : environment.stateDir;
  const { bavail, bsize } = await statfs(folder);
  const freeMiB = Math.floor((bavail * bsize) / (1024 * 1024));
  if (bavail * bsize < lowSpaceBytes)
    return [bad("disk", `only ${freeMiB} MiB are free.`, "Free some space: a full disk stops the intake of messages.")];
  return [good("disk", `${freeMiB} MiB free`)];
}

async function checkConfiguration({ environment }: CliContext): Promise<readonly Finding[]> {
  const { checkConfig } = await import("../../app/check-config.ts");
  const { issues, exists, path: file } = await checkConfig(environment, undefined);
  if (issues.length === 0) return [good("configuration", exists ? file : "none; the defaults are in force")];
  return issues.map((issue) => {
    const text = issueText(issue);
    return issue.severity === "error"
      ? bad("configuration", text, "Mend the line; until then the last good value is in force.")
      : weak("configuration", text, null);
  });
}

async function checkSecrets({ environment }: CliContext): Promise<readonly Finding[]> {
  const { checkVault } = await import("../../app/check-vault.ts");
  return (await checkVault(environment)).map((finding) => ({ check: "vault", ...finding }));
}

async function checkGateway(context: CliContext, options: ConnectOptions): Promise<readonly Finding[]> {
  const client = await context.connect(options);
  try {
    const state = await client.call<typeof status>("status", {});
    return [
      ...gatewayFindings(state),
      ...(await modelFindings(client)),
      ...(await sandboxFindings(client)),
      ...channelFindings(state),
    ];
  } finally {
    client.close();
  }
}

function gatewayFindings(state: ResultOf<typeof status>): readonly Finding[] {
  if (!state.ready)
    return [bad("gateway", `runs, but is not ready: ${state.failing.join(", ")}.`, "See: openclaw logs")];
  return [good("gateway", `runs, version ${state.version}`)];
}

function channelFindings(state: ResultOf<typeof status>): readonly Finding[] {
  return state.channels.map((channel) => {
    const name = `${String(channel["channel"])}/${String(channel["accountId"])}`;
    const connection = String(channel["state"]);
    const reason = typeof channel["reason"] === "string" ? `: ${channel["reason"]}` : "";
    if (connection === "CONNECTED") {
      if (reason === "") return good("channel", `${name} is connected`);
      return weak(
        "channel",
        `${name} is connected${reason}`,
        "Add senders to its allowFrom; see docs/reference/channels.md.",
      );
    }
    return bad(
      "channel",
      `${name} is ${connection.toLowerCase()}${reason}`,
      `See: openclaw logs --scope channels.${String(channel["channel"])}`,
    );
  });
}

async function statOrNull(file: string): Promise<Stats | null> {
  try {
    return await stat(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

const good = (check: string, text: string): Finding => ({ check, verdict: "good", text, remedy: null });
const weak = (check: string, text: string, remedy: string | null): Finding => ({
  check,
  verdict: "weak",
  text,
  remedy,
});
const bad = (check: string, text: string, remedy: string | null): Finding => ({ check, verdict: "bad", text, remedy });
