/** The smaller sections: `meta`, `env`, `ui`, `auth`, `discovery`, `plugins`, `skills`, `browser`, `media`, `update`. */
import * as z from "zod";
import { duration, filePath, names, positive, record, secret } from "./leaf.ts";

export function metaSchema() {
  return z.object({
    lastTouchedVersion: z.string().optional().describe("Version that wrote the file last."),
    lastTouchedAt: z.string().optional().describe("When."),
  });
}

export function envSchema() {
  return z.object({
    vars: record(secret()).describe("Variables for the gateway that the real environment does not set."),
    override: z.boolean().describe("Lets them win over the real environment."),
    shellEnv: z.object({
      enabled: z.boolean().describe("Whether keys that are missing are looked for in the login shell."),
      timeoutMs: positive().max(60_000).describe("Longest time of that."),
    }),
  });
}

export function uiSchema() {
  return z.object({
    seamColor: z.string().optional().describe("Colour of the control page."),
    assistant: z.object({
      name: z.string().optional().describe("Name shown for the assistant."),
      avatar: z.string().optional().describe("Picture shown for it."),
    }),
  });
}

export function authSchema() {
  return z.object({
    profiles: record(
      z.object({
        provider: z.string().describe("Provider that the credential is for."),
        mode: z.enum(["api_key", "oauth", "token", "aws-sdk"]).describe("Kind of credential."),
        email: z.string().optional().describe("Account, for people."),
      }),
    ).describe("Stored credentials by name; the secrets themselves are in the credential store."),
    order: record(names()).describe("In which order the credentials of a provider are used."),
    cooldowns: z.object({
      billingBackoffHours: z.number().positive().describe("Pause of a credential that cannot pay."),
      failureWindowHours: z.number().positive().describe("How long a failure counts."),
    }),
  });
}

export function discoverySchema() {
  return z.object({
    mdns: z.object({ mode: z.enum(["off", "minimal", "full"]).describe("What is announced in the local network.") }),
    wideArea: z.object({
      enabled: z.boolean().describe("Whether it is announced by DNS."),
      domain: z.string().optional().describe("Domain."),
    }),
  });
}

export function pluginsSchema() {
  return z.object({
    enabled: z.boolean().describe("Whether plugins are loaded."),
    allow: names().optional().describe("Plugins that may be loaded; absent is every one that is installed."),
    deny: names().describe("Plugins that are not."),
    load: z.object({ paths: z.array(filePath()).describe("Further folders.") }),
    slots: record(z.string()).describe("Which plugin fills a part that only one can."),
    entries: record(
      z.object({
        enabled: z.boolean().optional().describe("Whether this one is loaded."),
        config: record(z.unknown()).optional().describe("Its own settings."),
      }),
    ).describe("Settings by plugin."),
    installs: record(z.unknown()).optional().describe("Where plugins came from; kept by the installer."),
  });
}

export function skillsSchema() {
  return z.object({
    allowBundled: names().optional().describe("Skills of the product that may be used; absent is all."),
    load: z.object({ extraDirs: z.array(filePath()).describe("Further folders.") }),
    entries: record(
      z.object({
        enabled: z.boolean().optional().describe("Whether it may be used."),
        apiKey: secret().optional().describe("Its key."),
        env: record(secret()).optional().describe("Its variables."),
      }),
    ).describe("Settings by skill."),
  });
}

export function browserSchema() {
  return z.object({
    enabled: z.boolean().describe("Whether agents may drive a browser."),
    headless: z.boolean().describe("Without a window."),
    executablePath: filePath().optional().describe("The browser."),
    cdpUrl: secret().optional().describe("Address of one that runs already; may carry a token."),
    evaluateEnabled: z.boolean().describe("Whether agents may run code in a page."),
  });
}

export function mediaSchema() {
  return z.object({
    maxMb: z.number().positive().describe("Largest stored file."),
    ttl: duration().describe("How long a file is kept."),
  });
}

export function updateSchema() {
  return z.object({
    channel: z.enum(["stable", "beta", "dev"]).describe("Which releases are offered."),
    checkOnStart: z.boolean().describe("Whether a newer release is looked for."),
  });
}
