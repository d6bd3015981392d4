import { readS3Address } from '../../src/s3/address.ts';
import { type Outcome, S3Client, type Verb } from '../../src/s3/client.ts';
import type { S3Limits } from '../../src/s3/limits.ts';
import { S3ObjectStore } from '../../src/s3/object-store.ts';

export const S3_KEYS = { accessKeyId: 'verbatim-test', secretAccessKey: 'a-secret-of-nobody' };
export const S3_BUCKET = 'mirror';

interface S3Options {
  readonly prefix?: string;
  readonly limits?: Partial<S3Limits>;
  readonly onRequest?: (verb: Verb, outcome: Outcome) => void;
  readonly onBytes?: () => void;
  readonly onHedge?: (hasWon: boolean) => void;
}

/** A client and a store of objects over it; the client is to be closed. */
export function s3Store(url: string, { prefix = '', limits, onRequest, onBytes, onHedge }: S3Options = {}) {
  const address = readS3Address(`s3://${S3_BUCKET}/${prefix}?endpoint=${url}&region=us-east-1`);
  const client = new S3Client({
    address,
    credentials: async () => S3_KEYS,
    limits,
    meter: {
      ...(onRequest && { request: onRequest }),
      ...(onBytes && { bytes: onBytes }),
      ...(onHedge && { hedge: onHedge }),
    },
  });
  return { client, store: new S3ObjectStore(client) };
}
