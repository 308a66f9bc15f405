/** A process of its own that wants one login which is about to run out; tells what it got and how often it asked. */
import { systemClock } from "../../platform/clock.ts";
import { systemIds } from "../../platform/ids.ts";
import { silentLog } from "../../platform/log.ts";
import { createVault } from "../vault.ts";
import { createOAuthRefresher } from "./refresher.ts";
import type { OAuthDocument } from "../profiles/profile-document.ts";

const [, , folder = ""] = process.argv;
const clock = systemClock();
const ids = systemIds();
const vault = createVault({ folder, clock, redactor: { add: () => undefined } });
const entry = vault.scoped("profile:openai:work");
const first: OAuthDocument = {
  kind: "oauth",
  issuer: "openai",
  accessToken: "access-0",
  refreshToken: "refresh-0",
  expiresMs: clock.nowMs() + 1_000,
  changedMs: clock.nowMs() - 3_600_000,
  mark: "00000000",
  trouble: null,
};
await entry.update("oauth", (current) => Promise.resolve(current === null ? { value: JSON.stringify(first) } : null));
let requests = 0;
const client = {
  id: "openai",
  name: "OpenAI",
  authorizeUrl: null,
  tokenUrl: "https://login.test/token",
  deviceUrl: null,
  scopes: [],
  parameters: {},
  registration: "",
  clientId: "client",
  clientSecret: null,
  redirectUri: null,
  headers: {},
};
const refresher = createOAuthRefresher({
  vault,
  client: () => ({ client }),
  fetchFor: () => async () => {
    requests += 1;
    // Long enough for the others to come.
    await clock.sleep(300);
    return Response.json({ access_token: `access-of-${process.pid}`, refresh_token: "refresh-1", expires_in: 3_600 });
  },
  clock,
  ids,
  log: silentLog(),
  redact: () => undefined,
});
const document = JSON.parse((await entry.read("oauth")) ?? "") as OAuthDocument;
const fresh = await refresher.fresh("openai:work", document);
process.send?.({ token: fresh.accessToken, requests });
process.disconnect();
