/**
 * The commands by their first word. Only the module of the one that was asked for is loaded: a command costs what it
 * needs and nothing of the others.
 */
import type { CommandModule } from "./contract.ts";

export interface CommandRoute {
  readonly summary: string;
  /** The words that may follow: for completion, and to name the right help. */
  readonly verbs?: readonly string[];
  load(): Promise<CommandModule>;
}

export const routes: Readonly<Record<string, CommandRoute>> = Object.freeze({
  gateway: {
    summary: "Run, inspect, call, stop and restart the gateway",
    verbs: ["run", "status", "call", "stop", "restart", "token"],
    load: () => import("./commands/gateway.ts"),
  },
  chat: { summary: "Talk with the assistant in this terminal", load: () => import("./commands/chat.ts") },
  agent: { summary: "Run one turn and print the answer", load: () => import("./commands/agent.ts") },
  message: {
    summary: "Send a message through a channel, or change one",
    verbs: ["send", "edit", "delete", "react"],
    load: () => import("./commands/message.ts"),
  },
  status: { summary: "Show what runs and how it is", load: () => import("./commands/status.ts") },
  health: { summary: "Show whether the gateway is healthy", load: () => import("./commands/health.ts") },
  config: {
    summary: "Read, change and check the configuration",
    verbs: ["get", "set", "unset", "validate", "schema", "diff"],
    load: () => import("./commands/config.ts"),
  },
  secrets: {
    summary: "Keep secrets in the vault, and refer to them by name",
    verbs: ["set", "list", "remove", "rotate", "rekey", "import"],
    load: () => import("./commands/secrets.ts"),
  },
  sessions: {
    summary: "List, show, search, sum up, export, import and delete sessions",
    verbs: ["list", "show", "search", "export", "import", "compact", "reset", "delete"],
    load: () => import("./commands/sessions.ts"),
  },
  models: {
    summary: "List the models that can be used, and keep logins at their providers",
    verbs: ["list", "explain", "retry", "auth"],
    load: () => import("./commands/models.ts"),
  },
  prompt: {
    summary: "Show what the model is told with every message",
    verbs: ["show"],
    load: () => import("./commands/prompt.ts"),
  },
  skills: {
    summary: "Show skill packs and what is missing for them, and add one",
    verbs: ["list", "install"],
    load: () => import("./commands/skills.ts"),
  },
  channels: {
    summary: "Show the channels and their connections",
    verbs: ["status", "start", "stop", "restart", "logout"],
    load: () => import("./commands/channels.ts"),
  },
  sandbox: {
    summary: "Show what the commands of agents run in",
    verbs: ["status"],
    load: () => import("./commands/sandbox.ts"),
  },
  budget: {
    summary: "Look at budgets, set them, and allow more",
    verbs: ["show", "set", "allow", "deny", "settle"],
    load: () => import("./commands/budget.ts"),
  },
  policy: {
    summary: "Show what may be done, by which rule, and what another configuration would change",
    verbs: ["explain", "diff"],
    load: () => import("./commands/policy.ts"),
  },
  approvals: {
    summary: "Look at what waits for a yes, and answer it",
    verbs: ["list", "show", "allow", "deny", "watch", "allowlist", "get", "set", "export"],
    load: () => import("./commands/approvals.ts"),
  },
  memory: {
    summary: "Search what an agent remembers, add to it, and forget",
    verbs: ["search", "add", "forget", "index", "status"],
    load: () => import("./commands/memory.ts"),
  },
  pause: { summary: "Call no model from now on; messages are kept", load: () => import("./commands/pause.ts") },
  resume: { summary: "Go on after a pause", load: () => import("./commands/resume.ts") },
  usage: {
    summary: "Show what was used and what it cost",
    verbs: ["cost", "session", "import", "check"],
    load: () => import("./commands/usage.ts"),
  },
  trace: { summary: "Show what happened to a message, and when", load: () => import("./commands/trace.ts") },
  outbox: {
    summary: "Look at what waits to be said, and decide about it",
    verbs: ["list", "approve", "deny", "resolve"],
    load: () => import("./commands/outbox.ts"),
  },
  dlq: {
    summary: "Look at what could not be answered or sent, and put it back to work",
    verbs: ["list", "show", "replay", "purge"],
    load: () => import("./commands/dlq.ts"),
  },
  logs: { summary: "Show the gateway's log", load: () => import("./commands/logs.ts") },
  doctor: { summary: "Find out what is wrong, and how to mend it", load: () => import("./commands/doctor.ts") },
  drill: {
    summary: "Test this installation with crashes and load",
    verbs: ["crash", "load"],
    load: () => import("./commands/drill.ts"),
  },
  completion: { summary: "Print a completion script for your shell", load: () => import("./commands/completion.ts") },
});
