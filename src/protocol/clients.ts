/** Who may introduce itself as what: the closed lists of client ids and modes. A name proves nothing. */

export const clientIds = [
  "webchat-ui",
  "openclaw-control-ui",
  "openclaw-browser-copilot",
  "openclaw-tui",
  "webchat",
  "cli",
  "gateway-client",
  "openclaw-macos",
  "openclaw-linux",
  "openclaw-ios",
  "openclaw-watchos",
  "openclaw-android",
  "node-host",
  "openclaw-worker",
  "test",
  "fingerprint",
  "openclaw-probe",
] as const;
export type ClientId = (typeof clientIds)[number];

export const clientModes = ["webchat", "cli", "ui", "backend", "node", "worker", "probe", "test"] as const;
export type ClientMode = (typeof clientModes)[number];
