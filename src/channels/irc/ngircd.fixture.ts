/** A real IRC server on a port of its own, started in a folder of its own. For tests alone. */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const places = ["/usr/sbin/ngircd", "/usr/local/sbin/ngircd", "/usr/bin/ngircd"];

/** Why tests with the real server cannot run here; null where they can. */
export function ngircdMissing(required: boolean): string | null {
  if (places.some((place) => existsSync(place))) return null;
  if (required) throw new Error("ngircd is required and not installed (apt-get install ngircd)");
  return "ngircd is not installed";
}

export interface NgircdOptions {
  readonly password?: string;
  /** Listens with TLS instead. */
  readonly tls?: boolean;
  readonly port?: number;
}

export class Ngircd {
  readonly port: number;
  readonly #dir: string;
  readonly #config: string;
  #child: ChildProcess | null = null;

  private constructor(port: number, dir: string) {
    this.port = port;
    this.#dir = dir;
    this.#config = join(dir, "ngircd.conf");
  }

  static async start(options: NgircdOptions = {}): Promise<Ngircd> {
    const port = options.port ?? (await freePort());
    const server = new Ngircd(port, await mkdtemp(join(tmpdir(), "openclaw-ngircd-")));
    await server.#configure(options);
    await server.run();
    return server;
  }

  /** Starts it, again where it was killed; resolves when it accepts connections. */
  async run(): Promise<void> {
    const binary = places.find((place) => existsSync(place)) ?? "ngircd";
    const child = spawn(binary, ["-n", "-f", this.#config], { stdio: "ignore" });
    this.#child = child;
    while (!(await accepts(this.port))) {
      if (child.exitCode !== null) throw new Error(`ngircd ended with ${child.exitCode}`);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** As a power cut would: no goodbye to anybody. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;
  }

  async stop(): Promise<void> {
    await this.kill();
    await rm(this.#dir, { recursive: true, force: true });
  }

  async #configure({ password, tls = false }: NgircdOptions): Promise<void> {
    const motd = join(this.#dir, "motd");
    await writeFile(motd, "welcome\n");
    const lines = [
      "[Global]",
      "Name = irc.example.net",
      "Info = test",
      "Listen = 127.0.0.1",
      tls ? "" : `Ports = ${this.port}`,
      `MotdFile = ${motd}`,
      password === undefined ? "" : `Password = ${password}`,
      // Who may not become another user has to say who it is already.
      process.getuid?.() === 0 ? "ServerUID = root\nServerGID = root" : "",
      "[Limits]",
      "MaxConnectionsIP = 0",
      "MaxNickLength = 20",
      "[Options]",
      "DNS = no",
      "Ident = no",
      "PAM = no",
      ...(tls ? await this.#tlsLines() : []),
    ];
    await writeFile(this.#config, `${lines.join("\n")}\n`);
  }

  async #tlsLines(): Promise<readonly string[]> {
    const key = join(this.#dir, "key.pem");
    const certificate = join(this.#dir, "cert.pem");
    execFileSync(
      "openssl",
      [
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
        "-keyout",
        key,
        "-out",
        certificate,
      ],
      { stdio: "ignore" },
    );
    return ["[SSL]", `Ports = ${this.port}`, `CertFile = ${certificate}`, `KeyFile = ${key}`];
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
