/**
 * The line to the gateway: protocol 4 over a WebSocket to the address this page came from, and to no other. It comes
 * back by itself after a loss; whoever listens is told each state, and asks for what it may have missed.
 */
import { keepDeviceToken, loadIdentity, proveIdentity } from "./identity.js";

const client = { id: "webchat-ui", version: "1", platform: "web", mode: "webchat" };
const role = "operator";
const scopes = ["operator.read", "operator.write", "operator.approvals"];
const requestTimeoutMs = 30_000;
const handshakeMs = 20_000;
const silenceMs = 75_000;
const firstRetryMs = 500;
const longestRetryMs = 15_000;

/** What a refusal means for a person; any other failure is tried again. */
const refusals = {
  AUTH_BOOTSTRAP_TOKEN_INVALID:
    "This login link was used already or is too old. Start the gateway anew for another, or paste its token.",
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
 * A listener that throws is a defect of the page: the line does not depend on it.
 */
export class Connection {
  #onState;
  #onEvent;
  #socket = null;
  #login = {};
  #pending = new Map();
  #nextId = 1;
  #retryMs = firstRetryMs;
  #retryTimer = 0;
  #watchdog = 0;
  #isOpen = false;

  constructor({ onState, onEvent }) {
    this.#onState = onState;
    this.#onEvent = onEvent;
    addEventListener("online", () => this.#hurry());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.#hurry();
    });
  }

  get isOpen() {
    return this.#isOpen;
  }

  /** `login` is `{ code }`, `{ token }` or nothing; once it has let us in, the browser's own token does. */
  connect(login = this.#login) {
    clearTimeout(this.#retryTimer);
    this.#retryTimer = 0;
    this.#drop();
    this.#login = login;
    this.#onState({ state: "connecting" });
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/ws`);
    this.#socket = socket;
    socket.onmessage = ({ data }) => {
      if (socket === this.#socket) this.#receive(socket, data);
    };
    socket.onclose = () => {
      if (socket === this.#socket) this.#lost();
    };
    this.#watch(handshakeMs);
  }

  /** Resolves with the payload, rejects with a RequestError; `LOST` and `TIMEOUT` may have arrived all the same. */
  ask(method, params) {
    return new Promise((resolve, reject) => {
      const socket = this.#socket;
      if (socket === null || socket.readyState !== WebSocket.OPEN) {
        reject(new RequestError({ code: "LOST", message: "There is no connection." }));
        return;
      }
      const id = String(this.#nextId++);
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(new RequestError({ code: "TIMEOUT", message: "The gateway did not answer in time." }));
      }, requestTimeoutMs);
      this.#pending.set(id, { resolve, reject, timer });
      socket.send(JSON.stringify({ type: "req", id, method, params }));
    });
  }

  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    this.#isOpen = false;
    clearTimeout(this.#watchdog);
    for (const { reject, timer } of this.#pending.values()) {
      clearTimeout(timer);
      reject(new RequestError({ code: "LOST", message: "The connection was lost." }));
    }
    this.#pending.clear();
    socket?.close();
  }

  #lost() {
    this.#drop();
    const waitMs = this.#retryMs * (0.7 + Math.random() * 0.6);
    this.#retryMs = Math.min(this.#retryMs * 1.8, longestRetryMs);
    this.#retryTimer = setTimeout(() => this.connect(), waitMs);
    this.#onState({ state: "waiting", waitMs });
  }

  /** Does not sit out a long pause once there is reason to hope. */
  #hurry() {
    if (this.#retryTimer !== 0) this.connect();
  }

  /** The gateway gives a sign of life every 30 seconds; a line that is silent for longer is dead. */
  #watch(silenceMs) {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => this.#lost(), silenceMs);
  }

  #receive(socket, data) {
    const frame = parse(data);
    if (frame === null) return;
    if (this.#isOpen) this.#watch(silenceMs);
    if (frame.type === "event") {
      if (frame.event === "connect.challenge") void this.#introduce(socket, frame.payload);
      else this.#onEvent(frame.event, frame.payload ?? {});
      return;
    }
    const waiting = frame.type === "res" ? this.#pending.get(frame.id) : undefined;
    if (waiting === undefined) return;
    this.#pending.delete(frame.id);
    clearTimeout(waiting.timer);
    if (frame.ok) waiting.resolve(frame.payload ?? {});
    else waiting.reject(new RequestError(frame.error));
  }

  async #introduce(socket, challenge) {
    try {
      const identity = await loadIdentity();
      const { auth, credential } = this.#credentials(identity);
      const device = await proveIdentity(identity, { client, role, scopes, credential, challenge });
      if (socket !== this.#socket) return;
      const { language, userAgent } = navigator;
      const hello = await this.ask("connect", {
        minProtocol: 3,
        maxProtocol: 4,
        client,
        role,
        scopes,
        caps: [],
        auth,
        device,
        locale: language,
        userAgent: userAgent.slice(0, 500),
      });
      if (hello.auth?.deviceToken) await keepDeviceToken(identity, hello.auth.deviceToken);
      this.#login = {};
      this.#retryMs = firstRetryMs;
      this.#isOpen = true;
      this.#watch(silenceMs);
      this.#onState({ state: "open", hello });
    } catch (error) {
      if (socket === this.#socket) await this.#refused(error);
    }
  }

  #credentials({ deviceToken }) {
    const { code, token } = this.#login;
    if (token !== undefined) return { auth: { token }, credential: token };
    if (code !== undefined) return { auth: { bootstrapToken: code }, credential: code };
    return deviceToken === null ? { auth: {}, credential: "" } : { auth: { deviceToken }, credential: deviceToken };
  }

  async #refused(error) {
    const code = error instanceof RequestError ? (error.details.code ?? "") : "";
    if (error instanceof RequestError && !Object.hasOwn(refusals, code)) {
      this.#lost();
      return;
    }
    // Before anything that takes time: the gateway hangs up now, and a line that is lost is tried again without a word.
    this.#drop();
    // A used link in a browser that is paired already: its own token still opens the door.
    if (code === "AUTH_BOOTSTRAP_TOKEN_INVALID" && (await loadIdentity()).deviceToken !== null) {
      this.connect({});
      return;
    }
    this.#login = {};
    const message = error instanceof RequestError ? refusals[code] : `This browser cannot make a key: ${error.message}`;
    this.#onState({ state: "refused", code, message });
  }
}

function parse(data) {
  try {
    const frame = JSON.parse(data);
    return typeof frame === "object" && frame !== null ? frame : null;
  } catch {
    // What is no JSON is no frame of ours; the next one may be.
    return null;
  }
}
