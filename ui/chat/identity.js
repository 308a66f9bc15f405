/**
 * Who this browser is: an Ed25519 key pair that never leaves it, and the token that the gateway gave it. The private
 * key cannot be read by any script; the token alone is worth nothing without it.
 */

const databaseName = "openclaw-webchat";
const storeName = "identity";
const recordKey = "device";

/** Whether this browser can hold a key here: only https and localhost pages may. */
export function canHoldKeys() {
  return globalThis.isSecureContext === true && crypto.subtle !== undefined && globalThis.indexedDB !== undefined;
}

/** The device, made at first use: `{ id, publicKey, keys, deviceToken }`. */
export async function loadIdentity() {
  const known = await withStore("readonly", (store) => store.get(recordKey));
  if (known !== undefined) return known;
  const keys = await crypto.subtle.generateKey({ name: "Ed25519" }, false, ["sign", "verify"]);
  const raw = new Uint8Array(await crypto.subtle.exportKey("raw", keys.publicKey));
  const identity = {
    id: hex(await crypto.subtle.digest("SHA-256", raw)),
    publicKey: base64url(raw),
    keys,
    deviceToken: null,
  };
  await withStore("readwrite", (store) => store.put(identity, recordKey));
  return identity;
}

export async function keepDeviceToken(identity, deviceToken) {
  identity.deviceToken = deviceToken;
  await withStore("readwrite", (store) => store.put(identity, recordKey));
}

/** After it the browser is a new device. */
export async function forgetIdentity() {
  await withStore("readwrite", (store) => store.delete(recordKey));
}

/** The proof that goes with `connect`: the signed line binds key, client, scopes, time, credential and challenge. */
export async function proveIdentity(identity, { client, role, scopes, credential, challenge }) {
  const line = [
    "v3",
    identity.id,
    client.id,
    client.mode,
    role,
    scopes.join(","),
    String(challenge.ts),
    credential,
    challenge.nonce,
    client.platform.toLowerCase(),
    "",
  ].join("|");
  const signature = await crypto.subtle.sign(
    { name: "Ed25519" },
    identity.keys.privateKey,
    new TextEncoder().encode(line),
  );
  return {
    id: identity.id,
    publicKey: identity.publicKey,
    signature: base64url(new Uint8Array(signature)),
    signedAt: challenge.ts,
    nonce: challenge.nonce,
  };
}

function withStore(mode, work) {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(databaseName, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(storeName);
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const database = opening.result;
      const transaction = database.transaction(storeName, mode);
      const request = work(transaction.objectStore(storeName));
      transaction.oncomplete = () => {
        database.close();
        resolve(request.result);
      };
      transaction.onabort = () => {
        database.close();
        reject(transaction.error);
      };
    };
  });
}

function hex(buffer) {
  return Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");
}
