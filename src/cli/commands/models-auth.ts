/**
 * `openclaw models auth`: the logins at model providers. Works on the vault itself, with or without a gateway; one that
 * runs notices within seconds.
 */
import type { Command } from "commander";
import type { Person } from "../../app/log-in.ts";
import type { ListedLogin, Logins, NewLogin } from "../../app/logins.ts";
import { placeholderSecret } from "../../config/secret-text.ts";
import { AppError } from "../../domain/app-error.ts";
import { openConfig } from "../config-port.ts";
import { withConnection } from "../connect-options.ts";
import type { CliContext, ConnectOptions } from "../contract.ts";
import { readSecret } from "../secret-input.ts";

export function registerAuth(models: Command, context: CliContext): void {
  const auth = models.command("auth").description("Show, store and remove logins at model providers");
  auth
    .command("list", { isDefault: true })
    .description("Show every login in the order in which it is tried; no secret is shown")
    .action(() => within(context, (logins) => list(logins, context)));
  auth
    .command("add")
    .description("Store a key or token; it is asked for, or read from standard input")
    .argument("<provider>", "e.g. openai")
    .option("--name <name>", "to tell several logins of a provider apart", "default")
    .option("--kind <kind>", "api-key, token or aws-sdk", "api-key")
    .option("--expires <days>", "forget it after so many days")
    .option("--region <region>", "of AWS")
    .option("--aws-profile <name>", "section of AWS's own files, instead of keys")
    .action((provider: string, options: AddOptions) =>
      within(context, (logins) => add(logins, provider, options, context)),
    );
  auth
    .command("login")
    .description("Log in at a provider's page, or by a code that is typed on another device")
    .argument("<provider>", "e.g. github-copilot")
    .option("--name <name>", "to tell several logins of a provider apart", "default")
    .option("--device", "by a code, for a machine without a browser")
    .option("--paste", "paste the address that the browser ends at, for a browser elsewhere")
    .action((provider: string, options: LoginOptions) =>
      within(context, async (logins) => {
        const { logIn } = await import("../../app/log-in.ts");
        const document = await logIn(logins, { provider, ...options }, personAt(context));
        await keep(logins, `${provider}:${options.name}`, document, { context });
      }),
    );
  auth
    .command("remove")
    .description("Forget a stored login")
    .argument("<login>", "e.g. openai:work")
    .action((id: string) => within(context, (logins) => remove(logins, id, context)));
  withConnection(auth.command("order").description("Show or set in which order the logins of a provider are tried"))
    .argument("<provider>", "e.g. openai")
    .argument("[logins...]", "e.g. openai:work openai:home")
    .option("--clear", "back to the order in which they were stored")
    .action((provider: string, ids: readonly string[], options: ConnectOptions & { clear?: boolean }) =>
      order(provider, ids, options, context),
    );
}

interface AddOptions {
  readonly name: string;
  readonly kind: string;
  readonly expires?: string;
  readonly region?: string;
  readonly awsProfile?: string;
}

export interface LoginOptions {
  readonly name: string;
  readonly device?: boolean;
  readonly paste?: boolean;
}

function personAt(context: CliContext): Person {
  const { output, signal } = context;
  return { say: (text) => output.note(text), ask: (what) => readSecret(context, what), signal };
}

async function within(context: CliContext, work: (logins: Logins) => Promise<void>): Promise<void> {
  const { openLogins } = await import("../../app/logins.ts");
  // Where standard input is a pipe it holds the secret that is to be stored, and no passphrase.
  const ask = (): Promise<string> => readSecret(context, "Passphrase of the vault");
  const logins = await openLogins(context.environment, context.stdin.isTTY === true ? ask : undefined);
  try {
    await work(logins);
  } finally {
    await logins.close();
  }
}

async function list(logins: Logins, { output }: CliContext): Promise<void> {
  const all = await logins.list();
  output.result({ logins: all }, () =>
    all.length === 0
      ? "no logins: store a key with openclaw models auth add <provider>"
      : `${output.table(
          ["LOGIN", "KIND", "FROM", "STATE", "ENDS", ""],
          all.map((login) => [
            login.id + (login.account === null ? "" : ` (${login.account})`),
            login.kind,
            login.source,
            stateWords[login.state],
            endOf(login),
            login.why,
          ]),
        )}\nWhether a provider refused one lately, or lets it wait, knows the gateway: openclaw models list`,
  );
}

