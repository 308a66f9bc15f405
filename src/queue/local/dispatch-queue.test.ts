import { dispatchConformance } from "../conformance.ts";
import { createLocalQueue } from "./dispatch-queue.ts";

dispatchConformance("one process", {
  spansNodes: false,
  open: () =>
    Promise.resolve({
      open: (options) => Promise.resolve(createLocalQueue(options)),
      close: () => Promise.resolve(),
    }),
});
