/** The 32 combinations of what may name a login, against a table written out by hand; and what holds for all of them. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AuthProfile } from "../contract.ts";
import { orderProfiles } from "./profile-order.ts";

const of = (name: string, source: AuthProfile["source"]): AuthProfile => ({
  id: `bedrock:${name}`,
  provider: "bedrock",
  kind: source === "aws-chain" ? "aws-sdk" : "api-key",
  source,
  expiresMs: null,
  revision: "1",
  state: "usable",
});

// Two stored logins: A is older, B is what somebody asks for, `auth.order` says C before A. C is stored last.
const a = of("a", "vault");
const b = of("b", "vault");
const c = of("c", "vault");
const config = of("config", "config");
const aws = of("aws", "aws-chain");
const env = of("env", "environment");

/** explicit, override, AWS chain, order, environment: what is there, and the order that follows. */
// oxfmt-ignore
const table = `
- - - - -  a b c
- - - - E  a b c env
- - - O -  c a b
- - - O E  c a b env
- - A - -  aws a b c
- - A - E  aws a b c env
- - A O -  aws c a b
- - A O E  aws c a b env
- C - - -  config a b c
- C - - E  config a b c env
- C - O -  config c a b
- C - O E  config c a b env
- C A - -  config aws a b c
- C A - E  config aws a b c env
- C A O -  config aws c a b
- C A O E  config aws c a b env
X - - - -  b a c
X - - - E  b a c env
X - - O -  b c a
X - - O E  b c a env
X - A - -  b aws a c
X - A - E  b aws a c env
X - A O -  b aws c a
X - A O E  b aws c a env
X C - - -  b config a c
X C - - E  b config a c env
X C - O -  b config c a
X C - O E  b config c a env
X C A - -  b config aws a c
X C A - E  b config aws a c env
X C A O -  b config aws c a
X C A O E  b config aws c a env
`.trim().split("\n");

describe("the order of logins", () => {
  it("H14: all 32 combinations of asked-for, own key, AWS chain, order and environment", () => {
    const seen = new Set<string>();
    for (const line of table) {
      const [marks = "", wanted = ""] = line.split("  ");
      const has = (mark: string): boolean => marks.includes(mark);
      seen.add(marks);
      const { ordered, missing } = orderProfiles({
        profiles: [a, b, c, ...(has("C") ? [config] : []), ...(has("A") ? [aws] : []), ...(has("E") ? [env] : [])],
        explicit: has("X") ? "bedrock:b" : undefined,
        order: has("O") ? ["bedrock:c", "bedrock:a"] : undefined,
      });
      expect(ordered.map(({ profile }) => profile.id.slice("bedrock:".length)).join(" "), marks).toBe(wanted);
      expect(ordered[0]?.step, marks).toBe(
        has("X") ? "explicit" : has("C") ? "override" : has("A") ? "aws-chain" : "order",
      );
      expect(missing).toEqual([]);
    }
    expect(seen.size).toBe(32);
  });

  it("says of every login why it stands where it does", () => {
    const { ordered } = orderProfiles({ profiles: [env, a, c, config], explicit: "bedrock:a", order: ["bedrock:c"] });
    expect(ordered.map(({ profile, why }) => [profile.id, why])).toEqual([
      ["bedrock:a", "asked for by name"],
      ["bedrock:config", "the provider's own key in the configuration"],
      ["bedrock:c", "number 1 of auth.order"],
      ["bedrock:env", "a variable of the environment"],
    ]);
  });

  it("a name of nothing is told and does not hide the others", () => {
    const { ordered, missing } = orderProfiles({ profiles: [a], explicit: "bedrock:gone", order: ["bedrock:old"] });
    expect(ordered.map(({ profile }) => profile.id)).toEqual(["bedrock:a"]);
    expect(missing.map(({ profileId }) => profileId)).toEqual(["bedrock:gone", "bedrock:old"]);
  });

  it("auth.order may put the environment before a stored login", () => {
    const { ordered } = orderProfiles({ profiles: [a, env], order: ["bedrock:env"] });
    expect(ordered.map(({ profile }) => profile.id)).toEqual(["bedrock:env", "bedrock:a"]);
  });

  it("whatever is asked, every login stands in the list exactly once", () => {
    const everything = [a, b, c, config, aws, env];
    fc.assert(
      fc.property(
        fc.subarray(everything),
        fc.array(fc.constantFrom(...everything.map(({ id }) => id), "bedrock:none")),
        fc.option(fc.constantFrom(...everything.map(({ id }) => id)), { nil: undefined }),
        (profiles, order, explicit) => {
          const { ordered } = orderProfiles({ profiles, order, explicit });
          expect(ordered.map(({ profile }) => profile.id).sort()).toEqual(profiles.map(({ id }) => id).sort());
        },
      ),
    );
  });
});