const stateWords: Readonly<Record<ListedLogin["state"], string>> = {
  usable: "usable",
  expired: "ended: log in again",
  "refresh-failed": "cannot be refreshed, tried again",
  missing: "nothing stored",
};

function endOf({ expiresMs }: ListedLogin): string {
  return expiresMs === null ? "-" : new Date(expiresMs).toISOString().replace(/\.\d+Z$/, "Z");
}

async function add(logins: Logins, provider: string, options: AddOptions, context: CliContext): Promise<void> {
  const days = options.expires === undefined ? null : Number(options.expires);
  if (days !== null && !(days > 0 && Number.isFinite(days)))
    throw new AppError("SYS_003", "--expires takes a number of days.");
  const document = await documentOf(provider, options, context);
  const expiresMs = days === null ? null : logins.flow.clock.nowMs() + days * 24 * 3_600_000;
  await keep(logins, `${provider}:${options.name}`, document, { context, expiresMs });
}

async function documentOf(provider: string, options: AddOptions, context: CliContext): Promise<NewLogin> {
  switch (options.kind) {
    case "api-key":
      return { kind: "api-key", apiKey: oneSecret(await readSecret(context, `Key of ${provider}`)) };
    case "token":
      return { kind: "token", token: oneSecret(await readSecret(context, `Token of ${provider}`)) };
    case "aws-sdk":
      return {
        kind: "aws-sdk",
        keys: options.awsProfile === undefined ? await awsKeys(context) : null,
        awsProfile: options.awsProfile ?? null,
        region: options.region ?? null,
      };
    default:
      throw new AppError("SYS_003", "--kind takes api-key, token or aws-sdk; an OAuth login is made by login.");
  }
}

/** As header values are: in one line, and something. */
function oneSecret(text: string): string {
  const secret = text.trim();
  if (placeholderSecret(secret)) throw new AppError("SYS_003", "That is a placeholder, not a secret.");
  if (/[\s\u0000-\u001f\u007f]/.test(secret)) throw new AppError("SYS_003", "A key has no blanks and no line breaks.");
  return secret;
}

async function awsKeys(context: CliContext): Promise<(NewLogin & { kind: "aws-sdk" })["keys"]> {
  const isTyped = context.stdin.isTTY === true;
  const piped = isTyped
    ? []
    : (await readSecret(context, "Access key id, secret and session token, a line each")).split(/\r?\n/);
  const line = async (index: number, what: string): Promise<string> =>
    isTyped ? readSecret(context, what) : (piped[index] ?? "");
  const accessKeyId = oneSecret(await line(0, "Access key id"));
  const secretAccessKey = oneSecret(await line(1, "Secret access key"));
  const sessionToken = (piped[2] ?? "").trim();
  return { accessKeyId, secretAccessKey, sessionToken: sessionToken === "" ? null : sessionToken };
}

async function keep(
  logins: Logins,
  profileId: string,
  document: NewLogin,
  { context, expiresMs = null }: { readonly context: CliContext; readonly expiresMs?: number | null },
): Promise<void> {
  const replaced = await logins.store(profileId, document, expiresMs);
  context.output.result({ login: profileId, kind: document.kind, replaced }, () =>
    replaced ? `replaced: ${profileId}` : `stored: ${profileId}`,
  );
}

async function remove(logins: Logins, profileId: string, { output }: CliContext): Promise<void> {
  if (!(await logins.remove(profileId)))
    throw new AppError("RPC_007", `No login ${JSON.stringify(profileId)} is stored: see openclaw models auth list.`);
  output.result({ removed: profileId }, () => `removed: ${profileId}`);
}

async function order(
  provider: string,
  ids: readonly string[],
  options: ConnectOptions & { clear?: boolean },
  context: CliContext,
): Promise<void> {
  const foreign = ids.find((id) => !id.startsWith(`${provider}:`));
  if (foreign !== undefined) throw new AppError("SYS_003", `${foreign} is no login of ${provider}.`);
  const port = await openConfig(options, context);
  const path = `auth.order[${JSON.stringify(provider)}]`;
  try {
    if (ids.length > 0 || options.clear === true) await port.set(path, ids.length > 0 ? ids : undefined);
    const now = await port.get(path);
    context.output.result({ provider, order: now ?? null }, ({ order: set }) =>
      Array.isArray(set) ? set.join("\n") : `auth.order says nothing of ${provider}`,
    );
  } finally {
    await port.close();
  }
}
