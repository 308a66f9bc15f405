/**
 * The table of every error this product can raise: what it means and what to do about it.
 * One row per root cause; the wire, HTTP and exit code follow from the row, never from the call site.
 * CONN, MSG and SEC 001–004 keep the meaning they have in the field.
 */

/** Whether the same request may succeed if it is repeated. */
export type Retry = "never" | "later" | "now";

/** The string a WebSocket client sees as `error.code`. */
export type WireCode =
  | "INVALID_REQUEST"
  | "UNAVAILABLE"
  | "FORBIDDEN"
  | "NOT_PAIRED"
  | "NOT_LINKED"
  | "AGENT_TIMEOUT"
  | "APPROVAL_NOT_FOUND";

export interface ErrorCodeRow {
  /** Stable number of the row; the thousands name the family. */
  readonly numeric: number;
  readonly wire: WireCode;
  /** HTTP status of an answer that carries it. */
  readonly http: number;
  /** Process exit code of a command that ends with it (see the exit code table). */
  readonly exit: 1 | 2 | 69 | 77 | 78;
  readonly retry: Retry;
  readonly meaning: string;
  readonly remedy: string;
}

// One row a line: it is read as a table.
// oxfmt-ignore
export const errorCodes = {
  CONN_001: row(1001, "UNAVAILABLE", 502, 1, "later", "A connection to a platform or service could not be made.", "It is retried with growing pauses; check address, port and network."),
  CONN_002: row(1002, "UNAVAILABLE", 502, 77, "never", "A platform refused our credentials.", "Check the token or password of that account, then restart the channel."),
  CONN_003: row(1003, "UNAVAILABLE", 429, 1, "later", "A rate limit was exceeded.", "Wait for the time given; a message that was taken in stays queued."),
  CONN_004: row(1004, "FORBIDDEN", 401, 77, "never", "A webhook could not be verified.", "Check the secret on both sides."),
  MSG_001: row(2001, "INVALID_REQUEST", 422, 1, "never", "A platform event could not be turned into a message.", "The event is kept in the log; report it with its id."),
  MSG_002: row(2002, "UNAVAILABLE", 502, 1, "later", "A message could not be delivered.", "It is retried, then kept as failed; see the channel's state."),
  MSG_003: row(2003, "INVALID_REQUEST", 413, 1, "never", "A message or body is larger than its limit.", "Send less, or in parts."),
  MSG_004: row(2004, "INVALID_REQUEST", 422, 1, "never", "The platform cannot do that with a message.", "See what each channel can do in docs/reference/channels.md."),
  SEC_001: row(3001, "FORBIDDEN", 403, 77, "never", "The sender is not allowed to talk to the assistant here.", "Add the sender to allowFrom, or approve the pairing."),
  SEC_002: row(3002, "FORBIDDEN", 401, 77, "never", "A signature is missing or wrong.", "Check key, clock and signed fields."),
  SEC_003: row(3003, "INVALID_REQUEST", 401, 77, "never", "The gateway's credential is missing or wrong.", "Use the token of the token file in the state directory."),
  SEC_004: row(3004, "FORBIDDEN", 403, 77, "never", "The caller lacks a scope that this needs.", "Ask an administrator for the scope that the message names."),
  SEC_005: row(3005, "FORBIDDEN", 403, 1, "never", "An outbound request to an address that is not allowed was stopped.", "Use a public address, or let an administrator allow that host."),
  SEC_006: row(3006, "FORBIDDEN", 403, 77, "never", "The request comes from a foreign origin or names a foreign host.", "Open the page at the gateway's own address, or add the origin to gateway.controlUi.allowedOrigins."),
  SEC_007: row(3007, "FORBIDDEN", 403, 1, "never", "A path leaves the folder it must stay in.", "Use a path inside the allowed folder."),
  SEC_008: row(3008, "UNAVAILABLE", 429, 77, "later", "Too many failed attempts from this address.", "Wait for the time given, then use the right credential."),
  SEC_009: row(3009, "NOT_PAIRED", 403, 77, "never", "The device is not paired, or asks for more than it was paired with.", "Approve the device on the gateway."),
  SEC_010: row(3010, "FORBIDDEN", 403, 77, "never", "The policy does not let this tool be used here.", "See which rule decided: openclaw policy explain."),
  SEC_011: row(3011, "FORBIDDEN", 403, 77, "never", "Nobody allowed it: a person said no, nobody answered in time, or nobody could be asked.", "Ask again, and answer with openclaw approvals, in the chat or at /chat."),
  SEC_012: row(3012, "FORBIDDEN", 403, 77, "never", "What would run is no longer what was allowed.", "Look at what changed, and ask again."),
  CFG_001: row(4001, "INVALID_REQUEST", 400, 78, "never", "The configuration is not valid JSON5.", "Mend the line that the message names."),
  CFG_002: row(4002, "INVALID_REQUEST", 400, 78, "never", "An $include could not be followed.", "Check the path; includes may not form a circle or leave the folder."),
  CFG_003: row(4003, "INVALID_REQUEST", 400, 78, "never", "A ${VARIABLE} in the configuration is not set.", "Set it in the environment or in the state directory's .env."),
  CFG_004: row(4004, "INVALID_REQUEST", 400, 78, "never", "A configuration value is not of the expected kind.", "Mend the value at the path that the message names."),
  CFG_005: row(4005, "INVALID_REQUEST", 409, 1, "now", "The configuration changed since it was read.", "Read it again and repeat the change."),
  CFG_006: row(4006, "INVALID_REQUEST", 409, 78, "never", "The configuration was written by a newer version.", "Update this installation before changing it."),
  CFG_007: row(4007, "UNAVAILABLE", 500, 1, "later", "The configuration could not be written.", "Check space and permissions of the state directory."),
  STORE_001: row(5001, "UNAVAILABLE", 503, 1, "later", "The store cannot be opened, read or written.", "Check the state directory; see the cause."),
  STORE_002: row(5002, "UNAVAILABLE", 507, 1, "later", "The disk is full.", "Free space; nothing that was accepted is lost."),
  STORE_003: row(5003, "UNAVAILABLE", 409, 1, "never", "A lease was lost to another worker; its result was discarded.", "Nothing: the other worker answers."),
  STORE_004: row(5004, "UNAVAILABLE", 500, 78, "never", "The store was written by a newer version.", "Update this installation, or restore the backup made before the update."),
  STORE_005: row(5005, "UNAVAILABLE", 409, 1, "never", "Another gateway already uses this state directory.", "Use the one that runs, stop it with openclaw gateway stop, or choose another state directory."),
  MODEL_001: row(6001, "INVALID_REQUEST", 404, 1, "never", "The model or agent is not known.", "See what there is: models with openclaw models list, agents with openclaw status."),
  MODEL_002: row(6002, "UNAVAILABLE", 502, 1, "never", "The model provider refused the key.", "Check the provider's API key."),
  MODEL_003: row(6003, "UNAVAILABLE", 429, 1, "later", "The model provider's rate limit or quota was hit.", "Wait, or add a fallback model."),
  MODEL_004: row(6004, "UNAVAILABLE", 502, 1, "later", "The model provider failed.", "Try again; see the provider's status page."),
  MODEL_005: row(6005, "UNAVAILABLE", 502, 1, "later", "The model's answer was empty, cut off or unreadable.", "Try again."),
  MODEL_006: row(6006, "AGENT_TIMEOUT", 504, 1, "later", "The model did not answer in time.", "Try again, or raise agents.defaults.timeoutSeconds."),
  MODEL_007: row(6007, "INVALID_REQUEST", 400, 1, "never", "The conversation does not fit the model's context window.", "Start anew with /new, or use a model with a larger window."),
  MODEL_008: row(6008, "INVALID_REQUEST", 400, 1, "never", "The model provider refused the request.", "See the provider's message; often a parameter that this model does not take."),
  MODEL_009: row(6009, "UNAVAILABLE", 503, 1, "later", "No model can answer at the moment.", "See why with openclaw models explain; add a key or a fallback model, or wait."),
  RPC_001: row(7001, "INVALID_REQUEST", 400, 1, "never", "A frame or body is malformed.", "Send what the protocol reference describes."),
  RPC_002: row(7002, "INVALID_REQUEST", 404, 1, "never", "The method or route is not known.", "See the methods in docs/reference/rpc.md, or the list in hello-ok."),
  RPC_003: row(7003, "INVALID_REQUEST", 400, 1, "never", "A parameter is missing or of the wrong kind.", "Mend the field that the message names."),
  RPC_004: row(7004, "INVALID_REQUEST", 400, 1, "never", "The first request must be connect.", "Send connect first, within the handshake time."),
  RPC_005: row(7005, "INVALID_REQUEST", 400, 1, "never", "Client and gateway share no protocol version.", "Update the older of the two."),
  RPC_006: row(7006, "INVALID_REQUEST", 409, 1, "never", "The idempotency key was already used with other content.", "Use a new key for a new request, or remove first what has the name."),
  RPC_007: row(7007, "INVALID_REQUEST", 404, 1, "never", "What the request names does not exist.", "Check the id; status, sessions list and channels show what there is."),
  RPC_008: row(7008, "APPROVAL_NOT_FOUND", 404, 1, "never", "There is no such question, or it was answered already.", "See what is open with openclaw approvals list."),
  RUN_001: row(8001, "UNAVAILABLE", 499, 1, "never", "The turn was aborted.", "Nothing: somebody asked for it."),
  RUN_002: row(8002, "AGENT_TIMEOUT", 504, 1, "later", "The turn took longer than its limit.", "Try again, or raise agents.defaults.timeoutSeconds."),
  RUN_003: row(8003, "UNAVAILABLE", 500, 1, "never", "A tool failed.", "The assistant was told why; see the transcript."),
  RUN_004: row(8004, "UNAVAILABLE", 500, 1, "never", "The turn used more steps than its limit.", "Ask for less at once."),
  RUN_005: row(8005, "UNAVAILABLE", 500, 1, "never", "The assistant went in a circle: the same call again and again, or the same refused thing by several ways.", "Say it differently, or allow what it needs; see openclaw policy explain."),
  SYS_001: row(9001, "UNAVAILABLE", 500, 1, "never", "Something failed that should not be able to.", "Report it with the log lines around it."),
  SYS_002: row(9002, "UNAVAILABLE", 503, 69, "later", "The gateway cannot be reached.", "Start it with: openclaw gateway run (in a clone: npm start)."),
  SYS_003: row(9003, "INVALID_REQUEST", 400, 2, "never", "The command was used wrongly.", "See --help of that command."),
  SYS_004: row(9004, "UNAVAILABLE", 500, 1, "never", "A child process went over its time or output limit and was ended.", "Raise the limit, or make it do less."),
  SYS_005: row(9005, "UNAVAILABLE", 500, 1, "never", "A port is not free or not valid.", "Choose another port (gateway.port in the configuration, or --port), or stop what uses it."),
  SYS_006: row(9006, "UNAVAILABLE", 500, 1, "never", "The Node.js version is too old.", "Install Node.js 24 or newer."),
  SYS_007: row(9007, "UNAVAILABLE", 503, 1, "later", "The gateway is stopping.", "Reconnect in a moment."),
  SYS_008: row(9008, "UNAVAILABLE", 500, 1, "never", "A program could not be started.", "Install it, or correct its path and permissions."),
  VAULT_001: row(10001, "UNAVAILABLE", 500, 78, "never", "The key that opens the vault is missing or is another one.", "Bring the key back (key file, passphrase or keychain); openclaw doctor says which one the vault wants."),
  VAULT_002: row(10002, "UNAVAILABLE", 500, 78, "never", "The vault was tampered with or cannot be read.", "Restore credentials/vault.json from a backup, or move it away and set the secrets anew."),
  VAULT_003: row(10003, "INVALID_REQUEST", 404, 78, "never", "A secret is not in the vault, or has expired.", "Set it with: openclaw secrets set (see openclaw secrets list for what is missing)."),
  BUDGET_001: row(11001, "UNAVAILABLE", 402, 1, "later", "A budget is used up.", "Wait for the next day or month, or let an owner allow more: openclaw budget show."),
  BUDGET_002: row(11002, "INVALID_REQUEST", 402, 1, "never", "A budget applies, and the price of this model is not known.", "Give the model a cost under models.providers, or name it in budgets.allowUnpriced."),
  BUDGET_003: row(11003, "UNAVAILABLE", 503, 1, "later", "Spending is paused: no model is called.", "Let an owner go on with openclaw resume, or /resume in a chat."),
} as const satisfies Record<string, ErrorCodeRow>;

export type ErrorCode = keyof typeof errorCodes;

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === "string" && Object.hasOwn(errorCodes, value);
}

// oxlint-disable-next-line eslint/max-params -- the seven columns of the table above, in its order.
function row(
  numeric: number,
  wire: WireCode,
  http: number,
  exit: ErrorCodeRow["exit"],
  retry: Retry,
  meaning: string,
  remedy: string,
): ErrorCodeRow {
  return { numeric, wire, http, exit, retry, meaning, remedy };
}
