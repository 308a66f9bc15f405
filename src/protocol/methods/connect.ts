/** `connect`: the handshake, and `hello-ok`, its answer. The one method without a scope, because it is how scopes are got. */
import { z } from "zod";
import { clientIds, clientModes } from "../clients.ts";
import { stateVersionSchema } from "../frames.ts";
import { method } from "../method.ts";
import { presenceEntrySchema } from "./system.ts";

const text = z.string().min(1).max(1024);
/** Credentials and signatures are short; a longer one is noise that nobody should hash. */
const secret = z.string().max(4096);

export const clientSchema = z.object({
  id: z.enum(clientIds),
  version: text,
  platform: text,
  mode: z.enum(clientModes),
  displayName: text.optional(),
  deviceFamily: text.optional(),
  modelIdentifier: text.optional(),
  instanceId: text.optional(),
  buildId: z.string().min(1).max(96).optional(),
  timeZone: z.string().min(1).max(64).optional(),
});

export const deviceProofSchema = z.strictObject({
  id: text,
  publicKey: text,
  signature: text,
  signedAt: z.number().int().nonnegative(),
  nonce: text,
});
export type DeviceProof = z.infer<typeof deviceProofSchema>;

export const connectAuthSchema = z.object({
  token: secret.optional(),
  password: secret.optional(),
  bootstrapToken: secret.optional(),
  deviceToken: secret.optional(),
});

/**
 * Unknown fields are dropped here and nowhere else: a newer client must get as far as the version check to be told
 * that it is newer.
 */
export const connectParamsSchema = z.object({
  minProtocol: z.number().int().min(1),
  maxProtocol: z.number().int().min(1),
  client: clientSchema,
  role: text.optional(),
  scopes: z.array(z.string().min(1).max(128)).max(64).optional(),
  caps: z.array(z.string().min(1).max(128)).max(128).optional(),
  device: deviceProofSchema.optional(),
  auth: connectAuthSchema.optional(),
  locale: z.string().max(64).optional(),
  userAgent: z.string().max(1024).optional(),
});
export type ConnectParams = z.infer<typeof connectParamsSchema>;

export const helloSchema = z.strictObject({
  type: z.literal("hello-ok"),
  protocol: z.number().int().min(1),
  server: z.strictObject({ version: text, connId: text, bootId: text }),
  features: z.strictObject({ methods: z.array(text), events: z.array(text), capabilities: z.array(text) }),
  snapshot: z.strictObject({
    presence: z.array(presenceEntrySchema),
    health: z.record(z.string(), z.unknown()),
    stateVersion: stateVersionSchema,
    uptimeMs: z.number().int().nonnegative(),
    /** Paths and the kind of credential are told to administrators alone. */
    configPath: text.optional(),
    stateDir: text.optional(),
    authMode: z.enum(["token", "password", "none"]).optional(),
    sessionDefaults: z
      .strictObject({ defaultAgentId: text, mainKey: text, mainSessionKey: text, modelConfigured: z.boolean() })
      .optional(),
  }),
  auth: z.strictObject({
    role: text,
    scopes: z.array(z.string()),
    deviceToken: z.string().optional(),
    issuedAtMs: z.number().int().optional(),
  }),
  policy: z.strictObject({
    maxPayload: z.number().int().min(1),
    maxBufferedBytes: z.number().int().min(1),
    tickIntervalMs: z.number().int().min(1),
    attachments: z.strictObject({ maxBytes: z.number().int().min(1), maxImageBytes: z.number().int().min(1) }),
  }),
});
export type Hello = z.infer<typeof helloSchema>;

export const connect = method({
  name: "connect",
  scope: null,
  params: connectParamsSchema,
  result: helloSchema,
  summary: "Introduces a client, proves its credential and answers with what it may do.",
});
