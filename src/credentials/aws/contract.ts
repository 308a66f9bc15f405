/** Where AWS's own tools look for keys, in their order. */
import type { AwsCredential } from "../../domain/aws-credential.ts";

/** What a stored login says: keys, or a section of AWS's own files. */
export interface StoredAwsLogin {
  readonly profileId: string;
  readonly keys: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken: string | null;
  } | null;
  readonly awsProfile: string | null;
  readonly region: string | null;
}

export interface AwsChain {
  /** Whether anything points to keys, as far as the last look saw. Asks nobody. */
  isPresent(): boolean;
  /** What tells one state of the keys from another; may hold secrets, is for hashing alone. */
  identity(): string;
  /** Looks at AWS's files again. Resolves with whether something changed; never rejects. */
  look(): Promise<boolean>;
  /**
   * Keys that live for some minutes at least: kept, and fetched again before they run out. Null is the default chain.
   * Throws MODEL_002 with a sentence on where it looked.
   */
  credential(stored: StoredAwsLogin | null): Promise<AwsCredential>;
}
