/**
 * Authority is a value. A function that acts, spends, opens a file or leaves the machine takes one of these
 * as a parameter, and only the guard that checked it can make one: the layer check lets no module
 * but the named guards import `authority-mint.ts`.
 */
import type { Role, Scope } from "./scopes.ts";

declare const granted: unique symbol;
interface Granted<Name extends string> {
  readonly [granted]: Name;
}

/** Who is asking, as proven by a credential. Never inferred from a header, a locality or a name. */
export interface Principal extends Granted<"Principal"> {
  readonly kind: "token" | "device" | "channel-sender" | "system";
  /** Stable id: `token:gateway`, `device:<id>`, `irc:default:alice`. */
  readonly id: string;
  readonly role: Role;
  readonly scopes: readonly Scope[];
}

/** An absolute path whose real path was inside its root when it was checked. */
export interface SafePath extends Granted<"SafePath"> {
  readonly path: string;
  readonly root: string;
}

/** A URL that the egress guard let through; the dialled address is checked again at connect. */
export interface EgressUrl extends Granted<"EgressUrl"> {
  readonly url: URL;
}

/** A command that may run, bound to exactly these words, folder and environment. */
export interface ApprovedCommand extends Granted<"ApprovedCommand"> {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Money set aside for one model call. Settled with what the call really cost. */
export interface BudgetHold extends Granted<"BudgetHold"> {
  readonly id: string;
  readonly reservedMicros: number;
}
