/** `gateway`: where it listens, who may connect, which doors are open. Refuses a mode without authentication unless told twice. */
import * as z from "zod";
import { count, filePath, names, port, positive, secret } from "./leaf.ts";

export function gatewaySchema() {
  return z.object({
    mode: z
      .enum(["local", "remote"])
      .describe("Whether commands of this machine talk to a gateway here or to gateway.remote."),
    port: port().describe("Port of HTTP and WebSocket; 0 lets the system choose."),
    bind: z.enum(["loopback", "lan", "tailnet", "auto"]).describe("Which of the machine's addresses are listened on."),
    host: z.string().optional().describe("One address to listen on instead of what bind says."),
    auth: authSchema(),
    trustedProxies: names().describe("Addresses or networks of proxies whose forwarding headers are believed."),
    http: z.object({
      endpoints: z.object({
        chatCompletions: z.object({ enabled: z.boolean().describe("Serves POST /v1/chat/completions.") }),
        responses: z.object({ enabled: z.boolean().describe("Serves POST /v1/responses.") }),
      }),
    }),
    controlUi: z.object({
      enabled: z.boolean().describe("Serves the control page."),
      basePath: z.string().optional().describe("Path under which the control page is served."),
      allowedOrigins: names().describe("Origins of pages that may connect besides the gateway's own."),
    }),
    reload: z.object({
      mode: z.enum(["hot", "off"]).describe("Whether an edit of the file is applied while the gateway runs."),
      debounceMs: positive().max(10_000).describe("How long the file must rest before it is read again."),
    }),
    channelHealthCheckMinutes: count().describe("How often a quiet channel is asked for a sign of life; 0 is never."),
    tls: z
      .object({
        enabled: z.boolean().default(false).describe("Serves HTTPS and WSS with the key below."),
        certPath: filePath().optional().describe("Certificate chain, PEM."),
        keyPath: filePath().optional().describe("Private key, PEM."),
      })
      .optional(),
    tailscale: z
      .object({ mode: z.enum(["off", "serve", "funnel"]).default("off").describe("Exposure through Tailscale.") })
      .optional(),
    remote: z
      .object({
        url: z.string().describe("WebSocket address of the gateway that commands talk to."),
        token: secret().optional().describe("Token for that gateway."),
        password: secret().optional().describe("Password for that gateway."),
      })
      .optional(),
  });
}

function authSchema() {
  return z.object({
    mode: z.enum(["token", "password", "none"]).describe("What a client proves itself with."),
    token: secret().optional().describe("Shared token; without one, a token file is made at the first start."),
    password: secret().optional().describe("Shared password for mode password."),
    trustLoopback: z.boolean().describe("Lets the same operating-system user in from this machine without a token."),
    dangerouslyAllowNone: z
      .boolean()
      .describe("Needed for mode none: anybody who reaches the port is the administrator."),
  });
}
