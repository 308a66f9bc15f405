/** Emulators that end with their test, and a bot's way of calling them: JSON over real HTTP. */
import { afterEach } from "vitest";
import type { EmulatedBot, EmulatedPerson, TelegramEmulator, TelegramEmulatorOptions } from "./contract.ts";
import { startTelegramEmulator } from "./server.ts";

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // oxlint-disable-next-line typescript/no-explicit-any -- what a method answers has a hundred shapes; tests compare it whole.
  readonly body: any;
}

export type Caller = (
  method: string,
  params?: Readonly<Record<string, unknown>> | FormData | URLSearchParams,
  init?: RequestInit,
) => Promise<Answer>;

/** One bot and one person who have met: nothing is pending, one message is visible. */
export interface Stage {
  readonly telegram: TelegramEmulator;
  readonly bot: EmulatedBot;
  readonly ann: EmulatedPerson;
  readonly call: Caller;
  /** Id of what ann said. */
  readonly hello: number;
}

export function emulators(): {
  start(options?: TelegramEmulatorOptions): Promise<TelegramEmulator>;
  stage(options?: TelegramEmulatorOptions): Promise<Stage>;
} {
  const open: TelegramEmulator[] = [];
  afterEach(async () => {
    await Promise.all(open.splice(0).map((emulator) => emulator.close()));
  });
  const start = async (options: TelegramEmulatorOptions = {}): Promise<TelegramEmulator> => {
    const emulator = await startTelegramEmulator(options);
    open.push(emulator);
    return emulator;
  };
  const stage = async (options: TelegramEmulatorOptions = unlimited): Promise<Stage> => {
    const telegram = await start({ ...unlimited, ...options });
    const bot = telegram.addBot({ username: "helper_bot" });
    const ann = telegram.addPerson({ firstName: "Ann", username: "ann" });
    const hello = ann.say(bot, "hello");
    const call = caller(telegram, bot);
    await call("getUpdates", { offset: -1, limit: 1 });
    await call("getUpdates", { offset: 1_000_000_000 });
    return { telegram, bot, ann, call, hello };
  };
  return { start, stage };
}

export const unlimited = Object.freeze({
  perSecond: Number.POSITIVE_INFINITY,
  perChatPerSecond: Number.POSITIVE_INFINITY,
  perGroupPerMinute: Number.POSITIVE_INFINITY,
});

export function caller(telegram: Pick<TelegramEmulator, "url">, bot: EmulatedBot): Caller {
  return async (method, params = {}, init = {}) => {
    const isForm = params instanceof FormData || params instanceof URLSearchParams;
    const response = await fetch(`${telegram.url}/bot${bot.token}/${method}`, {
      method: "POST",
      ...(isForm ? {} : { headers: { "content-type": "application/json" } }),
      body: isForm ? params : JSON.stringify(params),
      ...init,
    });
    return { status: response.status, headers: response.headers, body: await response.json() };
  };
}

/** The answer to a refused call, as a test compares it. */
export function refusal(status: number, description: string): Record<string, unknown> {
  return { ok: false, error_code: status, description };
}

/** Resolves when the condition holds; each round lets the network have its turn. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
