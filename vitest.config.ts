/** How the tests run. Which files are tests is said here alone. */
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts", "scripts/**/*.test.ts"],
    pool: "forks",
    // A worker died once in the native helper that the Redis driver's library would load; it does without.
    env: { MSGPACKR_NATIVE_ACCELERATION_DISABLED: "true" },
    // Node.js 24.21 can die when it exchanges a WebAssembly bridge for a faster one; see bin/openclaw.mjs.
    execArgv: ["--wasm-wrapper-tiering-budget=2147483647"],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    // Two gateways, an ngircd and a browser share two cores: more workers only add noise.
    maxWorkers: 2,
    // A browser or a chat server that gets no processor for seconds fails once; what fails twice is wrong. Only where
    // nobody watches: whoever works on a test sees it fail the first time.
    retry: process.env["CI"] === "true" ? 1 : 0,
  },
});
