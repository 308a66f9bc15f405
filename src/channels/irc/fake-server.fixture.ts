/**
 * A small IRC server for what no installed server offers: message ids, accounts, echoes and labels, SASL, and refusals
 * on demand. It relays as real ones do, lines cut at 512 bytes included. For tests alone.
 */
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { formatLine, parseLine, type IrcLine } from "./line.ts";

export interface FakeServerOptions {
  readonly password?: string;
  readonly capabilities?: readonly string[];
  readonly supports?: readonly string[];
  /** Account → password, for SASL PLAIN. */
  readonly accounts?: Readonly<Record<string, string>>;
  /** What the server says instead of acting; returned lines are sent as they are. Null: it acts. */
  readonly refuse?: (command: string, params: readonly string[], nick: string) => readonly string[] | null;
  /** Longest nick that is accepted. */
  readonly nickLength?: number;
}

interface Client {
  readonly socket: Socket;
  readonly capabilities: Set<string>;
  readonly commands: string[];
  nick: string;
  user: string;
  account: string | null;
  password: string | null;
  negotiating: boolean;
  registered: boolean;
}

const serverName = "irc.example.net";

export class FakeIrcServer {
  readonly port: number;
  readonly clients = new Set<Client>();
  /** Every line that a client ever sent, without those of signing on. */
  readonly heard: string[] = [];
  options: FakeServerOptions;
  readonly #server: Server;
  readonly #rooms = new Map<string, Set<Client>>();
  #messages = 0;

  private constructor(server: Server, options: FakeServerOptions) {
    this.#server = server;
    this.options = options;
    this.port = (server.address() as AddressInfo).port;
    server.on("connection", (socket) => this.#accept(socket));
  }

  static async start(options: FakeServerOptions = {}): Promise<FakeIrcServer> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new FakeIrcServer(server, options);
  }

  find(nick: string): Client | undefined {
    return [...this.clients].find((client) => client.nick.toLowerCase() === nick.toLowerCase() && client.registered);
  }

  setAccount(nick: string, account: string | null): void {
    const client = this.find(nick);
    if (client !== undefined) client.account = account;
  }

  /** One line to one client, as it is. */
  raw(nick: string, line: string): void {
    this.find(nick)?.socket.write(`${line}\r\n`);
  }

  kick(room: string, nick: string): void {
    const client = this.find(nick);
    if (client === undefined) return;
    this.#toRoom(room, `:op!op@host KICK ${room} ${nick} :out`);
    this.#rooms.get(room)?.delete(client);
  }

  async close(): Promise<void> {
    for (const { socket } of this.clients) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(socket: Socket): void {
    const client: Client = {
      socket,
      capabilities: new Set(),
      commands: [],
      nick: "*",
      user: "",
      account: null,
      password: null,
      negotiating: false,
      registered: false,
    };
    this.clients.add(client);
    let rest = Buffer.alloc(0);
    socket.on("data", (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      for (let end = rest.indexOf(0x0a); end !== -1; end = rest.indexOf(0x0a)) {
        const text = rest.subarray(0, end).toString("utf8").replace(/\r$/, "");
        rest = rest.subarray(end + 1);
        if (text !== "") this.#command(client, text);
      }
    });
    socket.on("error", () => {});
    socket.on("close", () => this.#gone(client, "gone"));
  }

  #gone(client: Client, reason: string): void {
    if (!this.clients.delete(client)) return;
    for (const [room, members] of this.#rooms)
      if (members.delete(client)) this.#toRoom(room, `:${prefix(client)} QUIT :${reason}`);
  }

  #command(client: Client, text: string): void {
    const line = parseLine(text);
    if (line === null) return;
    const { command, params, tags } = line;
    if (client.registered) this.heard.push(text);
    client.commands.push(command);
    const refusal = this.options.refuse?.(command, params, client.nick) ?? null;
    const label = client.capabilities.has("labeled-response") ? tags["label"] : undefined;
    if (refusal !== null) {
      for (const answer of refusal)
        client.socket.write(`${label === undefined ? "" : `@label=${label} `}${answer}\r\n`);
      return;
    }
    const handlers: Readonly<Record<string, () => void>> = {
      CAP: () => this.#cap(client, params),
      AUTHENTICATE: () => this.#authenticate(client, params[0] ?? ""),
      PASS: () => void (client.password = params[0] ?? null),
      NICK: () => this.#nick(client, params[0] ?? ""),
      USER: () => {
        client.user = `~${params[0] ?? ""}`;
        this.#register(client);
      },
      PING: () => this.#numeric(client, "PONG", [serverName, params[0] ?? ""], false),
      JOIN: () => (params[0] ?? "").split(",").forEach((room) => this.#join(client, room)),
      PRIVMSG: () => this.#relay(client, line, label),
      NOTICE: () => this.#relay(client, line, label),
      TAGMSG: () => this.#relay(client, line, label),
      USERHOST: () => this.#numeric(client, "302", [`${client.nick}=+${client.user}@host.example`]),
      WHOIS: () => this.#whois(client, params[0] ?? ""),
      QUIT: () => {
        this.#gone(client, params[0] ?? "");
        client.socket.end("ERROR :bye\r\n");
      },
    };
    handlers[command]?.();
  }

  #cap(client: Client, [verb = "", list = ""]: readonly string[]): void {
    const { capabilities = [] } = this.options;
    if (verb === "LS") {
      client.negotiating = true;
      this.#send(client, `:${serverName} CAP * LS :${capabilities.join(" ")}`);
    } else if (verb === "REQ") {
      for (const name of list.split(" ")) client.capabilities.add(name);
      this.#send(client, `:${serverName} CAP * ACK :${list}`);
    } else if (verb === "END") {
      client.negotiating = false;
      this.#register(client);
    }
  }

  #authenticate(client: Client, word: string): void {
    if (word === "PLAIN") {
      this.#send(client, "AUTHENTICATE +");
      return;
    }
    const [, account = "", password = ""] = Buffer.from(word, "base64").toString().split("\0");
    if (this.options.accounts?.[account] === password) {
      client.account = account;
      this.#numeric(client, "903", ["SASL authentication successful"]);
    } else {
      this.#numeric(client, "904", ["SASL authentication failed"]);
    }
  }

