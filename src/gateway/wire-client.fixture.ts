/**
 * A client that sees every frame: for tests of the wire. Keeps what it got, and waits for what is to come. A frame that
 * the published schema does not accept ends the test run, whichever test it was sent to.
 */
import { createHash, generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { EventFrameSchema, ResponseFrameSchema } from "@openclaw/gateway-protocol";
import { WebSocket, type ClientOptions } from "ws";
import { z, type ZodType } from "zod";
import { testToken } from "./fake-deps.fixture.ts";

export type Frame = Record<string, unknown> & { type?: string; id?: string; event?: string; ok?: boolean };

export class WireClient {
  readonly frames: Frame[] = [];
  readonly socket: WebSocket;
  readonly closed: Promise<{ code: number; reason: string }>;
  #nextId = 1;
  readonly #waiting = new Set<() => void>();

  constructor(url: string, options: ClientOptions = {}) {
    this.socket = new WebSocket(url, { perMessageDeflate: false, ...options });
    this.socket.on("message", (data: Buffer) => {
      const frame = JSON.parse(data.toString()) as Frame;
      expectPublished(frame);
      this.frames.push(frame);
      for (const wake of this.#waiting) wake();
    });
    const { promise, resolve } = Promise.withResolvers<{ code: number; reason: string }>();
    this.closed = promise;
    this.socket.on("close", (code, reason) => {
      resolve({ code, reason: reason.toString() });
      for (const wake of this.#waiting) wake();
    });
    // A refused upgrade or a cut socket is told by `closed`.
    this.socket.on("error", () => undefined);
  }

  async until(test: (frame: Frame) => boolean): Promise<Frame> {
    for (;;) {
      const found = this.frames.find(test);
      if (found !== undefined) return found;
      if (this.socket.readyState === WebSocket.CLOSED) throw new Error(`closed; saw ${JSON.stringify(this.frames)}`);
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.add(resolve);
      await promise;
      this.#waiting.delete(resolve);
    }
  }

  event(name: string): Promise<Frame> {
    return this.until((frame) => frame.event === name);
  }

  events(name: string): Frame[] {
    return this.frames.filter((frame) => frame.event === name);
  }

  send(frame: unknown): void {
    this.socket.send(typeof frame === "string" ? frame : JSON.stringify(frame));
  }

  async call(method: string, params: unknown = {}): Promise<Frame> {
    const id = `c${this.#nextId++}`;
    this.send({ type: "req", id, method, params });
    return this.until((frame) => frame.id === id);
  }

  /** The payload; throws what the gateway answered where it refused. */
  async ask(method: string, params: unknown = {}): Promise<Record<string, unknown>> {
    const frame = await this.call(method, params);
    if (frame.ok !== true) throw new Error(JSON.stringify(frame["error"]));
    return frame["payload"] as Record<string, unknown>;
  }

  async challenge(): Promise<{ nonce: string; ts: number }> {
    const frame = await this.event("connect.challenge");
    return frame["payload"] as { nonce: string; ts: number };
  }

  async close(): Promise<void> {
    this.socket.close();
    await this.closed;
  }
}

const published: Readonly<Record<string, ZodType>> = {
  res: z.fromJSONSchema(JSON.parse(JSON.stringify(ResponseFrameSchema)) as never),
  event: z.fromJSONSchema(JSON.parse(JSON.stringify(EventFrameSchema)) as never),
};

/** Frames of the untyped dialect have no published schema. */
function expectPublished(frame: Frame): void {
  if (frame.type === undefined) return;
  const verdict = published[frame.type]?.safeParse(frame);
  if (verdict?.success !== true) {
    throw new Error(`not as published: ${JSON.stringify(frame)} ${JSON.stringify(verdict?.error?.issues)}`);
  }
}

export interface Identity {
  readonly id: string;
  readonly publicKey: string;
  readonly privateKey: KeyObject;
}

export function makeIdentity(): Identity {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const raw = Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url");
  return { id: createHash("sha256").update(raw).digest("hex"), publicKey: raw.toString("base64url"), privateKey };
}

export interface ConnectOptions {
  readonly scopes?: readonly string[];
  readonly role?: string;
  readonly client?: Record<string, unknown>;
  readonly auth?: Record<string, string>;
  readonly identity?: Identity;
  readonly params?: Record<string, unknown>;
  /** Which line is signed. */
  readonly signature?: "v2" | "v3";
  readonly nonce?: string;
  readonly headers?: Record<string, string>;
}

export const everyScope = [
  "operator.admin",
  "operator.read",
  "operator.write",
  "operator.approvals",
  "operator.pairing",
];

/** `connect` params as a client would send them. */
export function connectParams(
  options: ConnectOptions,
  challenge: { nonce: string; ts: number },
): Record<string, unknown> {
  const client = { id: "gateway-client", version: "1.0", platform: "linux", mode: "backend", ...options.client };
  const auth = options.auth ?? { token: testToken };
  const scopes = options.scopes ?? everyScope;
  const role = options.role ?? "operator";
  const { identity } = options;
  const nonce = options.nonce ?? challenge.nonce;
  return {
    minProtocol: 3,
    maxProtocol: 4,
    client,
    role,
    scopes,
    auth,
    ...(identity === undefined
      ? {}
      : {
          device: proofOf(identity, {
            client,
            role,
            scopes,
            auth,
            nonce,
            ts: challenge.ts,
            version: options.signature ?? "v3",
          }),
        }),
    ...options.params,
  };
}

interface Signed {
  readonly client: Record<string, unknown>;
  readonly role: string;
  readonly scopes: readonly string[];
  readonly auth: Record<string, string>;
  readonly nonce: string;
  readonly ts: number;
  readonly version: "v2" | "v3";
}

function proofOf(identity: Identity, signed: Signed): Record<string, unknown> {
  const { client, auth, version } = signed;
  const credential = auth["token"] ?? auth["deviceToken"] ?? auth["bootstrapToken"] ?? "";
  const parts = [
    version,
    identity.id,
    client["id"],
    client["mode"],
    signed.role,
    signed.scopes.join(","),
    signed.ts,
    credential,
    signed.nonce,
  ];
  const lowered = (text: unknown): string => (typeof text === "string" ? text.trim().toLowerCase() : "");
  if (version === "v3") parts.push(lowered(client["platform"]), lowered(client["deviceFamily"]));
  const signature = sign(null, Buffer.from(parts.join("|")), identity.privateKey).toString("base64url");
  return { id: identity.id, publicKey: identity.publicKey, signature, signedAt: signed.ts, nonce: signed.nonce };
}

/** Opens a socket and sends `connect`; the answer is a frame, whatever it says. */
export async function tryConnect(
  url: string,
  options: ConnectOptions = {},
): Promise<{ client: WireClient; answer: Frame }> {
  const client = new WireClient(url, options.headers === undefined ? {} : { headers: options.headers });
  const challenge = await client.challenge();
  const answer = await client.call("connect", connectParams(options, challenge));
  return { client, answer };
}

/** A connected client; throws where it was refused. */
export async function connect(
  url: string,
  options: ConnectOptions = {},
): Promise<WireClient & { hello: Record<string, unknown> }> {
  const { client, answer } = await tryConnect(url, options);
  if (answer.ok !== true) throw new Error(JSON.stringify(answer["error"]));
  return Object.assign(client, { hello: answer["payload"] as Record<string, unknown> });
}

export function errorOf(
  frame: Frame,
): { code: string; message: string; details: Record<string, unknown> } & Record<string, unknown> {
  return frame["error"] as { code: string; message: string; details: Record<string, unknown> };
}
