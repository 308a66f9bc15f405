/** How the logins for a model stand, in one word: the best of them speaks. Pure. */
import type { AuthProfile } from "../credentials/contract.ts";
import type { ModelInfo } from "../domain/conversation.ts";
import { authStates, type AuthState, type Candidate, type Standing } from "./contract.ts";

export interface AuthWorld {
  readonly profiles: readonly AuthProfile[];
  readonly needsLogin: (providerId: string) => boolean;
  readonly standing: (candidate: Candidate) => Standing;
}

export function authStateOf(model: ModelInfo, { profiles, needsLogin, standing }: AuthWorld): AuthState {
  if (profiles.length === 0) {
    if (needsLogin(model.provider)) return "missing";
    const state = stateOf(standing({ model, profileId: null }));
    return state === "ok" ? "not-needed" : state;
  }
  const states = profiles.map((profile) =>
    profile.state === "expired" ? "expired" : stateOf(standing({ model, profileId: profile.id })),
  );
  return bestFirst.find((state) => states.includes(state)) ?? "missing";
}

const bestFirst: readonly AuthState[] = ["ok", "cooling-down", "no-credit", "expired", "refused", ...authStates];

function stateOf(standing: Standing): AuthState {
  if (standing.usable) return "ok";
  switch (standing.reason) {
    case "auth":
      return "refused";
    case "billing":
      return "no-credit";
    default:
      return "cooling-down";
  }
}
