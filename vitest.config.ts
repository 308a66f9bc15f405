/** How the tests run. Which files are tests is said here alone. */
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts", "scripts/**/*.test.ts"],
    pool: "forks",
    testTimeout: 20_000,
    hookTimeout: 30_000,
    // Two gateways, an ngircd and a browser share two cores: more workers only add noise.
    maxWorkers: 2,
  },
});
