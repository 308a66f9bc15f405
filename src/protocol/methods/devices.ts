/** Methods of paired devices: which there are, and taking back what they were given. */
import { z } from "zod";
import { method } from "../method.ts";

const deviceId = z.string().min(1).max(128);

export const devicePairList = method({
  name: "device.pair.list",
  scope: "operator.pairing",
  params: z.strictObject({}),
  result: z.strictObject({
    pending: z.array(z.unknown()),
    paired: z.array(
      z.strictObject({
        deviceId: z.string(),
        role: z.string(),
        scopes: z.array(z.string()),
        displayName: z.string().optional(),
        platform: z.string().optional(),
        pairedAtMs: z.number(),
        lastSeenAtMs: z.number(),
        revoked: z.boolean(),
        connected: z.boolean(),
      }),
    ),
  }),
  summary: "The paired devices. No token is shown: none is stored.",
});

export const devicePairRemove = method({
  name: "device.pair.remove",
  scope: "operator.pairing",
  params: z.strictObject({ deviceId }),
  result: z.strictObject({ deviceId: z.string(), removed: z.literal(true) }),
  summary: "Forgets a device and cuts its connections.",
});

export const deviceTokenRotate = method({
  name: "device.token.rotate",
  scope: "operator.pairing",
  params: z.strictObject({
    deviceId,
    role: z.string().min(1),
    scopes: z.array(z.string().min(1)).optional(),
  }),
  result: z.strictObject({
    deviceId: z.string(),
    role: z.string(),
    scopes: z.array(z.string()),
    rotatedAtMs: z.number().int(),
    token: z.string(),
    tokenDelivery: z.literal("in-band"),
  }),
  summary: "Gives a device a new token; the old one is refused from then on. Scopes can only shrink.",
});

export const deviceTokenRevoke = method({
  name: "device.token.revoke",
  scope: "operator.pairing",
  params: z.strictObject({ deviceId, role: z.string().min(1) }),
  result: z.strictObject({ deviceId: z.string(), role: z.string(), revokedAtMs: z.number().int() }),
  summary: "Takes a device's token away and closes its connections; it cannot come back until it is removed.",
});
