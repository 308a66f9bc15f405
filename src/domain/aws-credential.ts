/** Keys for AWS, as its chain yields them. */
export interface AwsCredential {
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string | null;
}
