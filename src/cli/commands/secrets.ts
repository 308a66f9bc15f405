/**
 * `openclaw secrets`: what the vault holds. Works on the vault itself, whether a gateway runs or not; a running one
 * takes the change over. A value is read from standard input or typed unseen, and is never a word of the command.
 */
import { Option, type Command } from "commander";
import type { ImportPlan } from "../../app/secret-import.ts";
import type { AskPassphrase, Secrets } from "../../app/secrets.ts";
import { AppError } from "../../domain/app-error.ts";
import { isSecretName, isSecretScope, type SecretScope } from "../../domain/secret-scope.ts";
import type { CliContext } from "../contract.ts";
import { askHidden, askNew } from "../hidden-prompt.ts";
import { momentOf } from "../shown-rows.ts";
import { spanMs, timeMs } from "../typed-value.ts";

const owner = "gateway, channel:<id>, provider:<id> or profile:<id>";

export function register(program: Command, context: CliContext): void {
  const secrets = program.command("secrets").description("Keep secrets in the vault, and refer to them by name");
  secrets
    .command("set")
    .description("Keep a secret, read from standard input or typed unseen")
    .argument("<owner>", owner)
    .argument("<name>", "what ${secret:NAME} calls it")
    .option("--expires <when>", "no longer used after this time (90d, or 2027-01-31)")
    .action((scope: string, name: string, options: SetOptions) =>
      set(scopeOf(scope), nameOf(name), { options, context }),
    );
  secrets
    .command("list", { isDefault: true })
    .description("List names and times, and what is still lacking; shows no secret and needs no key")
    .action(() => list(context));
  secrets
    .command("remove")
    .description("Forget a secret; what needs it stops")
    .argument("<owner>", owner)
    .argument("<name>")
    .action((scope: string, name: string) => remove(scopeOf(scope), name, context));
  secrets
    .command("rotate")
    .description("Seal every secret anew with a new key")
    .action(() => rotate(context));
  secrets
    .command("rekey")
    .description("Keep the key of the vault somewhere else, or take a new one; the old one opens nothing any more")
    .addOption(
      new Option("--to <where>", "where it is kept").choices(["file", "passphrase", "keychain"]).makeOptionMandatory(),
    )
    .action(({ to }: { to: KeySourceId }) => rekey(to, context));
  secrets
    .command("import")
    .description("Move the secrets that stand in the configuration into the vault; shows what it would do")
    .option("--write", "do it")
    .action((options: { write?: boolean }) => importAll(options.write === true, context));
}

type KeySourceId = Parameters<Secrets["vault"]["rekey"]>[0];

interface SetOptions {
  readonly expires?: string;
}

async function set(
  scope: SecretScope,
  name: string,
  { options, context }: { options: SetOptions; context: CliContext },
): Promise<void> {
  const expiresMs = options.expires === undefined ? null : await endOf(options.expires);
  const value = await secretValue(context);
  const { vault } = await open(context);
  await vault.scoped(scope).write(name, value, { expiresMs });
  context.output.result({ ok: true, scope, name, expiresMs }, () => {
    const until = expiresMs === null ? "" : `, until ${momentOf(expiresMs)} (UTC)`;
    return `kept: ${name} of ${scope}${until}`;
  });
}

async function list(context: CliContext): Promise<void> {
  const { listSecrets } = await import("../../app/secret-list.ts");
  const view = await listSecrets(context.environment, await open(context));
  context.output.result(view, ({ secrets, lacking }) => {
    const { output } = context;
    const rows = secrets.map(({ scope, name, updatedMs, expiresMs, state }) => [
      scope,
      name,
      momentOf(updatedMs),
      expiresMs === null ? "never" : momentOf(expiresMs),
      state,
    ]);
    const held = rows.length === 0 ? "no secrets" : output.table(["OWNER", "NAME", "SET (UTC)", "EXPIRES", ""], rows);
    if (lacking.length === 0) return held;
    const wanted = lacking.map(({ setting, state, command }) => `  ${setting}: ${stateWords[state]}\n    ${command}`);
    return `${held}\n\n${output.bold("Lacking:")}\n${wanted.join("\n")}`;
  });
}

const stateWords = {
  unset: "nothing is written there; keep the secret, and write its reference",
  missing: "refers to a secret that is not there",
  expired: "refers to a secret that has expired",
} as const;

