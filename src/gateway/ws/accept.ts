/**
 * What happens on one socket, from its opening to its end: challenge, handshake, then frames to the dispatcher. Holds
 * every timer and listener of the socket and lets go of them when it closes.
 */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { RawData, WebSocket } from "ws";
import { AppError } from "../../domain/app-error.ts";
import type { Timer } from "../../platform/clock.ts";
import type { Log } from "../../platform/log.ts";
import { wireError } from "../../protocol/error-shape.ts";
import { typedCodec } from "../../protocol/frames.ts";
import type { ConnectParams } from "../../protocol/methods/connect.ts";
import type { PresenceEntry } from "../../protocol/methods/system.ts";
import type { Peer } from "../auth/client-address.ts";
import type { Admitted } from "../auth/connect-auth.ts";
import type { Challenge } from "../auth/device-proof.ts";
import type { GatewayAuth } from "../auth/gateway-auth.ts";
import type { GatewayDeps } from "../deps.ts";
import type { Presence } from "../presence.ts";
import { createClientSocket, type ClientSocket } from "./client-socket.ts";
import { Connection } from "./connection.ts";
import type { Connections } from "./connections.ts";
import type { Dispatcher } from "./dispatch.ts";
import { connectRefusal, readConnectParams, readFirstFrame, type FirstFrame, type Refusal } from "./handshake.ts";
import { helloJson, type HelloDeps } from "./hello.ts";

export interface AcceptDeps extends Pick<GatewayDeps, "clock" | "ids" | "health"> {
  readonly auth: GatewayAuth;
  readonly connections: Connections;
  readonly presence: Presence;
  readonly dispatcher: Dispatcher;
  readonly hello: HelloDeps;
  readonly handshakeTimeoutMs: number;
  readonly log: Log;
}

type State = "waiting" | "admitting" | "open" | "closed";

export class Acceptance {
  readonly #deps: AcceptDeps;
  readonly #socket: ClientSocket;
  readonly #peer: Peer;
  readonly #challenge: Challenge;
  readonly #timer: Timer;
  #state: State = "waiting";
  #connection: Connection | null = null;

