/** `gateway`: where it listens, who may connect, which doors are open. Refuses a mode without authentication unless told twice. */
import * as z from "zod";
import { about, count, filePath, names, port, positive, secret } from "./leaf.ts";

export function gatewaySchema() {
  return z.object({
    mode: about(
      z.enum(["local", "remote"]),
      "Whether commands of this machine talk to a gateway here or to gateway.remote.",
    ),
    port: about(port(), "Port of HTTP and WebSocket; 0 lets the system choose."),
    bind: about(z.enum(["loopback", "lan", "tailnet", "auto"]), "Which of the machine's addresses are listened on."),
    host: about(z.string().optional(), "One address to listen on instead of what bind says."),
    auth: authSchema(),
    trustedProxies: about(names(), "Addresses or networks of proxies whose forwarding headers are believed."),
    http: z.object({
      endpoints: z.object({
        chatCompletions: z.object({ enabled: about(z.boolean(), "Serves POST /v1/chat/completions.") }),
        responses: z.object({ enabled: about(z.boolean(), "Serves POST /v1/responses.") }),
      }),
    }),
    controlUi: z.object({
      enabled: about(z.boolean(), "Serves the control page."),
      basePath: about(z.string().optional(), "Path under which the control page is served."),
      allowedOrigins: about(names(), "Origins of pages that may connect besides the gateway's own."),
    }),
    reload: z.object({
      mode: about(z.enum(["hot", "off"]), "Whether an edit of the file is applied while the gateway runs."),
      debounceMs: about(positive().max(10_000), "How long the file must rest before it is read again."),
    }),
    channelHealthCheckMinutes: about(count(), "How often a quiet channel is asked for a sign of life; 0 is never."),
    tls: z
      .object({
        enabled: about(z.boolean().default(false), "Serves HTTPS and WSS with the key below."),
        certPath: about(filePath().optional(), "Certificate chain, PEM."),
        keyPath: about(filePath().optional(), "Private key, PEM."),
      })
      .optional(),
    tailscale: z
      .object({ mode: about(z.enum(["off", "serve", "funnel"]).default("off"), "Exposure through Tailscale.") })
      .optional(),
    remote: z
      .object({
        url: about(z.string(), "WebSocket address of the gateway that commands talk to."),
        token: about(secret().optional(), "Token for that gateway."),
        password: about(secret().optional(), "Password for that gateway."),
      })
      .optional(),
  });
}

function authSchema() {
  return z.object({
    mode: about(z.enum(["token", "password", "none"]), "What a client proves itself with."),
    token: about(secret().optional(), "Shared token; without one, a token file is made at the first start."),
    password: about(secret().optional(), "Shared password for mode password."),
    trustLoopback: about(z.boolean(), "Lets the same operating-system user in from this machine without a token."),
    dangerouslyAllowNone: about(
      z.boolean(),
      "Needed for mode none: anybody who reaches the port is the administrator.",
    ),
  });
}
