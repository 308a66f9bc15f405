/** What the store keeps of devices that have paired. The rules of `port.ts` hold here too. */

export interface DeviceRow {
  /** SHA-256 of the raw public key, hex. */
  readonly deviceId: string;
  /** base64url of the raw 32-byte Ed25519 key. */
  readonly publicKey: string;
  readonly role: string;
  readonly scopes: readonly string[];
  /** SHA-256 of the device token, hex; the token itself is never stored. Null when revoked. */
  readonly tokenHash: string | null;
  readonly displayName: string | null;
  readonly platform: string | null;
  readonly pairedMs: number;
  readonly lastSeenMs: number;
}

export interface DeviceStore {
  get(deviceId: string): Promise<DeviceRow | null>;
  list(): Promise<readonly DeviceRow[]>;
  put(row: DeviceRow): Promise<void>;
  remove(deviceId: string): Promise<boolean>;
}
