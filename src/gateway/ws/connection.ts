/**
 * One connected client: who it is, what it hears, and its numbered stream of events. Keeps its own buffer bounded: what
 * may be dropped is dropped for a slow client, which is told so, and a client that stands still is cut off.
 */
import type { Principal } from "../../domain/authority.ts";
import { limits } from "../../domain/limits.ts";
import { coversScope } from "../../domain/scopes.ts";
import type { Codec } from "../../protocol/frames.ts";
import type { PresenceEntry } from "../../protocol/methods/system.ts";
import type { Credential } from "../auth/connect-auth.ts";
import type { Caller } from "../rpc/handler.ts";
import type { ClientSocket } from "./client-socket.ts";
import { createSubscriptions, type Subscriptions } from "./subscriptions.ts";
import { wireEvent, type WireEvent } from "./wire-event.ts";

export interface ConnectionFacts {
  readonly connectionId: string;
  readonly principal: Principal;
  readonly credential: Credential;
  readonly deviceId: string | null;
  readonly address: string;
  readonly codec: Codec;
  readonly presence: PresenceEntry;
  readonly connectedMs: number;
  /** What the shared secret was when it let this client in. */
  readonly secretFingerprint: string;
}

export class Connection implements Caller {
  readonly facts: ConnectionFacts;
  readonly subscriptions: Subscriptions = createSubscriptions();
  readonly #socket: ClientSocket;
  readonly #gone = new AbortController();
  #seq = 0;
  #dropped = 0;
  #droppedSinceSeq = 0;
  #inFlight = 0;
  /** Set by each pong, cleared by each ping. */
  answersPings = true;

  constructor(facts: ConnectionFacts, socket: ClientSocket) {
    this.facts = facts;
    this.#socket = socket;
  }

  get connectionId(): string {
    return this.facts.connectionId;
  }
  get principal(): Principal {
    return this.facts.principal;
  }
  get deviceId(): string | null {
    return this.facts.deviceId;
  }
  get address(): string {
    return this.facts.address;
  }
  /** Aborts when the client is gone, so that nobody works for a socket that is closed. */
  get signal(): AbortSignal {
    return this.#gone.signal;
  }

  /** Whether this client may hear the event, by scope, by session and (for tools) by run. */
  hears(event: WireEvent): boolean {
    if (event.scope !== null && !coversScope(this.principal.scopes, event.scope)) return false;
    if (event.sessionKey === undefined) return true;
    if (event.toolsOfRun !== undefined) return this.subscriptions.hearsTools(event.sessionKey, event.toolsOfRun);
    return this.subscriptions.hearsSession(event.sessionKey);
  }

  /**
   * Numbers the event and sends it. A dropped event takes its number with it, so that the client sees the gap even
   * before it is told of it.
   */
  sendEvent(event: WireEvent): void {
    if (event.dropIfSlow && this.#socket.bufferedBytes() > limits.socketDropBytes) {
      this.#seq += 1;
      if (this.#dropped === 0) this.#droppedSinceSeq = this.#seq;
      this.#dropped += 1;
      return;
    }
    this.tellDropped();
    const text = this.facts.codec.event(event, this.#seq + 1);
    if (text === null) return;
    this.#seq += 1;
    this.sendText(text);
  }

  /** Tells a client that keeps up again that it missed something. */
  tellDropped(): void {
    if (this.#dropped === 0 || this.#socket.bufferedBytes() > limits.socketDropBytes) return;
    const marker = wireEvent("resync", { dropped: this.#dropped, sinceSeq: this.#droppedSinceSeq });
    this.#dropped = 0;
    const text = this.facts.codec.event(marker, this.#seq + 1);
    if (text === null) return;
    this.#seq += 1;
    this.sendText(text);
  }

  sendText(text: string): void {
    this.#socket.send(text);
    if (this.#socket.bufferedBytes() > limits.socketBufferedBytes) this.close(1008, "slow consumer");
  }

  /** Each request that waits for its handler is counted from here to `end`. */
  begin(): void {
    this.#inFlight += 1;
  }
  end(): void {
    this.#inFlight -= 1;
  }
  get inFlight(): number {
    return this.#inFlight;
  }

  ping(): void {
    this.answersPings = false;
    this.#socket.ping();
  }
  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
  }
  terminate(): void {
    this.#socket.terminate();
  }
  /** Called once, when the socket is closed. */
  gone(): void {
    this.#gone.abort();
  }
}
