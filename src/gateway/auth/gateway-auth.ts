/** The guards of the gateway, built together around one secret, one list of devices and one counter of failures. */
import type { GatewayDeps } from "../deps.ts";
import type { HttpAuth } from "../http/contract.ts";
import { peerOf, type Peer, type PeerSource } from "./client-address.ts";
import { createConnectAuth, type ConnectAuth } from "./connect-auth.ts";
import { createDevices, type Devices } from "./devices.ts";
import { createFailureLimiter, type FailureLimiter } from "./failure-limiter.ts";
import { createHostGuard, type HostGuard } from "./host-guard.ts";
import { createHttpAuth } from "./http-auth.ts";
import { createLoginCodes, type LoginCodes } from "./login-codes.ts";
import { createLoopbackTrust } from "./loopback-trust.ts";
import { createSharedSecret, type SharedSecret } from "./shared-secret.ts";

export interface GatewayAuth {
  readonly secret: SharedSecret;
  readonly devices: Devices;
  readonly codes: LoginCodes;
  readonly limiter: FailureLimiter;
  readonly hosts: HostGuard;
  readonly connect: ConnectAuth;
  readonly http: HttpAuth;
  peer(req: PeerSource): Peer;
}

/** No side effects; `secret.load()` makes the token file. */
export function createGatewayAuth(
  deps: Pick<GatewayDeps, "clock" | "ids" | "log" | "store" | "config" | "stateDir">,
): GatewayAuth {
  const { clock, ids, config } = deps;
  const log = deps.log.child("auth");
  const gatewayConfig = () => config.current().config.gateway;
  const secret = createSharedSecret({ config, stateDir: deps.stateDir, ids });
  const devices = createDevices({ store: deps.store.devices, clock, ids, log });
  const codes = createLoginCodes(clock, ids);
  const limiter = createFailureLimiter(clock);
  const hosts = createHostGuard(gatewayConfig);
  const trustsLoopback = createLoopbackTrust(gatewayConfig, log);
  return {
    secret,
    devices,
    codes,
    limiter,
    hosts,
    connect: createConnectAuth({ clock, secret, devices, codes, limiter, trustsLoopback }),
    http: createHttpAuth({ gatewayConfig, secret, limiter, hosts, trustsLoopback }),
    peer: (req) => peerOf(req, gatewayConfig().trustedProxies),
  };
}
