/** The benchmark's model, as a process of its own: answers in fifty deltas, at once or slowly. Prints its address. */
import { startModelEmulator } from "../src/drill/model-emulator/server.ts";

const deltas = Number(process.argv[2] ?? 50);
const text = Array.from({ length: deltas }, (_, index) => `word${index} `);
const model = await startModelEmulator({
  script: (request) => ({
    text,
    usage: { input: 20, output: deltas },
    ...(request.lastText.startsWith("slowly") ? { deltaDelayMs: 20_000 / deltas } : {}),
  }),
  remember: 10,
});
console.log(model.url);
process.on("SIGTERM", () => void model.close().then(() => process.exit(0)));
