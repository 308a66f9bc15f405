/**
 * The system's own keychain: Keychain on macOS, Credential Manager on Windows, the Secret Service on Linux. The library
 * that reaches it is optional and loaded when it is first asked; without it, or without a keychain that answers, there
 * is a reason and nothing fails.
 */
import { AppError } from "../../domain/app-error.ts";

export interface Keychain {
  /** Null where it holds nothing under that name. Each throws VAULT_001 with the reason where it cannot be asked. */
  get(account: string): Promise<string | null>;
  set(account: string, text: string): Promise<void>;
  remove(account: string): Promise<void>;
}

/** The part of `@napi-rs/keyring` that is used. */
export interface KeyringModule {
  readonly AsyncEntry: new (service: string, account: string, options?: KeyringOptions) => KeyringEntry;
}

interface KeyringEntry {
  getPassword(signal?: AbortSignal): Promise<string | null>;
  setPassword(text: string, signal?: AbortSignal): Promise<void>;
  deletePassword(signal?: AbortSignal): Promise<boolean>;
}

interface KeyringOptions {
  /** The library would fall back to a keyring of the kernel, which forgets everything at the next boot. */
  readonly linux: { readonly store: "secret-service" };
}

const service = "OpenClaw vault";

/** A keychain that is locked asks its owner on the screen; nobody may be there. */
const patienceMs = 20_000;

export function systemKeychain(load: () => Promise<KeyringModule> = loadKeyring): Keychain {
  async function ask<T>(
    account: string,
    question: (entry: KeyringEntry, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { AsyncEntry } = await load().catch((error: unknown) => {
      throw unreachable("its library is not installed (npm install @napi-rs/keyring)", error);
    });
    const signal = AbortSignal.timeout(patienceMs);
    try {
      const entry = new AsyncEntry(service, account, { linux: { store: "secret-service" } });
      return await Promise.race([question(entry, signal), aborted(signal)]);
    } catch (error) {
      throw unreachable(reasonOf(error), error);
    }
  }

  return {
    get: (account) => ask(account, (entry, signal) => entry.getPassword(signal)),
    set: (account, text) => ask(account, (entry, signal) => entry.setPassword(text, signal)),
    remove: async (account) => void (await ask(account, (entry, signal) => entry.deletePassword(signal))),
  };
}

async function loadKeyring(): Promise<KeyringModule> {
  const { default: keyring } = (await import("@napi-rs/keyring")) as unknown as { default: KeyringModule };
  return keyring;
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const onAbort = (): void => reject(new AppError("VAULT_001", `it did not answer within ${patienceMs / 1_000} s`));
    signal.addEventListener("abort", onAbort, { once: true });
  });
}

function unreachable(reason: string, cause: unknown): AppError {
  return new AppError("VAULT_001", `The system's keychain cannot be used: ${reason}.`, { cause });
}

/** The library says on one line what its system says on several. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  if (/access ?denied/i.test(message)) return "it denies access (is it locked, or is nobody logged in?)";
  if (/dbus|secret ?service/i.test(message)) return "no Secret Service runs in this session";
  return message.split("\n")[0]?.slice(0, 200) ?? "it gave no reason";
}
