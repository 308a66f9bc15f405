/** Somebody on IRC, written apart from the client under test: a socket, lines, and patience. For tests alone. */
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

const patienceMs = 20_000;

export interface PersonOptions {
  readonly port: number;
  readonly nick: string;
  readonly password?: string;
  readonly tls?: boolean;
  /** Requested with CAP REQ. */
  readonly capabilities?: readonly string[];
}

export class Person {
  readonly nick: string;
  readonly lines: string[] = [];
  readonly #socket: Socket;
  readonly #wakes = new Set<() => void>();
  #rest = "";
  #pings = 0;

  private constructor(socket: Socket, nick: string) {
    this.#socket = socket;
    this.nick = nick;
    socket.setEncoding("utf8");
    socket.on("data", (chunk: string) => this.#read(chunk));
    socket.on("close", () => this.#wake());
    // A server that is killed resets us; whoever waits is told by "close".
    socket.on("error", () => {});
  }

  static async connect({ port, nick, password, tls = false, capabilities = [] }: PersonOptions): Promise<Person> {
    const target = { port, host: "127.0.0.1" };
    const person = new Person(tls ? connectTls({ ...target, rejectUnauthorized: false }) : connect(target), nick);
    if (capabilities.length > 0) person.write(`CAP REQ :${capabilities.join(" ")}`, "CAP END");
    if (password !== undefined) person.write(`PASS ${password}`);
    person.write(`NICK ${nick}`, `USER ${nick} 0 * :${nick}`);
    await person.line(/ (376|422) /);
    return person;
  }

  write(...lines: readonly string[]): void {
    this.#socket.write(lines.map((line) => `${line}\r\n`).join(""));
  }

  /** Resolves when the server has dealt with everything written so far. */
  async settled(): Promise<void> {
    const token = `t${(this.#pings += 1)}`;
    this.write(`PING ${token}`);
    await this.line(new RegExp(` PONG .*${token}$`));
  }

  async join(room: string): Promise<void> {
    this.write(`JOIN ${room}`);
    await this.line(new RegExp(` 366 .*${room} `));
  }

  async say(target: string, text: string): Promise<void> {
    this.write(`PRIVMSG ${target} :${text}`);
    await this.settled();
  }

  /** The first line that matches, now or later. */
  async line(pattern: RegExp): Promise<string> {
    const found = (): string | undefined => this.lines.find((line) => pattern.test(line));
    await this.until(`a line like ${pattern}`, () => found() !== undefined);
    return found() ?? "";
  }

  /** What somebody said to a target, in order. */
  said(from: string, target: string): readonly string[] {
    const pattern = new RegExp(`^(?:@\\S+ )?:${from}[!_][^ ]* PRIVMSG (\\S+) :?(.*)$`, "i");
    return this.lines.flatMap((line) => {
      const match = pattern.exec(line);
      return match !== null && match[1]?.toLowerCase() === target.toLowerCase() ? [match[2] ?? ""] : [];
    });
  }

  async until(what: string, isSo: () => boolean): Promise<void> {
    if (isSo()) return;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`${this.nick} waited in vain for ${what}; last: ${this.lines.slice(-5).join(" | ")}`)),
        patienceMs,
      );
      const wake = (): void => {
        if (!isSo()) return;
        clearTimeout(timer);
        this.#wakes.delete(wake);
        resolve();
      };
      this.#wakes.add(wake);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(chunk: string): void {
    const parts = (this.#rest + chunk).split("\r\n");
    this.#rest = parts.pop() ?? "";
    for (const line of parts) {
      if (line.startsWith("PING")) this.write(line.replace("PING", "PONG"));
      this.lines.push(line);
    }
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#wakes) wake();
  }
}
