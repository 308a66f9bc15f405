/** A login at a provider, as a person at a terminal goes through it: by page, by pasted address, or by code. */
import {
  beginCodeLogin,
  hasCodeFlow,
  type CodeClient,
  type CodeTaken,
} from "../credentials/oauth/authorization-code.ts";
import { beginDeviceLogin, hasDeviceFlow, type DeviceClient } from "../credentials/oauth/device-code.ts";
import type { LoginResult } from "../credentials/oauth/login-result.ts";
import type { OAuthDocument } from "../credentials/profiles/profile-document.ts";
import { AppError } from "../domain/app-error.ts";
import { limits } from "../domain/limits.ts";
import type { OAuthClient } from "../credentials/oauth/services.ts";
import { openLoginPage } from "./login-page.ts";
import type { Logins } from "./logins.ts";

export interface LoginWish {
  readonly provider: string;
  readonly device?: boolean;
  readonly paste?: boolean;
}

/** Who logs in. */
export interface Person {
  /** A remark, with an address to open. */
  say(text: string): void;
  /** What they type is not shown. */
  ask(what: string): Promise<string>;
  /** They have given up. */
  readonly signal: AbortSignal;
}

/** Throws CONN_002 with the provider's words where it comes to nothing, RUN_001 where it is given up. */
export async function logIn(logins: Logins, wish: LoginWish, person: Person): Promise<OAuthDocument> {
  const { client, ...rest } = logins.client(wish.provider);
  if (client === null) throw new AppError("CFG_004", "missing" in rest ? rest.missing : "");
  const late = new AbortController();
  const timer = logins.flow.clock.after(limits.loginMs, () => late.abort());
  const signal = AbortSignal.any([person.signal, late.signal]);
  try {
    const result = await loggedIn(client, logins, wish, { say: person.say, ask: person.ask, signal });
    if (result.ok) return result.document;
    throw new AppError(signal.aborted ? "RUN_001" : "CONN_002", result.why);
  } finally {
    timer.cancel();
  }
}

function loggedIn(client: OAuthClient, logins: Logins, wish: LoginWish, person: Person): Promise<LoginResult> {
  if (wish.device !== true && hasCodeFlow(client)) {
    return wish.paste === true ? byPaste(client, logins, person) : byPage(client, logins, person);
  }
  if (hasDeviceFlow(client)) return byDevice(client, logins, person);
  const lacks = wish.device === true ? "deviceUrl and tokenUrl" : "authorizeUrl and tokenUrl, or deviceUrl,";
  throw new AppError("CFG_004", `auth.oauth.${client.id} needs ${lacks} for such a login.`);
}

async function byDevice(client: DeviceClient, { flow }: Logins, { say, signal }: Person): Promise<LoginResult> {
  const begun = await beginDeviceLogin(client, flow, signal);
  if (!begun.ok) return begun;
  const { userCode, verificationUrl, completeUrl } = begun.login;
  say(`Open ${verificationUrl} on any device and type the code ${userCode}.`);
  if (completeUrl !== null) say(`Or open ${completeUrl}.`);
  return begun.login.wait(signal);
}

async function byPage(client: CodeClient, { flow }: Logins, { say, signal }: Person): Promise<LoginResult> {
  const page = await openLoginPage(client.redirectUri);
  try {
    const login = beginCodeLogin(client, page.redirectUri, flow);
    say(`Open this address in a browser on this machine, and log in:\n${login.url}`);
    let taken: CodeTaken = { kind: "stray", why: "" };
    await page.wait((address) => {
      taken = login.take(address);
      return taken.kind !== "stray";
    }, signal);
    return await finished(taken, login.finish, signal);
  } finally {
    await page.close();
  }
}

async function byPaste(client: CodeClient, { flow }: Logins, person: Person): Promise<LoginResult> {
  // Nobody listens there: the browser shows an error, and its address holds the answer.
  const login = beginCodeLogin(client, client.redirectUri ?? "http://127.0.0.1:1/callback", flow);
  person.say(`Open this address in any browser, and log in:\n${login.url}`);
  const taken = login.take(await person.ask("The address that the browser ends at, or the code it shows"));
  return finished(taken, login.finish, person.signal);
}

function finished(
  taken: CodeTaken,
  finish: (code: string, signal: AbortSignal) => Promise<LoginResult>,
  signal: AbortSignal,
): Promise<LoginResult> {
  return taken.kind === "code" ? finish(taken.code, signal) : Promise.resolve({ ok: false, why: taken.why });
}
