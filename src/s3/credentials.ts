/** Who asks. */
export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

/** As they are now: they are asked for before every request, so that what expires may be exchanged. */
export type CredentialSource = () => Promise<S3Credentials>;
