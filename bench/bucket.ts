import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { sha256Hex } from '../src/bytes/digest.ts';
import { readS3Address } from '../src/s3/address.ts';
import { S3Client } from '../src/s3/client.ts';
import { S3_BUCKET, S3_KEYS } from '../test/support/s3.ts';
import { startVersitygw } from '../test/support/versitygw.ts';
import { withDirectory } from './support/index.ts';
import { serve } from './support/mirror.ts';
import { run } from './support/processes.ts';
import { alternate, compare, gigabytes, type Measure } from './support/table.ts';
import { serveIndex } from './support/unsigned.ts';

const SIZE = 50_000_000;
const ROUNDS = 7;
const PREFIX = 'files';

/** A file that this machine does not hold: brought from a bucket on loopback, proved whole, and sent; beside curl straight from the bucket. */
export const bucket: Measure = async (log) =>
  withDirectory(async (directory) => {
    const gateway = await startVersitygw();
    const store = `s3://${S3_BUCKET}/${PREFIX}?endpoint=${gateway.url}`;
    const wheels = Array.from({ length: ROUNDS + 1 }, (_, at) => {
      const bytes = randomBytes(SIZE);
      const sha256 = sha256Hex(bytes);
      const key = `blobs/sha256/${sha256.slice(0, 2)}/${sha256}`;
      const path = join(gateway.root, S3_BUCKET, PREFIX, key);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, bytes);
      const filename = `sampleproject-1.${at}-py3-none-any.whl`;
      return { key, line: { filename, url: `../../packages/${filename}`, hashes: { sha256 }, size: SIZE } };
    });
    const page = { meta: { 'api-version': '1.0' }, name: 'sampleproject', files: wheels.map(({ line }) => line) };
    const upstream = await serveIndex(new Map([['simple/sampleproject/', Buffer.from(JSON.stringify(page))]]));
    Object.assign(process.env, {
      AWS_ACCESS_KEY_ID: S3_KEYS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: S3_KEYS.secretAccessKey,
    });
    const mirror = await serve(directory, ['--upstream', `${upstream.url}simple/`, '--blobs', store]);
    const client = new S3Client({ address: readS3Address(store), credentials: async () => S3_KEYS });
    try {
      log('bucket: files that are nowhere else');
      const [here, there] = [[...(await urlsOf(mirror.url))], wheels.map(({ key }) => key)];
      let at = 0;
      const figure = await alternate(ROUNDS, {
        ours: () => rate(here[at] ?? ''),
        again: () => rate(here[at++] ?? ''),
        curl: async () => rate(await client.presigned(there.pop() ?? '', 300)),
      });
      return [
        compare({
          what: '50 MB file from a bucket (versitygw on loopback), first asked for here: brought whole, proved and sent',
          ours: figure('ours'),
          beside: ['curl from the bucket', figure('curl')],
          show: gigabytes,
          atLeast: 0.7,
        }),
        compare({
          what: 'the same file of the bucket, asked for again: every chunk checked',
          ours: figure('again'),
          beside: ['curl from the bucket', figure('curl')],
          show: gigabytes,
          atLeast: 0.7,
        }),
      ];
    } finally {
      client.close();
      await mirror.stop();
      await upstream.close();
      await gateway.close();
    }
  });

async function urlsOf(mirror: string): Promise<readonly string[]> {
  const at = `${mirror}simple/sampleproject/`;
  const answer = await fetch(at, { headers: { accept: 'application/vnd.pypi.simple.v1+json' } });
  const { files } = (await answer.json()) as { readonly files: readonly { readonly url: string }[] };
  return files.map(({ url }) => new URL(url, at).href);
}

/** GB a second, by curl's own watch. */
async function rate(url: string): Promise<number> {
  const { stdout } = await run('curl', ['-sSf', '-o', '/dev/null', '-w', '%{size_download} %{time_total}', url]);
  const [bytes = 0, seconds = 1] = stdout.split(' ').map(Number);
  if (bytes !== SIZE) throw new Error(`${bytes} bytes came of ${SIZE}`);
  return bytes / 1e9 / seconds;
}
