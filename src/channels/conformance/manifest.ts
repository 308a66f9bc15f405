/** Conformance: what a channel says about itself is complete and true. */
import assert from "node:assert/strict";
import { z } from "zod";
import { contentTypes } from "../../domain/message.ts";
import type { CaseContext, Cases } from "../conformance.ts";
import { withConnection, withPlatform } from "./session.ts";

export function manifestCases<Config>(context: CaseContext<Config>): Cases {
  const { manifest } = context.module;
  return {
    "has an id in lower-kebab, a label and a sentence": () => {
      assert.match(manifest.id, /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/);
      assert.notEqual(manifest.label, "");
      assert.match(manifest.summary, /\.$/);
    },
    "limits are positive": () => {
      assert.ok(manifest.text.max > 0 && manifest.messagesPerSecond > 0);
    },
    "refuses settings that are no settings": () => {
      for (const value of [null, 42, "x", [1]]) assert.equal(manifest.configSchema.safeParse(value).success, false);
    },
    "an account's own settings pass its schema": () =>
      withPlatform(context, async ({ account }) => {
        assert.equal(typeof account.config, "object");
        assert.equal(account.channel, manifest.id);
      }),
    "every content type is sent or says how it is degraded": () => {
      for (const type of contentTypes) {
        assert.ok(
          manifest.capabilities.sends.includes(type) || Boolean(manifest.degrades?.[type]),
          `${type} is dropped`,
        );
      }
    },
    "every secret it names is a setting it has": () => {
      const schema = z.toJSONSchema(manifest.configSchema, { io: "input", unrepresentable: "any" });
      for (const path of manifest.secrets) assert.ok(hasPath(schema, path.split(".")), `no setting ${path}`);
    },
    "a method is there exactly where the capability says so": () =>
      withConnection(context, async ({ connection }) => {
        const { capabilities, idempotency } = manifest;
        assert.equal(connection.edit !== undefined, capabilities.edits);
        assert.equal(connection.delete !== undefined, capabilities.deletes);
        assert.equal(connection.react !== undefined, capabilities.reactions);
        assert.equal(connection.typing !== undefined, capabilities.typing);
        assert.equal(connection.find !== undefined, idempotency === "read-back");
      }),
  };
}

function hasPath(schema: unknown, path: readonly string[]): boolean {
  if (typeof schema !== "object" || schema === null) return false;
  const node = schema as Readonly<Record<string, unknown>>;
  for (const key of ["anyOf", "oneOf", "allOf"]) {
    const choices = node[key];
    if (Array.isArray(choices) && choices.some((choice) => hasPath(choice, path))) return true;
  }
  const [first, ...rest] = path;
  if (first === undefined) return true;
  if (first === "*") return hasPath(node["items"] ?? node["additionalProperties"], rest);
  const properties = node["properties"];
  if (typeof properties !== "object" || properties === null) return false;
  return hasPath((properties as Readonly<Record<string, unknown>>)[first], rest);
}
