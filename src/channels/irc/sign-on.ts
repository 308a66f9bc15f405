/**
 * Signing on: capabilities, SASL, nick, and waiting until the server has said that we are in. It waits for the
 * server's words alone, never for time. Nothing is sent without the authentication that was asked for.
 */
import { AppError } from "../../domain/app-error.ts";
import { casemapOf, type Casemap } from "./casemap.ts";
import type { IrcLine } from "./line.ts";
import type { IrcConfig } from "./manifest.ts";
import type { Wire } from "./wire.ts";

export interface SignedOn {
  /** The nick we got, which need not be the one we wanted. */
  readonly nick: string;
  /** Capabilities that are in force. The server may take one away later. */
  readonly capabilities: Set<string>;
  /** What the server says about itself (005). */
  readonly supports: Map<string, string>;
  readonly casemap: Casemap;
}

const wanted = [
  "server-time",
  "message-tags",
  "account-tag",
  "echo-message",
  "batch",
  "labeled-response",
  "cap-notify",
] as const;

/** Throws CONN_002 where the server refuses us for good, CONN_001 where it may be tried again. */
export async function signOn(
  wire: Wire,
  config: IrcConfig,
  options: { digits: () => string; signal: AbortSignal },
): Promise<SignedOn> {
  const { signal } = options;
  return new Promise<SignedOn>((resolve, reject) => {
    const attempt = new SignOn(wire, config, options.digits, (outcome) => {
      signal.removeEventListener("abort", onAbort);
      stopLines();
      stopClosed();
      if (outcome instanceof AppError) reject(outcome);
      else resolve(outcome);
    });
    const onAbort = (): void => attempt.fail(AppError.from(signal.reason, "CONN_001"));
    const stopLines = wire.onLine((line) => attempt.line(line));
    const stopClosed = wire.onClosed((error) => attempt.fail(closedDuringSignOn(error)));
    if (signal.aborted) onAbort();
    else if (wire.closedBy !== null) attempt.fail(closedDuringSignOn(wire.closedBy));
    else {
      signal.addEventListener("abort", onAbort, { once: true });
      attempt.begin();
    }
  });
}

class SignOn {
  readonly #wire: Wire;
  readonly #config: IrcConfig;
  readonly #finish: (outcome: SignedOn | AppError) => void;
  readonly #nicks: Iterator<string>;
  readonly #offered = new Map<string, string>();
  readonly #capabilities = new Set<string>();
  readonly #supports = new Map<string, string>();
  #nick: string;
  #welcome = false;
  #done = false;

  constructor(wire: Wire, config: IrcConfig, digits: () => string, finish: (outcome: SignedOn | AppError) => void) {
    this.#wire = wire;
    this.#config = config;
    this.#finish = finish;
    this.#nick = config.nick;
    this.#nicks = otherNicks(config.nick, digits);
  }

  begin(): void {
    const { password, username, realname, nick } = this.#config;
    this.#wire.send("CAP", ["LS", "302"]);
    if (password !== undefined) this.#wire.send("PASS", [password]);
    this.#wire.send("NICK", [nick]);
    this.#wire.send("USER", [username, "0", "*", realname]);
  }

  fail(error: AppError): void {
    this.#end(error);
  }

