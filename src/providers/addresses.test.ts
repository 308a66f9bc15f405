import { describe, expect, it } from "vitest";
import { addressesOf, bedrockAddress, regionOfAddress } from "./addresses.ts";
import { modelApis } from "./contract.ts";

const aws = { region: "eu-west-1", accessKeyId: "a", secretAccessKey: "s", sessionToken: null };

describe("the addresses of a provider", () => {
  it("are its own service's where none is configured, and the configured one alone where one is", () => {
    for (const api of modelApis) {
      const own = addressesOf({ api, baseUrl: null, aws });
      if (api === "demo") expect(own).toEqual([]);
      else
        for (const address of own) expect(address).toMatch(api === "ollama" ? /^http:\/\/127\.0\.0\.1/ : /^https:\/\//);
      expect(addressesOf({ api, baseUrl: "http://127.0.0.1:29100/v1", aws })).toEqual(["http://127.0.0.1:29100/v1"]);
    }
  });

  it("H3: of Bedrock's are in one region", () => {
    const at = (region?: string) =>
      addressesOf({
        api: "bedrock-converse-stream",
        baseUrl: null,
        ...(region === undefined ? {} : { aws: { ...aws, region } }),
      });
    expect(at("eu-west-1")).toEqual(["https://bedrock-runtime.eu-west-1.amazonaws.com"]);
    expect(at("us-gov-west-1")).toEqual(["https://bedrock-runtime.us-gov-west-1.amazonaws.com"]);
    expect(at("cn-north-1")).toEqual(["https://bedrock-runtime.cn-north-1.amazonaws.com.cn"]);
    expect(at()).toEqual([]);
    for (const odd of ["", "evil.org/", "eu-west-1.evil.org", "EU-WEST-1", "x@y-1", "../eu-west-1"])
      expect(bedrockAddress(odd)).toBe("https://bedrock-runtime.invalid.amazonaws.com");
  });

  it.each([
    ["https://bedrock-runtime.us-east-1.amazonaws.com/x", "us-east-1"],
    ["https://bedrock-runtime-fips.us-east-1.amazonaws.com", "us-east-1"],
    ["https://vpce-1a.bedrock-runtime.ap-south-1.vpce.amazonaws.com", "ap-south-1"],
    ["https://bedrock-runtime.cn-north-1.amazonaws.com.cn", "cn-north-1"],
    ["https://bedrock-runtime.us-east-1.amazonaws.com.evil.org", undefined],
    ["https://evil.org/bedrock-runtime.us-east-1.amazonaws.com", undefined],
    ["https://s3.us-east-1.amazonaws.com", undefined],
    ["http://127.0.0.1:1", undefined],
    ["no address", undefined],
  ])("%s is in region %s", (address, region) => {
    expect(regionOfAddress(address)).toBe(region);
  });

  it("H5: of Copilot's are GitHub's, and an enterprise's own two where it has servers there", () => {
    const at = (baseUrl: string | null) => addressesOf({ api: "github-copilot", baseUrl });
    for (const address of at(null)) expect(address).toMatch(/^https:\/\/api\.(github|[a-z.]*githubcopilot)\.com$/);
    expect(at("https://api.octo.ghe.com")).toEqual(["https://api.octo.ghe.com", "https://copilot-api.octo.ghe.com"]);
    for (const other of ["https://api.octo.ghe.com.evil.org", "http://api.octo.ghe.com", "https://evil.org"])
      expect(at(other)).toEqual([other]);
  });
});
