/** A program's side of the local socket: watches what is asked and answers it, with the token of the state directory. */
import { connect, type Socket } from "node:net";
import { AppError } from "../../domain/app-error.ts";
import type { Answer, ApprovalView } from "../contract.ts";
import { helloSchema, parsed, readLines, sign, writeLine, type GatewayLine, type Wish } from "./lines.ts";
import { mustBePrivate, privatePlace, readToken } from "./private-place.ts";

export interface LocalApprover {
  /** The same question may be told twice; its id says so. */
  watch(hear: {
    asked(approval: ApprovalView): void;
    resolved(id: string, state: string, by: string | null): void;
  }): Promise<void>;
  /** `decided`, `late`, `unknown`, `only-once` or `failed`; `state` is how the question stands. */
  answer(id: string, decision: Answer): Promise<{ readonly outcome: string; readonly state: string | null }>;
  /** Resolves when the gateway is gone or has refused us, with what it said. */
  readonly closed: Promise<string | null>;
  close(): void;
}

/** Throws SYS_002 where no gateway listens there, CFG_007 where others could have put the socket there. */
export async function connectLocalApprover(stateDir: string, platform: NodeJS.Platform): Promise<LocalApprover> {
  const place = privatePlace(stateDir, platform);
  const token = await readToken(place);
  if (token === null || (!place.isPipe && !(await mustBePrivate(place.address, "socket")))) throw nobodyThere();
  const client = new Client(connect(place.address), token);
  await client.greeted;
  return client;
}

function nobodyThere(cause?: unknown): AppError {
  return new AppError("SYS_002", "No gateway of this state directory takes approvals here.", { cause });
}

class Client implements LocalApprover {
  readonly greeted: Promise<void>;
  readonly closed: Promise<string | null>;
  readonly #socket: Socket;
  readonly #token: string;
  readonly #waiting = new Map<number, (reply: { outcome: string; state: string | null }) => void>();
  #hear: Parameters<LocalApprover["watch"]>[0] | null = null;
  #nonce = "";
  #seq = 0;
  #refusal: string | null = null;

  constructor(socket: Socket, token: string) {
    this.#socket = socket;
    this.#token = token;
    const greeted = Promise.withResolvers<void>();
    const closed = Promise.withResolvers<string | null>();
    this.greeted = greeted.promise;
    this.closed = closed.promise;
    socket.on("error", (error) => greeted.reject(nobodyThere(error)));
    socket.once("close", () => {
      greeted.reject(nobodyThere());
      for (const reply of this.#waiting.values()) reply({ outcome: this.#refusal ?? "failed", state: null });
      closed.resolve(this.#refusal);
    });
    readLines(
      socket,
      (line) => {
        const value = parsed(line);
        if (this.#nonce === "") {
          const hello = helloSchema.safeParse(value);
          if (!hello.success) return void socket.destroy();
          this.#nonce = hello.data.nonce;
          greeted.resolve();
        } else this.#take(value as GatewayLine);
      },
      () => socket.destroy(),
    );
  }

  async watch(hear: Parameters<LocalApprover["watch"]>[0]): Promise<void> {
    this.#hear = hear;
    const { outcome } = await this.#ask({ do: "watch" });
    if (outcome !== "watching") throw new AppError("SEC_003", `The gateway refused: ${outcome}.`);
  }

  answer(id: string, decision: Answer): Promise<{ outcome: string; state: string | null }> {
    return this.#ask({ do: "answer", id, decision });
  }

  close(): void {
    this.#socket.destroy();
  }

  #ask(wish: Wish): Promise<{ outcome: string; state: string | null }> {
    const body = JSON.stringify(wish);
    this.#seq += 1;
    const seq = this.#seq;
    const { promise, resolve } = Promise.withResolvers<{ outcome: string; state: string | null }>();
    this.#waiting.set(seq, resolve);
    writeLine(this.#socket, { seq, body, mac: sign(this.#token, this.#nonce, { seq, body }) });
    return promise;
  }

  #take(line: GatewayLine): void {
    switch (line.type) {
      case "asked":
        this.#hear?.asked(line.approval);
        return;
      case "resolved":
        this.#hear?.resolved(line.id, line.state, line.by);
        return;
      case "reply":
        this.#waiting.get(line.seq)?.({ outcome: line.outcome, state: line.state });
        this.#waiting.delete(line.seq);
        return;
      case "refused":
        this.#refusal = line.why;
        return;
      case "hello":
        return;
    }
  }
}
