import { homedir } from 'node:os';
import { join } from 'node:path';
import { Refusal } from '../../bytes/refusal.ts';
import type { Config } from '../../config/config.ts';
import { secretVariable } from '../../config/environment.ts';
import type { CredentialSource, S3Credentials } from '../../s3/credentials.ts';
import { readGiven } from '../given-file.ts';

/** Milliseconds for which keys from a file are used before it is read again: a job may write new ones into it. */
const FILE_MS = 30_000;

/**
 * The keys of a bucket: of the file that the configuration names; else of the environment; else of the file that Amazon's own programs
 * read. Throws Refusal `state` where there are none.
 */
export function bucketKeys(
  blobs: Partial<Pick<NonNullable<Config['blobs']>, 'credentialsFile' | 'profile'>>,
): CredentialSource {
  const fromEnvironment = blobs.credentialsFile === undefined ? environmentKeys() : undefined;
  if (fromEnvironment !== undefined) return async () => fromEnvironment;
  const named = blobs.credentialsFile ?? secretVariable('AWS_SHARED_CREDENTIALS_FILE');
  const path = named ?? join(homedir(), '.aws', 'credentials');
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
    throw new Refusal(
      'state',
      `${path} has no aws_access_key_id and aws_secret_access_key of the profile ${profile}.`,
      {
        subject: 'state',
      },
    );
  return { accessKeyId, secretAccessKey, sessionToken: settings.get('aws_session_token') };
}
