import { describe, expect, it } from 'vitest';
import type { Event } from '../../../src/ports/events.ts';
import { createEmit } from '../../../src/telemetry/events.ts';
import { createLog } from '../../../src/telemetry/log.ts';
import { createMetrics } from '../../../src/telemetry/metrics.ts';

interface Line {
  readonly level: string;
  readonly event: string;
  readonly message: string;
  readonly withheld?: number;
  readonly requestId?: string;
}

function telemetry(restMs?: number) {
  const lines: Line[] = [];
  const log = createLog({
    level: 'info',
    format: 'json',
    sink: { write: (line) => void lines.push(JSON.parse(line) as Line) },
  });
  const metrics = createMetrics({ indexes: [{ name: 'main', evidence: 'tuf', refreshSeconds: 60 }], version: '1.2.3' });
  return { lines, emit: createEmit(log, metrics, restMs) };
}

const refused: Event<'rejected'> = {
  name: 'rejected',
  index: 'main',
  reason: 'digest',
  subject: 'file',
  thing: 'a.whl',
  message: 'not what it should be',
  at: 'upstream',
};

const answered = (over: Partial<Event<'answered'>>): Event<'answered'> => ({
  name: 'answered',
  route: 'file',
  method: 'GET',
  status: 200,
  reason: undefined,
  seconds: 0.1,
  bytes: 1,
  aborted: false,
  path: '/packages/a.whl',
  client: '192.0.2.1',
  ...over,
});

describe('a flood of lines', () => {
  it('is told to its end, though no further line comes', async () => {
    const { lines, emit } = telemetry(1);
    for (let at = 0; at < 5000; at++) emit(refused);
    const written = lines.length;
    expect(written).toBeLessThan(5000);
    await expect.poll(() => lines.length).toBe(written + 1);
    const told = lines.reduce((sum, { withheld = 0 }) => sum + withheld, 0);
    expect(lines.at(-1)).toMatchObject({
      level: 'warn',
      event: 'rejected',
      message: expect.stringMatching(/^\d+ more lines like these/),
    });
    // Every line is either written or counted in one that is.
    expect(written + told).toBe(5000);
  });

  it('is told once: by the next line, or by the one that comes after', async () => {
    const { lines, emit } = telemetry(5);
    for (let at = 0; at < 1000; at++) emit(refused);
    await expect.poll(() => lines.at(-1)?.message).toMatch(/more lines like these/);
    // The budget grows by ten a second: a line passes again, and has nothing to tell any more.
    await expect
      .poll(
        () => {
          emit(refused);
          return lines.filter(({ message }) => message.startsWith('refused')).length;
        },
        { timeout: 60_000 },
      )
      .toBeGreaterThan(100);
    await expect.poll(() => lines.reduce((sum, { withheld = 0 }) => sum + withheld, 0)).toBeGreaterThan(890);
  });
});

describe('a request that its client names', () => {
  it.each([
    [502, true],
    [503, true],
    [403, true],
    [200, false],
    [404, false],
    [401, false],
  ])('%i is a line: %s', (status, isLine) => {
    const { lines, emit } = telemetry();
    emit(answered({ status, reason: 'digest', requestId: 'ask-1' }));
    expect(lines.map(({ event, requestId }) => [event, requestId])).toEqual(isLine ? [['request', 'ask-1']] : []);
  });

  it('is none without a name', () => {
    const { lines, emit } = telemetry();
    emit(answered({ status: 502 }));
    expect(lines).toEqual([]);
  });
});
