/** `hello-ok`: what a client is told of the gateway when it is let in. Paths and versions are for administrators alone. */
import { limits } from "../../domain/limits.ts";
import { coversScope } from "../../domain/scopes.ts";
import { events } from "../../protocol/events.ts";
import type { Admitted } from "../auth/connect-auth.ts";
import type { SharedSecret } from "../auth/shared-secret.ts";
import { defaultAgentId } from "../default-agent.ts";
import type { GatewayDeps } from "../deps.ts";
import type { HealthState } from "../health-state.ts";
import type { Presence } from "../presence.ts";
import type { MethodTable } from "../rpc/method-table.ts";

export interface HelloDeps extends Pick<
  GatewayDeps,
  "config" | "agents" | "models" | "version" | "stateDir" | "configPath" | "health"
> {
  readonly table: MethodTable;
  readonly presence: Presence;
  readonly healthState: HealthState;
  readonly secret: SharedSecret;
  readonly bootId: string;
  readonly stateVersion: () => string;
}

export interface HelloFor {
  readonly protocol: number;
  readonly connectionId: string;
  readonly admitted: Admitted;
}

/** The payload as JSON. Large parts are JSON already: two hundred clients may come at once. */
export function helloJson(deps: HelloDeps, { protocol, connectionId, admitted }: HelloFor): string {
  const { principal, issued } = admitted;
  const isAdmin = coversScope(principal.scopes, "operator.admin");
  const mayRead = coversScope(principal.scopes, "operator.read");
  const server = { version: isAdmin ? deps.version : "hidden", connId: connectionId, bootId: deps.bootId };
  const features = { methods: deps.table.names(), events: eventNames, capabilities: [] };
  const auth = {
    role: principal.role,
    scopes: principal.scopes,
    ...(issued === null ? {} : { deviceToken: issued.token, issuedAtMs: issued.issuedAtMs }),
  };
  const snapshot = [
    `"presence":${mayRead ? deps.presence.listJson() : "[]"}`,
    `"health":${mayRead ? deps.healthState.json() : "{}"}`,
    `"stateVersion":${deps.stateVersion()}`,
    `"uptimeMs":${Math.max(0, Math.round(deps.health.uptimeMs()))}`,
    ...(isAdmin ? adminSnapshot(deps) : []),
  ];
  return [
    `{"type":"hello-ok","protocol":${protocol}`,
    `"server":${JSON.stringify(server)}`,
    `"features":${JSON.stringify(features)}`,
    `"snapshot":{${snapshot.join(",")}}`,
    `"auth":${JSON.stringify(auth)}`,
    `"policy":${policyJson}}`,
  ].join(",");
}

const eventNames = events.map(({ name }) => name);

const policyJson = JSON.stringify({
  maxPayload: limits.framePayloadBytes,
  maxBufferedBytes: limits.socketBufferedBytes,
  tickIntervalMs: limits.tickIntervalMs,
  attachments: { maxBytes: limits.inlineAttachmentBytes, maxImageBytes: limits.inlineAttachmentBytes },
});

function adminSnapshot(deps: HelloDeps): readonly string[] {
  const agentId = defaultAgentId(deps);
  const { mainKey } = deps.config.current().config.session;
  const sessionDefaults = {
    defaultAgentId: agentId,
    mainKey,
    mainSessionKey: `agent:${agentId}:${mainKey}`,
    modelConfigured: deps.models.primary(agentId) !== undefined,
  };
  return [
    `"configPath":${JSON.stringify(deps.configPath)}`,
    `"stateDir":${JSON.stringify(deps.stateDir)}`,
    `"authMode":${JSON.stringify(deps.secret.mode())}`,
    `"sessionDefaults":${JSON.stringify(sessionDefaults)}`,
  ];
}
