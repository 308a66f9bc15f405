/**
 * The line to the gateway: protocol 4 over a WebSocket to the address this page came from, and to no other. It comes
 * back by itself after a loss; whoever listens is told each state, and asks for what it may have missed.
 */
import { keepDeviceToken, loadIdentity, proveIdentity } from "./identity.js";

const client = { id: "webchat-ui", version: "1", platform: "web", mode: "webchat" };
const role = "operator";
const scopes = ["operator.read", "operator.write"];
const requestTimeoutMs = 30_000;
const firstRetryMs = 500;
const longestRetryMs = 15_000;

/** What a refusal means for a person; any other failure is tried again. */
const refusals = {
  AUTH_BOOTSTRAP_TOKEN_INVALID: "This login link was used already or is too old. Ask the gateway for a new one.",
  AUTH_TOKEN_MISMATCH: "This is not the gateway's token.",
  AUTH_PASSWORD_MISMATCH: "This is not the gateway's password.",
  AUTH_TOKEN_MISSING: "",
  AUTH_PASSWORD_MISSING: "",
  AUTH_DEVICE_TOKEN_MISMATCH: "This browser is not paired any more. Let it in again.",
  AUTH_RATE_LIMITED: "Too many wrong tries. Wait a minute, then try again.",
  PAIRING_REQUIRED: "This browser is not paired any more. Let it in again.",
  DEVICE_IDENTITY_REQUIRED: "This browser could not show its key.",
  PROTOCOL_MISMATCH: "This page and the gateway do not understand each other. Reload the page.",
};

export class RequestError extends Error {
  constructor(error) {
    super(error?.message ?? "The gateway refused.");
    this.code = error?.code ?? "UNAVAILABLE";
    this.details = error?.details ?? {};
    this.retryable = error?.retryable === true;
  }
}

/**
 * `onState({ state: "connecting" | "open" | "waiting" | "refused", … })`, `onEvent(name, payload)`.
 * `login` is `{ code }`, `{ token }` or nothing; it is used for the first connect alone.
 */
export function createConnection({ onState, onEvent }) {
  const line = {
    socket: null,
    login: {},
    pending: new Map(),
    nextId: 1,
    retryMs: firstRetryMs,
    retryTimer: 0,
    watchdog: 0,
    open: false,
  };

  function connect(login = line.login) {
    clearTimeout(line.retryTimer);
    drop();
    line.login = login;
    onState({ state: "connecting" });
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/ws`);
    line.socket = socket;
    socket.onmessage = ({ data }) => {
      if (socket === line.socket) receive(socket, data);
    };
    socket.onclose = () => {
      if (socket === line.socket) lost();
    };
    watch(20_000);
  }

  function drop() {
    const { socket } = line;
    line.socket = null;
    line.open = false;
    clearTimeout(line.watchdog);
    for (const { reject } of line.pending.values())
      reject(new RequestError({ code: "LOST", message: "The connection was lost." }));
    line.pending.clear();
    socket?.close();
  }

  function lost() {
    drop();
    const waitMs = line.retryMs * (0.7 + Math.random() * 0.6);
    line.retryMs = Math.min(line.retryMs * 1.8, longestRetryMs);
    onState({ state: "waiting", waitMs });
    line.retryTimer = setTimeout(() => connect(), waitMs);
  }

  /** The gateway gives a sign of life every 30 seconds; a line that is silent longer is dead. */
  function watch(silenceMs) {
    clearTimeout(line.watchdog);
    line.watchdog = setTimeout(lost, silenceMs);
  }

  function receive(socket, data) {
    const frame = parse(data);
    if (frame === null) return;
    if (line.open) watch(75_000);
    if (frame.type === "event") {
      if (frame.event === "connect.challenge") void introduce(socket, frame.payload);
      else onEvent(frame.event, frame.payload ?? {});
      return;
    }
    const waiting = frame.type === "res" ? line.pending.get(frame.id) : undefined;
    if (waiting === undefined) return;
    line.pending.delete(frame.id);
    clearTimeout(waiting.timer);
    if (frame.ok) waiting.resolve(frame.payload ?? {});
    else waiting.reject(new RequestError(frame.error));
  }

  async function introduce(socket, challenge) {
    try {
      const identity = await loadIdentity();
      const { auth, credential } = credentials(identity);
      const device = await proveIdentity(identity, { client, role, scopes, credential, challenge });
      if (socket !== line.socket) return;
      const hello = await ask("connect", {
        minProtocol: 3,
        maxProtocol: 4,
        client,
        role,
        scopes,
        caps: [],
        auth,
        device,
        locale: navigator.language,
        userAgent: navigator.userAgent.slice(0, 500),
      });
      if (hello.auth?.deviceToken) await keepDeviceToken(identity, hello.auth.deviceToken);
      line.login = {};
      line.retryMs = firstRetryMs;
      line.open = true;
      watch(75_000);
      onState({ state: "open", hello });
    } catch (error) {
      if (socket === line.socket) await refused(error);
    }
  }

  function credentials(identity) {
    const { code, token } = line.login;
    if (token !== undefined) return { auth: { token }, credential: token };
    if (code !== undefined) return { auth: { bootstrapToken: code }, credential: code };
    if (identity.deviceToken !== null)
      return { auth: { deviceToken: identity.deviceToken }, credential: identity.deviceToken };
    return { auth: {}, credential: "" };
  }

  async function refused(error) {
    const code = error instanceof RequestError ? (error.details.code ?? "") : "";
    // A used link in a browser that is paired already: its own token still opens the door.
    if (code === "AUTH_BOOTSTRAP_TOKEN_INVALID" && (await loadIdentity()).deviceToken !== null) {
      connect({});
      return;
    }
    if (error instanceof RequestError && !(code in refusals)) {
      lost();
      return;
    }
    drop();
    const message = error instanceof RequestError ? refusals[code] : `This browser cannot make a key: ${error.message}`;
    onState({ state: "refused", code, message });
  }

  function ask(method, params) {
    return new Promise((resolve, reject) => {
      const { socket } = line;
      if (socket === null || socket.readyState !== WebSocket.OPEN) {
        reject(new RequestError({ code: "LOST", message: "There is no connection." }));
        return;
      }
      const id = String(line.nextId++);
      const timer = setTimeout(() => {
        line.pending.delete(id);
        reject(new RequestError({ code: "TIMEOUT", message: "The gateway did not answer in time." }));
      }, requestTimeoutMs);
      line.pending.set(id, { resolve, reject, timer });
      socket.send(JSON.stringify({ type: "req", id, method, params }));
    });
  }

  const hurry = () => {
    if (line.retryTimer !== 0 && line.socket === null && line.retryMs > firstRetryMs) connect();
  };
  addEventListener("online", hurry);
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") hurry();
  });

  return {
    connect,
    ask,
    get isOpen() {
      return line.open;
    },
  };
}

function parse(data) {
  try {
    const frame = JSON.parse(data);
    return typeof frame === "object" && frame !== null ? frame : null;
  } catch {
    // A frame that is no JSON is not ours; the next one may be.
    return null;
  }
}
