import { describe, expect, it } from "vitest";
import { modelApis } from "./contract.ts";
import { providerModule } from "./registry.ts";

describe("the registry of providers", () => {
  it("has a module of its name for every protocol", async () => {
    for (const api of modelApis) expect((await providerModule(api)).api).toBe(api);
  });
});
