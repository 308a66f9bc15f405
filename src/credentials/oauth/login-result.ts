/** What came of a login at a provider's page, and the document that is kept of it. */
import type { Clock } from "../../platform/clock.ts";
import type { Ids } from "../../platform/ids.ts";
import type { OAuthDocument } from "../profiles/profile-document.ts";
import type { OAuthClient } from "./services.ts";
import type { TokenAnswer, Tokens } from "./token-request.ts";

export type LoginResult =
  | { readonly ok: true; readonly document: OAuthDocument }
  /** A sentence for people, free of secrets. */
  | { readonly ok: false; readonly why: string };

export function loggedIn(
  { id: issuer, headers }: Pick<OAuthClient, "id" | "headers">,
  { accessToken, refreshToken, expiresMs }: Tokens,
  { clock, ids }: { readonly clock: Clock; readonly ids: Ids },
): LoginResult {
  return {
    ok: true,
    document: {
      kind: "oauth",
      issuer,
      accessToken,
      refreshToken,
      expiresMs,
      changedMs: clock.nowMs(),
      mark: ids.hex(4),
      ...(Object.keys(headers).length === 0 ? {} : { headers }),
      trouble: null,
    },
  };
}

export function notLoggedIn(
  { name }: Pick<OAuthClient, "name">,
  answer: Exclude<TokenAnswer, { kind: "tokens" }>,
): LoginResult {
  const said =
    answer.kind === "no answer"
      ? answer.description
      : answer.description === ""
        ? answer.error
        : `${answer.error}: ${answer.description}`;
  return { ok: false, why: `${name} gave no token (${said}).` };
}
