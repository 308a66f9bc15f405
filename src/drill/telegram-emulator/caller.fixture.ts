/** Calls a method as a bot does: JSON over real HTTP. */
import type { EmulatedBot, TelegramEmulator } from "./contract.ts";

export interface Answer {
  readonly status: number;
  // oxlint-disable-next-line typescript/no-explicit-any -- what a method answers has a hundred shapes; tests compare it whole.
  readonly body: any;
}

export type Caller = (method: string, params?: Readonly<Record<string, unknown>>) => Promise<Answer>;

export function caller(telegram: Pick<TelegramEmulator, "url">, bot: EmulatedBot): Caller {
  return async (method, params = {}) => {
    const response = await fetch(`${telegram.url}/bot${bot.token}/${method}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(params),
    });
    return { status: response.status, body: await response.json() };
  };
}