async function remove(scope: SecretScope, name: string, context: CliContext): Promise<void> {
  const { vault } = await open(context);
  if (!(await vault.scoped(scope).remove(name)))
    throw new AppError("VAULT_003", `There is no secret ${JSON.stringify(name)} of ${scope}.`);
  context.output.result({ ok: true, scope, name }, () => `forgotten: ${name} of ${scope}`);
}

async function rotate(context: CliContext): Promise<void> {
  const { vault } = await open(context);
  await vault.rotate();
  const count = (await vault.list()).length;
  context.output.result({ ok: true, count }, () => `sealed anew: ${count} secrets`);
}

async function rekey(to: KeySourceId, context: CliContext): Promise<void> {
  const { vault } = await open(context);
  await vault.rekey(to);
  context.output.result({ ok: true, to }, () => `the key of the vault is now kept by: ${to}`);
}

async function importAll(writes: boolean, context: CliContext): Promise<void> {
  const { importSecrets, planImport } = await import("../../app/secret-import.ts");
  const secrets = await open(context);
  const options = { environment: context.environment };
  if (!writes) {
    const plan = await planImport(options, secrets);
    context.output.result({ ...plan, written: false }, (value) => planText(value, context));
    return;
  }
  const done = await importSecrets(options, secrets);
  context.output.result({ ...done, written: true }, (value) => {
    const gone = value.removed.map((file) => `removed, since it held a secret: ${file}`);
    return [planText(value, context), ...gone].join("\n");
  });
  if (done.left.length > 0) context.exit(1);
}

function planText(plan: ImportPlan & { readonly written: boolean }, { output }: CliContext): string {
  const { moves, left, written, file } = plan;
  const moved = moves.map(({ setting, scope, name }) => [setting, scope, `\${secret:${name}}`]);
  const table = moved.length === 0 ? "nothing to move" : output.table(["SETTING", "OWNER", "BECOMES"], moved);
  const stays = left.map(({ setting, reason }) => `stays: ${setting}: ${reason}`);
  const last = written
    ? [`written: ${file}`]
    : moves.length > 0
      ? ["Nothing was changed. Do it with: openclaw secrets import --write"]
      : [];
  return [table, ...stays, ...(moves.length === 0 && written ? [] : last)].join("\n");
}

async function open(context: CliContext): Promise<Secrets> {
  const { openSecrets } = await import("../../app/secrets.ts");
  const ask = askerOf(context);
  return openSecrets({ environment: context.environment, ...(ask === undefined ? {} : { ask }) });
}

/** For a vault that is locked with a passphrase; undefined where nobody sits at the terminal. */
export function askerOf(context: CliContext): AskPassphrase | undefined {
  if (context.stdin.isTTY !== true) return undefined;
  return (kind) =>
    kind === "current"
      ? askHidden("Passphrase of the vault (nothing is shown while you type):", context)
      : askNew("New passphrase of the vault", context);
}

/** Before the secret is asked for. */
function nameOf(name: string): string {
  if (isSecretName(name)) return name;
  throw new AppError("SYS_003", 'The name of a secret has letters, digits, ".", "_" and "-", and begins with no dot.');
}

function scopeOf(text: string): SecretScope {
  if (isSecretScope(text)) return text;
  throw new AppError("SYS_003", `The owner of a secret is ${owner}.`);
}

async function endOf(text: string): Promise<number> {
  const { systemClock } = await import("../../platform/clock.ts");
  const nowMs = systemClock().nowMs();
  const ms = /^\d+\s*[smhdw]$/.test(text.trim()) ? nowMs + spanMs(text, "--expires") : timeMs(text, "--expires");
  if (ms <= nowMs) throw new AppError("SYS_003", "--expires takes a time to come.");
  return ms;
}

/** What comes in through a pipe ends with a line break that is no part of it. */
async function secretValue(context: CliContext): Promise<string> {
  const { stdin } = context;
  if (stdin.isTTY === true) return askHidden("The secret (nothing is shown while you type):", context);
  const { limits } = await import("../../domain/limits.ts");
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stdin) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > limits.secretBytes + 2)
      throw new AppError("MSG_003", `A secret may have ${limits.secretBytes} bytes at most.`);
    chunks.push(bytes);
  }
  const value = Buffer.concat(chunks)
    .toString("utf8")
    .replace(/\r?\n$/, "");
  if (value === "") throw new AppError("SYS_003", "There is no secret on standard input.");
  return value;
}
