/** The smaller sections: `meta`, `env`, `ui`, `auth`, `discovery`, `plugins`, `skills`, `browser`, `media`, `update`. */
import * as z from "zod";
import { about, duration, filePath, names, positive, record, secret } from "./leaf.ts";

export function metaSchema() {
  return z.object({
    lastTouchedVersion: about(z.string().optional(), "Version that wrote the file last."),
    lastTouchedAt: about(z.string().optional(), "When."),
  });
}

export function envSchema() {
  return z.object({
    vars: about(record(secret()), "Variables for the gateway that the real environment does not set."),
    override: about(z.boolean(), "Lets them win over the real environment."),
    shellEnv: z.object({
      enabled: about(z.boolean(), "Whether keys that are missing are looked for in the login shell."),
      timeoutMs: about(positive().max(60_000), "Longest time of that."),
    }),
  });
}

export function uiSchema() {
  return z.object({
    seamColor: about(z.string().optional(), "Colour of the control page."),
    assistant: z.object({
      name: about(z.string().optional(), "Name shown for the assistant."),
      avatar: about(z.string().optional(), "Picture shown for it."),
    }),
  });
}

export function authSchema() {
  return z.object({
    profiles: about(
      record(
        z.object({
          provider: about(z.string(), "Provider that the credential is for."),
          mode: about(z.enum(["api_key", "oauth", "token", "aws-sdk"]), "Kind of credential."),
          email: about(z.string().optional(), "Account, for people."),
        }),
      ),
      "Stored credentials by name; the secrets themselves are in the credential store.",
    ),
    order: about(record(names()), "In which order the credentials of a provider are used."),
    oauth: about(
      record(oauthClientSchema()),
      "By provider: as which program its login page knows this installation, and addresses that are not the known ones.",
    ),
    aws: z.object({
      metadata: about(
        z.boolean(),
        "Whether keys of AWS are asked for at the metadata services of EC2, ECS and EKS, which are link-local addresses.",
      ),
    }),
    cooldowns: z.object({
      billingBackoffHours: about(z.number().positive(), "Pause of a credential that cannot pay."),
      billingFallback: about(
        z.boolean(),
        "Whether other credentials of the same provider pay where one cannot; other providers may in any case.",
      ),
      failureWindowHours: about(z.number().positive(), "How long a failure counts."),
    }),
  });
}

function oauthClientSchema() {
  const address = () => z.url({ protocol: /^https?$/, error: "expected an http or https address" });
  return z.object({
    clientId: about(z.string().min(1).optional(), "Name of the registered program."),
    clientSecret: about(secret().optional(), "Its secret, where the provider gave it one."),
    authorizeUrl: about(address().optional(), "Page where a person logs in."),
    tokenUrl: about(address().optional(), "Address that gives out tokens."),
    deviceUrl: about(address().optional(), "Address that gives out codes to type on another device."),
    redirectUri: about(address().optional(), "Where the page sends the browser back to, where it was registered so."),
    scopes: about(names().optional(), "What is asked for."),
    headers: about(record(secret()).optional(), "Headers that go with the token in every request to the models."),
  });
}

export function discoverySchema() {
  return z.object({
    mdns: z.object({ mode: about(z.enum(["off", "minimal", "full"]), "What is announced in the local network.") }),
    wideArea: z.object({
      enabled: about(z.boolean(), "Whether it is announced by DNS."),
      domain: about(z.string().optional(), "Domain."),
    }),
  });
}

export function pluginsSchema() {
  return z.object({
    enabled: about(z.boolean(), "Whether plugins are loaded."),
    allow: about(names().optional(), "Plugins that may be loaded; absent is every one that is installed."),
    deny: about(names(), "Plugins that are not."),
    load: z.object({ paths: about(z.array(filePath()), "Further folders.") }),
    slots: about(record(z.string()), "Which plugin fills a part that only one can."),
    entries: about(
      record(
        z.object({
          enabled: about(z.boolean().optional(), "Whether this one is loaded."),
          config: about(record(z.unknown()).optional(), "Its own settings."),
        }),
      ),
      "Settings by plugin.",
    ),
    installs: about(record(z.unknown()).optional(), "Where plugins came from; kept by the installer."),
  });
}

export function skillsSchema() {
  return z.object({
    allowBundled: about(names().optional(), "Skills of the product that may be used; absent is all."),
    load: z.object({ extraDirs: about(z.array(filePath()), "Further folders.") }),
    entries: about(
      record(
        z.object({
          enabled: about(z.boolean().optional(), "Whether it may be used."),
          apiKey: about(secret().optional(), "Its key."),
          env: about(record(secret()).optional(), "Its variables."),
        }),
      ),
      "Settings by skill.",
    ),
  });
}

export function browserSchema() {
  return z.object({
    enabled: about(z.boolean(), "Whether agents may drive a browser."),
    headless: about(z.boolean(), "Without a window."),
    executablePath: about(filePath().optional(), "The browser."),
    cdpUrl: about(secret().optional(), "Address of one that runs already; may carry a token."),
    evaluateEnabled: about(z.boolean(), "Whether agents may run code in a page."),
  });
}

export function mediaSchema() {
  return z.object({
    maxMb: about(z.number().positive(), "Largest stored file."),
    ttl: about(duration(), "How long a file is kept."),
  });
}

export function updateSchema() {
  return z.object({
    channel: about(z.enum(["stable", "beta", "dev"]), "Which releases are offered."),
    checkOnStart: about(z.boolean(), "Whether a newer release is looked for."),
  });
}
