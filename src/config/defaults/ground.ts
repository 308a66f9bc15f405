/** What every section starts from, where its defaults depend on nothing else. Closed where a setting opens something. */
import { fill, type ConfigDraft } from "./draft.ts";

export function groundDefaults(draft: ConfigDraft): ConfigDraft {
  return fill<ConfigDraft>(draft, {
    meta: {},
    env: { vars: {}, override: false, shellEnv: { enabled: false, timeoutMs: 5_000 } },
    gateway: {
      mode: "local",
      port: 18_789,
      bind: "loopback",
      auth: { mode: "token", trustLoopback: false, dangerouslyAllowNone: false },
      trustedProxies: [],
      http: { endpoints: { chatCompletions: { enabled: true }, responses: { enabled: true } } },
      controlUi: { enabled: true, allowedOrigins: [] },
      reload: { mode: "hot", debounceMs: 150 },
      channelHealthCheckMinutes: 5,
    },
    channels: {},
    bindings: [],
    commands: { text: true, native: true, config: false, restart: false, bash: false, ownerAllowFrom: [] },
    tools: {
      web: { fetch: { enabled: true, maxChars: 50_000, allowedHosts: [] } },
      exec: { security: "deny", ask: "on-miss", timeoutSeconds: 120 },
      fs: { workspaceOnly: true },
      elevated: { enabled: false, allowFrom: {} },
      loopDetection: { enabled: true, maxRepeats: 5 },
      agentToAgent: { enabled: false, allow: [] },
      sessions: { visibility: "tree" },
    },
    approvals: { timeoutSeconds: 300, exec: { enabled: false, mode: "session", targets: [], approvers: [] } },
    memory: { backend: "builtin", citations: "auto", search: { enabled: true, maxResults: 6 } },
    queue: { driver: "local" },
    cron: { enabled: true, maxConcurrentRuns: 2, misfire: "run-once", sessionRetention: "7d" },
    hooks: {
      enabled: false,
      path: "/hooks",
      maxBodyBytes: 262_144,
      allowRequestSessionKey: false,
      allowedSessionKeyPrefixes: [],
      presets: [],
      mappings: [],
      internal: { enabled: true },
    },
    plugins: { enabled: true, deny: [], load: { paths: [] }, slots: {}, entries: {} },
    skills: { load: { extraDirs: [] }, entries: {} },
    browser: { enabled: false, headless: true, evaluateEnabled: false },
    media: { maxMb: 50, ttl: "7d" },
    discovery: { mdns: { mode: "off" }, wideArea: { enabled: false } },
    auth: {
      profiles: {},
      order: {},
      cooldowns: { billingBackoffHours: 5, billingFallback: false, failureWindowHours: 24 },
    },
    diagnostics: { enabled: false, flags: [] },
    ui: { assistant: {} },
    update: { channel: "stable", checkOnStart: false },
  });
}
