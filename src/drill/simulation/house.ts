/**
 * What a simulation needs of the house: the whole way of a message on a disk that outlives its processes. Built where the
 * house is built; this floor knows no store, no queue and no agent.
 */
import type { ChannelModule } from "../../channels/contract.ts";
import type { Ids } from "../../platform/ids.ts";
import type { EndPart, EndRow, SaidMessage, Truth } from "../truth.ts";
import type { SimulatedModel } from "./simulated-model.ts";
import type { SimulatedProcess } from "./simulated-process.ts";

export interface SimulatedHouse {
  /** An empty disk. What was committed on it is there for the next process, and nothing else. */
  openDisk(): Promise<SimulatedDisk>;
}

export interface SimulatedDisk {
  /** Starts a process on it. Never resolves where the process dies on its way. */
  boot(parts: BootParts): Promise<RunningHouse>;
  /** Nothing waits, runs or is on its way. */
  isIdle(): Promise<boolean>;
  /** What the store tells at the end. */
  evidence(said: readonly SaidMessage[]): Promise<Evidence>;
  /** A picture of everything that is stored, for comparing. */
  picture(): Promise<string>;
  /** Reads everything that a client can ask for. */
  readEverything(): Promise<void>;
  close(): Promise<void>;
}

export interface BootParts {
  readonly process: SimulatedProcess;
  /** One sequence for the whole run: a later process never makes an id that an earlier one made. */
  readonly ids: Ids;
  readonly channels: readonly ChannelModule[];
  /** The section `channels` of the configuration; asked anew for each message. */
  readonly settings: () => Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly model: SimulatedModel;
}

export interface RunningHouse {
  /** Follows a configuration that has changed. */
  applySettings(): Promise<void>;
  /** Ends it as a signal does. */
  close(): Promise<void>;
  /** What it logged, for secrets that are not to stand there. */
  log(): string;
}

export interface Evidence extends Pick<Truth, "ledger"> {
  readonly rows: readonly EndRow[];
  readonly parts: readonly EndPart[];
}
