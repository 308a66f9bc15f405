import { describe, expect, it } from "vitest";
import { modelApis } from "./contract.ts";
import { providerModule } from "./registry.ts";

describe("the registry of providers", () => {
  it("has a module of its name for every protocol but the one that is told to be missing", async () => {
    for (const api of modelApis) {
      if (api === "bedrock-converse-stream")
        await expect(providerModule(api)).rejects.toMatchObject({ code: "MODEL_008" });
      else expect((await providerModule(api)).api).toBe(api);
    }
  });
});
