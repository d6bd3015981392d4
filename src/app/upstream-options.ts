import { Refusal } from '../bytes/refusal.ts';
import type { Credentials, IndexConfig, ProxyConfig, SecretPlace, Timeouts } from '../config/config.ts';
import { secretVariable } from '../config/environment.ts';
import type { UpstreamOptions } from '../upstream/client.ts';
import type { Credential } from '../upstream/destinations.ts';
import { LIMITS, type Pace, type UpstreamLimits } from '../upstream/limits.ts';
import { readGiven } from './given-file.ts';

/** How an index's upstream is reached: as whom, through what, known by whose word. Throws Refusal `state` or `format`. */
export function reachOf({
  credentials,
  ca,
  proxy,
  privateHosts,
}: IndexConfig): Pick<UpstreamOptions, 'credentials' | 'ca' | 'proxy' | 'privateHosts'> {
  return {
    privateHosts,
    credentials: credentials === undefined ? undefined : sentTo(credentials),
    ca: ca === undefined ? undefined : authorities(ca),
    proxy: proxy && proxyUrl(proxy),
  };
}

/** How long an index's upstream is waited for. */
export function limitsOf({ timeouts }: Pick<IndexConfig, 'timeouts'>): UpstreamLimits {
  return {
    ...LIMITS,
    connectTimeout: timeouts.connect * SECOND,
    documents: paceOf(timeouts, timeouts.firstByte, timeouts.page),
    downloads: paceOf(timeouts, timeouts.fileFirstByte, timeouts.file),
    minimumRate: timeouts.slowest,
  };
}

const SECOND = 1000;

function paceOf({ silence, slowestOver }: Timeouts, firstByte: number, all: number): Pace {
  return {
    headersTimeout: firstByte * SECOND,
    idleTimeout: silence * SECOND,
    rateWindow: slowestOver * SECOND,
    deadline: all * SECOND,
  };
}

function sentTo({ scopes, username, password }: Credentials): readonly Credential[] {
  const secret = secretOf(password);
  return scopes.map((url) => ({ url, username, password: secret }));
}

function secretOf({ file, variable }: SecretPlace): string {
  const secret =
    file === undefined ? secretVariable(variable ?? '') : readGiven(file, 'the password file').toString().trim();
  if (secret === undefined || secret === '')
    throw new Refusal('state', `There is no password in ${file ?? `the variable ${variable}`}.`, { subject: 'state' });
  return secret;
}

function authorities(file: string): string {
  const pem = readGiven(file, 'the file of certificate authorities').toString();
  if (!pem.includes('-----BEGIN CERTIFICATE-----'))
    throw new Refusal('format', `${file} holds no certificate in PEM form.`, { subject: 'state' });
  return pem;
}

function proxyUrl({ url: address, login }: ProxyConfig): string {
  if (login === undefined) return address;
  const url = new URL(address);
  url.username = encodeURIComponent(login.username);
  url.password = encodeURIComponent(secretOf(login.password));
  return url.href;
}
