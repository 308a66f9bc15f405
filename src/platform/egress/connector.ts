/**
 * Dials for the guard. The address that is dialled is the address that was checked: a name is resolved once, every
 * answer is judged, and the socket gets those answers instead of resolving again.
 */
import type { buildConnector } from "undici";
import { AppError } from "../../domain/app-error.ts";
import { isPublicAddress, literalAddress } from "./address.ts";

export interface ResolvedAddress {
  readonly address: string;
  readonly family: number;
}

export type Resolve = (hostname: string) => Promise<readonly ResolvedAddress[]>;

export type Connector = ReturnType<typeof buildConnector>;

export interface GuardedConnectorOptions {
  /** The host that was checked, as the URL parser wrote it. No other is dialled. */
  readonly hostname: string;
  /** An administrator allowed this host to be private. */
  readonly allowPrivate: boolean;
  readonly resolve: Resolve;
  /** Makes the dialler that may use exactly these addresses. */
  readonly dial: (addresses: readonly ResolvedAddress[]) => Connector;
}

export function guardedConnector(options: GuardedConnectorOptions): Connector {
  const connect = async (...[target, callback]: Parameters<Connector>): Promise<void> => {
    try {
      options.dial(await allowedAddresses(target.hostname, options))(target, callback);
    } catch (error) {
      callback(AppError.from(error, "CONN_001"), null);
    }
  };
  return (target, callback) => void connect(target, callback);
}

async function allowedAddresses(
  hostname: string,
  options: GuardedConnectorOptions,
): Promise<readonly ResolvedAddress[]> {
  const expected = literalAddress(options.hostname) ?? options.hostname;
  if (hostname !== expected) throw blocked(hostname, "is not the host that was checked");
  const literal = literalAddress(hostname);
  // The resolver is not asked for a literal, so the check stands here and not in a lookup hook.
  const addresses =
    literal === null
      ? await resolved(hostname, options.resolve)
      : [{ address: literal, family: literal.includes(":") ? 6 : 4 }];
  if (options.allowPrivate) return addresses;
  // One private answer among public ones is an attack or a mistake; neither is dialled.
  const offender = addresses.find(({ address }) => !isPublicAddress(address));
  if (offender !== undefined) throw blocked(hostname, "is not a public address");
  return addresses;
}

async function resolved(hostname: string, resolve: Resolve): Promise<readonly ResolvedAddress[]> {
  let addresses: readonly ResolvedAddress[];
  try {
    addresses = await resolve(hostname);
  } catch (error) {
    throw new AppError("CONN_001", `The name ${hostname} could not be resolved.`, { cause: error });
  }
  if (addresses.length === 0) throw new AppError("CONN_001", `The name ${hostname} has no address.`);
  return addresses;
}

function blocked(hostname: string, why: string): AppError {
  return new AppError("SEC_005", `${hostname} ${why}.`, { details: { host: hostname } });
}
