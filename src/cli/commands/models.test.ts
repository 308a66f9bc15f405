/** What a person reads about the models: which there are, which would answer, and why not the others. */
import { Command } from "commander";
import { describe, expect, it } from "vitest";
import type { CliContext } from "../contract.ts";
import { createOutput } from "../output.ts";
import { register } from "./models.ts";

async function shown(words: readonly string[], answer: unknown): Promise<{ text: string; asked: unknown[] }> {
  let text = "";
  const asked: unknown[] = [];
  const stream = { write: (piece: string) => void (text += piece) };
  const call = (method: string, params: unknown): Promise<unknown> => {
    asked.push([method, params]);
    return Promise.resolve(answer);
  };
  const context = {
    output: createOutput({ stdout: stream, stderr: stream }, { json: false, colour: false }),
    connect: () => Promise.resolve({ call, close: () => undefined }),
  };
  const program = new Command();
  register(program, context as unknown as CliContext);
  await program.parseAsync(["models", ...words], { from: "user" });
  return { text, asked };
}

describe("openclaw models", () => {
  it("H10: explain is a table of what was looked at, with reasons, and says what leads to another model", async () => {
    const { text, asked } = await shown(["explain", "--agent", "main", "--model", "best", "--text", "Hi"], {
      considered: [
        {
          model: "a/one",
          profileId: "a:key",
          verdict: "skipped",
          step: "attempt",
          why: "cooling down until 12:03:10 UTC",
        },
        { model: "b/two", profileId: null, verdict: "used", step: "fallback", why: "fallback 1" },
      ],
      fallbackOn: ["rate-limit", "auth"],
      tier: "fast",
      score: 0.1,
      error: null,
    });
    expect(asked).toEqual([["models.explain", { agentId: "main", model: "best", text: "Hi" }]]);
    expect(text).toContain("skipped  a/one  a:key  attempt   cooling down until 12:03:10 UTC");
    expect(text).toContain("used     b/two         fallback  fallback 1");
    expect(text).toContain("Tier: fast (score 0.10)");
    expect(text).toContain("Another model is asked on: rate-limit, auth");
  });

  it("H10: where none can answer it says so, also where nothing was looked at", async () => {
    const error = { code: "MODEL_001", message: "No model is configured." };
    const { text } = await shown(["explain"], { considered: [], fallbackOn: [], tier: null, score: null, error });
    expect(text).toBe("No model is configured. (MODEL_001)\n");
  });

  it("C11: a list says how each login stands, and that a price is not known", async () => {
    const base = { name: "x", provider: "a", reasoning: false, input: ["text"], cost: null, available: false };
    const { text } = await shown(["list"], {
      models: [
        { ...base, id: "one", authState: "refused" },
        { ...base, id: "two", authState: "not-needed", cost: { input: 1, output: 2 } },
      ],
    });
    expect(text).toMatch(/a\/one\s+unknown\s+unknown price\s+key refused/);
    expect(text).toMatch(/a\/two\s+unknown\s+1 \/ 2\s*\n/);
  });

  it("retry says what was forgotten", async () => {
    expect((await shown(["retry", "a"], { forgotten: 3 })).text).toContain("Forgotten: 3.");
    expect((await shown(["retry"], { forgotten: 0 })).text).toContain("Nothing had failed.");
  });
});
