import { z } from 'zod';
import { parseInstant } from '../bytes/instant.ts';
import { isLoopback } from '../bytes/loopback.ts';
import { meaning } from './meanings.ts';

// The small values a configuration is made of: each refuses on its own, so that every fault is reported at once.

const UNITS: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KIB: 2 ** 10,
  MIB: 2 ** 20,
  GIB: 2 ** 30,
  TIB: 2 ** 40,
};
const SIZE = /^(\d{1,15}(?:\.\d{1,3})?) ?(B|[KMGT]i?B)$/i;

/** A number of bytes: `10000000000` or `10 GB` or `9.3 GiB`. */
export const size = z
  .union([z.int().nonnegative(), z.string().regex(SIZE, 'must be a size such as 500 MB or 10 GiB')], {
    error: 'must be a size such as 500 MB or 10 GiB, or a whole number of bytes',
  })
  .transform((value) => {
    if (typeof value === 'number') return value;
    const [, amount = '0', unit = 'B'] = SIZE.exec(value) ?? [];
    return Math.floor(Number(amount) * (UNITS[unit.toUpperCase()] ?? 1));
  });

/** Comes out as it was given: only whoever uses it knows what is for ever. */
export const secondsOrForever = z.union([z.int().nonnegative(), z.literal('forever')], {
  error: 'must be a whole number of seconds, or forever',
});

const url = z.string().superRefine((text, context) => {
  const fault = urlFault(text);
  if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
});
const withSlash = (text: string) => (text.endsWith('/') ? text : `${text}/`);

/** A URL that names a directory; comes out with a closing slash. Never repeated in a fault: it may hold a secret. */
export const baseUrl = url.transform(withSlash);

/** One from which bytes come, or to which secrets go. */
export const fetchedUrl = meaning('fetched', url.clone()).transform(withSlash);

/** A path in the file system; in a file relative to that file. */
export const filePath = meaning('file', z.string().min(1));

/** The name of a variable that holds a secret. */
export const variableName = meaning(
  'variable',
  z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be the name of a variable'),
);

/** A base that may also be relative to another base, in a free layout. */
export const baseOrPath = meaning(
  'fetched',
  z.string().superRefine((text, context) => {
    const fault = /^[a-z][a-z0-9+.-]*:/i.test(text) ? urlFault(text) : pathFault(text);
    if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
  }),
);

const CREDENTIALS =
  'must not carry a user name or password: in a configuration file, they go into credentials: { username: NAME, password_file: FILE } of the index (or password_env, password_command)';

function urlFault(text: string): string | undefined {
  if (!URL.canParse(text)) return 'must be a URL such as https://index.example/';
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'must begin with https:// or http://';
  if (url.username !== '' || url.password !== '') return CREDENTIALS;
  if (url.search !== '' || url.hash !== '')
    return 'must not have a query or a fragment; a token goes into credentials, as password_file, password_env or password_command';
  return undefined;
}

function pathFault(text: string): string | undefined {
  if (text.startsWith('/')) return 'must be relative to the index, without a leading slash';
  if (text.split('/').some((part) => part === '..' || part === '.')) return 'must not contain . or .. steps';
  return undefined;
}

/** True for a URL whose bytes cross a network in the clear. */
export function crossesNetworkInTheClear(text: unknown): boolean {
  if (typeof text !== 'string' || !URL.canParse(text)) return false;
  const url = new URL(text);
  return url.protocol === 'http:' && !isLoopback(url.hostname);
}

/** `YYYY-MM-DDTHH:MM:SSZ`, a moment the calendar knows; comes out as whole seconds since the epoch. */
export const instant = z
  .string()
  .refine((text) => parseInstant(text) !== undefined, 'must be a time such as 2026-11-21T14:00:00Z')
  .transform((text) => parseInstant(text) ?? 0);

/** An address to listen on or a host name, without port, scheme or path. */
export const host = z
  .string()
  .max(253)
  .regex(/^[A-Za-z0-9._:-]+$/, 'must be a host name or an address, without a port');

/** An address, or a network of them such as 10.0.0.0/8. */
export const network = z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], {
  error: 'must be an address such as 192.0.2.1, or a network such as 10.0.0.0/8',
});

/** Where a page may send us for files: `host`, `host:port` (https), an origin with its scheme, `*.domain`, or `any-public` (every public one by https). */
export const fileHost = meaning(
  'fetched',
  z
    .string()
    .max(267)
    .regex(
      /^(https?:\/\/)?(\[[0-9a-f:]+\]|(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*\.?)(:\d{1,5})?$/,
      'must be a lower-case host name, with :port where it is not the usual one, *.example.net for every host below a domain, or any-public',
    )
    .refine((host) => !/^(https?:\/\/)?\*\.[^.]*$/.test(host), 'must name a domain of at least two parts after *.'),
);

export function seconds(least: number, most: number) {
  return z.int().min(least).max(most);
}
