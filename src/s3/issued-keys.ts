import { type IncomingMessage, request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { ObjectStoreError } from '../ports/object-store.ts';
import type { CredentialSource, S3Credentials } from './credentials.ts';
import { ISSUED_BYTES, ISSUER_MS, RENEWED_BEFORE_MS } from './limits.ts';
import { readErrorCode, textOf } from './xml.ts';

/** Keys that were issued, and when they end. Milliseconds since the epoch; undefined where they do not. */
export interface IssuedKeys {
  readonly keys: S3Credentials;
  readonly endsMs: number | undefined;
}

/** Asks whoever issues them. Throws ObjectStoreError. */
export type Issuer = () => Promise<IssuedKeys>;

/**
 * Keys as they are issued: asked for once, and again before they end, by one request for all who need them. While no new ones are to be had the
 * old ones serve as long as they hold.
 */
export function renewedKeys(issue: Issuer, nowMs: () => number = Date.now): CredentialSource {
  let issued: IssuedKeys | undefined;
  let asking: Promise<IssuedKeys> | undefined;
  const leftMs = ({ endsMs = Number.POSITIVE_INFINITY }: IssuedKeys) => endsMs - nowMs();
  return async () => {
    if (issued !== undefined && leftMs(issued) > RENEWED_BEFORE_MS) return issued.keys;
    asking ??= issue().finally(() => {
      asking = undefined;
    });
    try {
      issued = await asking;
    } catch (error) {
      if (issued === undefined || leftMs(issued) <= 0) throw error;
    }
    return issued.keys;
  };
}

export interface WebIdentity {
  /** The token service: `https://sts.REGION.amazonaws.com/`, or another that speaks as it does. */
  readonly endpoint: URL;
  readonly role: string;
  readonly session: string;
  /** Read for each request: whoever runs this replaces it. */
  readonly token: () => string;
}

/** A role of a workload that its platform vouches for (AssumeRoleWithWebIdentity). */
export function webIdentityKeys({ endpoint, role, session, token }: WebIdentity): Issuer {
  return async () => {
    const form = new URLSearchParams({
      Action: 'AssumeRoleWithWebIdentity',
      Version: '2011-06-15',
      RoleArn: role,
      RoleSessionName: session,
      WebIdentityToken: token(),
    });
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const { status, text } = await ask(endpoint, { method: 'POST', headers, body: form.toString() });
    if (status !== 200) throw noKeys(endpoint, `${status} ${readErrorCode(text) ?? ''}`.trim());
    const part = (name: string) => textOf(text, name);
    return issuedOf(endpoint, {
      id: part('AccessKeyId'),
      secret: part('SecretAccessKey'),
      token: part('SessionToken'),
      ends: part('Expiration'),
    });
  };
}

/** What a container's platform hands out at an address of its own (ECS, EKS Pod Identity). */
export function containerKeys(url: URL, authorization: () => string | undefined): Issuer {
  return async () => {
    const said = authorization();
    const headers = said === undefined ? {} : { authorization: said };
    return fromDocument(url, await ask(url, { method: 'GET', headers }));
  };
}

/** What a machine is told of its own role (EC2 instance metadata, version 2 alone). */
export function instanceKeys(endpoint: URL): Issuer {
  const roles = new URL('/latest/meta-data/iam/security-credentials/', endpoint);
  return async () => {
    const asked = { 'x-aws-ec2-metadata-token-ttl-seconds': '300' };
    const session = await ask(new URL('/latest/api/token', endpoint), { method: 'PUT', headers: asked });
    if (session.status !== 200) throw noKeys(endpoint, `no session (${session.status})`);
    const headers = { 'x-aws-ec2-metadata-token': session.text };
    const named = await ask(roles, { method: 'GET', headers });
    const role = named.text.split('\n')[0]?.trim() ?? '';
    if (named.status !== 200 || !/^[\w+=,.@-]{1,64}$/.test(role)) throw noKeys(endpoint, 'this machine has no role');
    const url = new URL(role, roles);
    return fromDocument(url, await ask(url, { method: 'GET', headers }));
  };
}

interface Said {
  readonly status: number;
  readonly text: string;
}

function fromDocument(url: URL, { status, text }: Said): IssuedKeys {
  if (status !== 200) throw noKeys(url, String(status));
  const document = readDocument(text);
  const member = (name: string) => {
    const value = document[name];
    return typeof value === 'string' ? value : undefined;
  };
  return issuedOf(url, {
    id: member('AccessKeyId'),
    secret: member('SecretAccessKey'),
    token: member('Token'),
    ends: member('Expiration'),
  });
}

function readDocument(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

interface Parts {
  readonly id: string | undefined;
  readonly secret: string | undefined;
  readonly token: string | undefined;
  readonly ends: string | undefined;
}

function issuedOf(from: URL, { id, secret, token, ends }: Parts): IssuedKeys {
  const endsMs = ends === undefined ? undefined : Date.parse(ends);
  if (!id || !secret || Number.isNaN(endsMs)) throw noKeys(from, 'its answer holds none');
  return { keys: { accessKeyId: id, secretAccessKey: secret, sessionToken: token || undefined }, endsMs };
}

/** Never says what was answered: keys may be in it. */
function noKeys(from: URL, why: string, cause?: unknown): ObjectStoreError {
  return new ObjectStoreError('refused', `${from.host} issues no keys of the bucket: ${why}.`, { cause });
}

interface Question {
  readonly method: 'GET' | 'PUT' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Follows no redirect: a session or a token would go along. */
async function ask(url: URL, { body, ...question }: Question): Promise<Said> {
  const request = url.protocol === 'https:' ? tlsRequest : plainRequest;
  try {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const sent = request(url, { ...question, agent: false, signal: AbortSignal.timeout(ISSUER_MS) }, resolve);
      sent.once('error', reject);
      sent.end(body);
    });
    const parts: Buffer[] = [];
    let size = 0;
    for await (const part of answer) {
      size += part.byteLength;
      if (size > ISSUED_BYTES) throw new Error(`its answer is longer than ${ISSUED_BYTES} bytes`);
      parts.push(part);
    }
    return { status: answer.statusCode ?? 0, text: Buffer.concat(parts).toString('utf8') };
  } catch (error) {
    throw noKeys(url, error instanceof Error ? error.message : String(error), error);
  }
}
