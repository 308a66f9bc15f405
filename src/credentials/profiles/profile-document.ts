/**
 * The secret of a stored login: one JSON document per login, under its kind as name, so that a list tells what there is
 * without opening anything. Reading refuses what it does not know; nothing here keeps or sends a secret.
 */
import * as z from "zod";
import { profileKinds, type ProfileKind, type SecretInfo, type SecretScope } from "../contract.ts";

const headers = z.record(z.string(), z.string());

/** What went wrong with refreshing, and when it is tried again. */
const trouble = z.object({
  state: z.enum(["expired", "refresh-failed"]),
  /** A sentence for people, free of secrets. */
  reason: z.string(),
  attempts: z.int().nonnegative(),
  atMs: z.number(),
  /** Not before; null where it is not tried again. */
  nextMs: z.number().nullable(),
});

const oauthDocument = z.object({
  kind: z.literal("oauth"),
  /** Whose endpoints refresh it: a name of the table of OAuth providers, or of `auth.oauth`. */
  issuer: z.string(),
  accessToken: z.string().min(1),
  /** Null: it cannot be refreshed. */
  refreshToken: z.string().min(1).nullable(),
  /** By this machine's clock; null: nobody knows. */
  expiresMs: z.number().nullable(),
  /** When the secret was changed last: not touched by a failure that is noted beside it. */
  changedMs: z.number(),
  /** Tells two changes of one millisecond apart. */
  mark: z.string(),
  headers: headers.optional(),
  trouble: trouble.nullable(),
});

const profileDocument = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("api-key"), apiKey: z.string().min(1) }),
  z.object({ kind: z.literal("token"), token: z.string().min(1), headers: headers.optional() }),
  oauthDocument,
  z.object({
    kind: z.literal("aws-sdk"),
    /** Either keys, or the name of a section of AWS's own files. */
    keys: z
      .object({
        accessKeyId: z.string().min(1),
        secretAccessKey: z.string().min(1),
        sessionToken: z.string().nullable(),
      })
      .nullable(),
    awsProfile: z.string().min(1).nullable(),
    region: z.string().min(1).nullable(),
  }),
]);

export type ProfileDocument = z.infer<typeof profileDocument>;
export type OAuthDocument = z.infer<typeof oauthDocument>;
export type OAuthTrouble = z.infer<typeof trouble>;

/** Null where it is no document of this version. */
export function readDocument(text: string): ProfileDocument | null {
  try {
    return profileDocument.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    // No JSON is no document: the caller says so.
    return null;
  }
}

/** Every secret in it, for the log's redactor. */
export function secretsOf(document: ProfileDocument): readonly string[] {
  const ofHeaders = "headers" in document ? Object.values(document.headers ?? {}) : [];
  switch (document.kind) {
    case "api-key":
      return [document.apiKey];
    case "token":
      return [document.token, ...ofHeaders];
    case "oauth":
      return [document.accessToken, ...(document.refreshToken === null ? [] : [document.refreshToken]), ...ofHeaders];
    case "aws-sdk":
      return document.keys === null
        ? []
        : [document.keys.secretAccessKey, ...(document.keys.sessionToken === null ? [] : [document.keys.sessionToken])];
  }
}

/** The provider as it is configured, and a name of at most 64 letters, digits and `.`, `_`, `-`, `@`. */
const profileIdPattern = /^([A-Za-z0-9][A-Za-z0-9._-]{0,63}):([A-Za-z0-9][A-Za-z0-9._@-]{0,63})$/;

/** Names that are made of settings and environment: a stored login cannot have one. */
const takenNames: readonly string[] = ["config", "env", "aws"];

export interface ProfileId {
  readonly provider: string;
  readonly name: string;
}

/** Null for what is no id of a stored login. */
export function parseProfileId(id: string): ProfileId | null {
  const [, provider, name] = profileIdPattern.exec(id) ?? [];
  if (provider === undefined || name === undefined || takenNames.includes(name)) return null;
  return { provider, name };
}

export function scopeOf(profileId: string): SecretScope {
  return `profile:${profileId}`;
}

export interface StoredEntry {
  readonly profileId: string;
  readonly kind: ProfileKind;
  readonly info: SecretInfo;
}

/** The stored logins of a vault's list, oldest first; of several kinds under one id the one that was written last. */
export function storedEntries(infos: readonly SecretInfo[]): readonly StoredEntry[] {
  const newest = new Map<string, StoredEntry>();
  for (const info of infos) {
    if (!info.scope.startsWith("profile:")) continue;
    const profileId = info.scope.slice("profile:".length);
    const kind = profileKinds.find((known) => known === info.name);
    if (kind === undefined || parseProfileId(profileId) === null) continue;
    const known = newest.get(profileId);
    if (known === undefined || known.info.updatedMs < info.updatedMs) newest.set(profileId, { profileId, kind, info });
  }
  return [...newest.values()].sort(
    (left, right) => left.info.createdMs - right.info.createdMs || (left.profileId < right.profileId ? -1 : 1),
  );
}
