import { Refusal } from '../bytes/refusal.ts';

/** A place in an S3-compatible store. */
export interface S3Address {
  /** The server, without a path. */
  readonly endpoint: URL;
  readonly region: string;
  readonly bucket: string;
  /** What every key begins with: empty, or with a slash at its end. */
  readonly prefix: string;
  /** The bucket is a name before the host's (Amazon's own way), and not the first part of the path. */
  readonly virtualHost: boolean;
}

const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const REGION = /^[a-z0-9-]{1,32}$/;
const KEY = /^[A-Za-z0-9._/-]{1,900}$/;
const FORM = 's3://BUCKET/PREFIX?endpoint=https://HOST&region=REGION';

/**
 * Reads `s3://BUCKET/PREFIX?endpoint=…&region=…`. Without an endpoint it is Amazon's, whose buckets are host names; elsewhere they are the
 * first part of the path. Refuses `format`.
 */
export function readS3Address(text: string): S3Address {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 's3:') throw bad(`"${text}" is no address of a bucket`);
  // A user name in front of the bucket would be a secret in an address.
  if (url.username !== '' || url.password !== '')
    throw bad('keys belong into the environment or a file, not into the address of a bucket');
  const { hostname: bucket, searchParams } = url;
  if (!BUCKET.test(bucket)) throw bad(`"${bucket}" is no name of a bucket`);
  for (const name of searchParams.keys())
    if (name !== 'endpoint' && name !== 'region') throw bad(`it has no setting "${name}"`);
  const region = searchParams.get('region') ?? 'us-east-1';
  if (!REGION.test(region)) throw bad(`"${region}" is no name of a region`);
  const folder = url.pathname.replace(/^\/+|\/+$/g, '');
  if (folder !== '' && (!KEY.test(folder) || folder.split('/').some((part) => /^\.*$/.test(part))))
    throw bad(`"${folder}" is no prefix: letters, digits and ._-/ make one`);
  const given = searchParams.get('endpoint');
  const endpoint = given === null ? amazon(bucket, region) : readEndpoint(given);
  return { endpoint, region, bucket, prefix: folder === '' ? '' : `${folder}/`, virtualHost: given === null };
}

/** A bucket with a dot is no name that Amazon's certificate covers. */
function amazon(bucket: string, region: string): URL {
  if (bucket.includes('.')) throw bad(`a bucket with a dot in its name needs an endpoint`);
  return new URL(`https://${bucket}.s3.${region}.amazonaws.com/`);
}

function readEndpoint(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) throw bad(`"${text}" is no endpoint`);
  const { pathname, search, hash, username, password } = url;
  if (pathname !== '/' || search !== '' || hash !== '' || username !== '' || password !== '')
    throw bad('an endpoint is a scheme, a host and a port alone');
  return url;
}

/** The URL of an object, or of the bucket where `key` is empty. */
export function objectUrl({ endpoint, bucket, prefix, virtualHost }: S3Address, key: string): URL {
  if (key !== '' && !KEY.test(key)) throw new TypeError(`"${key}" is no key`);
  const url = new URL(endpoint);
  url.pathname = `${virtualHost ? '' : `/${bucket}`}/${key === '' ? '' : prefix + key}`;
  return url;
}

/** For people. */
export function addressText({ endpoint, bucket, prefix }: S3Address): string {
  return `${bucket}/${prefix} at ${endpoint.host}`;
}

function bad(why: string): Refusal {
  return new Refusal('format', `The address of an object store is ${FORM}; ${why}.`, { subject: 'request' });
}
