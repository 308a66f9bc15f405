import { describe, expect, it } from "vitest";
import { canonicalPath, signedHeaders, type SignedCall } from "./sigv4.ts";

/** The keys, the moment and every signature below are those of AWS's published "aws-sig-v4-test-suite". */
const suite = {
  accessKeyId: "AKIDEXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
  region: "us-east-1",
  sessionToken: null,
};

const sessionToken =
  "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";

const letters = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

function call(more: Partial<SignedCall> = {}): SignedCall {
  return {
    method: "GET",
    host: "example.amazonaws.com",
    path: "/",
    headers: {},
    body: "",
    service: "service",
    atMs: Date.UTC(2015, 7, 30, 12, 36, 0),
    ...more,
  };
}

const form = "application/x-www-form-urlencoded";

const vectors: readonly (readonly [name: string, call: Partial<SignedCall>, signature: string])[] = [
  ["get-vanilla", {}, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"],
  ["get-unreserved", { path: `/${letters}` }, "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"],
  ["get-utf8", { path: "/ሴ" }, "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"],
  ["get-space", { path: "/example space/" }, "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"],
  ["get-relative", { path: "/example/.." }, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"],
  [
    "get-relative-relative",
    { path: "/example1/example2/../.." },
    "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
  ],
  ["get-slash", { path: "//" }, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"],
  ["get-slash-dot-slash", { path: "/./" }, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"],
  [
    "get-slash-pointless-dot",
    { path: "/./example" },
    "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5",
  ],
  ["get-slashes", { path: "//example//" }, "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"],
  [
    "get-header-value-trim",
    { headers: { "My-Header1": " value1", "My-Header2": ' "a   b   c"' } },
    "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
  ],
  ["post-vanilla", { method: "POST" }, "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"],
  [
    "post-header-key-sort",
    { method: "POST", headers: { "My-Header1": "value1" } },
    "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
  ],
  [
    "post-header-value-case",
    { method: "POST", headers: { "My-Header1": "VALUE1" } },
    "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
  ],
  [
    "post-x-www-form-urlencoded",
    { method: "POST", headers: { "Content-Type": form }, body: "Param1=value1" },
    "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
  ],
  [
    "post-x-www-form-urlencoded-parameters",
    { method: "POST", headers: { "Content-Type": `${form}; charset=utf8` }, body: "Param1=value1" },
    "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe",
  ],
];

describe("the signature of AWS, version 4", () => {
  it.each(vectors)("H3: is the published one for %s", (_name, given, signature) => {
    const { authorization } = signedHeaders(call(given), suite);
    expect(authorization).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/20150830\/us-east-1\/service\/aws4_request, SignedHeaders=/,
    );
    expect(authorization).toContain(`Signature=${signature}`);
  });

  it("H3: is the published one with a session token (post-sts-header-before)", () => {
    const headers = signedHeaders(call({ method: "POST" }), { ...suite, sessionToken });
    expect(headers).toEqual({
      "x-amz-date": "20150830T123600Z",
      "x-amz-security-token": sessionToken,
      authorization:
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date;x-amz-security-token, Signature=85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead",
    });
  });

  it("what is encoded on the wire is encoded once more in what is signed", () => {
    expect(canonicalPath("/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse-stream")).toBe(
      "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%253A0/converse-stream",
    );
    expect(canonicalPath("/a!b'(c)*")).toBe("/a%21b%27%28c%29%2A");
  });

  it("any change of the request, the moment or the key changes it", () => {
    const sign = (more: Partial<SignedCall>, key = suite): string | undefined =>
      signedHeaders(call({ method: "POST", body: "{}", ...more }), key)["authorization"]?.split("Signature=")[1];
    const all = [
      sign({}),
      sign({ body: "{ }" }),
      sign({ method: "PUT" }),
      sign({ path: "/x" }),
      sign({ host: "example.amazonaws.com:8443" }),
      sign({ service: "bedrock" }),
      sign({ atMs: Date.UTC(2015, 7, 30, 12, 36, 1) }),
      sign({}, { ...suite, region: "eu-west-1" }),
      sign({}, { ...suite, secretAccessKey: "another" }),
    ];
    expect(new Set(all).size).toBe(all.length);
  });
});
