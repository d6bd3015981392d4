import { randomBytes } from 'node:crypto';
import { startUpstream } from '../../test/support/upstream.ts';
import { ask, JSON_PAGE } from '../support/ask.ts';
import { cpuOf, cpuPerAnswer } from '../support/cpu.ts';
import { rootOf, startMirror } from '../support/index.ts';
import { type Load, load } from '../support/load.ts';
import { childFile, start } from '../support/processes.ts';
import { CONNECTIONS, headersOfKinds, KINDS, PAGE, samplePage } from '../support/sample-page.ts';
import type { Group } from './side.ts';

const WARM_UP_SECONDS = 3;
const SECONDS = 1.5;
const SMALL_BYTES = 64 * 1024;
const LARGE_BYTES = 50_000_000;
const LARGE_READS = 20;

/** What is at hand: a page in each of its forms, a small file and a large one. */
export async function warmAnswers(): Promise<Group> {
  const index = samplePage();
  const wheelOf = (size: number) => ({ filename: `files-${size}-py3-none-any.whl`, bytes: randomBytes(size) });
  const [small, large] = [wheelOf(SMALL_BYTES), wheelOf(LARGE_BYTES)];
  index.upload('files', small, large);
  index.publish();
  const upstream = await startUpstream({ files: index.repository.files, etags: false });
  return {
    async open(program, directory) {
      const mirror = await startMirror(directory, upstream.url, rootOf(index), { program });
      const reader = start(process.execPath, [childFile('reader.ts')]);
      await reader.line();
      const page = mirror.url + PAGE;
      const [smallUrl, largeUrl] = [small, large].map((wheel) => mirror.url + index.filePath(wheel));
      const read = async (times: number) => {
        reader.tell(`${largeUrl} ${times}`);
        await reader.line();
      };
      const { response } = await ask(page, JSON_PAGE);
      const headers = headersOfKinds(response.headers.etag ?? '');
      const under = (url = '', sent: Load['headers'] = {}, seconds = SECONDS): Load => ({
        url,
        headers: sent,
        connections: CONNECTIONS,
        seconds,
      });
      await load(under(page, JSON_PAGE, WARM_UP_SECONDS));
      await load(under(smallUrl, {}, WARM_UP_SECONDS));
      await read(2);
      return {
        figures: new Map([
          ...KINDS.map(
            (kind) => [`warm page, ${kind}`, () => cpuPerAnswer(mirror.pid, under(page, headers[kind]))] as const,
          ),
          ['warm file of 64 KB', () => cpuPerAnswer(mirror.pid, under(smallUrl))],
          [
            'warm file of 50 MB',
            async () => {
              const before = cpuOf(mirror.pid);
              await read(LARGE_READS);
              return (cpuOf(mirror.pid) - before) / LARGE_READS;
            },
          ],
        ]),
        async stop() {
          await reader.stop();
          await mirror.stop();
        },
      };
    },
    close: () => upstream.close(),
  };
}

/** The same page over TLS. */
export async function warmTls(): Promise<Group> {
  const index = samplePage();
  index.publish();
  const upstream = await startUpstream({ files: index.repository.files, etags: false });
  return {
    async open(program, directory) {
      const mirror = await startMirror(directory, upstream.url, rootOf(index), { program, tls: true });
      const under = (seconds: number): Load => ({
        url: mirror.url + PAGE,
        headers: JSON_PAGE,
        connections: CONNECTIONS,
        seconds,
      });
      await load(under(WARM_UP_SECONDS));
      return {
        figures: new Map([['warm page, JSON over TLS', () => cpuPerAnswer(mirror.pid, under(SECONDS))]]),
        stop: mirror.stop,
      };
    },
    close: () => upstream.close(),
  };
}
