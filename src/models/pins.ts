/**
 * The login that answered a session keeps it: the provider's prompt cache is warm there. Remembered only where a provider
 * has several logins, in memory for the sessions of late and on the disk for all.
 */
import { limits } from "../domain/limits.ts";

/** Login by provider. */
export type SessionPins = Readonly<Record<string, string>>;

export interface PinsDeps {
  /** Undefined where there is none. */
  readonly read: (sessionKey: string) => Promise<unknown>;
  readonly onChange: (sessionKey: string) => void;
}

const nothing: SessionPins = Object.freeze({});

export class Pins {
  readonly #deps: PinsDeps;
  /** The longest unused first. */
  readonly #known = new Map<string, SessionPins>();

  constructor(deps: PinsDeps) {
    this.#deps = deps;
  }

  /** What can be said without waiting; undefined where it has to be read. */
  known(sessionKey: string): SessionPins | undefined {
    return this.#known.get(sessionKey);
  }

  async of(sessionKey: string): Promise<SessionPins> {
    const known = this.#known.get(sessionKey);
    if (known !== undefined) return this.#keep(sessionKey, known);
    const read = pinsOf(await this.#deps.read(sessionKey));
    // Set meanwhile by a turn beside this one.
    return this.#keep(sessionKey, this.#known.get(sessionKey) ?? read);
  }

  set(sessionKey: string, provider: string, profileId: string): void {
    const known = this.#known.get(sessionKey) ?? nothing;
    if (known[provider] === profileId) return;
    this.#keep(sessionKey, { ...known, [provider]: profileId });
    this.#deps.onChange(sessionKey);
  }

  forget(sessionKey: string): void {
    this.#keep(sessionKey, nothing);
    this.#deps.onChange(sessionKey);
  }

  #keep(sessionKey: string, pins: SessionPins): SessionPins {
    this.#known.delete(sessionKey);
    this.#known.set(sessionKey, pins);
    if (this.#known.size > limits.modelPins) this.#known.delete(this.#known.keys().next().value as string);
    return pins;
  }
}

function pinsOf(value: unknown): SessionPins {
  if (typeof value !== "object" || value === null) return nothing;
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}
