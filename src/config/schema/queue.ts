/** `queue`: what carries the call for a worker to a message that waits. */
import * as z from "zod";
import { about, secret } from "./leaf.ts";

export function queueSchema() {
  return z.object({
    driver: about(
      z.enum(["local", "redis"]),
      "Who is called for a message that waits: this process, or over Redis whichever node is free. Read at the start.",
    ),
    url: about(secret().optional(), "Address of Redis, such as redis://127.0.0.1:6379/0. `REDIS_URL` wins over it."),
  });
}
