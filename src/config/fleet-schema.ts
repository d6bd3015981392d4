import { z } from 'zod';

/** Whether it is one that can be used, its reader says; here a typing error is found before anything starts. */
const STORE = /^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](?:[/?][\x21-\x7e]*)?$/;

const peer = z
  .string()
  .max(300)
  .regex(/^https?:\/\/[^/?#@\s\\]+$/, 'must be http://HOST:PORT or https://HOST:PORT, and no more')
  .refine((text) => URL.canParse(text), 'must be http://HOST:PORT or https://HOST:PORT');

/** What replicas share. */
export const fleet = z
  .strictObject({
    state: z
      .string()
      .regex(STORE, 'must be s3://BUCKET/PREFIX?endpoint=https://HOST&region=REGION')
      .describe(
        'Where replicas share what they believe: s3://BUCKET/PREFIX?endpoint=https://HOST&region=REGION. Who asks is said by AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
      )
      .optional(),
    peers: z
      .array(peer)
      .max(16)
      .default([])
      .describe(
        'Where the replicas are, this one or not: one that needs a file asks them for it before upstream. Nobody else is asked.',
      ),
  })
  .refine(({ state, peers }) => state !== undefined || peers.length > 0, 'needs state, peers or both');
