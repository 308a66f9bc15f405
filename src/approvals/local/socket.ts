/**
 * Questions for programs of the same user, over a socket in the state directory: who has the token watches and answers.
 * A line that is not proven, comes twice or makes no sense ends its connection.
 */
import { chmod } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { AppError } from "../../domain/app-error.ts";
import { limits } from "../../domain/limits.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Ids } from "../../platform/ids.ts";
import type { Log } from "../../platform/log.ts";
import type { ApprovalDesk, ApprovalListener } from "../contract.ts";
import { approvalView } from "../subject.ts";
import {
  isSigned,
  parsed,
  readLines,
  requestSchema,
  wishSchema,
  writeLine,
  type GatewayLine,
  type Wish,
} from "./lines.ts";
import { mustBePrivate, prepare, privatePlace } from "./private-place.ts";

export interface ApprovalSocketDeps {
  readonly stateDir: string;
  readonly platform: NodeJS.Platform;
  readonly desk: Pick<ApprovalDesk, "answer" | "listen">;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
}

export interface ApprovalSocket {
  /** Throws CFG_007 where folder, token or socket could be reached by others, SYS_005 where it cannot be opened. */
  start(): Promise<void>;
  close(): Promise<void>;
}

export function createApprovalSocket(deps: ApprovalSocketDeps): ApprovalSocket {
  return new LocalDoor(deps);
}

class LocalDoor implements ApprovalSocket {
  readonly #deps: ApprovalSocketDeps;
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  readonly #watchers = new Set<Socket>();
  #stopListening: () => void = () => undefined;
  #token = "";

  constructor(deps: ApprovalSocketDeps) {
    this.#deps = deps;
    this.#server = createServer((socket) => this.#greet(socket));
    this.#server.maxConnections = limits.localApprovers;
  }

  async start(): Promise<void> {
    const { stateDir, platform, ids, desk } = this.#deps;
    const place = privatePlace(stateDir, platform);
    this.#token = await prepare(place, ids);
    await this.#listenAt(place.address);
    if (!place.isPipe) {
      await chmod(place.address, 0o600);
      await mustBePrivate(place.address, "socket");
    }
    this.#stopListening = desk.listen(this.#listener());
  }

  async close(): Promise<void> {
    this.#stopListening();
    for (const socket of this.#open) socket.destroy();
    if (!this.#server.listening) return;
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #listenAt(address: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", (cause) => {
        reject(new AppError("SYS_005", `The socket for approvals at ${address} cannot be opened.`, { cause }));
      });
      this.#server.listen(address, resolve);
    });
  }

  #listener(): ApprovalListener {
    return {
      id: "local programs",
      reaches: () => this.#watchers.size > 0,
      asked: (row) => this.#tell({ type: "asked", approval: approvalView(row) }),
      resolved: ({ id, state, decidedBy: by }) => this.#tell({ type: "resolved", id, state, by }),
    };
  }

  #tell(line: GatewayLine): void {
    for (const socket of this.#watchers) {
      // Whoever does not read is no longer told, instead of filling this process.
      if (socket.writableLength > limits.approvalLineBytes * 16) socket.destroy();
      else writeLine(socket, line);
    }
  }

  #greet(socket: Socket): void {
    const { clock, ids, log } = this.#deps;
    const nonce = ids.token(24);
    let seq = 0;
    this.#open.add(socket);
    const patience = clock.after(limits.handshakeTimeoutMs, () => seq === 0 && socket.destroy());
    const refuse = (why: string): void => {
      log.warn("a local program was refused", { why });
      socket.end(`${JSON.stringify({ type: "refused", why } satisfies GatewayLine)}\n`);
      this.#watchers.delete(socket);
      socket.removeAllListeners("data");
      socket.resume();
    };
    socket.on("error", (error) => log.debug("a local program broke off", { reason: error.message }));
    socket.once("close", () => {
      patience.cancel();
      this.#open.delete(socket);
      this.#watchers.delete(socket);
    });
    readLines(
      socket,
      (line) => {
        const request = requestSchema.safeParse(parsed(line));
        if (!request.success) return refuse("that is no request");
        // Out of its order it is one that was seen before, or one that was kept back.
        if (request.data.seq !== seq + 1) return refuse("a request counts once, and in its order");
        if (!isSigned(this.#token, nonce, request.data)) return refuse("the token is wrong");
        seq += 1;
        const wish = wishSchema.safeParse(parsed(request.data.body));
        if (!wish.success) return refuse("nobody can do that here");
        this.#do(wish.data, seq, socket);
      },
      () => refuse("the line is too long"),
    );
    writeLine(socket, { type: "hello", nonce } satisfies GatewayLine);
  }

  #do(wish: Wish, seq: number, socket: Socket): void {
    if (wish.do === "watch") {
      this.#watchers.add(socket);
      writeLine(socket, { type: "reply", seq, outcome: "watching", state: null } satisfies GatewayLine);
      this.#catchUp();
      return;
    }
    this.#deps.desk
      .answer(wish.id, wish.decision, { id: "local", via: "socket" })
      .then((outcome) => {
        const state = "row" in outcome ? outcome.row.state : null;
        const said = outcome.outcome === "refused" ? outcome.why : outcome.outcome;
        writeLine(socket, { type: "reply", seq, outcome: said, state } satisfies GatewayLine);
      })
      .catch((thrown: unknown) => {
        const error = AppError.from(thrown);
        this.#deps.log.error("a local answer could not be taken", { error: error.toJSON() });
        writeLine(socket, { type: "reply", seq, outcome: "failed", state: null } satisfies GatewayLine);
      });
  }

  /** Listening anew is being told of everything that is open; who knows it already is told again, which changes nothing. */
  #catchUp(): void {
    this.#stopListening();
    this.#stopListening = this.#deps.desk.listen(this.#listener());
  }
}
