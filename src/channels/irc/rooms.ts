/**
 * The rooms we are meant to be in: joins them, notices when we are put out, and comes back with growing pauses.
 * It says in one line which of them it is not in, and why.
 */
import type { Clock, Timer } from "../../platform/clock.ts";
import { foldName, type Casemap } from "./casemap.ts";
import type { IrcLine } from "./line.ts";
import type { Wire } from "./wire.ts";

/** The first pause before a room is tried again; doubles up to the cap. */
export const rejoinBaseMs = 5_000;
export const rejoinCapMs = 300_000;
/** At 64 characters a name, still within one line. */
const roomsPerCommand = 5;

export interface RoomsOptions {
  readonly rooms: readonly { readonly name: string; readonly key?: string | undefined }[];
  readonly wire: Wire;
  readonly clock: Clock;
  readonly casemap: Casemap;
  readonly isSelf: (nick: string) => boolean;
  /** What to show a person; null where we are in every room. */
  readonly note: (text: string | null) => void;
}

interface Room {
  readonly name: string;
  readonly key: string | undefined;
  joined: boolean;
  problem: string | null;
  failures: number;
  timer: Timer | null;
}

export class Rooms {
  readonly #options: RoomsOptions;
  readonly #rooms: ReadonlyMap<string, Room>;
  #told: string | null = null;

  constructor(options: RoomsOptions) {
    this.#options = options;
    this.#rooms = new Map(
      options.rooms.map((room) => [
        foldName(room.name, options.casemap),
        { name: room.name, key: room.key, joined: false, problem: null, failures: 0, timer: null },
      ]),
    );
  }

  /** Rooms without a key share a command: a server counts commands, and puts out who sends too many. */
  joinAll(): void {
    const rooms = [...this.#rooms.values()];
    for (const room of rooms.filter(({ key }) => key !== undefined)) this.#join(room);
    const open = rooms.filter(({ key }) => key === undefined).map(({ name }) => name);
    for (let index = 0; index < open.length; index += roomsPerCommand) {
      this.#options.wire.send("JOIN", [open.slice(index, index + roomsPerCommand).join(",")]);
    }
  }

  line({ command, params, source }: IrcLine): void {
    const self = source !== null && this.#options.isSelf(source.name);
    if (command === "JOIN" && self) this.#joined(params[0]);
    else if (command === "PART" && self) this.#left(params[0], "we were taken out of it");
    else if (command === "KICK" && this.#options.isSelf(params[1] ?? ""))
      this.#left(params[0], `we were kicked: ${params[2] ?? ""}`);
    else if (joinErrors.has(command)) this.#refused(params[1], params.at(-1) ?? command);
  }

  close(): void {
    for (const room of this.#rooms.values()) room.timer?.cancel();
  }

  #join(room: Room): void {
    room.timer = null;
    this.#options.wire.send("JOIN", room.key === undefined ? [room.name] : [room.name, room.key]);
  }

  #joined(name: string | undefined): void {
    const room = this.#find(name);
    if (room === undefined) return;
    room.joined = true;
    room.problem = null;
    room.failures = 0;
    this.#tell();
  }

  #left(name: string | undefined, problem: string): void {
    const room = this.#find(name);
    if (room === undefined) return;
    room.joined = false;
    this.#again(room, problem);
  }

  #refused(name: string | undefined, problem: string): void {
    const room = this.#find(name);
    // The same numbers answer a message to a room; they are about joining only while we are not in.
    if (room === undefined || room.joined || room.timer !== null) return;
    this.#again(room, problem);
  }

  #again(room: Room, problem: string): void {
    const pauseMs = Math.min(rejoinBaseMs * 2 ** Math.min(room.failures, 10), rejoinCapMs);
    room.failures += 1;
    room.problem = problem;
    room.timer?.cancel();
    room.timer = this.#options.clock.after(pauseMs, () => this.#join(room));
    this.#tell();
  }

  #tell(): void {
    const missing = [...this.#rooms.values()].filter((room) => room.problem !== null);
    const text = missing.length === 0 ? null : missing.map((room) => `not in ${room.name}: ${room.problem}`).join("; ");
    if (text === this.#told) return;
    this.#told = text;
    this.#options.note(text);
  }

  #find(name: string | undefined): Room | undefined {
    return name === undefined ? undefined : this.#rooms.get(foldName(name, this.#options.casemap));
  }
}

/** No such room, too many rooms, forwarded, full, invitation only, banned, wrong key, bad name, not registered, TLS only … */
const joinErrors: ReadonlySet<string> = new Set([
  "403",
  "405",
  "407",
  "437",
  "470",
  "471",
  "473",
  "474",
  "475",
  "476",
  "477",
  "479",
  "480",
  "489",
  "520",
]);
