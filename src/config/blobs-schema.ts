import { z } from 'zod';
import { filePath, size } from './values.ts';

const STORE = 'must be s3://BUCKET/PREFIX?endpoint=https://HOST&region=REGION, without keys';

/** Where files are kept besides this machine's disk. */
export const blobs = z.strictObject({
  store: z
    .string()
    .max(2048)
    .regex(/^s3:\/\/[a-z0-9][a-z0-9.-]*(\/[^?#@\s]*)?(\?[^#@\s]*)?$/, STORE)
    .optional()
    .describe(
      'A bucket that machines share, s3://BUCKET/PREFIX?endpoint=…&region=…; the disk (cache.max_bytes) stands before it.',
    ),
  max_bytes: size
    .prefault('1 TB')
    .describe('Files kept in the bucket; the least recently used make room, where one replica was made the leader.'),
  redirect_from: size
    .optional()
    .describe(
      'Files of at least so many bytes are not sent but their clients redirected to the bucket, where nothing proves them any more; left out, none are.',
    ),
  credentials_file: filePath
    .optional()
    .describe(
      'Keys of the bucket, in the form of ~/.aws/credentials; left out, AWS_ACCESS_KEY_ID and its like, what the platform issues, then that file.',
    ),
  profile: z
    .string()
    .max(128)
    .regex(/^[\w.@-]+$/, 'must be the name of a profile')
    .optional()
    .describe('The section of that file; left out, AWS_PROFILE, then default.'),
});
