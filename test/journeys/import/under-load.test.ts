import { expect, it, onTestFinished } from 'vitest';
import { startImportRig } from '../../rigs/import-rig.ts';
import { tinyWheel } from '../../support/tiny-wheel.ts';

// Clients that ask all the while a bundle is imported.

const CLIENTS = 6;
const OLD = tinyWheel('alpha');
const NEW = tinyWheel('alpha', '2.0');
const OTHERS = Array.from({ length: 40 }, (_, at) => tinyWheel(`other-${at}`, '1.0', 'x'.repeat(20_000)));

it('no request fails while an import goes on, and each client sees the old state whole, then the new one, and never the old again', async () => {
  const rig = await startImportRig();
  onTestFinished(() => rig.close());
  rig.sender.put('alpha', OLD);
  await rig.take([(await rig.sender.bundle()).whole]);
  rig.sender.put('alpha', OLD, NEW);
  for (const wheel of OTHERS) rig.sender.put(wheel.project, wheel);
  const { whole } = await rig.sender.bundle({ since: 1 });
  let isOver = false;
  const client = async (): Promise<readonly number[]> => {
    const seen: number[] = [];
    for (let last = false; !last; ) {
      last = isOver;
      const { files } = await rig.page('alpha');
      seen.push(files.length);
      for (const { filename, url } of files) {
        const answer = await rig.get(new URL(url, 'http://host/simple/alpha/').pathname);
        const { bytes } = filename === OLD.filename ? OLD : NEW;
        expect([answer.status, Buffer.compare(answer.body, bytes)]).toEqual([200, 0]);
      }
    }
    return seen;
  };
  const clients = Array.from({ length: CLIENTS }, client);
  await rig.take([whole]);
  isOver = true;
  for (const seen of await Promise.all(clients)) {
    expect([...seen].sort((a, b) => a - b)).toEqual(seen);
    expect([seen[0], seen.at(-1)]).toEqual([1, 2]);
  }
}, 120_000);
