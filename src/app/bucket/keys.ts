import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { isLoopback } from '../../bytes/loopback.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Config } from '../../config/config.ts';
import { secretVariable } from '../../config/environment.ts';
import type { S3Address } from '../../s3/address.ts';
import type { CredentialSource, S3Credentials } from '../../s3/credentials.ts';
import { containerKeys, type Issuer, instanceKeys, renewedKeys, webIdentityKeys } from '../../s3/issued-keys.ts';
import { readGiven } from '../given-file.ts';

/** Milliseconds for which keys from a file are used before it is read again: a job may write new ones into it. */
const FILE_MS = 30_000;
const INSTANCE = 'http://169.254.169.254/';
const CONTAINER_HOST = '169.254.170.2';
/** ECS, and EKS Pod Identity by both families. */
const ON_THE_LINK: ReadonlySet<string> = new Set([CONTAINER_HOST, '169.254.170.23', '[fd00:ec2::23]']);

type Named = Partial<Pick<NonNullable<Config['blobs']>, 'credentialsFile' | 'profile'>>;

/**
 * The keys of a bucket, of the first that there is: the file that the configuration names; the environment; the role of a workload (web identity);
 * its container; the file that Amazon's own programs read; of Amazon's own store the machine's role. Throws Refusal `state` where there are none.
 */
export function bucketKeys(blobs: Named, address: Pick<S3Address, 'region' | 'virtualHost'>): CredentialSource {
  if (blobs.credentialsFile !== undefined) return keysOfFile(blobs.credentialsFile, blobs);
  const fromEnvironment = environmentKeys();
  if (fromEnvironment !== undefined) return async () => fromEnvironment;
  const named = secretVariable('AWS_SHARED_CREDENTIALS_FILE');
  if (named !== undefined) return keysOfFile(named, blobs);
  const issuer = issuerOf(address);
  if (issuer !== undefined) return renewedKeys(issuer);
  const usual = join(homedir(), '.aws', 'credentials');
  const isInstance = address.virtualHost && secretVariable('AWS_EC2_METADATA_DISABLED') !== 'true';
  return isInstance && !existsSync(usual) ? renewedKeys(instanceKeys(instance())) : keysOfFile(usual, blobs);
}

/** What the platform that runs this says of who issues keys. */
function issuerOf({ region }: Pick<S3Address, 'region'>): Issuer | undefined {
  const [tokenFile, role] = [secretVariable('AWS_WEB_IDENTITY_TOKEN_FILE'), secretVariable('AWS_ROLE_ARN')];
  if (tokenFile !== undefined && role !== undefined)
    return webIdentityKeys({
      endpoint: urlOf(secretVariable('AWS_ENDPOINT_URL_STS') ?? `https://sts.${region}.amazonaws.com/`),
      role,
      session: secretVariable('AWS_ROLE_SESSION_NAME') ?? 'verbatim',
      token: () => readGiven(tokenFile, 'the token of this workload').toString('utf8').trim(),
    });
  const [relative, full] = [
    secretVariable('AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'),
    secretVariable('AWS_CONTAINER_CREDENTIALS_FULL_URI'),
  ];
  if (relative === undefined && full === undefined) return undefined;
  const url = relative === undefined ? urlOf(full ?? '') : urlOf(`http://${CONTAINER_HOST}${relative}`);
  // A token in the clear goes to this machine alone, and to the addresses that a container's platform has on its own link.
  if (url.protocol !== 'https:' && !isLoopback(url.hostname) && !ON_THE_LINK.has(url.hostname))
    throw noKeys(
      `The keys of the bucket would be asked of ${url.host} in the clear (AWS_CONTAINER_CREDENTIALS_FULL_URI).`,
    );
  const file = secretVariable('AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE');
  return containerKeys(url, () =>
    file === undefined
      ? secretVariable('AWS_CONTAINER_AUTHORIZATION_TOKEN')
      : readGiven(file, 'the token of this container').toString('utf8').trim(),
  );
}

function instance(): URL {
  return urlOf(secretVariable('AWS_EC2_METADATA_SERVICE_ENDPOINT') ?? INSTANCE);
}

function urlOf(text: string): URL {
  if (URL.canParse(text) && /^https?:/.test(text)) return new URL(text);
  throw noKeys(`"${text}" is no address to have keys of the bucket from.`);
}

function noKeys(message: string): Refusal {
  return new Refusal('state', message, { subject: 'state' });
}

/** Read again from time to time: a job may write new ones into it. */
function keysOfFile(path: string, blobs: Named): CredentialSource {
  const profile = blobs.profile ?? secretVariable('AWS_PROFILE') ?? 'default';
  let read = { keys: fileKeys(path, profile), at: performance.now() };
  return async () => {
    if (performance.now() - read.at > FILE_MS) read = { keys: fileKeys(path, profile), at: performance.now() };
    return read.keys;
  };
}

function environmentKeys(): S3Credentials | undefined {
  const [accessKeyId, secretAccessKey] = [secretVariable('AWS_ACCESS_KEY_ID'), secretVariable('AWS_SECRET_ACCESS_KEY')];
  if (accessKeyId === undefined || accessKeyId === '' || secretAccessKey === undefined) return undefined;
  return { accessKeyId, secretAccessKey, sessionToken: secretVariable('AWS_SESSION_TOKEN') };
}

function fileKeys(path: string, profile: string): S3Credentials {
  const settings = new Map<string, string>();
  let section = '';
  for (const line of readGiven(path, 'the keys of the bucket').toString('utf8').split(/\r?\n/)) {
    const heading = /^\s*\[\s*(?:profile\s+)?([^\]]+?)\s*\]/.exec(line);
    if (heading !== null) section = heading[1] ?? '';
    const [, name, value] = /^\s*([a-z_]+)\s*=\s*(\S+)\s*$/.exec(line) ?? [];
    if (section === profile && name !== undefined && value !== undefined) settings.set(name, value);
  }
  const [accessKeyId, secretAccessKey] = [settings.get('aws_access_key_id'), settings.get('aws_secret_access_key')];
  if (accessKeyId === undefined || secretAccessKey === undefined)
    throw noKeys(`${path} has no aws_access_key_id and aws_secret_access_key of the profile ${profile}.`);
  return { accessKeyId, secretAccessKey, sessionToken: settings.get('aws_session_token') };
}
