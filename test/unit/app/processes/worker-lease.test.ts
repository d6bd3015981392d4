import { expect, it } from 'vitest';
import type { ToSupervisor } from '../../../../src/app/processes/messages.ts';
import { WorkerLease } from '../../../../src/app/processes/worker-lease.ts';

it('a supervisor that stands still keeps nobody from working, and what it grants too late is given back', async () => {
  const sent: ToSupervisor[] = [];
  const lease = new WorkerLease((message) => sent.push(message) > 0, 1);
  expect(await lease.take('key')).toMatchObject({ held: true, sure: false });
  expect(await lease.take('key')).toMatchObject({ held: true, sure: false });
  const [first, second] = sent.flatMap((message) => (message.kind === 'take' ? [message.id] : []));
  lease.hear({ kind: 'taken', id: first ?? 0, token: 7 });
  lease.hear({ kind: 'taken', id: second ?? 0, token: undefined });
  await new Promise(setImmediate);
  expect(sent.filter(({ kind }) => kind === 'release')).toEqual([{ kind: 'release', key: 'key', token: 7 }]);
});
