import { z } from 'zod';
import { filePath, instant } from './values.ts';

// What verbatim.yaml may say of an index that arrives by import.

const key = z
  .strictObject({
    name: z
      .string()
      .regex(/^[\w.-]{1,64}$/, 'must be letters, digits, dots, dashes or underscores, 64 at most')
      .describe('What this site calls it: evidence, status and refusals name it so.'),
    ed25519: z
      .string()
      .regex(/^[0-9a-f]{64}$/, 'must be 64 hex digits: an Ed25519 key')
      .optional()
      .describe('The public key, 32 bytes in hex.'),
    ed25519_file: filePath.optional().describe('Or the file that verbatim keygen wrote it to (.pub, PEM).'),
    until: instant.optional().describe('It is believed before this moment only.'),
  })
  .superRefine((given, context) => {
    if ((given.ed25519 === undefined) === (given.ed25519_file === undefined))
      context.addIssue({
        code: 'custom',
        path: ['ed25519'],
        message: 'needs one of ed25519 and ed25519_file',
      });
  });

export const imported = z.strictObject({
  keys: z
    .array(key)
    .max(16)
    .default([])
    .refine((keys) => new Set(keys.map(({ name }) => name)).size === keys.length, 'names a key twice')
    .describe('Whose signatures on bundles are believed. An index that signs nothing needs one.'),
  max_age: z
    .int()
    .min(1)
    .max(36_500)
    .default(30)
    .describe('Days after its reference time for which what was imported is served; then installers get 503.'),
  generations: z
    .int()
    .min(1)
    .max(1000)
    .default(2)
    .describe('The last so many imports, and all files that they need, are spared from eviction.'),
  scan: z
    .array(z.string().min(1).max(4096))
    .min(1)
    .max(64)
    .optional()
    .describe(
      'A program and its arguments, asked for each new file between its proof and serving. It gets the file on standard input; 0 is clean, 1 holds the bundle back, anything else is a failure of the scanner.',
    ),
  scan_timeout: z.int().min(1).max(86_400).default(300).describe('Seconds that it may take for a file.'),
  scan_version: z
    .array(z.string().min(1).max(4096))
    .min(1)
    .max(64)
    .optional()
    .describe('A program and its arguments whose first line of output says which version scans; it goes on record.'),
});