  #nick(client: Client, nick: string): void {
    const taken = this.find(nick);
    if (nick.length > (this.options.nickLength ?? 30)) this.#numeric(client, "432", [nick, "Erroneous nickname"]);
    else if (taken !== undefined && taken !== client)
      this.#numeric(client, "433", [nick, "Nickname is already in use"]);
    else {
      const before = prefix(client);
      client.nick = nick;
      if (client.registered) for (const other of this.clients) this.#send(other, `:${before} NICK ${nick}`);
      this.#register(client);
    }
  }

  #register(client: Client): void {
    if (client.registered || client.negotiating || client.nick === "*" || client.user === "") return;
    const { password, supports = [] } = this.options;
    if (password !== undefined && client.password !== password) {
      this.#numeric(client, "464", ["Password incorrect"]);
      client.socket.end("ERROR :Closing link\r\n");
      return;
    }
    client.registered = true;
    this.#numeric(client, "001", [`Welcome ${prefix(client)}`]);
    this.#send(
      client,
      `:${serverName} 005 ${client.nick} CASEMAPPING=rfc1459 CHANTYPES=# ${supports.join(" ")} :are supported by this server`,
    );
    this.#numeric(client, "422", ["No message of the day"]);
  }

  #join(client: Client, room: string): void {
    const members = this.#rooms.get(room) ?? new Set<Client>();
    this.#rooms.set(room, members.add(client));
    this.#toRoom(room, `:${prefix(client)} JOIN ${room}`);
    this.#numeric(client, "366", [room, "End of /NAMES list"]);
  }

  #relay(
    client: Client,
    { command, params: [target = "", text = ""], tags }: IrcLine,
    label: string | undefined,
  ): void {
    const members = this.#rooms.get(target);
    const person = this.find(target);
    if (members === undefined && person === undefined) {
      const answer = `:${serverName} 401 ${client.nick} ${target} :No such nick/channel`;
      this.#send(client, label === undefined ? answer : `@label=${label} ${answer}`);
      return;
    }
    this.#messages += 1;
    const params = command === "TAGMSG" ? [target] : [target, text];
    const clientTags = Object.fromEntries(Object.entries(tags).filter(([key]) => key.startsWith("+")));
    const to = (receiver: Client, labelled: string | undefined): void => {
      const sent = {
        ...(labelled === undefined ? {} : { label: labelled }),
        ...(receiver.capabilities.has("server-time") ? { time: "2026-01-02T03:04:05.678Z" } : {}),
        ...(receiver.capabilities.has("message-tags") ? { msgid: `m${this.#messages}`, ...clientTags } : {}),
        ...(receiver.capabilities.has("account-tag") && client.account !== null ? { account: client.account } : {}),
      };
      this.#send(receiver, `${tagText(sent)}${cutAt512(`:${prefix(client)} ${formatLine(command, params)}`)}`);
    };
    for (const receiver of members ?? [person])
      if (receiver !== undefined && receiver !== client) to(receiver, undefined);
    if (client.capabilities.has("echo-message")) to(client, label);
  }

  #whois(client: Client, nick: string): void {
    const found = this.find(nick);
    if (found === undefined) this.#numeric(client, "401", [nick, "No such nick"]);
    else {
      this.#numeric(client, "311", [nick, found.user, "host.example", "*", nick]);
      if (found.account !== null) this.#numeric(client, "330", [nick, found.account, "is logged in as"]);
    }
    this.#numeric(client, "318", [nick, "End of /WHOIS list"]);
  }

  #toRoom(room: string, line: string): void {
    for (const member of this.#rooms.get(room) ?? []) this.#send(member, line);
  }

  #numeric(client: Client, command: string, params: readonly string[], addressed: boolean = true): void {
    const words = addressed ? [client.nick, ...params] : params;
    this.#send(client, `:${serverName} ${formatLine(command, words)}`);
  }

  #send(client: Client, line: string): void {
    if (client.socket.writable) client.socket.write(`${line}\r\n`);
  }
}

function prefix({ nick, user }: Client): string {
  return `${nick}!${user}@host.example`;
}

function tagText(tags: Readonly<Record<string, string>>): string {
  const text = formatLine("X", [], tags);
  return text === "X" ? "" : text.slice(0, -1);
}

function cutAt512(line: string): string {
  return Buffer.byteLength(line) <= 510 ? line : Buffer.from(line).subarray(0, 510).toString("utf8");
}
