/** The HTTP library behind egress, by name: a bundler keeps named exports of a CommonJS package, a dynamic import of it loses them. */
export { Agent, FormData, buildConnector, fetch, install } from "undici";
