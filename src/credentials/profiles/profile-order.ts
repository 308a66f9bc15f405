/**
 * In which order the logins of a provider are tried, and why. Pure: it looks at what there is and asks nobody.
 * The login somebody asked for, then the provider's own key in the configuration, then what AWS's chain yields, then
 * stored ones by `auth.order`, then the environment.
 */
import type { AuthProfile } from "../contract.ts";

export interface OrderQuestion {
  /** All logins of one provider, stored ones in the order in which they were made. */
  readonly profiles: readonly AuthProfile[];
  /** What a caller or a session insists on. */
  readonly explicit?: string | undefined;
  /** `auth.order` of this provider. */
  readonly order?: readonly string[] | undefined;
}

export type OrderStep = "explicit" | "override" | "aws-chain" | "order" | "environment";

export interface OrderedProfile {
  readonly profile: AuthProfile;
  /** The first of the five that named it: each login stands in the list once. */
  readonly step: OrderStep;
  /** A sentence for people. */
  readonly why: string;
}

export interface ProfileOrder {
  readonly ordered: readonly OrderedProfile[];
  /** What was named and does not exist, with a sentence for people. */
  readonly missing: readonly { readonly profileId: string; readonly why: string }[];
}

export function orderProfiles({ profiles, explicit, order = [] }: OrderQuestion): ProfileOrder {
  const byId = new Map(profiles.map((profile) => [profile.id, profile]));
  const ordered = new Map<string, OrderedProfile>();
  const missing: { profileId: string; why: string }[] = [];

  const place = (profile: AuthProfile, step: OrderStep, why: string): void => {
    if (!ordered.has(profile.id)) ordered.set(profile.id, { profile, step, why });
  };
  const named = (profileId: string, step: OrderStep, why: string): void => {
    const profile = byId.get(profileId);
    if (profile === undefined) missing.push({ profileId, why: `${why}, but there is no such login` });
    else place(profile, step, why);
  };
  const from = (source: AuthProfile["source"]): readonly AuthProfile[] =>
    profiles.filter((profile) => profile.source === source);

  if (explicit !== undefined) named(explicit, "explicit", "asked for by name");
  for (const profile of from("config")) place(profile, "override", "the provider's own key in the configuration");
  for (const profile of from("aws-chain")) place(profile, "aws-chain", "found where AWS's own tools look");
  for (const [index, id] of order.entries()) named(id, "order", `number ${index + 1} of auth.order`);
  const rest = order.length === 0 ? "stored; auth.order says nothing of this provider" : "stored; behind auth.order";
  for (const profile of from("vault")) place(profile, "order", rest);
  for (const profile of from("environment")) place(profile, "environment", "a variable of the environment");
  return { ordered: [...ordered.values()], missing };
}
