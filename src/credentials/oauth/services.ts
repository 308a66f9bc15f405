/**
 * Where people log in at model providers. Owns the addresses that the providers themselves document; what they do not
 * document for programs of others is left open and comes from `auth.oauth`. No provider publishes a client id that any
 * program may use, so each installation has its own: with somebody else's, an account can be closed for it.
 */
import type { Config } from "../../config/schema/root.ts";

export interface OAuthService {
  readonly id: string;
  /** For people. */
  readonly name: string;
  readonly authorizeUrl: string | null;
  readonly tokenUrl: string | null;
  /** RFC 8628. */
  readonly deviceUrl: string | null;
  readonly scopes: readonly string[];
  /** What its login page wants beside the standard's parameters. */
  readonly parameters: Readonly<Record<string, string>>;
  /** Where a client id is to be had, as a sentence. */
  readonly registration: string;
}

export const oauthServices: readonly OAuthService[] = [
  {
    id: "openai",
    name: "OpenAI",
    authorizeUrl: "https://auth.openai.com/oauth/authorize",
    tokenUrl: "https://auth.openai.com/oauth/token",
    deviceUrl: null,
    scopes: ["openid", "profile", "email", "offline_access"],
    parameters: {},
    registration: "OpenAI gives client ids to its partners; an API key needs none",
  },
  {
    id: "anthropic",
    name: "Anthropic",
    authorizeUrl: null,
    tokenUrl: null,
    deviceUrl: null,
    scopes: [],
    parameters: {},
    registration: "Anthropic documents no login for programs of others; an API key needs none",
  },
  {
    id: "google",
    name: "Google",
    authorizeUrl: "https://accounts.google.com/o/oauth2/v2/auth",
    tokenUrl: "https://oauth2.googleapis.com/token",
    // Google's device flow does not give out the scopes that its models need.
    deviceUrl: null,
    scopes: [
      "https://www.googleapis.com/auth/cloud-platform",
      "https://www.googleapis.com/auth/generative-language.retriever",
    ],
    // Without these no refresh token comes, or only the first time.
    parameters: { access_type: "offline", prompt: "consent" },
    registration: "make an OAuth client for a desktop app in the Google Cloud console",
  },
  {
    id: "github-copilot",
    name: "GitHub",
    authorizeUrl: "https://github.com/login/oauth/authorize",
    tokenUrl: "https://github.com/login/oauth/access_token",
    deviceUrl: "https://github.com/login/device/code",
    scopes: ["read:user"],
    parameters: {},
    registration: "register an app under the developer settings of your GitHub account and enable its device flow",
  },
];

/** A service as this installation may use it. */
export interface OAuthClient extends OAuthService {
  readonly clientId: string;
  readonly clientSecret: string | null;
  /** Null: an address of this machine, with whatever port is free. */
  readonly redirectUri: string | null;
  /** Sent with the token in every request to the models. */
  readonly headers: Readonly<Record<string, string>>;
}

export type OAuthClientFound = { readonly client: OAuthClient } | { readonly client: null; readonly missing: string };

/** The settings win over the table; a provider that the table does not know is made of settings alone. */
export function oauthClient(issuer: string, settings: Config["auth"]["oauth"]): OAuthClientFound {
  const given = Object.hasOwn(settings, issuer) ? settings[issuer] : undefined;
  const known = oauthServices.find(({ id }) => id === issuer);
  if (known === undefined && given === undefined) {
    return { client: null, missing: `No OAuth login is known for ${issuer}; auth.oauth.${issuer} can describe one.` };
  }
  const clientId = given?.clientId;
  if (clientId === undefined) {
    const where = known === undefined ? "" : ` (${known.registration})`;
    return { client: null, missing: `auth.oauth.${issuer}.clientId is not set${where}.` };
  }
  return {
    client: {
      id: issuer,
      name: known?.name ?? issuer,
      authorizeUrl: given?.authorizeUrl ?? known?.authorizeUrl ?? null,
      tokenUrl: given?.tokenUrl ?? known?.tokenUrl ?? null,
      deviceUrl: given?.deviceUrl ?? known?.deviceUrl ?? null,
      scopes: given?.scopes ?? known?.scopes ?? [],
      parameters: known?.parameters ?? {},
      registration: known?.registration ?? "",
      clientId,
      clientSecret: given?.clientSecret ?? null,
      redirectUri: given?.redirectUri ?? null,
      headers: given?.headers ?? {},
    },
  };
}
