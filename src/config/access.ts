import { z } from 'zod';
import { baseUrl, fetchedUrl, filePath, seconds, variableName } from './values.ts';

// Who may read here, and as whom we read upstream. Secrets lie in files or variables of their own, never in this file.

export const password = {
  password_file: filePath.optional().describe('A file that holds the password or token and nothing else.'),
  password_env: variableName.optional().describe('A variable that holds it, instead of a file.'),
};

interface Given {
  readonly password_file?: string | undefined;
  readonly password_env?: string | undefined;
  readonly password_command?: readonly string[] | undefined;
}

const command = z
  .array(z.string().min(1).max(4096))
  .min(1)
  .max(64)
  .describe(
    'A command and its arguments, run without a shell, that writes the password or token and nothing else; for registries whose tokens live for hours.',
  );

const lifetime = seconds(10, 7 * 86_400)
  .default(3600)
  .describe('Seconds that what password_command wrote holds; it is run again then, and when it is refused.');

const given = ({ password_file, password_env, password_command }: Given) =>
  [password_file, password_env, password_command].filter((place) => place !== undefined).length;
const ONE = 'needs password_file, password_env or password_command, one of them';

/** As whom an upstream is read. */
export const credentials = z
  .strictObject({
    username: z
      .string()
      .max(256)
      .refine((name) => !name.includes(':'), 'must not hold a colon')
      .default('__token__')
      .describe('__token__ suits indexes that take a token as the password.'),
    ...password,
    password_command: command.optional(),
    password_lifetime: lifetime,
    scopes: z
      .array(fetchedUrl)
      .min(1)
      .max(16)
      .optional()
      .describe(
        'Sent to these URLs and what lies below them, nowhere else; by default where upstream is, without simple/.',
      ),
  })
  .refine((places) => given(places) === 1, ONE);

export const proxy = z
  .strictObject({
    url: baseUrl.describe('http:// or https:// URL of an HTTP proxy; everything this index fetches goes through it.'),
    username: z.string().min(1).max(256).optional().describe('Where the proxy wants one.'),
    ...password,
    password_command: command.optional(),
    password_lifetime: lifetime,
  })
  .refine((said) => said.username === undefined || given(said) === 1, ONE)
  .refine((said) => said.username !== undefined || given(said) === 0, 'has a password but no username');

export const tls = z.strictObject({
  cert: filePath.describe('The certificate and what stands between it and its authority, PEM, relative to this file.'),
  key: filePath.describe('Its private key, PEM.'),
  ciphers: z
    .string()
    .max(2000)
    .regex(/^[A-Za-z0-9_:!+@=-]+$/, 'must be a list of ciphers as OpenSSL has it, such as ECDHE+AESGCM:ECDHE+CHACHA20')
    .optional()
    .describe(
      "Ciphers that are spoken, as OpenSSL lists them (those of TLS 1.3 by their full names); node's own where none are given.",
    ),
  min_version: z
    .enum(['TLSv1.2', 'TLSv1.3'])
    .optional()
    .describe("The oldest version of TLS that is spoken; node's own (TLSv1.2) where none is given."),
  warn_days: z
    .int()
    .min(0)
    .max(365)
    .default(14)
    .describe(
      'Days before its end from which the certificate is warned of; one for days alone, in the last fifth of its time.',
    ),
});

export const auth = z
  .strictObject({
    htpasswd: filePath
      .optional()
      .describe(
        'NAME:HASH a line, as "htpasswd -B" (bcrypt, of a cost up to 15) or "verbatim hash-password NAME" writes it.',
      ),
    tokens: filePath.optional().describe('NAME:SHA256HEX a line, made with "verbatim hash-password --token NAME".'),
    record_names: z
      .boolean()
      .default(true)
      .describe('False to leave the names of users and tokens out of the record of who was sent which file.'),
  })
  .refine(({ htpasswd, tokens }) => (htpasswd ?? tokens) !== undefined, 'needs htpasswd or tokens, or both');

/** Pages for people. */
export const pages = z.strictObject({
  auditors: z
    .array(z.string().min(1).max(200))
    .max(64)
    .default([])
    .describe(
      'Users of server.auth.htpasswd who see on the page of a project who was sent each of its files. Nobody else ever does.',
    ),
});

/** What seals the state that nobody signed; top-level keys, beside `data`. */
export const sealing = {
  seal_key_file: filePath
    .optional()
    .describe(
      'A file of at least 16 secret bytes, outside the data directory: pages, pins and floors are sealed by it.',
    ),
  seal_key_env: password.password_env.describe('A variable that holds the seal key, instead of a file.'),
  seal_epoch_file: filePath
    .optional()
    .describe('A file outside the data directory that notices when all of that directory is put back to what it was.'),
};

interface GivenSeal {
  readonly seal_key_file?: string | undefined;
  readonly seal_key_env?: string | undefined;
  readonly seal_epoch_file?: string | undefined;
}

/** What is wrong with the keys of `sealing` together. */
export function sealFault({ seal_key_file, seal_key_env, seal_epoch_file }: GivenSeal): string | undefined {
  if (seal_key_file !== undefined && seal_key_env !== undefined)
    return 'give seal_key_file or seal_key_env, one of them';
  if (seal_epoch_file !== undefined && seal_key_file === undefined && seal_key_env === undefined)
    return 'seal_epoch_file has no meaning without seal_key_file or seal_key_env';
  return undefined;
}