  line(line: IrcLine): void {
    if (this.#done) return;
    const { command, params } = line;
    const last = params.at(-1) ?? "";
    switch (command) {
      case "CAP":
        return this.#cap(params);
      case "AUTHENTICATE":
        return this.#authenticate(params[0] ?? "");
      case "903":
        return this.#capEnd();
      case "902":
      case "904":
      case "905":
      case "906":
      case "908":
        return this.#end(refused(`SASL failed: ${last}`));
      case "464":
        return this.#end(refused(`The server refused the password: ${last}`));
      case "465":
        return this.#end(refused(`The server bans us: ${last}`));
      case "432":
        // For the nick of the settings this is final; one of our own variations may just be too long.
        return this.#nick === this.#config.nick
          ? this.#end(refused(`The server refuses the nick: ${last}`))
          : this.#nextNick();
      case "433":
      case "436":
      case "437":
        return this.#nextNick();
      case "001":
        this.#nick = params[0] ?? this.#nick;
        this.#welcome = true;
        return;
      case "005":
        return this.#isupport(params.slice(1, -1));
      case "376":
      case "422":
        if (this.#welcome) this.#complete();
        return;
      default:
        return;
    }
  }

  #cap(params: readonly string[]): void {
    const [, verb, ...rest] = params;
    const words = (rest.at(-1) ?? "").split(" ").filter((word) => word !== "");
    if (verb === "LS") {
      for (const word of words) {
        const [name = "", value = ""] = splitOnce(word, "=");
        this.#offered.set(name, value);
      }
      // A star in between says that another line of the list follows.
      if (rest[0] !== "*" || rest.length === 1) this.#request();
    } else if (verb === "ACK") {
      for (const word of words) this.#capabilities.add(word);
      this.#acknowledged();
    } else if (verb === "NAK") {
      if (this.#config.sasl !== undefined)
        this.#end(new AppError("CONN_001", "The server refuses SASL, which the settings ask for."));
      else this.#capEnd();
    }
  }

  #request(): void {
    const { sasl } = this.#config;
    if (sasl !== undefined && !this.#offersMechanism(sasl.mechanism)) {
      // Going on without it would show a password-protected account to the world as a stranger.
      this.#end(
        new AppError("CONN_001", `The server does not offer SASL ${sasl.mechanism}, which the settings ask for.`),
      );
      return;
    }
    const names = [...wanted, ...(sasl === undefined ? [] : ["sasl"])].filter((name) => this.#offered.has(name));
    if (names.length === 0) this.#capEnd();
    else this.#wire.send("CAP", ["REQ", names.join(" ")]);
  }

  #offersMechanism(mechanism: string): boolean {
    const offered = this.#offered.get("sasl");
    if (offered === undefined) return false;
    return offered === "" || offered.toUpperCase().split(",").includes(mechanism);
  }

  #acknowledged(): void {
    const { sasl } = this.#config;
    if (sasl !== undefined && this.#capabilities.has("sasl")) this.#wire.send("AUTHENTICATE", [sasl.mechanism]);
    else this.#capEnd();
  }

  #authenticate(challenge: string): void {
    const { sasl } = this.#config;
    if (challenge !== "+" || sasl === undefined) return;
    const account = sasl.account ?? "";
    const answer = sasl.mechanism === "PLAIN" ? `\0${account}\0${sasl.password}` : account;
    for (const chunk of authenticateChunks(answer)) this.#wire.send("AUTHENTICATE", [chunk]);
  }

  #capEnd(): void {
    if (!this.#welcome) this.#wire.send("CAP", ["END"]);
  }

  #nextNick(): void {
    // After the welcome a refused nick changes nothing.
    if (this.#welcome) return;
    const next = this.#nicks.next();
    if (next.done === true) {
      this.#end(new AppError("CONN_001", "Every nick that was tried is in use."));
      return;
    }
    this.#nick = next.value;
    this.#wire.send("NICK", [next.value]);
  }

  #isupport(tokens: readonly string[]): void {
    for (const token of tokens) {
      const [name = "", value = ""] = splitOnce(token, "=");
      if (name.startsWith("-")) this.#supports.delete(name.slice(1));
      else this.#supports.set(name, value);
    }
  }

  #complete(): void {
    this.#end({
      nick: this.#nick,
      capabilities: this.#capabilities,
      supports: this.#supports,
      casemap: casemapOf(this.#supports.get("CASEMAPPING")),
    });
  }

  #end(outcome: SignedOn | AppError): void {
    if (this.#done) return;
    this.#done = true;
    this.#finish(outcome);
  }
}

/** What is tried after the wanted nick: with a tail, and at last short enough for the oldest servers. */
function* otherNicks(nick: string, digits: () => string): Generator<string> {
  yield `${nick}_`;
  yield `${nick}__`;
  for (let count = 0; count < 5; count += 1) yield `${nick.slice(0, 5)}${digits()}`;
}

/** 400 characters a line; a chunk that fills one exactly needs an empty one behind it to say that it was the last. */
function authenticateChunks(answer: string): readonly string[] {
  const encoded = Buffer.from(answer).toString("base64");
  const chunks = encoded.match(/.{1,400}/g) ?? [];
  return encoded.length % 400 === 0 ? [...chunks, "+"] : chunks;
}

/** Servers that refuse a password or ban an address often say so only in their last word. */
function closedDuringSignOn(error: AppError): AppError {
  return /pass ?word|denied|\bban(ned)?\b|[kgzd]-?lined/i.test(error.message) ? refused(error.message) : error;
}

function refused(message: string): AppError {
  return new AppError("CONN_002", message);
}

function splitOnce(text: string, separator: string): readonly string[] {
  const at = text.indexOf(separator);
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}
