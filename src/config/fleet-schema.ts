import { z } from 'zod';

/** Whether it is one that can be used, its reader says; here a typing error is found before anything starts. */
const STORE = /^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](?:[/?][\x21-\x7e]*)?$/;

/** What replicas share. */
export const fleet = z.strictObject({
  state: z
    .string()
    .regex(STORE, 'must be s3://BUCKET/PREFIX?endpoint=https://HOST&region=REGION')
    .describe(
      'Where replicas share what they believe: s3://BUCKET/PREFIX?endpoint=https://HOST&region=REGION. Who asks is said by AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
    ),
});