  constructor(deps: AcceptDeps, ws: WebSocket, upgrade: { readonly req: IncomingMessage; readonly raw: Duplex }) {
    this.#deps = deps;
    this.#socket = createClientSocket(ws, upgrade.raw, deps.clock);
    this.#peer = deps.auth.peer(upgrade.req);
    this.#challenge = { nonce: deps.ids.uuid(), ts: deps.clock.nowMs() };
    deps.connections.handshakeBegan(this.#socket);
    this.#timer = deps.clock.after(deps.handshakeTimeoutMs, () => this.#handshakeTimedOut());
    ws.on("message", (data, isBinary) => this.#receive(data, isBinary));
    ws.on("close", () => this.#closed());
    ws.on("pong", () => this.#ponged());
    // Too large a frame, broken UTF-8, a reset: `ws` closes the socket by itself and `close` follows.
    ws.on("error", (error) => deps.log.debug("A socket failed.", { reason: error.message }));
    upgrade.raw.on("drain", () => this.#connection?.tellDropped());
    // Before anything is known of the client there is nothing to number.
    const payload = JSON.stringify(this.#challenge);
    this.#socket.send(`{"type":"event","event":"connect.challenge","payload":${payload}}`);
  }

  #receive(data: RawData, isBinary: boolean): void {
    if (this.#state === "closed" || !this.#socket.isOpen()) return;
    const text = textOf(data);
    if (this.#connection !== null) {
      this.#deps.dispatcher.receive(this.#connection, isBinary ? "" : text);
      return;
    }
    if (this.#state === "admitting") {
      const error = new AppError("RPC_004", "invalid handshake: wait for the answer to connect");
      this.#refuse({ codec: typedCodec, id: "connect", error, closeCode: 1008, closeReason: error.message });
      return;
    }
    const verdict = readFirstFrame(isBinary ? "" : text);
    if (!verdict.ok) {
      this.#refuse(verdict.refusal);
      return;
    }
    this.#state = "admitting";
    this.#admit(verdict.frame).catch((thrown: unknown) => this.#admissionFailed(verdict.frame, thrown));
  }

  async #admit(frame: FirstFrame): Promise<void> {
    const deps = this.#deps;
    const { params, protocol } = readConnectParams(frame);
    if (deps.health.draining()) throw new AppError("SYS_007", "the gateway is stopping");
    const admitted = await deps.auth.connect.admit({ params, challenge: this.#challenge, peer: this.#peer });
    // The client may have left, or lost patience, while its credential was looked at.
    if (this.#state !== "admitting" || !this.#socket.isOpen()) return;
    this.#open(frame, { params, protocol, admitted });
  }

  #open(frame: FirstFrame, entry: { params: ConnectParams; protocol: number; admitted: Admitted }): void {
    const deps = this.#deps;
    const { params, admitted, protocol } = entry;
    const connectionId = deps.ids.uuid();
    const presence = presenceEntry(params, admitted, { connectionId, atMs: deps.clock.nowMs() });
    const { principal, credential, deviceId } = admitted;
    const connection = new Connection(
      {
        connectionId,
        principal,
        credential,
        deviceId,
        address: this.#peer.address,
        codec: frame.codec,
        presence,
        connectedMs: deps.clock.nowMs(),
        secretFingerprint: deps.auth.secret.fingerprint(),
      },
      this.#socket,
    );
    this.#handshakeOver("open");
    this.#connection = connection;
    this.#socket.allowLargeFrames();
    deps.connections.add(connection);
    deps.presence.joined(connectionId, presence);
    const hello = helloJson(deps.hello, { protocol, connectionId, admitted });
    connection.sendText(frame.codec.response(frame.request.id, hello));
    deps.log.info("A client connected.", {
      connectionId,
      client: params.client.id,
      mode: params.client.mode,
      principal: principal.id,
      credential,
      scopes: principal.scopes,
    });
  }

  #admissionFailed(frame: FirstFrame, thrown: unknown): void {
    const error = AppError.from(thrown);
    if (error.code === "SYS_001") this.#deps.log.error("A handshake failed.", { error: thrown });
    else
      this.#deps.log.warn("A client was refused.", {
        address: this.#peer.address,
        code: error.code,
        reason: error.message,
      });
    this.#refuse(connectRefusal(frame, error));
  }

  #refuse(refusal: Refusal): void {
    if (refusal.error !== null) this.#socket.send(refusal.codec.failure(refusal.id, wireError(refusal.error)));
    this.#socket.close(refusal.closeCode, refusal.closeReason);
    this.#handshakeOver("closed");
  }

  #handshakeTimedOut(): void {
    this.#socket.close(1008, "handshake timeout");
    this.#handshakeOver("closed");
  }

  #handshakeOver(next: "open" | "closed"): void {
    if (this.#state === "open" || this.#state === "closed") return;
    this.#state = next;
    this.#timer.cancel();
    this.#deps.connections.handshakeEnded(this.#socket);
  }

  #ponged(): void {
    if (this.#connection !== null) this.#connection.answersPings = true;
  }

  #closed(): void {
    this.#handshakeOver("closed");
    this.#state = "closed";
    const connection = this.#connection;
    if (connection === null) return;
    this.#connection = null;
    this.#deps.connections.remove(connection);
    this.#deps.presence.left(connection.connectionId);
    connection.gone();
    this.#deps.log.info("A client left.", { connectionId: connection.connectionId });
  }
}

function presenceEntry(
  { client }: ConnectParams,
  { principal, deviceId }: Admitted,
  { connectionId, atMs }: { connectionId: string; atMs: number },
): PresenceEntry {
  return {
    ts: atMs,
    host: short(client.displayName ?? client.id),
    version: short(client.version),
    platform: short(client.platform),
    ...(client.deviceFamily === undefined ? {} : { deviceFamily: short(client.deviceFamily) }),
    mode: client.mode,
    reason: "connect",
    ...(deviceId === null ? {} : { deviceId }),
    roles: [principal.role],
    scopes: [...principal.scopes],
    instanceId: connectionId,
  };
}

/** Everybody is told of every entry: what a client says of itself is kept to a line. */
function short(text: string): string {
  return text.slice(0, 48);
}

function textOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString();
  return Buffer.isBuffer(data) ? data.toString() : Buffer.from(data).toString();
}
